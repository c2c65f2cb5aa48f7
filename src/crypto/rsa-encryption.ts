import { constants, privateDecrypt, publicEncrypt } from 'node:crypto';
import { type EncryptionScheme, type HashName, KmsError, specFacts } from '#domain/domain.ts';
import { digestLength } from './hash.ts';
import { type KeyHandle, objectOf, requireFamily } from './key-handle.ts';

/** MGF1 uses the same hash, as AWS, Google and Vault do. */
const oaepHash = {
  natural: 'sha256',
  'rsa-oaep-sha1': 'sha1',
  'rsa-oaep-sha256': 'sha256',
  'rsa-oaep-sha512': 'sha512',
} as const satisfies Record<Exclude<EncryptionScheme, 'envelope' | 'raw-aead'>, HashName>;

function hashOf(handle: KeyHandle, scheme: EncryptionScheme): HashName {
  requireFamily(handle, 'rsa');
  if (scheme === 'envelope' || scheme === 'raw-aead') {
    throw new KmsError('wrong-algorithm', 'RSA keys encrypt with OAEP only.', handle.spec);
  }
  return oaepHash[scheme];
}

/** The most that one ciphertext holds, in bytes (RFC 8017 section 7.1.1). */
export function rsaMaxPlaintext(handle: KeyHandle, scheme: EncryptionScheme): number {
  const hash = hashOf(handle, scheme);
  return specFacts(handle.spec).modulusBits! / 8 - 2 * digestLength[hash] - 2;
}

/**
 * RSAES-OAEP with an empty label; as long as the modulus. Throws 'invalid-parameter' for a plaintext over `rsaMaxPlaintext`,
 * 'wrong-algorithm' where key and scheme don't fit.
 */
export function rsaEncrypt(publicKey: KeyHandle, scheme: EncryptionScheme, plaintext: Uint8Array): Buffer {
  const max = rsaMaxPlaintext(publicKey, scheme);
  if (plaintext.length > max) {
    throw new KmsError('invalid-parameter', `This key and algorithm encrypt at most ${max} bytes.`);
  }
  return rsaEncryptOaep(publicKey, hashOf(publicKey, scheme), plaintext);
}

/** Of what is known to fit. */
export function rsaEncryptOaep(publicKey: KeyHandle, hash: HashName, plaintext: Uint8Array): Buffer {
  return publicEncrypt(withPadding(publicKey, hash), plaintext);
}

/** The plaintext, or undefined when anything at all is wrong with the ciphertext. Half a millisecond to 1.5 ms on the loop. */
export function rsaDecrypt(
  privateKey: KeyHandle,
  scheme: EncryptionScheme,
  ciphertext: Uint8Array,
): Buffer | undefined {
  return rsaDecryptOaep(privateKey, hashOf(privateKey, scheme), ciphertext);
}

/** As `rsaDecrypt`, with any hash that OAEP may have. */
export function rsaDecryptOaep(privateKey: KeyHandle, hash: HashName, ciphertext: Uint8Array): Buffer | undefined {
  const key = withPadding(privateKey, hash);
  // OpenSSL reads shorter input as a smaller number; RFC 8017 section 7.1.2 step 1 wants the full length.
  if (ciphertext.length !== specFacts(privateKey.spec).modulusBits! / 8) return undefined;
  try {
    return privateDecrypt(key, ciphertext);
  } catch {
    return undefined;
  }
}

function withPadding(handle: KeyHandle, oaepHash: HashName) {
  requireFamily(handle, 'rsa');
  return { key: objectOf(handle), padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash };
}
