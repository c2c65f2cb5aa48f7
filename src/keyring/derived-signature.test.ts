import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Key } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import { byId, plain, Ring, refused } from './testing/ring.ts';

const ring = await Ring.open();
const scheme = { family: 'ed25519' } as const;
const asked = (key: Key, context: string) => ({
  ...{ key: byId(key), message: plain('m'), messageType: 'raw' as const, scheme },
  context: context === '' ? {} : { derivation: toUtf8(context) },
});
const sign = (key: Key, context: string) => ring.do(ring.keyring.sign(key, { kind: 'sign', ...asked(key, context) }));
const verifies = async (key: Key, context: string, signature: Uint8Array) =>
  (await ring.do(ring.keyring.verify(key, { kind: 'verify', ...asked(key, context), signature }))).valid;

test('a derived key signs for each context by a pair of its own, and names its public half', async () => {
  const key = await ring.key({ spec: 'ed25519', usages: ['sign'], derived: true });
  const one = await sign(key, 'one');
  const two = await sign(key, 'two');
  assert.deepEqual([one.publicKey?.length, two.publicKey?.length], [32, 32]);
  assert.notDeepEqual(one.publicKey, two.publicKey);
  assert.deepEqual(
    [await verifies(key, 'one', one.signature), await verifies(key, 'two', one.signature)],
    [true, false],
  );
  assert.notDeepEqual((await sign(await ring.rotate(key), 'one')).publicKey, one.publicKey);
});

test('a derived key neither signs, verifies nor shows a public half without a context', async () => {
  const key = await ring.key({ spec: 'ed25519', usages: ['sign'], derived: true });
  await refused('invalid-parameter', sign(key, ''));
  await refused('invalid-parameter', verifies(key, '', new Uint8Array(64)));
  await refused('unsupported', ring.keyring.getPublicKey(key, { kind: 'get-public-key', key: byId(key) }));
});

test('only ed25519 keys sign by derived pairs, and none of them is convergent', async () => {
  await refused('unsupported', ring.key({ spec: 'ec-p256', usages: ['sign'], derived: true }));
  await refused('invalid-parameter', ring.key({ spec: 'ed25519', usages: ['sign'], derived: true, convergent: true }));
});
