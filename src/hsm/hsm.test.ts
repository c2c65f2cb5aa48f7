import assert from 'node:assert/strict';
import { constants, createHash, createPublicKey, publicEncrypt, verify } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { KmsError, SecretBytes } from '#domain/domain.ts';
import type { Hsm, HsmHash, HsmUse, TokenPlace } from './hsm.ts';
import { moduleDigest, openHsm } from './hsm.ts';
import { SoftHsm, softHsmAbsent, softHsmModule, userPin } from './testing/softhsm.ts';

const soft = softHsmAbsent === undefined ? new SoftHsm() : undefined;
const serial = soft?.addToken('driver') ?? '';
const modulePath = softHsmModule;
const moduleSha256 = soft === undefined ? '' : moduleDigest(softHsmModule);
const place: TokenPlace = { modulePath, moduleSha256, tokenSerial: serial };
const secret = (text: string) => new SecretBytes(Buffer.from(text));

let opened: Promise<Hsm> | undefined;
const hsm = () => (opened ??= openHsm(place, secret(userPin)));
after(async () => {
  await (await opened)?.close();
  soft?.[Symbol.dispose]();
});

const it = (title: string, run: () => Promise<void>) => test(title, { skip: softHsmAbsent ?? false }, run);
const fails = (code: string, words?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof KmsError, String(error));
  assert.equal(error.code, code, error.message);
  if (words !== undefined) assert.match(error.message, words);
  return true;
};

let ids = 0;
const id = () => (0x1000 + ids++).toString(16);
const publicKey = async (key: { class: 'private' | 'secret'; id: string }) =>
  createPublicKey({ key: Buffer.from(await (await hsm()).publicKey(key)), format: 'der', type: 'spki' });
const message = Buffer.from('what is signed');
const hashed = (hash: HsmHash) => createHash(hash.replace('-', '')).update(message).digest();

it('tells which token it is', async () => {
  const { token } = await hsm();
  assert.equal(token.serial, serial);
  assert.equal(token.label, 'driver');
  assert.match(token.manufacturer, /SoftHSM/);
});

it('makes keys that were never outside, stay inside, do one thing, and are fixed', async () => {
  const wanted = [
    [{ type: 'aes', bits: 256 }, 'encrypt-decrypt', ['encrypt', 'decrypt']],
    [{ type: 'hmac', bytes: 32 }, 'sign', ['sign', 'verify']],
    [{ type: 'rsa', bits: 2048 }, 'sign', ['sign']],
    [{ type: 'rsa', bits: 2048 }, 'decrypt', ['decrypt']],
    [{ type: 'ec', curve: 'P-384' }, 'sign', ['sign']],
  ] as const;
  for (const [key, usage, usages] of wanted) {
    const made = await (await hsm()).generate({ id: id(), label: `a ${key.type} key`, key, usage });
    assert.deepEqual(made.type, key);
    assert.deepEqual([...made.usages].sort(), [...usages].sort());
    assert.ok(made.confined && made.bornConfined && !made.modifiable);
    assert.deepEqual(await (await hsm()).find({ class: made.class, id: made.id }), made);
  }
});

it('takes no attribute of a key back, by whatever program', async () => {
  const made = await (await hsm()).generate({
    id: id(),
    label: 'fixed',
    key: { type: 'aes', bits: 256 },
    usage: 'encrypt-decrypt',
  });
  assert.throws(() => soft!.pkcs11Tool(['--read-object', '--type', 'secrkey', '--id', made.id]), /error|sensitive/i);
  assert.throws(() => soft!.pkcs11Tool(['--set-id', 'ffff', '--type', 'secrkey', '--id', made.id]));
});

it('finds exactly one key, or says that there is none or that there are several, and never makes one', async () => {
  const token = await hsm();
  const before = (await token.list()).length;
  await assert.rejects(token.find({ class: 'secret', label: 'no such label' }), fails('not-found'));
  await assert.rejects(token.find({ class: 'secret', id: 'ffee' }), fails('not-found'));
  assert.equal((await token.list()).length, before);
  const twin = { label: 'twin', key: { type: 'aes', bits: 256 }, usage: 'encrypt-decrypt' } as const;
  const [a, b] = [await token.generate({ ...twin, id: id() }), await token.generate({ ...twin, id: id() })];
  await assert.rejects(token.find({ class: 'secret', label: 'twin' }), fails('conflict', /several/));
  assert.notEqual(a.id, b.id);
  await assert.rejects(token.generate({ ...twin, id: a.id }), fails('already-exists'));
});

