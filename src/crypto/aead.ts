import { type CipherGCMTypes, createCipheriv, createDecipheriv } from 'node:crypto';
import { SecretBytes } from '#domain/domain.ts';
import { bytesOf, KeyHandle } from './key-handle.ts';

export type AeadName = 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305';

export const nonceLength = 12;
export const tagLength = 16;

/** The bytes themselves, which `node:crypto` copies for as long as it takes. */
export function keyInput(key: KeyHandle | SecretBytes | Uint8Array): Uint8Array {
  if (key instanceof KeyHandle) return bytesOf(key);
  return key instanceof SecretBytes ? key.expose() : key;
}

/**
 * Encrypts into `target[offset ..]`: ciphertext, then the 16-byte tag. The caller vouches that `nonce` (12 bytes) is never used
 * twice with this key (SP 800-38D section 8, RFC 8439 section 2.8).
 */
export function aeadSealInto(
  name: AeadName,
  key: KeyHandle | SecretBytes | Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
  target: Uint8Array,
  offset: number,
): void {
  // The types know GCM only; ChaCha20-Poly1305 takes the same calls.
  const cipher = createCipheriv(name as CipherGCMTypes, keyInput(key), nonce, { authTagLength: tagLength });
  if (aad.length > 0) cipher.setAAD(aad);
  target.set(cipher.update(plaintext), offset);
  cipher.final();
  target.set(cipher.getAuthTag(), offset + plaintext.length);
}

export function aeadSeal(
  name: AeadName,
  key: KeyHandle | SecretBytes | Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Buffer {
  const out = Buffer.allocUnsafe(plaintext.length + tagLength);
  aeadSealInto(name, key, nonce, aad, plaintext, out, 0);
  return out;
}

/** The plaintext, or undefined when anything at all is wrong: nothing unauthenticated leaves. */
export function aeadOpen(
  name: AeadName,
  key: KeyHandle | SecretBytes | Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Buffer | undefined {
  if (sealed.length < tagLength) return undefined;
  const body = sealed.length - tagLength;
  try {
    const decipher = createDecipheriv(name as CipherGCMTypes, keyInput(key), nonce, { authTagLength: tagLength });
    if (aad.length > 0) decipher.setAAD(aad);
    decipher.setAuthTag(sealed.subarray(body));
    const plaintext = decipher.update(sealed.subarray(0, body));
    decipher.final();
    return plaintext;
  } catch {
    return undefined;
  }
}
