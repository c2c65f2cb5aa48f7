import { createHmac, getFips } from 'node:crypto';
import { type HashName, KmsError } from '#domain/domain.ts';
import { digest, digestLength } from './hash.ts';

// @noble/curves signs digests that are given, which OpenSSL through node:crypto doesn't. Its hashing stays OpenSSL's.

const blockLength = {
  sha1: 64,
  sha224: 64,
  sha256: 64,
  sha384: 128,
  sha512: 128,
  'sha3-224': 144,
  'sha3-256': 136,
  'sha3-384': 104,
  'sha3-512': 72,
} as const satisfies Record<HashName, number>;

/** Throws 'unsupported' where the curves of a FIPS module are the only ones that may be used. */
export function assertOutsideFips(): void {
  if (getFips() === 0) return;
  throw new KmsError('unsupported', 'This server runs on a FIPS module, which does not sign digests that are given.');
}

/** A hash in the shape that @noble/curves expects. Plain Uint8Arrays: a Buffer's `slice` doesn't copy. */
export function nobleHash(hash: HashName) {
  const oneShot = (message: Uint8Array) => new Uint8Array(digest(hash, message));
  return Object.assign(oneShot, {
    outputLen: digestLength[hash],
    blockLen: blockLength[hash],
    canXOF: false,
    create: (): never => {
      throw new Error('streaming is not offered');
    },
  });
}

export function nobleHmac(hash: HashName) {
  return (key: Uint8Array, message: Uint8Array) => new Uint8Array(createHmac(hash, key).update(message).digest());
}
