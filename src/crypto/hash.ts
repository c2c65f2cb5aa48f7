import { hash as oneShot, timingSafeEqual } from 'node:crypto';
import type { HashName } from '#domain/domain.ts';

/** Length in bytes of each hash's digest. */
export const digestLength = {
  sha1: 20,
  sha224: 28,
  sha256: 32,
  sha384: 48,
  sha512: 64,
  'sha3-224': 28,
  'sha3-256': 32,
  'sha3-384': 48,
  'sha3-512': 64,
} as const satisfies Record<HashName, number>;

export function digest(hash: HashName, data: Uint8Array): Buffer {
  return oneShot(hash, data, 'buffer');
}

/** The digest as a string of one character per byte (latin1): half the cost of a Buffer, for what is written on at once. */
export function digestLatin1(hash: HashName, data: Uint8Array): string {
  return oneShot(hash, data, 'latin1');
}

export function digestHex(hash: HashName, data: Uint8Array | string): string {
  return oneShot(hash, data, 'hex');
}

/** Whether two secrets are the same, in time that depends on their lengths only. */
export function equalSecrets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
