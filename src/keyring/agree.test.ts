import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Key } from '#domain/domain.ts';
import { readVectors, vectorsMissing } from '../../test/vectors.ts';
import { byId, Ring, refused } from './testing/ring.ts';

const ring = await Ring.open();

const publicKeyOf = async (key: Key) =>
  (await ring.do(ring.keyring.getPublicKey(key, { kind: 'get-public-key', key: byId(key) }))).publicKey;

const derive = (key: Key, publicKey: Uint8Array, version?: number) =>
  ring.do(
    ring.keyring.deriveSharedSecret(key, {
      ...{ kind: 'derive-shared-secret', key: byId(key), publicKey },
      ...(version !== undefined && { version }),
    }),
  );

const encapsulate = (key: Key) => ring.do(ring.keyring.encapsulate(key, { kind: 'encapsulate', key: byId(key) }));

const decapsulate = (key: Key, ciphertext: Uint8Array, version?: number) =>
  ring.do(
    ring.keyring.decapsulate(key, {
      ...{ kind: 'decapsulate', key: byId(key), ciphertext },
      ...(version !== undefined && { version }),
    }),
  );

for (const [spec, length] of [
  ['ec-p256', 32],
  ['ec-p384', 48],
  ['ec-p521', 66],
  ['x25519', 32],
] as const) {
  test(`two ${spec} keys derive one secret, as long as the field`, async () => {
    const [a, b] = [await ring.key({ spec, usages: ['agree'] }), await ring.key({ spec, usages: ['agree'] })];
    const [ofA, ofB] = [await derive(a, await publicKeyOf(b)), await derive(b, await publicKeyOf(a))];
    assert.equal(ofA.sharedSecret.length, length);
    assert.deepEqual(ofA.sharedSecret.release(), ofB.sharedSecret.release());
    assert.deepEqual([ofA.keyId, ofA.version, ofA.key], [a.id, 1, a]);
  });
}

test('a peer must be a point on the key’s own curve, in the one encoding of SubjectPublicKeyInfo', async () => {
  const key = await ring.key({ spec: 'ec-p256', usages: ['agree'] });
  const peer = Buffer.from(await publicKeyOf(await ring.key({ spec: 'ec-p256', usages: ['agree'] })));
  const offTheCurve = Buffer.from(peer);
  offTheCurve[peer.length - 1]! ^= 1;
  const atInfinity = Buffer.from('301906072a8648ce3d020106082a8648ce3d0301070302000000', 'hex');
  for (const publicKey of [
    offTheCurve,
    atInfinity,
    peer.subarray(1),
    peer.subarray(0, -1),
    Buffer.concat([peer, Buffer.alloc(1)]),
    Buffer.alloc(0),
    Buffer.from('no key at all'),
    await publicKeyOf(await ring.key({ spec: 'ec-p384', usages: ['agree'] })),
    await publicKeyOf(await ring.key({ spec: 'ec-secp256k1', usages: ['sign'] })),
    await publicKeyOf(await ring.key({ spec: 'x25519', usages: ['agree'] })),
    await publicKeyOf(await ring.key({ spec: 'rsa-2048', usages: ['sign'] })),
  ]) {
    await refused('invalid-parameter', derive(key, publicKey), Buffer.from(publicKey).toString('hex'));
  }
});

interface Wycheproof {
  readonly testGroups: ReadonlyArray<{
    readonly tests: ReadonlyArray<{ readonly tcId: number; readonly public: string; readonly result: string }>;
  }>;
}

for (const [spec, curve, length] of [
  ['ec-p256', 'secp256r1', 32],
  ['ec-p384', 'secp384r1', 48],
  ['ec-p521', 'secp521r1', 66],
] as const) {
  const path = `wycheproof/ecdh_${curve}_test.json.gz`;
  test(`a ${spec} key takes every sound peer of Wycheproof and no other`, { skip: vectorsMissing(path) }, async () => {
    const key = await ring.key({ spec, usages: ['agree'] });
    const { testGroups } = JSON.parse(readVectors(path)!.toString()) as Wycheproof;
    const counts = { valid: 0, invalid: 0, acceptable: 0 };
    for (const { tcId, public: hex, result } of testGroups.flatMap(({ tests }) => tests)) {
      const publicKey = Buffer.from(hex, 'hex');
      counts[result as keyof typeof counts]++;
      if (result === 'valid') {
        assert.equal((await derive(key, publicKey)).sharedSecret.length, length, `case ${tcId}`);
      } else if (result === 'invalid') {
        await refused('invalid-parameter', derive(key, publicKey), `case ${tcId}`);
      } else {
        // Points in another form, or curves that are spelled out: taken as the point that they are, or refused as a mistake.
        const code = await derive(key, publicKey).then(
          () => 'taken',
          (error) => error.code,
        );
        assert.ok(['taken', 'invalid-parameter'].includes(code), `case ${tcId}: ${code}`);
      }
    }
    assert.ok(counts.valid > 250 && counts.invalid > 25, JSON.stringify(counts));
  });
}

