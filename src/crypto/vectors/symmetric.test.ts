import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AeadName,
  aeadOpen,
  aeadSeal,
  equalSecrets,
  hkdf,
  hmac,
  nonceLength,
  openMaterial,
  tagLength,
  unwrapAesKw,
  unwrapAesKwp,
  wrapAesKw,
  wrapAesKwp,
} from '#crypto/crypto.ts';
import { type HashName, type KeySpec, SecretBytes } from '#domain/domain.ts';
import { readVectors, vectorsMissing } from '../../../test/vectors.ts';
import { bytes, type Case, declined, type Group, type Verdict, wycheproof } from './wycheproof.ts';

const secret = (value: Buffer) => new SecretBytes(Buffer.from(value));

function judgeAead(vector: Case, group: Group, name: AeadName, spec: KeySpec): Verdict {
  if (group.ivSize !== nonceLength * 8) return declined('nonces other than 12 bytes');
  if (group.tagSize !== tagLength * 8) return declined('tags other than 16 bytes');
  const key = openMaterial(spec, secret(bytes(vector, 'key')));
  const [iv, aad, msg] = [bytes(vector, 'iv'), bytes(vector, 'aad'), bytes(vector, 'msg')];
  const sealed = Buffer.concat([bytes(vector, 'ct'), bytes(vector, 'tag')]);
  const opened = aeadOpen(name, key, iv, aad, sealed);
  if (opened === undefined) return 'refused';
  return opened.equals(msg) && aeadSeal(name, key, iv, aad, msg).equals(sealed) ? 'taken' : 'wrong';
}

wycheproof('aes_gcm', 100, (vector, group) => {
  if (group.keySize === 192) return declined('AES-192');
  const [name, spec] =
    group.keySize === 128 ? (['aes-128-gcm', 'aes-128'] as const) : (['aes-256-gcm', 'aes-256'] as const);
  return judgeAead(vector, group, name, spec);
});

wycheproof('chacha20_poly1305', 250, (vector, group) =>
  judgeAead(vector, group, 'chacha20-poly1305', 'chacha20-poly1305'),
);

for (const hash of ['sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'sha3-256', 'sha3-512'] as const) {
  wycheproof(`hmac_${hash.replace('-', '_')}`, 80, (vector, group) => {
    const whole = hmac(hash, secret(bytes(vector, 'key')), bytes(vector, 'msg'));
    if (group.tagSize !== whole.length * 8) return declined('truncated tags');
    return equalSecrets(whole, bytes(vector, 'tag')) ? 'taken' : 'refused';
  });
}

for (const hash of ['sha256', 'sha384', 'sha512'] as const satisfies readonly HashName[]) {
  wycheproof(`hkdf_${hash}`, 80, (vector) => {
    try {
      const okm = hkdf(
        hash,
        secret(bytes(vector, 'ikm')),
        bytes(vector, 'salt'),
        bytes(vector, 'info'),
        vector.size as number,
      );
      return bytes(vector, 'okm').equals(okm.expose()) ? 'taken' : 'wrong';
    } catch {
      return 'refused';
    }
  });
}

/** Both directions: a right wrapping opens to the message, and wrapping the message gives it. */
function judgeWrap(vector: Case, wrap: typeof wrapAesKw, unwrap: typeof unwrapAesKw): Verdict {
  const key = secret(bytes(vector, 'key'));
  const [msg, ct] = [bytes(vector, 'msg'), bytes(vector, 'ct')];
  const opened = unwrap(key, ct);
  if (opened === undefined) return 'refused';
  return msg.equals(opened.expose()) && wrap(key, secret(msg)).equals(ct) ? 'taken' : 'wrong';
}

wycheproof('aes_wrap', 160, (vector) => judgeWrap(vector, wrapAesKw, unwrapAesKw));
wycheproof('aes_kwp', 250, (vector) => judgeWrap(vector, wrapAesKwp, unwrapAesKwp));

interface Rfc {
  readonly rfc3394: ReadonlyArray<{ kek: string; key: string; wrapped: string }>;
  readonly rfc5649: ReadonlyArray<{ kek: string; key: string; wrapped: string }>;
  readonly rfc5869: ReadonlyArray<{ hash: HashName; ikm: string; salt: string; info: string; okm: string }>;
}

const small = 'rfc/small.json';

test('AES key wrap and HKDF give what RFC 3394, 5649 and 5869 print', { skip: vectorsMissing(small) }, () => {
  const rfc = JSON.parse(readVectors(small)!.toString()) as Rfc;
  const hex = (text: string) => Buffer.from(text, 'hex');
  for (const [vectors, wrap, unwrap] of [
    [rfc.rfc3394, wrapAesKw, unwrapAesKw],
    [rfc.rfc5649, wrapAesKwp, unwrapAesKwp],
  ] as const) {
    assert.ok(vectors.length > 0);
    for (const { kek, key, wrapped } of vectors) {
      assert.deepEqual(wrap(secret(hex(kek)), secret(hex(key))), hex(wrapped));
      assert.deepEqual(unwrap(secret(hex(kek)), hex(wrapped))?.expose(), hex(key));
    }
  }
  for (const { hash, ikm, salt, info, okm } of rfc.rfc5869) {
    const out = hkdf(hash, secret(hex(ikm)), hex(salt), hex(info), okm.length / 2);
    assert.equal(Buffer.from(out.expose()).toString('hex'), okm);
  }
});
