import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decapsulate, encapsulate, type KeyHandle, openPublicKey, publicKeyOf, sign, verify } from '#crypto/crypto.ts';
import { readVectors, vectorsMissing } from '../../../test/vectors.ts';
import { orRefused, privateKey, publicKey } from './keys.ts';
import { bytes, type Case, declined, type Group, type Verdict, wycheproof } from './wycheproof.ts';

const mldsa = { family: 'ml-dsa' } as const;
const handles = new WeakMap<Group, KeyHandle>();

for (const level of [44, 65, 87] as const) {
  const spec = `ml-dsa-${level}` as const;

  wycheproof(`mldsa_${level}_verify`, 150, async (vector, group) => {
    if (vector.ctx) return declined('context strings');
    const der = group.publicKeyDer;
    const key = typeof der === 'string' ? orRefused(() => openPublicKey(spec, Buffer.from(der, 'hex'))) : undefined;
    if (key === undefined) return 'refused';
    return (await verify(key, mldsa, 'raw', bytes(vector, 'msg'), bytes(vector, 'sig'))) ? 'taken' : 'refused';
  });

  wycheproof(`mldsa_${level}_sign_seed`, 70, async (vector, group) => {
    if (vector.mu === undefined && vector.ctx) return declined('context strings');
    const key = handles.get(group) ?? orRefused(() => privateKey(spec, bytes(group, 'privateSeed')));
    if (key === undefined) return 'refused';
    handles.set(group, key);
    const peer = openPublicKey(spec, publicKeyOf(key));
    if (!Buffer.from(publicKeyOf(key)).includes(bytes(group, 'publicKey'))) return 'wrong';
    // The vectors are made without randomness and ours hedge: both must verify under the key that the seed gives.
    // A mu has the context in it, so those that come with one are judged by their mu alone.
    const ways = [
      ...(vector.mu === undefined ? [] : [['external-mu', bytes(vector, 'mu')] as const]),
      ...(vector.msg === undefined || vector.ctx ? [] : [['raw', bytes(vector, 'msg')] as const]),
    ];
    for (const [type, input] of ways) {
      const ours = await sign(key, mldsa, type, input);
      for (const signature of [ours, bytes(vector, 'sig')]) {
        for (const [otherType, other] of ways) {
          if (!(await verify(peer, mldsa, otherType, other, signature))) return 'wrong';
        }
      }
    }
    return ways.length > 0 ? 'taken' : 'wrong';
  });
}

for (const size of [512, 768, 1024] as const) {
  const spec = `ml-kem-${size}` as const;

  const judgeDecapsulation = (key: KeyHandle | undefined, vector: Case): Verdict => {
    if (key === undefined) return 'refused';
    const secret = decapsulate(key, bytes(vector, 'c'));
    if (secret === undefined) return 'refused';
    return bytes(vector, 'K').equals(secret.expose()) ? 'taken' : 'wrong';
  };

  wycheproof(`mlkem_${size}`, 190, (vector) => {
    const key = orRefused(() => privateKey(spec, bytes(vector, 'seed')));
    const matches = key === undefined || Buffer.from(publicKeyOf(key)).includes(bytes(vector, 'ek'));
    return matches ? judgeDecapsulation(key, vector) : 'wrong';
  });

  wycheproof(`mlkem_${size}_semi_expanded_decaps`, 9, (vector) =>
    judgeDecapsulation(
      orRefused(() => privateKey(spec, bytes(vector, 'dk'), 'expanded')),
      vector,
    ),
  );

  // The cases fix the randomness, which we can't hand in: what is left to judge is which keys are accepted.
  wycheproof(`mlkem_${size}_encaps`, 250, (vector) => {
    const key = orRefused(() => publicKey(spec, bytes(vector, 'ek')));
    if (key === undefined) return 'refused';
    const { ciphertext, sharedSecret } = encapsulate(key);
    return ciphertext.length === bytes(vector, 'c').length && sharedSecret.length === 32 ? 'taken' : 'wrong';
  });

  for (const name of ['intermediate', 'unluckysample', 'strcmp']) {
    const path = `c2sp/cctv-mlkem-${name}-${size}.txt`;
    test(`decapsulates CCTV ${name} ${size}`, { skip: vectorsMissing(path) }, () => {
      const fields = cctvFields(readVectors(path)!.toString());
      // Expanded, because some of their seeds are from before FIPS 203 hashed the rank with them.
      const key = privateKey(spec, Buffer.from(fields.dk!, 'hex'), 'expanded');
      const secret = decapsulate(key, Buffer.from(fields.c!, 'hex'));
      assert.equal(Buffer.from(secret!.expose()).toString('hex'), fields.K);
    });
  }

  const modulus = `c2sp/cctv-mlkem-modulus-${size}.txt.gz`;
  test(`refuses every unreduced key of CCTV modulus ${size}`, { skip: vectorsMissing(modulus) }, () => {
    const keys = readVectors(modulus)!.toString().trim().split('\n');
    assert.ok(keys.length > 700);
    for (const ek of keys) {
      assert.throws(() => publicKey(spec, Buffer.from(ek, 'hex')), { code: 'invalid-parameter' });
    }
  });
}

/** The last value of each name that is plain hexadecimal. */
function cctvFields(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries([...text.matchAll(/^(\w+) = ([0-9a-f]+)$/gm)].map(([, name, hex]) => [name, hex]));
}
