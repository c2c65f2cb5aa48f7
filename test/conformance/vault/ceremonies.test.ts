import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { bao } from '../../openbao.ts';
import { run, type Started, start } from '../../process.ts';
import { run as told } from '../../programs.ts';
import { clientFrom, refused } from './client.ts';
import { holds, noHvac } from './hvac.ts';

/** Operators of a production server: whoever has the passphrase, and a security officer's token. */

const home = mkdtempSync(join(tmpdir(), 'claviger-ceremonies-'));
const data = join(home, 'data');
const next = join(home, 'next');
const oneShare = { secret_shares: 1, secret_threshold: 1 };
let passphrase = 'correct horse battery staple';
let server: Started;
let env: Record<string, string>;

before(async () => {
  const made = await run(['init', '--data', data, '--passphrase-fd', '3'], { fd3: passphrase });
  server = await start(['server', '--data', data, '--listen', '127.0.0.1:0']);
  env = {
    VAULT_ADDR: server.url,
    VAULT_CACERT: join(data, 'tls/ca.pem'),
    VAULT_TOKEN: /CLAVIGER_TOKEN=(\S+)/.exec(made.output)![1]!,
  };
});
after(async () => {
  await server?.stop();
  const { code, output } = await run(['audit', 'verify', '--data', data]);
  rmSync(home, { recursive: true });
  assert.equal(code, 0, output);
});

test('hvac unseals, seals, makes a root token, changes the passphrase, and keeps roles and leases', {
  skip: noHvac,
  timeout: 120_000,
}, async () => {
  await holds('hvac_sys.py', { ...env, SEAL_PASSPHRASE: passphrase, SEAL_NEXT: next }, 39);
  passphrase = readFileSync(next, 'utf8');
});

test('node-vault does the same, and a new passphrase without verification replaces the former at its first use', async () => {
  const officer = clientFrom(env);
  const anyone = clientFrom(env, '');
  if ((await anyone.status()).sealed) await anyone.unseal({ key: passphrase });
  assert.deepEqual(await anyone.initialized(), { initialized: true });
  const { nonce } = await officer.write('sys/rekey/init', oneShare);
  const { keys } = (await officer.write('sys/rekey/update', { key: passphrase, nonce })) as { keys: [string] };
  await officer.seal();
  assert.equal((await anyone.unseal({ key: passphrase })).sealed, false);
  await officer.seal();
  assert.equal((await anyone.unseal({ key: keys[0] })).sealed, false);
  await officer.seal();
  await refused(anyone.unseal({ key: passphrase }), 400, /does not open the seal/);
  passphrase = keys[0];
  await anyone.unseal({ key: passphrase });

  const { nonce: begun } = await officer.generateRootInit({ otp: 'A'.repeat(47) });
  assert.equal((await officer.read('sys/generate-root/attempt')).nonce, begun);
  assert.equal((await officer.generateRootUpdate({ key: passphrase, nonce: begun })).complete, true);
  await refused(anyone.read('sys/rekey/init'), 400, /missing client token/);
});

test('a new passphrase holds across a kill -9', async () => {
  const officer = clientFrom(env);
  const { nonce } = await officer.write('sys/rekey/init', { ...oneShare, require_verification: true });
  const made = (await officer.write('sys/rekey/update', { key: passphrase, nonce })) as {
    keys: [string];
    verification_nonce: string;
  };
  await officer.write('sys/rekey/verify', { key: made.keys[0], nonce: made.verification_nonce });
  await server.stop('SIGKILL');
  writeFileSync(next, made.keys[0]);
  server = await start(['server', '--data', data, '--listen', '127.0.0.1:0', '--passphrase-file', next]);
  env = { ...env, VAULT_ADDR: server.url };
  passphrase = made.keys[0];
  assert.equal((await clientFrom(env, '').status()).sealed, false);
});

test('bao operator does it on the command line', { skip: bao.missing, timeout: 120_000 }, async () => {
  const say = (...words: string[]) => told(bao.path, words, { ...env, HOME: home });
  const json = async (...words: string[]) => JSON.parse(await say(...words)) as Record<string, string & string[]>;
  assert.match(await say('operator', 'init', '-status'), /initialized/);
  const otp = (await say('operator', 'generate-root', '-generate-otp')).trim();
  const { nonce } = await json('operator', 'generate-root', '-format=json', '-init', `-otp=${otp}`);
  const fed = await json('operator', 'generate-root', '-format=json', `-nonce=${nonce}`, passphrase);
  const token = (await say('operator', 'generate-root', `-decode=${fed.encoded_token}`, `-otp=${otp}`)).trim();
  assert.equal((await clientFrom(env, token).tokenLookupSelf()).data.orphan, true);

  for (const command of ['rekey', 'rotate-keys']) {
    const start = ['operator', command, '-format=json'];
    const begun = await json(...start, '-init', '-key-shares=1', '-key-threshold=1', '-verify');
    const made = await json(...start, `-nonce=${begun.nonce}`, passphrase);
    const [key] = made.keys_base64 as unknown as [string];
    await say('operator', command, '-verify', `-nonce=${made.verification_nonce}`, key);
    passphrase = key;
  }
  await say('operator', 'seal');
  assert.match(await say('operator', 'unseal', passphrase), /Sealed +false/);
  assert.match(await say('audit', 'list'), /ledger\//);
  assert.match(await say('list', 'auth/token/accessors'), /CLTA/);
});