it('encrypts what it decrypts, with what is authenticated, of no length and of long ones', async () => {
  const token = await hsm();
  const key = await token.generate({
    id: id(),
    label: 'gcm',
    key: { type: 'aes', bits: 256 },
    usage: 'encrypt-decrypt',
  });
  for (const length of [0, 1, 16, 1000, 70_000]) {
    for (const aad of [Buffer.alloc(0), Buffer.from('context')]) {
      const [iv, data] = [Buffer.alloc(12, length), Buffer.alloc(length, 7)];
      const sealed = await token.use(key, { use: 'encrypt-gcm', iv, aad, data });
      assert.equal(sealed.length, length + 16);
      assert.deepEqual(Buffer.from(await token.use(key, { use: 'decrypt-gcm', iv, aad, data: sealed })), data);
      const wrong: readonly HsmUse[] = [
        { use: 'decrypt-gcm', iv, aad: Buffer.from('other'), data: sealed },
        { use: 'decrypt-gcm', iv: Buffer.alloc(12, length + 1), aad, data: sealed },
        { use: 'decrypt-gcm', iv, aad, data: sealed.subarray(1) },
        { use: 'decrypt-gcm', iv, aad, data: Buffer.alloc(0) },
      ];
      for (const use of wrong) await assert.rejects(token.use(key, use), fails('invalid-ciphertext'));
    }
  }
});

it('signs with every curve', async () => {
  const token = await hsm();
  for (const [curve, hash] of [
    ['P-256', 'SHA-256'],
    ['P-384', 'SHA-384'],
    ['P-521', 'SHA-512'],
  ] as const) {
    const key = await token.generate({ id: id(), label: curve, key: { type: 'ec', curve }, usage: 'sign' });
    const signature = await token.use(key, { use: 'sign-ecdsa', data: hashed(hash) });
    const verifier = { key: await publicKey(key), dsaEncoding: 'ieee-p1363' as const };
    assert.ok(verify(hash.replace('-', ''), message, verifier, signature), curve);
    signature[9]! ^= 1;
    assert.ok(!verify(hash.replace('-', ''), message, verifier, signature));
  }
});

it('signs with RSA, by PKCS #1 v1.5 and by PSS, with every hash', async () => {
  const token = await hsm();
  const key = await token.generate({ id: id(), label: 'rsa', key: { type: 'rsa', bits: 2048 }, usage: 'sign' });
  const spki = await publicKey(key);
  for (const hash of ['SHA-1', 'SHA-224', 'SHA-256', 'SHA-384', 'SHA-512'] as const) {
    const name = hash.replace('-', '');
    const pkcs1 = await token.use(key, { use: 'sign-pkcs1', hash, data: hashed(hash) });
    assert.ok(verify(name, message, spki, pkcs1), `PKCS #1 with ${hash}`);
    const pss = await token.use(key, { use: 'sign-pss', hash, data: hashed(hash) });
    const padding = { key: spki, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: hashed(hash).length };
    assert.ok(verify(name, message, padding, pss), `PSS with ${hash}`);
  }
});

it('computes HMACs of keys of the right length', async () => {
  const token = await hsm();
  const key = await token.generate({ id: id(), label: 'hmac', key: { type: 'hmac', bytes: 64 }, usage: 'sign' });
  const [a, b] = [
    await token.use(key, { use: 'mac', hash: 'SHA-256', data: message }),
    await token.use(key, { use: 'mac', hash: 'SHA-512', data: message }),
  ];
  assert.deepEqual([a.length, b.length], [32, 64]);
  assert.deepEqual(await token.use(key, { use: 'mac', hash: 'SHA-256', data: message }), a);
  // The same key, asked by another program.
  const [from, to] = [join(soft!.directory, 'message'), join(soft!.directory, 'hmac')];
  writeFileSync(from, message);
  soft!.pkcs11Tool(['--sign', '-m', 'SHA256-HMAC', '--id', key.id, '--input-file', from, '--output-file', to]);
  assert.deepEqual(readFileSync(to), Buffer.from(a));
});

it('tells of a key that was brought in, or may be read, that it was not always confined', async () => {
  const token = await hsm();
  const bytes = join(soft!.directory, 'brought');
  writeFileSync(bytes, Buffer.alloc(32, 5));
  const brought = ['--write-object', bytes, '--type', 'secrkey', '--key-type', 'AES:32'];
  soft!.pkcs11Tool([...brought, '--id', 'aaaa', '--label', 'brought', '--sensitive']);
  soft!.pkcs11Tool([...brought, '--id', 'bbbb', '--label', 'open', '--extractable']);
  const [a, b] = [await token.find({ class: 'secret', id: 'aaaa' }), await token.find({ class: 'secret', id: 'bbbb' })];
  assert.deepEqual([a.confined, a.bornConfined], [true, false]);
  assert.deepEqual([b.confined, b.bornConfined], [false, false]);
});

