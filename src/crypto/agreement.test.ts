import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agree, decapsulate, encapsulate, generateMaterial, openMaterial, openPublicKey } from '#crypto/crypto.ts';
import type { KeySpec } from '#domain/domain.ts';

async function pairOf(spec: KeySpec) {
  const { material, publicKey } = await generateMaterial(spec);
  return { privateKey: openMaterial(spec, material), publicKey: openPublicKey(spec, publicKey!) };
}

test('both sides agree on one secret, as long as the field', async () => {
  for (const [spec, length] of [
    ['ec-p256', 32],
    ['ec-p384', 48],
    ['ec-p521', 66],
    ['x25519', 32],
  ] as const) {
    const [a, b] = [await pairOf(spec), await pairOf(spec)];
    const secret = await agree(a.privateKey, b.publicKey);
    assert.equal(secret.length, length);
    assert.deepEqual(secret.expose(), (await agree(b.privateKey, a.publicKey)).expose());
  }
});

test('refuses keys of two kinds, and kinds that don’t agree', async () => {
  const [p256, p384, signer, curve] = [
    await pairOf('ec-p256'),
    await pairOf('ec-p384'),
    await pairOf('ed25519'),
    await pairOf('x25519'),
  ];
  for (const [a, b] of [
    [p256, p384],
    [p256, curve],
    [signer, signer],
  ] as const) {
    await assert.rejects(agree(a.privateKey, b.publicKey), { code: 'wrong-algorithm' });
  }
});

test('refuses X25519 points that would give an all-zero secret', async () => {
  const { privateKey } = await pairOf('x25519');
  const spki = (point: string) => Buffer.from(`302a300506032b656e032100${point}`, 'hex');
  // RFC 7748 section 6.1: points of small order.
  for (const point of ['00'.repeat(32), `01${'00'.repeat(31)}`, `ec${'ff'.repeat(30)}7f`]) {
    await assert.rejects(agree(privateKey, openPublicKey('x25519', spki(point))), { code: 'invalid-parameter' });
  }
});

// FIPS 203 table 3.
test('an ML-KEM ciphertext carries its secret to the holder of the key only', async () => {
  for (const [spec, length] of [
    ['ml-kem-512', 768],
    ['ml-kem-768', 1088],
    ['ml-kem-1024', 1568],
  ] as const) {
    const [holder, other] = [await pairOf(spec), await pairOf(spec)];
    const { ciphertext, sharedSecret } = encapsulate(holder.publicKey);
    assert.equal(ciphertext.length, length);
    assert.deepEqual(decapsulate(holder.privateKey, ciphertext)?.expose(), sharedSecret.expose());
    assert.notDeepEqual(decapsulate(other.privateKey, ciphertext)?.expose(), sharedSecret.expose());
    const flipped = Buffer.from(ciphertext);
    flipped[9]! ^= 1;
    const rejected = decapsulate(holder.privateKey, flipped);
    assert.equal(rejected?.length, 32);
    assert.notDeepEqual(rejected?.expose(), sharedSecret.expose());
    assert.deepEqual(decapsulate(holder.privateKey, flipped)?.expose(), rejected?.expose());
    for (const cut of [ciphertext.subarray(1), Buffer.concat([ciphertext, Buffer.alloc(1)]), Buffer.alloc(0)]) {
      assert.equal(decapsulate(holder.privateKey, cut), undefined);
    }
  }
  const { privateKey, publicKey } = await pairOf('x25519');
  assert.throws(() => encapsulate(publicKey), { code: 'wrong-algorithm' });
  assert.throws(() => decapsulate(privateKey, Buffer.alloc(768)), { code: 'wrong-algorithm' });
});
