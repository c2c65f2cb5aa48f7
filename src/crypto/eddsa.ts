import { type EdDSA, eddsa } from '@noble/curves/abstract/edwards.js';
import { ed25519 } from '@noble/curves/ed25519.js';
import { direct } from './direct-signature.ts';
import { type KeyHandle, objectOf, rawPublicKeyOf } from './key-handle.ts';
import { assertOutsideFips, nobleHash } from './noble-hash.ts';

// Ed25519ph (RFC 8032, FIPS 186-5 section 7.8). OpenSSL has it and node:crypto has no way to say so (26.10): it is asked by ffi, and
// where that isn't there @noble/curves does it, with the same reserve as for ECDSA. Pure Ed25519 goes by `openssl-signature.ts`.

/** Section 2: dom2(1, ''), and the context is always empty. */
const dom2 = Buffer.concat([Buffer.from('SigEd25519 no Ed25519 collisions', 'latin1'), Uint8Array.of(1, 0)]);

/** Section 5.1.5 step 2. */
function clamp(scalar: Uint8Array): Uint8Array {
  scalar[0]! &= 0xf8;
  scalar[31]! = (scalar[31]! & 0x7f) | 0x40;
  return scalar;
}

/** Ed25519ph over a message that is hashed already, which the library's own Ed25519ph doesn't take. */
const ed25519ph: EdDSA = eddsa(ed25519.Point, nobleHash('sha512'), {
  adjustScalarBytes: clamp,
  domain: (data: Uint8Array) => Uint8Array.from(Buffer.concat([dom2, data])),
  prehash: (hashed: Uint8Array) => hashed,
});

/** `hashed`: SHA-512 of the message. */
export function signEd25519ph(handle: KeyHandle, hashed: Uint8Array): Uint8Array {
  return direct?.sign(handle, 'ED25519ph', hashed) ?? nobleSignEd25519ph(handle, hashed);
}

/** Throws or answers false for a signature that is wrong. */
export function verifyEd25519ph(handle: KeyHandle, hashed: Uint8Array, signature: Uint8Array): boolean {
  return direct?.verify(handle, 'ED25519ph', hashed, signature) ?? nobleVerifyEd25519ph(handle, hashed, signature);
}

export function nobleSignEd25519ph(handle: KeyHandle, hashed: Uint8Array): Uint8Array {
  assertOutsideFips();
  const seed = objectOf(handle).export({ format: 'raw-private' });
  try {
    return ed25519ph.sign(hashed, seed);
  } finally {
    seed.fill(0);
  }
}

export function nobleVerifyEd25519ph(handle: KeyHandle, hashed: Uint8Array, signature: Uint8Array): boolean {
  assertOutsideFips();
  return ed25519ph.verify(signature, hashed, rawPublicKeyOf(handle), { zip215: false });
}