it('decrypts what was encrypted to its public key', async () => {
  const token = await hsm();
  const key = await token.generate({ id: id(), label: 'oaep', key: { type: 'rsa', bits: 2048 }, usage: 'decrypt' });
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  const data = publicEncrypt({ key: await publicKey(key), padding, oaepHash: 'sha1' }, message);
  assert.deepEqual(Buffer.from(await token.use(key, { use: 'decrypt-oaep', hash: 'SHA-1', data })), message);
  data[5]! ^= 1;
  await assert.rejects(token.use(key, { use: 'decrypt-oaep', hash: 'SHA-1', data }), fails('invalid-ciphertext'));
  await assert.rejects(
    token.use(key, { use: 'sign-pkcs1', hash: 'SHA-256', data: hashed('SHA-256') }),
    fails('wrong-usage'),
  );
});

it('refuses to let a key do what it was not made for, and to use one that is not there', async () => {
  const token = await hsm();
  const ec = await token.generate({ id: id(), label: 'ec', key: { type: 'ec', curve: 'P-256' }, usage: 'sign' });
  await assert.rejects(
    token.use({ class: 'private', id: 'dead' }, { use: 'sign-ecdsa', data: hashed('SHA-256') }),
    fails('not-found'),
  );
  await token.destroy(ec);
  await token.destroy(ec);
  await assert.rejects(token.use(ec, { use: 'sign-ecdsa', data: hashed('SHA-256') }), fails('not-found'));
  await assert.rejects(token.publicKey(ec), fails('not-found'));
});

it('answers many at once, each its own', async () => {
  const token = await hsm();
  const key = await token.generate({
    id: id(),
    label: 'many',
    key: { type: 'aes', bits: 256 },
    usage: 'encrypt-decrypt',
  });
  const aad = Buffer.alloc(3);
  await Promise.all(
    Array.from({ length: 3000 }, async (_, i) => {
      const iv = Buffer.alloc(12);
      iv.writeUInt32BE(i);
      const data = Buffer.alloc(1 + (i % 300), i);
      const sealed = await token.use(key, { use: 'encrypt-gcm', iv, aad, data });
      assert.deepEqual(Buffer.from(await token.use(key, { use: 'decrypt-gcm', iv, aad, data: sealed })), data);
    }),
  );
});

it('refuses a wrong PIN once, without another try, also while a right one is in use', async () => {
  const other = soft!.addToken('counted');
  const there = { ...place, tokenSerial: other };
  await assert.rejects(openHsm(there, secret('00000')), fails('invalid-unseal', /PIN_INCORRECT/));
  const right = await openHsm(there, secret(userPin), { sessions: 1 });
  await assert.rejects(openHsm(there, secret('00000')), fails('invalid-unseal', /PIN_INCORRECT/));
  assert.equal((await right.list()).length, 0);
  await right.close();
});

it('loads no module but the one that was pinned', async () => {
  const swapped = join(soft!.directory, 'swapped.so');
  const bytes = readFileSync(softHsmModule);
  writeFileSync(swapped, bytes);
  await (await openHsm({ ...place, modulePath: swapped }, secret(userPin), { sessions: 1 })).close();
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(swapped, bytes);
  await assert.rejects(openHsm({ ...place, modulePath: swapped }, secret(userPin)), fails('tampered', /SHA-256/));
  await assert.rejects(
    openHsm({ ...place, modulePath: join(soft!.directory, 'none.so') }, secret(userPin)),
    fails('unavailable'),
  );
  await assert.rejects(openHsm({ ...place, modulePath: 'module.so' }, secret(userPin)), fails('invalid-parameter'));
  const text = join(soft!.directory, 'text.so');
  writeFileSync(text, 'no library');
  const pinned = { ...place, modulePath: text, moduleSha256: moduleDigest(text) };
  await assert.rejects(openHsm(pinned, secret(userPin)), fails('unavailable', /can't be loaded/));
});

it('takes no other token for the one that it was told, and knows one that was made anew', async () => {
  const first = soft!.addToken('anew');
  const there = { ...place, tokenSerial: first, tokenLabel: 'anew' };
  await (await openHsm(there, secret(userPin), { sessions: 1 })).close();
  soft!.reinitialise('anew');
  await assert.rejects(openHsm(there, secret(userPin)), fails('tampered', /made anew/));
  await assert.rejects(
    openHsm({ ...place, tokenSerial: first }, secret(userPin)),
    fails('unavailable', new RegExp(first)),
  );
  const byLabel = await openHsm({ modulePath, moduleSha256, tokenLabel: 'anew' }, secret(userPin), { sessions: 1 });
  assert.notEqual(byLabel.token.serial, first);
  await byLabel.close();
});

it('refuses whoever asks after it was closed', async () => {
  const closed = await openHsm(place, secret(userPin), { sessions: 2 });
  const key = await closed.generate({
    id: id(),
    label: 'closed',
    key: { type: 'aes', bits: 256 },
    usage: 'encrypt-decrypt',
  });
  await closed.close();
  await closed.close();
  await assert.rejects(closed.list(), fails('unavailable', /closed/));
  await assert.rejects(closed.use(key, { use: 'mac', hash: 'SHA-256', data: message }), fails('unavailable', /closed/));
});
