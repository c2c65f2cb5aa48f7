import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toUtf8 } from '#encoding/encoding.ts';
import { Ring, refused } from './testing/ring.ts';

const ring = await Ring.open();
const context = { derivation: toUtf8('a') };
const convergent = () => ring.key({ derived: true, convergent: true });

test('a convergent key makes equal ciphertexts of equal messages in equal contexts, whatever the cipher', async () => {
  for (const spec of ['aes-128', 'aes-256', 'chacha20-poly1305'] as const) {
    const key = await ring.key({ spec, derived: true, convergent: true });
    const first = await ring.encrypt(key, 'hello', { context });
    const again = await ring.encrypt(key, 'hello', { context });
    assert.deepEqual(again.ciphertext, first.ciphertext);
    assert.equal(await ring.decrypt(key, first.ciphertext, { context }), 'hello');
    assert.deepEqual((await ring.encrypt(key, '', { context })).ciphertext.length, first.ciphertext.length - 5);
  }
});

test('another message, context, associated data, key or version has nothing in common with it', async () => {
  const key = await convergent();
  const salts = new Set<string>();
  const collect = async (of: typeof key, text: string, bound: object) => {
    const { ciphertext } = await ring.encrypt(of, text, { context: bound });
    salts.add(Buffer.from(ciphertext.subarray(30, 62)).toString('hex'));
    salts.add(Buffer.from(ciphertext.subarray(62, 94)).toString('hex'));
  };
  await collect(key, 'hello', context);
  await collect(key, 'hellp', context);
  await collect(key, 'hello', { derivation: toUtf8('b') });
  await collect(key, 'ahello', { associatedData: toUtf8('a'), ...context });
  await collect(await convergent(), 'hello', context);
  await collect(await ring.rotate(key), 'hello', context);
  assert.equal(salts.size, 12);
});

test('what an older version made opens after a rotation, and is made anew by the newer one', async () => {
  const key = await convergent();
  const { ciphertext } = await ring.encrypt(key, 'hello', { context });
  const rotated = await ring.rotate(key);
  assert.equal(await ring.decrypt(rotated, ciphertext, { context }), 'hello');
  const one = await ring.encrypt(rotated, 'hello', { context });
  assert.notDeepEqual(one.ciphertext, ciphertext);
  assert.deepEqual((await ring.encrypt(rotated, 'hello', { context })).ciphertext, one.ciphertext);
  await ring.restart();
  assert.deepEqual((await ring.encrypt(await ring.fresh(key), 'hello', { context })).ciphertext, one.ciphertext);
});

test('no changed byte of a convergent ciphertext opens, the flag included, nor does another context', async () => {
  const key = await convergent();
  const { ciphertext } = await ring.encrypt(key, 'hello', { context });
  for (let at = 0; at < ciphertext.length; at++) {
    const forged = Uint8Array.from(ciphertext);
    forged[at]! ^= 2;
    const code = at >= 9 && at < 25 ? 'wrong-key' : 'invalid-ciphertext';
    await refused(code, ring.decrypt(key, forged, { context }), `byte ${at}`);
  }
  await refused('invalid-ciphertext', ring.decrypt(key, ciphertext, { context: { derivation: toUtf8('b') } }));
});

test('only a derived, enveloped key is convergent, and never without a context', async () => {
  await refused('invalid-parameter', ring.key({ convergent: true }));
  await refused('unsupported', ring.key({ convergent: true, derived: true, class: 'raw' }));
  await refused('invalid-parameter', ring.encrypt(await convergent(), 'hello'));
  const plainKey = await ring.key({ derived: true });
  const [one, two] = [
    await ring.encrypt(plainKey, 'hello', { context }),
    await ring.encrypt(plainKey, 'hello', { context }),
  ];
  assert.notDeepEqual(one.ciphertext, two.ciphertext);
});
