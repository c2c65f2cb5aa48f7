import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { type RunningServer, startServer } from '../harness.ts';
import { ask, b64, bao, type OpenBao, startOpenBao } from '../openbao.ts';
import { runClaviger, start } from '../process.ts';

/*
 * The same migration without an OpenBao: from what one answered when it was asked (its version stands in the file). With CLAVIGER_RECORD=1
 * and the program at hand the file is written anew.
 */

const file = fileURLToPath(new URL('recorded/openbao-migration.json', import.meta.url));
const records = process.env.CLAVIGER_RECORD === '1' && bao.missing === false;
const home = mkdtempSync(join(tmpdir(), 'claviger-recorded-'));
const message = b64('attack at dawn');
const context = b64('tenant-7');

interface Recorded {
  readonly version: string;
  /** By method, path and body. */
  readonly answers: Record<string, { readonly status: number; readonly body: string }>;
  /** By key: what each of its versions made. */
  readonly made: Record<string, Array<Readonly<Record<'ciphertext' | 'signature' | 'hmac', string | undefined>>>>;
}

const kinds: Readonly<Record<string, readonly [type: string, backup: boolean, more?: object]>> = {
  aes: ['aes256-gcm96', false],
  convergent: ['aes128-gcm96', true, { derived: true, convergent_encryption: true }],
  rsa: ['rsa-2048', false],
  'rsa-backup': ['rsa-2048', true],
  p384: ['ecdsa-p384', false],
  'p521-backup': ['ecdsa-p521', true],
  ed25519: ['ed25519', false],
  'ed25519-backup': ['ed25519', true],
  'ed25519-derived': ['ed25519', false, { derived: true }],
  hmac: ['hmac', false, { key_size: 48 }],
};

let recorded: Recorded;
let server: RunningServer;
let token: string;
let source: http.Server;
let where: readonly string[];
/** While it is recorded. */
let live: OpenBao | undefined;
let first: { readonly moved: readonly object[]; readonly postponed: number };

