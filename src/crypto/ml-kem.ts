import { decapsulate as decapsulateSync, encapsulate as encapsulateSync } from 'node:crypto';
import { SecretBytes } from '#domain/domain.ts';
import { type KeyHandle, objectOf, requireFamily } from './key-handle.ts';

/** A fresh shared secret of 32 bytes, which the caller owns, and the ciphertext that carries it (FIPS 203 section 7.2). */
export function encapsulate(publicKey: KeyHandle): { ciphertext: Uint8Array; sharedSecret: SecretBytes } {
  requireFamily(publicKey, 'ml-kem');
  const { sharedKey, ciphertext } = encapsulateSync(objectOf(publicKey));
  return { ciphertext, sharedSecret: new SecretBytes(sharedKey) };
}

/**
 * The 32 bytes that `ciphertext` carries, which the caller owns; undefined when its length is wrong. Any other wrong ciphertext
 * gives a secret that nobody else has: that is FIPS 203's implicit rejection (section 7.3), not a failure.
 */
export function decapsulate(privateKey: KeyHandle, ciphertext: Uint8Array): SecretBytes | undefined {
  requireFamily(privateKey, 'ml-kem');
  try {
    return new SecretBytes(decapsulateSync(objectOf(privateKey), ciphertext));
  } catch {
    return undefined;
  }
}