test('an older version goes on deriving and decapsulating, and encapsulates no more', async () => {
  const agreeing = await ring.key({ spec: 'x25519', usages: ['agree'] });
  const peer = await publicKeyOf(await ring.key({ spec: 'x25519', usages: ['agree'] }));
  const before = (await derive(agreeing, peer)).sharedSecret.release();
  const rotated = await ring.rotate(agreeing);
  assert.deepEqual((await derive(rotated, peer, 1)).sharedSecret.release(), before);
  assert.notDeepEqual((await derive(rotated, peer)).sharedSecret.release(), before);

  const kem = await ring.key({ spec: 'ml-kem-768', usages: ['encapsulate'] });
  const { ciphertext, sharedSecret } = await encapsulate(kem);
  const next = await ring.rotate(kem);
  assert.deepEqual((await decapsulate(next, ciphertext, 1)).sharedSecret.release(), sharedSecret.release());
  assert.equal((await encapsulate(next)).version, 2);
  await refused(
    'version-too-old',
    ring.do(ring.keyring.encapsulate(next, { kind: 'encapsulate', key: byId(next), version: 1 })),
  );
});

// FIPS 203 table 3 and section 6.3.
for (const [spec, length] of [
  ['ml-kem-512', 768],
  ['ml-kem-768', 1088],
  ['ml-kem-1024', 1568],
] as const) {
  test(`what ${spec} encapsulates opens with its key, and gives a stranger's secret when it was altered`, async () => {
    const key = await ring.key({ spec, usages: ['encapsulate'] });
    const { ciphertext, sharedSecret } = await encapsulate(key);
    assert.deepEqual([ciphertext.length, sharedSecret.length], [length, 32]);
    assert.deepEqual((await decapsulate(key, ciphertext)).sharedSecret.release(), sharedSecret.release());
    const altered = Buffer.from(ciphertext);
    altered[0]! ^= 1;
    const rejected = (await decapsulate(key, altered)).sharedSecret.release();
    assert.equal(rejected.length, 32);
    assert.notDeepEqual(rejected, sharedSecret.release());
    assert.deepEqual((await decapsulate(key, altered)).sharedSecret.release(), rejected);
    const other = await ring.key({ spec, usages: ['encapsulate'] });
    assert.notDeepEqual((await decapsulate(other, ciphertext)).sharedSecret.release(), sharedSecret.release());
    for (const wrong of [ciphertext.subarray(1), Buffer.concat([ciphertext, Buffer.alloc(1)]), Buffer.alloc(0)]) {
      await refused('invalid-ciphertext', decapsulate(key, wrong));
    }
  });
}

test('a key does only what it is for, while it is enabled', async () => {
  const signer = await ring.key({ spec: 'ec-p256', usages: ['sign'] });
  const agreeing = await ring.key({ spec: 'ec-p256', usages: ['agree'] });
  const peer = await publicKeyOf(agreeing);
  await refused('wrong-usage', derive(signer, peer));
  await refused('wrong-usage', encapsulate(agreeing));
  await refused('wrong-usage', decapsulate(signer, Buffer.alloc(1088)));
  await refused('wrong-usage', derive(await ring.key(), peer));
  const { key: disabled } = await ring.do(ring.keyring.disableKey(agreeing));
  await refused('disabled', derive(disabled, peer));
  const kem = await ring.key({ spec: 'ml-kem-512', usages: ['encapsulate'] });
  const { ciphertext } = await encapsulate(kem);
  const { key: ending } = await ring.do(
    ring.keyring.scheduleDestruction(kem, { kind: 'schedule-destruction', key: byId(kem), days: 7 }, ring.now),
  );
  await refused('pending-destruction', encapsulate(ending));
  await refused('pending-destruction', decapsulate(ending, ciphertext));
});