before(async () => {
  server = await startServer();
  const env = await server.env();
  token = env.VAULT_TOKEN!;
  tls.setDefaultCACertificates([readFileSync(env.VAULT_CACERT!, 'utf8')]);
  writeFileSync(join(home, 'token'), 'root');
  if (records) live = await startOpenBao();
  if (live !== undefined) recorded = await filled(live);
  else if (existsSync(file)) recorded = JSON.parse(readFileSync(file, 'utf8'));
  source = http.createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => source.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(source.address() as AddressInfo).port}`;
  where = ['--from', url, '--from-token-file', join(home, 'token'), '--no-verify', '--json'];
  const run = ['migrate', 'vault', ...where, '--journal', join(home, 'journal')];
  try {
    const { stdout } = await server.claviger(...run, '--limit', '4');
    first = JSON.parse(stdout);
    await server.claviger(...run);
  } finally {
    await live?.stop();
  }
  if (live !== undefined) writeFileSync(file, `${JSON.stringify(recorded, undefined, 1)}\n`);
  live = undefined;
});

after(async () => {
  source?.closeAllConnections();
  source?.close();
  await server?.stop();
  rmSync(home, { recursive: true });
});

async function answer(request: http.IncomingMessage, response: http.ServerResponse) {
  let body = '';
  for await (const chunk of request) body += chunk;
  const name = `${request.method} ${request.url} ${body}`.trim();
  if (live !== undefined) {
    const headers = { 'x-vault-token': live.token };
    const asked = await fetch(live.url + request.url, {
      method: request.method!,
      headers,
      ...(body !== '' && { body }),
    });
    recorded.answers[name] = { status: asked.status, body: await asked.text() };
  }
  const known = recorded.answers[name];
  response.statusCode = known?.status ?? 500;
  response.end(known?.body ?? JSON.stringify({ errors: [`not recorded: ${name}`] }));
}

async function filled({ call }: OpenBao): Promise<Recorded> {
  const made: Recorded['made'] = {};
  for (const [name, [type, backup, more = {}]] of Object.entries(kinds)) {
    made[name] = [];
    const bound = 'derived' in more ? { context } : {};
    await call('POST', `transit/keys/${name}`, { type, exportable: true, allow_plaintext_backup: backup, ...more });
    for (let version = 1; version <= 2; version++) {
      if (version > 1) await call('POST', `transit/keys/${name}/rotate`);
      const does = async (verb: string, body: object, member: string) =>
        (await call('POST', `transit/${verb}/${name}`, body)).data[member] as string;
      made[name]!.push({
        ciphertext: /gcm|rsa/.test(type)
          ? await does('encrypt', { plaintext: message, ...bound }, 'ciphertext')
          : undefined,
        signature: /rsa|ecdsa|ed25519/.test(type)
          ? await does('sign', { input: message, ...bound }, 'signature')
          : undefined,
        hmac: await does('hmac', { input: message }, 'hmac'),
      });
    }
  }
  for (let i = 1; i <= 3; i++) await call('POST', 'secret/data/app', { data: { i, html: '<&>' } });
  await call('POST', 'secret/destroy/app', { versions: [1] });
  await call('POST', 'kv/plain', { v: 1 });
  return { version: bao.version, answers: {}, made };
}

const here = (method: string, path: string, body?: object) => ask({ url: server.url, token }, method, path, body);

for (const [name, [, , more = {}]] of Object.entries(kinds)) {
  test(`what the recorded key ${name} made is good here`, async () => {
    assert.equal(recorded.made[name]!.length, 2);
    const bound = 'derived' in more ? { context } : {};
    for (const { ciphertext, signature, hmac } of recorded.made[name]!) {
      if (ciphertext !== undefined) {
        const opened = await here('POST', `transit/decrypt/${name}`, {
          ciphertext,
          ...('derived' in more && { context }),
        });
        assert.equal(opened.data?.plaintext, message);
      }
      for (const proof of [{ signature }, { hmac }].filter((one) => Object.values(one)[0] !== undefined)) {
        const { data } = await here('POST', `transit/verify/${name}`, { input: message, ...proof, ...bound });
        assert.equal(data?.valid, true, JSON.stringify(proof));
      }
    }
  });
}

test('a limit brings so many, and leaves the others to the next run', () => {
  assert.deepEqual([first.moved.length, first.postponed], [4, Object.keys(kinds).length + 2 - 4]);
});

test('mounts that the source does not have are a mistake, and nothing to do is not', async () => {
  const other = ['migrate', 'vault', ...where, '--journal', join(home, 'other-journal'), '--dry-run'];
  await assert.rejects(
    server.claviger(...other, '--mounts', 'trasnit'),
    /Nothing of the source is asked for: .*transit/s,
  );
  await server.claviger('migrate', 'vault', ...where, '--journal', join(home, 'journal'), '--mounts', 'transit');
});

test('the recorded secrets are here', async () => {
  assert.deepEqual((await here('GET', 'secret/data/app')).data.data, { i: 3, html: '<&>' });
  assert.deepEqual((await here('GET', 'secret/data/app?version=2')).data.data, { i: 2, html: '<&>' });
  assert.equal((await here('GET', 'secret/data/app?version=1')).data.metadata.destroyed, true);
  assert.deepEqual((await here('GET', 'kv/plain')).data, { v: 1 });
});

test('where duties are separate, one brings the keys and another one writes the secrets', async () => {
  const data = join(home, 'production');
  const passphrase = ['--passphrase-file', join(home, 'passphrase')];
  writeFileSync(passphrase[1]!, 'correct horse battery staple\n', { mode: 0o600 });
  const { stdout } = await runClaviger(['init', '--data', data, ...passphrase]);
  const officer = { CLAVIGER_TOKEN: /CLAVIGER_TOKEN=(\S+)/.exec(stdout)![1]! };
  const production = await start(['server', '--data', data, '--listen', '127.0.0.1:0', ...passphrase]);
  try {
    for (const [name, role] of [
      ['alice', 'key-administrator'],
      ['billing', 'key-user'],
    ] as const) {
      await runClaviger(['identity', 'create', name, '--role', role, '--save', '--data', data], officer);
    }
    const migrate = async (...as: string[]) => {
      const run = ['migrate', 'vault', ...where, '--journal', join(home, 'duties'), '--data', data, ...as];
      const ended = await runClaviger(run).catch((error: { stdout: string }) => error);
      const { moved, failed } = JSON.parse(ended.stdout);
      const kindsOf = (list: ReadonlyArray<{ kind: string }>) => [...new Set(list.map(({ kind }) => kind))];
      return [kindsOf(moved), kindsOf(failed)];
    };
    assert.deepEqual(await migrate('--identity', 'alice'), [['key'], ['secret']]);
    assert.deepEqual(await migrate('--identity', 'alice', '--user-identity', 'billing'), [['secret'], []]);
  } finally {
    await production.stop();
  }
});
