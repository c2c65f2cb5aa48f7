import assert from 'node:assert/strict';
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  sign as opensslSign,
  verify as opensslVerify,
} from 'node:crypto';
import { test } from 'node:test';
import { digest, digestLength, generateMaterial, openMaterial, openPublicKey, sign, verify } from '#crypto/crypto.ts';
import { type HashName, type KeySpec, SecretBytes } from '#domain/domain.ts';
import { direct } from './direct-signature.ts';
import { nobleSignEd25519ph, nobleVerifyEd25519ph } from './eddsa.ts';
import { nobleSignDigest, nobleVerifyDigest } from './noble-ecdsa.ts';

const hashes = Object.keys(digestLength) as HashName[];
const message = Buffer.from('what is signed');

async function pairOf(spec: KeySpec) {
  const { material, publicKey } = await generateMaterial(spec);
  const pkcs8 = Buffer.from(material.expose());
  return {
    privateKey: openMaterial(spec, new SecretBytes(Buffer.from(pkcs8))),
    publicKey: openPublicKey(spec, publicKey!),
    theirPrivate: createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }),
    theirPublic: createPublicKey({ key: Buffer.from(publicKey!), format: 'der', type: 'spki' }),
  };
}

test('the OpenSSL of this Node can be asked directly', () => {
  assert.ok(direct, 'node:ffi is there and the self-test passes');
});

for (const spec of ['ec-p256', 'ec-p384', 'ec-p521', 'ec-secp256k1'] as const) {
  test(`OpenSSL and @noble/curves sign the same digest with ${spec} in the same bytes`, async () => {
    const { privateKey, publicKey } = await pairOf(spec);
    for (const hash of hashes) {
      const hashed = digest(hash, message);
      // Once with a context of its own, then with one that is kept.
      const signatures = [1, 2, 3].map(() => direct!.sign(privateKey, `ECDSA ${hash}`, hashed));
      for (const signature of signatures) {
        assert.deepEqual(Buffer.from(signature), Buffer.from(nobleSignDigest(privateKey, hash, hashed)), hash);
        assert.equal(direct!.verify(publicKey, `ECDSA ${hash}`, hashed, signature), true);
        assert.equal(nobleVerifyDigest(publicKey, hash, hashed, signature), true);
      }
    }
  });

  test(`r and s of ${spec} have a fixed length, however small they are`, async () => {
    const { privateKey, theirPublic } = await pairOf(spec);
    const scheme = { family: 'ecdsa', hash: 'sha256', encoding: 'p1363' } as const;
    const lengths = new Set<number>();
    // One signature in 128 has a number that is a byte shorter.
    for (let i = 0; i < (spec === 'ec-p256' ? 600 : 40); i++) {
      const text = Buffer.from(`message ${i}`);
      const signature = await sign(privateKey, scheme, 'digest', digest('sha256', text));
      lengths.add(signature.length);
      assert.ok(opensslVerify('sha256', text, { key: theirPublic, dsaEncoding: 'ieee-p1363' }, signature));
    }
    assert.deepEqual([...lengths], [{ 'ec-p256': 64, 'ec-p384': 96, 'ec-p521': 132, 'ec-secp256k1': 64 }[spec]]);
  });
}

test('OpenSSL and @noble/curves make the same Ed25519ph', async () => {
  const { privateKey, publicKey } = await pairOf('ed25519');
  for (let i = 0; i < 5; i++) {
    const hashed = digest('sha512', Buffer.from(`message ${i}`));
    const signature = direct!.sign(privateKey, 'ED25519ph', hashed);
    assert.deepEqual(Buffer.from(signature), Buffer.from(nobleSignEd25519ph(privateKey, hashed)));
    assert.ok(nobleVerifyEd25519ph(publicKey, hashed, signature));
    assert.ok(direct!.verify(publicKey, 'ED25519ph', hashed, signature));
    assert.equal(direct!.verify(publicKey, 'ED25519ph', digest('sha512', signature), signature), false);
  }
});

const shake = (...parts: Uint8Array[]) =>
  createHash('shake256', { outputLength: 64 }).update(Buffer.concat(parts)).digest();

for (const spec of ['ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87'] as const) {
  test(`a mu signed with ${spec} is the signature of its message, and the other way round`, async () => {
    const { privateKey, publicKey, theirPrivate, theirPublic } = await pairOf(spec);
    const scheme = { family: 'ml-dsa' } as const;
    const key = theirPublic.export({ format: 'raw-public' });
    const mu = shake(shake(key), Uint8Array.of(0, 0), message);
    for (let i = 0; i < 3; i++) {
      const ours = await sign(privateKey, scheme, 'external-mu', mu);
      assert.ok(opensslVerify(null, message, theirPublic, ours));
      assert.equal(await verify(publicKey, scheme, 'raw', message, ours), true);
      assert.equal(await verify(publicKey, scheme, 'external-mu', mu, ours), true);
    }
    const theirs = opensslSign(null, message, theirPrivate);
    assert.equal(await verify(publicKey, scheme, 'external-mu', mu, theirs), true);
    assert.equal(await verify(publicKey, scheme, 'external-mu', shake(mu), theirs), false);
    assert.equal(await verify(publicKey, scheme, 'external-mu', mu, theirs.subarray(1)), false);
    assert.equal(await verify(publicKey, scheme, 'external-mu', mu, Buffer.alloc(0)), false);
    const other = await pairOf(spec);
    assert.equal(await verify(other.publicKey, scheme, 'external-mu', mu, theirs), false);
  });
}

test('a signature of another key or digest, cut or overlong, is refused, and leaves nothing behind for node:crypto', async () => {
  const { privateKey, publicKey, theirPrivate, theirPublic } = await pairOf('ec-p256');
  const hashed = digest('sha256', message);
  const signature = Buffer.from(direct!.sign(privateKey, 'ECDSA sha256', hashed));
  const other = await pairOf('ec-p256');
  for (const [key, input, signed] of [
    [other.publicKey, hashed, signature],
    [publicKey, digest('sha256', hashed), signature],
    [publicKey, hashed, signature.subarray(0, -1)],
    [publicKey, hashed, Buffer.concat([signature, Buffer.alloc(1)])],
    [publicKey, hashed, Buffer.alloc(0)],
    [publicKey, hashed, Buffer.alloc(9000)],
  ] as const) {
    assert.equal(direct!.verify(key, 'ECDSA sha256', input, signed), false);
    assert.ok(opensslVerify('sha256', message, theirPublic, opensslSign('sha256', message, theirPrivate)));
  }
  assert.throws(() => direct!.sign(privateKey, 'ML-DSA-44', Buffer.alloc(64)), /OpenSSL failed/);
  assert.throws(() => direct!.sign(privateKey, 'ECDSA sha256', Buffer.alloc(65)), RangeError);
});

test('many keys that sign a few times and are forgotten do no harm', async () => {
  const hashed = digest('sha256', message);
  for (let i = 0; i < 300; i++) {
    const { privateKey, theirPublic } = await pairOf('ec-p256');
    for (let times = 0; times < 3; times++) {
      assert.ok(opensslVerify('sha256', message, theirPublic, direct!.sign(privateKey, 'ECDSA sha256', hashed)));
    }
  }
});
