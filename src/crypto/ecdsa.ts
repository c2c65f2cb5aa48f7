import type { DSAEncoding } from 'node:crypto';
import type { HashName, SignatureScheme } from '#domain/domain.ts';
import { derInteger, derSequence, readDer } from '#encoding/encoding.ts';
import { direct } from './direct-signature.ts';
import type { EcSpec, KeyHandle } from './key-handle.ts';
import { nobleSignDigest, nobleVerifyDigest } from './noble-ecdsa.ts';
import { signMessage, verifyMessage } from './openssl-signature.ts';

// ECDSA (FIPS 186-5 section 6). Messages go to OpenSSL by `node:crypto`, digests that are given by ffi; where that isn't there, to
// @noble/curves, with the same nonces (RFC 6979) and so the same bytes.

const dsaEncoding = { der: 'der', p1363: 'ieee-p1363' } as const satisfies Record<string, DSAEncoding>;

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
  const der = direct?.sign(handle, `ECDSA ${hash}`, hashed) ?? nobleSignDigest(handle, hash, hashed);
  return scheme.encoding === 'p1363' ? fixedOf(der, handle) : der;
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
  const der = scheme.encoding === 'p1363' ? derOf(signature, handle) : signature;
  if (der === undefined) return false;
  return direct?.verify(handle, `ECDSA ${hash}`, hashed, der) ?? nobleVerifyDigest(handle, hash, hashed, der);
}

/** Bytes of the order of each curve's group, and so of r and of s. */
const orderLength = {
  'ec-p256': 32,
  'ec-p384': 48,
  'ec-p521': 66,
  'ec-secp256k1': 32,
} as const satisfies Record<EcSpec, number>;

/** r||s of fixed length (IEEE P1363) as DER; undefined where it isn't that long. */
function derOf(fixed: Uint8Array, { spec }: KeyHandle): Uint8Array | undefined {
  const length = orderLength[spec as EcSpec];
  if (fixed.length !== 2 * length) return undefined;
  return derSequence(derInteger(fixed.subarray(0, length)), derInteger(fixed.subarray(length)));
}

function fixedOf(der: Uint8Array, { spec }: KeyHandle): Uint8Array {
  const length = orderLength[spec as EcSpec];
  const fixed = new Uint8Array(2 * length);
  const numbers = readDer(readDer(der)![0]!.body)!;
  numbers.forEach(({ body }, index) => {
    // A leading zero says that the number isn't negative.
    const magnitude = body.length > length ? body.subarray(body.length - length) : body;
    fixed.set(magnitude, (index + 1) * length - magnitude.length);
  });
  return fixed;
}
