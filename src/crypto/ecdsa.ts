import type { DSAEncoding } from 'node:crypto';
import { type ECDSA, ecdsa, type WeierstrassPointCons } from '@noble/curves/abstract/weierstrass.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import type { HashName, SignatureScheme } from '#domain/domain.ts';
import { type EcSpec, type KeyHandle, objectOf, rawPublicKeyOf } from './key-handle.ts';
import { nobleHash, nobleHmac } from './noble-hash.ts';
import { signMessage, verifyMessage } from './openssl-signature.ts';

// ECDSA (FIPS 186-5 section 6). Messages go to OpenSSL. A digest that is given goes to @noble/curves: 0.5 to 1.5 ms a signature on
// the loop, in JavaScript, whose timing is blinded but not constant; docs/dependencies.md weighs that.

const dsaEncoding = { der: 'der', p1363: 'ieee-p1363' } as const satisfies Record<string, DSAEncoding>;

const points = {
  'ec-p256': p256.Point,
  'ec-p384': p384.Point,
  'ec-p521': p521.Point,
  'ec-secp256k1': secp256k1.Point,
} as const satisfies Record<EcSpec, WeierstrassPointCons<bigint>>;

const algorithms = new Map<string, ECDSA>();

/** Deterministic nonces (RFC 6979) under the HMAC of the digest's own hash. */
function algorithmOf(handle: KeyHandle, hash: HashName): ECDSA {
  const name = `${handle.spec} ${hash}`;
  let algorithm = algorithms.get(name);
  if (algorithm === undefined) {
    algorithm = ecdsa(points[handle.spec as EcSpec], nobleHash(hash), { hmac: nobleHmac(hash) });
    algorithms.set(name, algorithm);
  }
  return algorithm;
}

/** The digest is taken as it is (its leftmost bits where it is longer than the order), and either half of s is as good. */
function digestOptions(scheme: SignatureScheme) {
  return { prehash: false, lowS: false, format: scheme.encoding === 'p1363' ? 'compact' : 'der' } as const;
}

function messageOptions(scheme: SignatureScheme) {
  return { dsaEncoding: dsaEncoding[scheme.encoding ?? 'der'] };
}

export function signEcdsa(
  handle: KeyHandle,
  scheme: SignatureScheme,
  hash: HashName,
  message: Uint8Array,
): Uint8Array | Promise<Uint8Array> {
  return signMessage(handle, hash, message, messageOptions(scheme));
}

export function signEcdsaDigest(
  handle: KeyHandle,
  scheme: SignatureScheme,
  hash: HashName,
  hashed: Uint8Array,
): Uint8Array {
  const secret = objectOf(handle).export({ format: 'raw-private' });
  try {
    return algorithmOf(handle, hash).sign(hashed, secret, digestOptions(scheme));
  } finally {
    secret.fill(0);
  }
}

export function verifyEcdsa(
  handle: KeyHandle,
  scheme: SignatureScheme,
  hash: HashName,
  message: Uint8Array,
  signature: Uint8Array,
): boolean | Promise<boolean> {
  return verifyMessage(handle, hash, message, signature, messageOptions(scheme));
}

/** Throws or answers false for a signature that is wrong. */
export function verifyEcdsaDigest(
  handle: KeyHandle,
  scheme: SignatureScheme,
  hash: HashName,
  hashed: Uint8Array,
  signature: Uint8Array,
): boolean {
  return algorithmOf(handle, hash).verify(signature, hashed, rawPublicKeyOf(handle), digestOptions(scheme));
}
