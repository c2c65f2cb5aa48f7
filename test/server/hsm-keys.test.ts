import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KMS } from '@aws-sdk/client-kms';
import {
  compilerAbsent,
  FaultyModule,
  SoftHsm,
  softHsmAbsent,
  softHsmModule,
  userPin,
} from '../../src/hsm/testing/softhsm.ts';
import { type Ended, run, type Started, start } from '../process.ts';
import { caller } from './place.ts';

/** Keys that a token made and keeps, by the clients that use them. */

interface Credential {
  readonly token: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const absent = softHsmAbsent ?? false;
const home = mkdtempSync(join(tmpdir(), 'claviger-hsm-keys-'));
const data = join(home, 'data');
const pinFile = join(home, 'pin');
const passphraseFile = join(home, 'passphrase');
let soft: SoftHsm;
let faulty: FaultyModule | undefined;
let officer = '';
let admin: Credential;
let user: Credential;
let server: Started;

const serve = (...by: string[]) =>
  start(['server', '--data', data, '--listen', '127.0.0.1:0', ...(by.length > 0 ? by : ['--pin-file', pinFile])]);
const as = (token: string, ...args: string[]) => run([...args, '--data', data], { env: { CLAVIGER_TOKEN: token } });
const it = (title: string, body: () => Promise<void>, skip: string | false = absent) => test(title, { skip }, body);

async function ok(ended: Promise<Ended>): Promise<string> {
  const { code, output, stdout } = await ended;
  assert.equal(code, 0, output);
  return stdout;
}

async function refused(ended: Promise<Ended>, why: RegExp): Promise<void> {
  const { code, output } = await ended;
  assert.notEqual(code, 0, output);
  assert.match(output, why);
  assert.doesNotMatch(output, /^\s+at /m, 'a sentence, no stack');
}

const hire = async (name: string, role: string) =>
  JSON.parse(await ok(as(officer, 'identity', 'create', name, '--role', role, '--json'))) as Credential;

async function make(name: string, spec = 'ec-p256'): Promise<string> {
  const made = await ok(as(admin.token, 'key', 'create', name, '--protection', 'hsm', '--spec', spec, '--json'));
  return (JSON.parse(made) as { key: { id: string } }).key.id;
}

async function withKms<T>(who: Credential, act: (kms: KMS) => Promise<T>): Promise<T> {
  const { accessKeyId, secretAccessKey } = who;
  const kms = new KMS({
    ...{ endpoint: server.url, region: 'us-east-1', maxAttempts: 1, credentials: { accessKeyId, secretAccessKey } },
    requestHandler: { httpsAgent: new Agent({ ca: readFileSync(join(data, 'tls/ca.pem')) }) },
  });
  try {
    return await act(kms);
  } finally {
    kms.destroy();
  }
}

async function vault(token: string, method: string, path: string, body?: object) {
  const ask = caller(server.url, data);
  try {
    const answer = await ask.send(method, `/v1/${path}`, body && JSON.stringify(body), { 'x-vault-token': token });
    const told = answer.body === '' ? {} : (JSON.parse(answer.body) as { data?: Record<string, unknown> });
    return { status: answer.status, ...told };
  } finally {
    ask.close();
  }
}

const message = Buffer.from('what is signed');
const signed = (id: string) =>
  withKms(user, (kms) => kms.sign({ KeyId: id, Message: message, SigningAlgorithm: 'ECDSA_SHA_256' }));
const named = (name: string) => (error: unknown) => {
  assert.equal((error as Error).name, name, String(error));
  return true;
};
/** Ids of the private keys in the token, by another program. */
const privateKeys = () =>
  soft
    .pkcs11Tool(['--list-objects', '--type', 'privkey'])
    .split('\n')
    .flatMap((line) => /^\s*ID:\s+([0-9a-f]+)/.exec(line)?.[1] ?? []);

before(async () => {
  if (absent) return;
  soft = new SoftHsm();
  soft.addToken('keys');
  faulty = compilerAbsent === undefined ? new FaultyModule(home) : undefined;
  writeFileSync(pinFile, userPin, { mode: 0o600 });
  writeFileSync(passphraseFile, 'correct horse battery staple', { mode: 0o600 });
  const token = [
    '--set',
    `module=${faulty?.path ?? softHsmModule}`,
    '--set',
    'tokenLabel=keys',
    '--set',
    'newKey=root',
  ];
  const { output } = await run(['init', '--data', data, '--seal', 'pkcs11', ...token, '--pin-file', pinFile]);
  officer = /CLAVIGER_TOKEN=(\S+)/.exec(output)?.[1] ?? assert.fail(output);
  server = await serve();
  admin = await hire('admin', 'key-administrator');
  user = await hire('user', 'key-user');
});
after(async () => {
  await server?.stop();
  soft?.[Symbol.dispose]();
  rmSync(home, { recursive: true });
});

it('a pair that the token made signs for clients of AWS and of Vault, by its id and by its name', async () => {
  const id = await make('signer');
  assert.equal(privateKeys().length, 1);
  assert.match(await ok(as(admin.token, 'key', 'show', 'signer')), /protected by +an HSM/);
  await withKms(user, async (kms) => {
    const { KeyMetadata } = await withKms(admin, (one) => one.describeKey({ KeyId: id }));
    assert.equal(KeyMetadata!.Origin, 'AWS_CLOUDHSM');
    assert.equal(KeyMetadata!.KeySpec, 'ECC_NIST_P256');
    const { PublicKey } = await kms.getPublicKey({ KeyId: id });
    const publicKey = createPublicKey({ key: Buffer.from(PublicKey!), format: 'der', type: 'spki' });
    const { Signature } = await signed(id);
    assert.ok(verify('sha256', message, publicKey, Signature!));
    const asked = { KeyId: 'alias/signer', Message: message, SigningAlgorithm: 'ECDSA_SHA_256' } as const;
    assert.equal((await kms.verify({ ...asked, Signature })).SignatureValid, true);
  });
  const input = message.toString('base64');
  const { data: made } = await vault(user.token, 'POST', 'transit/sign/signer', { input });
  const { signature } = made as { signature: string };
  assert.match(signature, /^vault:v1:/);
  const { data: checked } = await vault(user.token, 'POST', 'transit/verify/signer', { input, signature });
  assert.equal(checked?.valid, true);
  const { data: read } = await vault(admin.token, 'GET', 'transit/keys/signer');
  assert.equal(read?.type, 'ecdsa-p256');
  const [shown] = Object.values(read?.keys as Record<string, { readonly public_key: string }>);
  await withKms(user, async (kms) => {
    const { PublicKey } = await kms.getPublicKey({ KeyId: id });
    const der = createPublicKey(shown!.public_key).export({ format: 'der', type: 'spki' });
    assert.deepEqual(der, Buffer.from(PublicKey!));
  });
});

it('RSA pairs sign too, with the salt that Vault leaves open', async () => {
  const id = await make('rsa', 'rsa-2048');
  await withKms(user, async (kms) => {
    for (const SigningAlgorithm of ['RSASSA_PSS_SHA_256', 'RSASSA_PKCS1_V1_5_SHA_512'] as const) {
      const asked = { KeyId: id, Message: message, SigningAlgorithm };
      const { Signature } = await kms.sign(asked);
      assert.equal((await kms.verify({ ...asked, Signature })).SignatureValid, true);
    }
  });
  const input = message.toString('base64');
  const { data: made } = await vault(user.token, 'POST', 'transit/sign/rsa', { input });
  const signature = made?.signature;
  const { data: checked } = await vault(user.token, 'POST', 'transit/verify/rsa', { input, signature });
  assert.equal(checked?.valid, true);
});

it('a disabled one is refused at once, though the token has its key', async () => {
  const id = await make('switched');
  await signed(id);
  await ok(as(admin.token, 'key', 'disable', 'switched'));
  await assert.rejects(signed(id), named('DisabledException'));
  await ok(as(admin.token, 'key', 'enable', 'switched'));
  await signed(id);
});

it(
  'a signature that the token takes its time for is not given once the key was disabled meanwhile',
  async () => {
    const id = await make('slow');
    await signed(id);
    faulty!.disturb({ call: 'C_SignInit', action: 'wait', value: 3000 });
    const slow = assert.rejects(signed(id), named('DisabledException'));
    while (faulty!.waits) await sleep(20);
    await ok(as(admin.token, 'key', 'disable', 'slow'));
    assert.ok(await Promise.race([slow.then(() => false), sleep(50).then(() => true)]), 'the token still works on it');
    await slow;
  },
  compilerAbsent ?? false,
);

it('with the token away each door says so in its own words, and by itself it goes on once the token is back', async () => {
  const id = await make('steady');
  await signed(id);
  soft.leave();
  try {
    await assert.rejects(signed(id), named('DependencyTimeoutException'));
    const input = message.toString('base64');
    assert.equal((await vault(user.token, 'POST', 'transit/sign/steady', { input })).status, 503);
    await refused(as(admin.token, 'key', 'create', 'none', '--protection', 'hsm', '--spec', 'ec-p256'), /token/);
  } finally {
    soft.comeBack();
  }
  const end = performance.now() + 20_000;
  for (;;) {
    const ended = await signed(id).then(
      () => true,
      () => false,
    );
    if (ended) return;
    assert.ok(performance.now() < end, 'it signs again');
    await sleep(200);
  }
});

it('a key that somebody deleted in the token is in a state in which it can not sign', async () => {
  const known = privateKeys();
  const id = await make('deleted');
  const object = privateKeys().find((one) => !known.includes(one))!;
  soft.pkcs11Tool(['--delete-object', '--type', 'privkey', '--id', object]);
  await assert.rejects(signed(id), named('KMSInvalidStateException'));
});

it('its material is neither imported, exported, backed up nor replicated', async () => {
  const create = (...more: string[]) => as(admin.token, 'key', 'create', 'no', '--protection', 'hsm', ...more);
  await refused(create('--spec', 'ec-p256', '--exportable'), /never leaves it/);
  await refused(create('--spec', 'ec-p256', '--multi-region'), /one region/);
  await refused(create('--spec', 'aes-256'), /Keys in an HSM are/);
  await refused(create('--spec', 'ed25519'), /Keys in an HSM are/);
  const { status } = await vault(admin.token, 'POST', 'transit/keys/signer/config', { exportable: true });
  assert.equal(status, 400);
  const origin = { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY', Origin: 'AWS_CLOUDHSM' } as const;
  await assert.rejects(withKms(admin, (kms) => kms.createKey({ ...origin, CustomKeyStoreId: 'cks-1234567890' })));
});

it('rotates to another pair, and is destroyed with all its pairs', async () => {
  const known = privateKeys();
  await make('passing');
  const input = message.toString('base64');
  const { data: first } = await vault(user.token, 'POST', 'transit/sign/passing', { input });
  await vault(admin.token, 'POST', 'transit/keys/passing/rotate');
  assert.equal(privateKeys().length, known.length + 2);
  const { data: second } = await vault(user.token, 'POST', 'transit/sign/passing', { input });
  assert.match(String(second?.signature), /^vault:v2:/);
  for (const { signature } of [first!, second!]) {
    const { data: checked } = await vault(user.token, 'POST', 'transit/verify/passing', { input, signature });
    assert.equal(checked?.valid, true);
  }
  await vault(admin.token, 'POST', 'transit/keys/passing/config', { deletion_allowed: true });
  assert.equal((await vault(admin.token, 'DELETE', 'transit/keys/passing')).status, 204);
  assert.deepEqual(privateKeys().sort(), known.sort());
});

it('a server that another seal opened reaches it once the seal of its token was proven', async () => {
  const words = ['--new-passphrase-file', passphraseFile, '--pin-file', pinFile];
  await ok(as(officer, 'seal', 'add', 'words', '--kind', 'passphrase', ...words));
  await server.stop();
  server = await serve('--passphrase-file', passphraseFile);
  await assert.rejects(signed('alias/signer'), named('DependencyTimeoutException'));
  await refused(as(admin.token, 'key', 'create', 'no', '--protection', 'hsm', '--spec', 'ec-p256'), /connected/);
  await ok(as(officer, 'seal', 'prove', 'pkcs11', '--pin-file', pinFile));
  await signed('alias/signer');
  await server.stop();
  server = await serve();
});

it('another root changes nothing for it', async () => {
  const { data: before } = await vault(admin.token, 'GET', 'transit/keys/signer');
  await ok(as(officer, 'root', 'rotate'));
  await signed('alias/signer');
  await server.stop('SIGKILL');
  server = await serve();
  await signed('alias/signer');
  const { data: now } = await vault(admin.token, 'GET', 'transit/keys/signer');
  assert.deepEqual(now?.keys, before?.keys);
});

it(
  'killed between the key in the token and its row, the server starts without either',
  async () => {
    const known = privateKeys();
    // Two searches for the id, which is free, and then the one for the public half of what was made.
    faulty!.disturb({ call: 'C_FindObjectsInit', skip: 2, action: 'wait', value: 4000 });
    const creating = as(admin.token, 'key', 'create', 'half', '--protection', 'hsm', '--spec', 'ec-p256');
    while (faulty!.waits) await sleep(20);
    await server.stop('SIGKILL');
    faulty!.calm();
    assert.notEqual((await creating).code, 0);
    assert.equal(privateKeys().length, known.length + 1, 'the token made it');
    server = await serve();
    const end = performance.now() + 10_000;
    while (privateKeys().length > known.length && performance.now() < end) await sleep(100);
    assert.deepEqual(privateKeys().sort(), known.sort());
    await refused(as(admin.token, 'key', 'show', 'half'), /no.*key|not.*found/i);
    await make('half');
    await signed('alias/half');
  },
  compilerAbsent ?? false,
);
