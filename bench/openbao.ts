import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../test/openbao.ts';
import { startPinned, type Target } from './load.ts';
import { type Ask, asking } from './vault-calls.ts';

/**
 * OpenBao as its makers advise for production: integrated storage, a file audit device, TLS, and requests by a token with a
 * policy of its own instead of the root token. One share of the root key, because nobody is there to hold more.
 */
export interface OpenBao extends Target {
  /** What its audit device wrote. */
  readonly auditFile: string;
  readonly version: string;
  readonly root: Ask;
  readonly token: string;
}

export interface OpenBaoOptions {
  readonly program: string;
  readonly folder: string;
  /** Undefined: in the clear. */
  readonly tls: { readonly certificate: string; readonly key: string; readonly ca: string } | undefined;
  /** In OpenBao's language, for the token that the load uses. */
  readonly policy: string;
}

export async function startOpenBao({ program, folder, tls, policy }: OpenBaoOptions): Promise<OpenBao> {
  const [port, cluster] = [await freePort(), await freePort()];
  const scheme = tls === undefined ? 'http' : 'https';
  const url = `${scheme}://127.0.0.1:${port}`;
  const auditFile = join(folder, 'audit.log');
  const config = join(folder, 'openbao.hcl');
  mkdirSync(join(folder, 'raft'), { recursive: true });
  const listener =
    tls === undefined ? 'tls_disable = true' : `tls_cert_file = "${tls.certificate}"\n  tls_key_file = "${tls.key}"`;
  writeFileSync(
    config,
    `storage "raft" {
  path = "${join(folder, 'raft')}"
  node_id = "one"
}
listener "tcp" {
  address = "127.0.0.1:${port}"
  cluster_address = "127.0.0.1:${cluster}"
  ${listener}
}
audit "file" "file" {
  options {
    file_path = "${auditFile}"
  }
}
api_addr = "${url}"
cluster_addr = "https://127.0.0.1:${cluster}"
`,
  );
  const ca = tls === undefined ? undefined : readFileSync(tls.ca);
  const anonymous = asking(url, '', ca);
  const ready = async (child: ChildProcess): Promise<string> => {
    let printed = '';
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (chunk: Buffer) => {
        printed = (printed + chunk.toString()).slice(-10_000);
      });
    }
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`OpenBao stopped with ${child.exitCode}:\n${printed}`);
      return await answers(anonymous, 'sys/seal-status');
    });
    return url;
  };
  const target = await startPinned(program, ['server', '-config', config], ready, 'pipe');
  const { keys_base64, root_token } = await anonymous('POST', 'sys/init', { secret_shares: 1, secret_threshold: 1 });
  await anonymous('POST', 'sys/unseal', { key: keys_base64[0] });
  await until(() => answers(anonymous, 'sys/health'));
  const root = asking(url, root_token, ca);
  await root('POST', 'sys/mounts/transit', { type: 'transit' });
  await root('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } });
  await root('POST', 'sys/policies/acl/load', { policy });
  // The default policy has templates, which OpenBao fills in at each request: it is spared that.
  const asked = { policies: ['load'], no_default_policy: true, period: '24h' };
  const { auth } = await root('POST', 'auth/token/create', asked);
  const { version } = await anonymous('GET', 'sys/seal-status');
  // Version 2 of the KV engine is made ready in the background.
  await until(() => answers(root, 'secret/config'));
  if (!existsSync(auditFile)) throw new Error('OpenBao writes no audit log');
  return { ...target, auditFile, version, root, token: auth.client_token };
}

const answers = (ask: Ask, path: string) =>
  ask('GET', path).then(
    () => true,
    () => false,
  );

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + 30_000; !(await holds()); await delay(50)) {
    if (performance.now() > deadline) throw new Error('OpenBao is not ready after 30 s');
  }
}
