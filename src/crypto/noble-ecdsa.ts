import { type ECDSA, ecdsa, type WeierstrassPointCons } from '@noble/curves/abstract/weierstrass.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import type { HashName } from '#domain/domain.ts';
import { type EcSpec, type KeyHandle, objectOf, rawPublicKeyOf } from './key-handle.ts';
import { assertOutsideFips, nobleHash, nobleHmac } from './noble-hash.ts';

// ECDSA over a digest that is given, where OpenSSL can't be asked for it: 0.5 to 1.5 ms a signature on the loop, in JavaScript, whose
// timing is blinded but not constant; docs/dependencies.md weighs that.

const points = {
  'ec-p256': p256.Point,
  'ec-p384': p384.Point,
  'ec-p521': p521.Point,
  'ec-secp256k1': secp256k1.Point,
} as const satisfies Record<EcSpec, WeierstrassPointCons<bigint>>;

const algorithms = new Map<string, ECDSA>();

/** Deterministic nonces (RFC 6979) under the HMAC of the digest's own hash. */
function algorithmOf(handle: KeyHandle, hash: HashName): ECDSA {
  assertOutsideFips();
  const name = `${handle.spec} ${hash}`;
  let algorithm = algorithms.get(name);
  if (algorithm === undefined) {
    algorithm = ecdsa(points[handle.spec as EcSpec], nobleHash(hash), { hmac: nobleHmac(hash) });
    algorithms.set(name, algorithm);
  }
  return algorithm;
}

/** The digest is taken as it is (its leftmost bits where it is longer than the order), and either half of s is as good. */
const options = { prehash: false, lowS: false, format: 'der' } as const;

/** DER. */
export function nobleSignDigest(handle: KeyHandle, hash: HashName, hashed: Uint8Array): Uint8Array {
  const secret = objectOf(handle).export({ format: 'raw-private' });
  try {
    return algorithmOf(handle, hash).sign(hashed, secret, options);
  } finally {
    secret.fill(0);
  }
}

/** `signature` is DER. Throws or answers false for one that is wrong. */
export function nobleVerifyDigest(
  handle: KeyHandle,
  hash: HashName,
  hashed: Uint8Array,
  signature: Uint8Array,
): boolean {
  return algorithmOf(handle, hash).verify(signature, hashed, rawPublicKeyOf(handle), options);
}
