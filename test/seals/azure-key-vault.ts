/** Azure Key Vault as Lowkey Vault plays it, a program of Java whose jar lies beside the project's other clients. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { DefaultAzureCredential } from '@azure/identity';
import { KeyClient } from '@azure/keyvault-keys';
import { freePort } from '../openbao.ts';
import { place } from '../programs.ts';
import { relayTo } from '../relay.ts';
import type { SealBackend } from './seal-backend.ts';

const jar = join(place, 'lowkey-vault.jar');
export const azureKeyVaultAbsent = absence();

function absence(): string | undefined {
  if (!existsSync(jar)) return `skipped: there is no ${jar}; put the jar of Lowkey Vault there`;
  try {
    execFileSync('java', ['-version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'skipped: java does not run';
  }
}

/** Lowkey Vault takes wrapping for encrypting. */
export const wrapping = { keySize: 2048, keyOps: ['wrapKey', 'unwrapKey', 'encrypt', 'decrypt'] };

export interface AzureKeyVaultBackend extends SealBackend {
  /** As somebody who may do everything. */
  readonly keys: KeyClient;
}

export async function startAzureKeyVault(): Promise<AzureKeyVaultBackend> {
  const [port, tokenPort] = [await freePort(), await freePort()];
  const args = [`--server.port=${port}`, `--app.token.port=${tokenPort}`, '--LOWKEY_VAULT_NAMES=-'];
  const child = spawn('java', ['-Xmx256m', '-jar', jar, ...args], { stdio: 'ignore' });
  // Whatever becomes of this process, that one ends with it.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const folder = mkdtempSync(join(tmpdir(), 'claviger-lowkey-'));
  const caFile = join(folder, 'ca.pem');
  const relay = await relayTo(port);
  const vault = `https://localhost:${relay.port}`;
  const token = `http://localhost:${tokenPort}`;
  const env = { IDENTITY_ENDPOINT: `${token}/metadata/identity/oauth2/token`, IDENTITY_HEADER: 'anything' };
  Object.assign(process.env, env);
  const ca = await certificateAt(port);
  writeFileSync(caFile, ca);
  await makeVault(port, ca, vault);
  const keys = new KeyClient(vault, new DefaultAzureCredential(), {
    disableChallengeResourceVerification: true,
    serviceVersion: '7.5',
    ...{ tlsOptions: { ca } },
  });
  for (const name of ['seal', 'other']) await keys.createRsaKey(name, wrapping);
  return {
    kind: 'azure-key-vault',
    settings: { vault, key: 'seal', caFile },
    otherSettings: { vault, key: 'other', caFile },
    env,
    wrongEnv: { AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential' },
    keys,
    breakOff: relay.cut,
    hold: relay.hold,
    mend: relay.mend,
    async stop() {
      await relay.close();
      process.off('exit', kill);
      kill();
      await gone;
      rmSync(folder, { recursive: true });
    },
  };
}

function makeVault(port: number, ca: string, baseUri: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const headers = { 'content-type': 'application/json' };
  request(`https://localhost:${port}/management/vault`, { method: 'POST', headers, ca }, (answer) => {
    answer.resume();
    if (answer.statusCode === 200) resolve();
    else reject(new Error(`no vault was made: ${answer.statusCode}`));
  })
    .on('error', reject)
    .end(JSON.stringify({ baseUri, recoveryLevel: 'Recoverable', recoverableDays: 90 }));
  return promise;
}

/** In PEM, once somebody answers at the port: it is signed by itself. */
async function certificateAt(port: number): Promise<string> {
  for (let tries = 0; ; tries++) {
    try {
      return await new Promise((resolve, reject) => {
        const socket = connect({ port, host: 'localhost', rejectUnauthorized: false }, () => {
          const { raw } = socket.getPeerCertificate();
          socket.destroy();
          resolve(`-----BEGIN CERTIFICATE-----\n${raw.toString('base64')}\n-----END CERTIFICATE-----\n`);
        }).once('error', reject);
      });
    } catch (error) {
      if (tries === 600) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
