import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run, type Started, start } from '../process.ts';
import { type Caller, caller } from './place.ts';

const place = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'claviger-clients', 'fips');
const config = join(place, 'openssl.cnf');
const missing =
  !existsSync(config) && "skipped: there is no FIPS module of OpenSSL; tools/setup configures the system's";

const folder = mkdtempSync(join(tmpdir(), 'claviger-fips-'));
const data = join(folder, 'data');
const env = { OPENSSL_CONF: config };
let server: Started;
let calls: Caller;
let officer = '';
let admin = '';
let user = '';

before(async () => {
  if (missing !== false) return;
  const custodians = ['--custodian', 'Ann', '--custodian', 'Bo', '--out', join(folder, 'sheets')];
  const making = ['init', '--fips', '--data', data, '--seal', 'shamir', '--shares', '2', '--threshold', '2'];
  const { code, output } = await run([...making, ...custodians], { env });
  assert.equal(code, 0, output);
  officer = /CLAVIGER_TOKEN=(\S+)/.exec(output)![1]!;
  const serving = ['server', '--fips', '--fips-certificate', '#9999', '--data', data, '--listen', '127.0.0.1:0'];
  server = await start(serving, { env });
  for (const sheet of readdirSync(join(folder, 'sheets'))) {
    const unseal = ['unseal', '--data', data, '--share-file', join(folder, 'sheets', sheet)];
    await run(unseal);
  }
  calls = caller(server.url, data);
  const identity = async (name: string, role: string) =>
    (await native('POST', '/identities', officer, { name, role })).token as string;
  admin = await identity('admin', 'key-administrator');
  user = await identity('user', 'key-user');
});
after(async () => {
  calls?.close();
  await server?.stop();
  rmSync(folder, { recursive: true });
});

async function ask(method: string, path: string, token: string, body?: object) {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const answer = await calls.send(method, path, text, headers);
  return { status: answer.status, ...(answer.body === '' ? {} : JSON.parse(answer.body)) };
}

const native = (method: string, path: string, token: string, body?: object) =>
  ask(method, `/claviger/v1${path}`, token, body) as Promise<Record<string, unknown> & { status: number }>;

const vault = (path: string, token: string, body: object) =>
  ask('POST', `/v1/transit/${path}`, token, body) as Promise<{
    status: number;
    data: { signature: string; valid: boolean };
  }>;

test('says which module it runs on and what is refused with it, and claims no more', { skip: missing }, async () => {
  const module = /^OpenSSL FIPS Provider \d+\.\d+\.\d+, certificate #9999 as stated$/;
  assert.match(String((await native('GET', '/status', officer)).fips), module);
  const { stdout } = await run(['status', '--data', data]);
  assert.match(stdout, /^FIPS module +OpenSSL FIPS Provider/m);
  assert.match(server.output(), /^Refused with it: keys of ChaCha20-Poly1305; .*Argon2id\)\.$/m);
  assert.doesNotMatch(server.output(), /compliant|validated|certified/i);
});

test('keys that the module has encrypt and sign, also digests that are given', { skip: missing }, async () => {
  const message = Buffer.from('message').toString('base64');
  const digest = createHash('sha256').update('message').digest('base64');
  const made = await native('POST', '/keys', admin, { name: 'aes', spec: 'aes-256' });
  assert.ok(made.status < 300, JSON.stringify(made));
  const { ciphertext } = await native('POST', '/keys/aes/encrypt', user, { plaintext: message });
  assert.equal((await native('POST', '/decrypt', user, { ciphertext })).plaintext, message);
  for (const [type, input] of [
    ['ecdsa-p256', { input: digest, prehashed: true }],
    ['rsa-2048', { input: digest, prehashed: true }],
    ['ed25519', { input: message }],
    ['ml-dsa', { input: message }],
  ] as const) {
    const parameters = type === 'ml-dsa' ? { parameter_set: '65' } : {};
    const key = await vault(`keys/${type}`, admin, { type, ...parameters });
    assert.ok(key.status < 300, JSON.stringify(key));
    const { signature } = (await vault(`sign/${type}`, user, input)).data;
    assert.equal((await vault(`verify/${type}`, user, { ...input, signature })).data.valid, true, type);
  }
});

test('what the module has not is refused', { skip: missing }, async () => {
  for (const spec of ['chacha20-poly1305', 'ec-secp256k1', 'x25519', 'sm2']) {
    const made = await native('POST', '/keys', admin, { name: `no-${spec}`, spec });
    assert.match(JSON.stringify(made), /FIPS module, which has no /, spec);
  }
});

test('a seal by passphrase is refused, and says why', { skip: missing }, async () => {
  const passphrase = join(folder, 'passphrase');
  writeFileSync(passphrase, 'a passphrase for the test');
  const { code, output } = await run(
    ['init', '--fips', '--data', join(folder, 'other'), '--passphrase-file', passphrase],
    { env },
  );
  assert.equal(code, 1);
  assert.match(output, /FIPS module, which has no Argon2id/);
});

test('does not start without a module, and says what is missing', async () => {
  const wrong = join(folder, 'openssl.cnf');
  writeFileSync(wrong, '');
  for (const [OPENSSL_CONF, reason] of [
    ['', /OPENSSL_CONF names no OpenSSL configuration/],
    [wrong, /does not activate the provider "fips"/],
  ] as const) {
    const { code, output } = await run(['server', '--fips', '--data', data], { env: { OPENSSL_CONF } });
    assert.equal(code, 1);
    assert.match(output, reason);
    assert.match(output, /openssl fipsinstall/);
  }
});
