import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  agree,
  digest,
  type KeyHandle,
  openPublicKey,
  publicKeyOf,
  sign,
  verify,
  verifyEd25519,
} from '#crypto/crypto.ts';
import type { SignatureScheme } from '#domain/domain.ts';
import { readVectors, vectorsMissing } from '../../../test/vectors.ts';
import { type BareSpec, hashNamed, orRefused, privateKey, publicKey } from './keys.ts';
import { bytes, type Case, type Group, text, type Verdict, wycheproof } from './wycheproof.ts';

const curves = {
  secp256r1: 'ec-p256',
  secp384r1: 'ec-p384',
  secp521r1: 'ec-p521',
  secp256k1: 'ec-secp256k1',
} as const satisfies Record<string, BareSpec>;

const handles = new WeakMap<Group, KeyHandle>();

/** The message by way of `node:crypto` and the digest by ffi: both must say the same. */
async function judgeEcdsa(vector: Case, group: Group, spec: BareSpec, encoding: 'der' | 'p1363'): Promise<Verdict> {
  const hash = hashNamed(text(group, 'sha'))!;
  const scheme: SignatureScheme = { family: 'ecdsa', hash, encoding };
  const key = handles.get(group) ?? openPublicKey(spec, bytes(group, 'publicKeyDer'));
  handles.set(group, key);
  const [msg, sig] = [bytes(vector, 'msg'), bytes(vector, 'sig')];
  const byMessage = await verify(key, scheme, 'raw', msg, sig);
  const byDigest = await verify(key, scheme, 'digest', digest(hash, msg), sig);
  if (byMessage !== byDigest) return 'wrong';
  return byMessage ? 'taken' : 'refused';
}

for (const [curve, sha] of [
  ['secp256r1', 'sha256'],
  ['secp384r1', 'sha384'],
  ['secp521r1', 'sha512'],
  ['secp256k1', 'sha256'],
] as const) {
  wycheproof(`ecdsa_${curve}_${sha}`, 450, (vector, group) => judgeEcdsa(vector, group, curves[curve], 'der'));
  wycheproof(`ecdsa_${curve}_${sha}_p1363`, 250, (vector, group) => judgeEcdsa(vector, group, curves[curve], 'p1363'));
}

async function judgeAgreement(vector: Case, spec: BareSpec, openPeer: () => KeyHandle): Promise<Verdict> {
  const peer = orRefused(openPeer);
  if (peer === undefined) return 'refused';
  try {
    using secret = await agree(privateKey(spec, bytes(vector, 'private')), peer);
    return bytes(vector, 'shared').equals(secret.expose()) ? 'taken' : 'wrong';
  } catch {
    return 'refused';
  }
}

for (const curve of ['secp256r1', 'secp384r1', 'secp521r1'] as const) {
  const spec = curves[curve];
  wycheproof(`ecdh_${curve}`, 580, (vector) =>
    judgeAgreement(vector, spec, () => openPublicKey(spec, bytes(vector, 'public'))),
  );
  wycheproof(`ecdh_${curve}_ecpoint`, 350, (vector) =>
    judgeAgreement(vector, spec, () => publicKey(spec, bytes(vector, 'public'))),
  );
}

wycheproof('x25519', 500, (vector) =>
  judgeAgreement(vector, 'x25519', () => publicKey('x25519', bytes(vector, 'public'))),
);

wycheproof('ed25519', 150, async (vector, group) => {
  const pk = bytes(group.publicKey as Group, 'pk');
  const [msg, sig] = [bytes(vector, 'msg'), bytes(vector, 'sig')];
  const key = orRefused(() => publicKey('ed25519', pk));
  const valid = key !== undefined && (await verify(key, { family: 'ed25519' }, 'raw', msg, sig));
  if (valid !== verifyEd25519(pk, msg, sig)) return 'wrong';
  return valid ? 'taken' : 'refused';
});

interface Rfc8032 {
  readonly secretKey: string;
  readonly publicKey: string;
  readonly message: string;
  readonly signature: string;
}

for (const family of ['ed25519', 'ed25519ph'] as const) {
  const path = `rfc/8032-eddsa/${family}.json.gz`;
  test(`${family} gives what RFC 8032 prints, and refuses every flipped bit`, {
    skip: vectorsMissing(path),
  }, async () => {
    const vectors = JSON.parse(readVectors(path)!.toString()) as readonly Rfc8032[];
    assert.ok(vectors.length > 0);
    for (const vector of vectors) {
      const [seed, message, signature] = [vector.secretKey, vector.message, vector.signature].map((hex) =>
        Buffer.from(hex, 'hex'),
      ) as [Buffer, Buffer, Buffer];
      const key = privateKey('ed25519', seed);
      const peer = publicKey('ed25519', Buffer.from(vector.publicKey, 'hex'));
      assert.deepEqual(publicKeyOf(key), publicKeyOf(peer));
      assert.deepEqual(Buffer.from(await sign(key, { family }, 'raw', message)), signature);
      if (family === 'ed25519ph') {
        const hashed = digest('sha512', message);
        assert.deepEqual(Buffer.from(await sign(key, { family }, 'digest', hashed)), signature);
      }
      assert.equal(await verify(peer, { family }, 'raw', message, signature), true);
      for (let bit = 0; bit < signature.length * 8; bit += 7) {
        const forged = Buffer.from(signature);
        forged[bit >> 3]! ^= 1 << (bit & 7);
        assert.equal(await verify(peer, { family }, 'raw', message, forged), false, `bit ${bit}`);
      }
    }
  });
}

interface Rfc6979 {
  readonly curve: string;
  readonly private: string;
  readonly cases: ReadonlyArray<{ hash: string; message: string; r: string; s: string }>;
}

const rfc6979 = 'rfc/6979-deterministic-ecdsa/vectors.json.gz';
const rfc6979Curves: Readonly<Record<string, BareSpec>> = {
  'NIST P-256': 'ec-p256',
  'NIST P-384': 'ec-p384',
  'NIST P-521': 'ec-p521',
};

test('a digest is signed with the nonce that RFC 6979 prescribes', { skip: vectorsMissing(rfc6979) }, async (t) => {
  const vectors = JSON.parse(readVectors(rfc6979)!.toString()) as readonly Rfc6979[];
  let passed = 0;
  for (const { curve, private: scalar, cases } of vectors) {
    const spec = rfc6979Curves[curve];
    if (spec === undefined) {
      t.diagnostic(`${cases.length} declined: ${curve}`);
      continue;
    }
    const key = privateKey(spec, Buffer.from(scalar.padStart(132, '0'), 'hex'));
    for (const { hash: name, message, r, s } of cases) {
      const hash = hashNamed(name)!;
      const scheme = { family: 'ecdsa', hash, encoding: 'p1363' } as const;
      const signature = await sign(key, scheme, 'digest', digest(hash, Buffer.from(message)));
      const half = signature.length;
      assert.equal(
        Buffer.from(signature).toString('hex'),
        `${r.padStart(half, '0')}${s.padStart(half, '0')}`.toLowerCase(),
      );
      passed++;
    }
  }
  t.diagnostic(`${passed} passed`);
  assert.equal(passed, 30);
});

test('secp256k1 is for signatures only', async () => {
  const key = privateKey('ec-secp256k1', Buffer.alloc(32, 7));
  await assert.rejects(agree(key, key), { code: 'wrong-algorithm' });
});
