import { createPublicKey, decapsulate, encapsulate, type KeyObject } from 'node:crypto';
import { SecretBytes } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import { aeadOpen, aeadSeal, nonceLength, tagLength } from './aead.ts';
import { digest } from './hash.ts';
import { hkdf } from './hkdf.ts';
import { privateKeyOfPem, publicKeyOfPem } from './pem-keys.ts';

/** FIPS 203 table 3: bytes of a ciphertext. */
const ciphertextLengths: ReadonlyMap<string, number> = new Map([
  ['ml-kem-768', 1088],
  ['ml-kem-1024', 1568],
]);
const label = toUtf8('claviger/v1/kem-envelope');
const noNonce = new Uint8Array(nonceLength);

/** Whether it is a public key (SubjectPublicKeyInfo) of ML-KEM-768 or -1024. */
export function isKemPublicKey(pem: string): boolean {
  return publicKeyOfPem(pem, isKem) !== undefined;
}

/**
 * For whoever holds the private half: ML-KEM ciphertext, then AES-256-GCM of `secret` under a key that no other message has, hence the
 * fixed nonce. `context` is bound to it. Undefined where `pem` is no such public key. The caller still owns `secret`.
 */
export function sealToKemKey(pem: string, context: Uint8Array, secret: SecretBytes): Uint8Array | undefined {
  const publicKey = publicKeyOfPem(pem, isKem);
  if (publicKey === undefined) return undefined;
  const { sharedKey, ciphertext } = encapsulate(publicKey);
  using shared = new SecretBytes(sharedKey);
  using key = messageKey(shared, ciphertext, publicKey);
  return Buffer.concat([ciphertext, aeadSeal('aes-256-gcm', key, noNonce, context, secret.expose())]);
}

/** The caller owns the result, and still owns `pem`, a private key in PKCS #8. Undefined when anything at all is wrong. */
export function openWithKemKey(pem: SecretBytes, context: Uint8Array, sealed: Uint8Array): SecretBytes | undefined {
  const privateKey = privateKeyOfPem(pem, undefined, isKem);
  if (privateKey === undefined) return undefined;
  const length = ciphertextLengths.get(privateKey.asymmetricKeyType!)!;
  if (sealed.length < length + tagLength) return undefined;
  const ciphertext = sealed.subarray(0, length);
  using shared = new SecretBytes(decapsulate(privateKey, ciphertext));
  using key = messageKey(shared, ciphertext, createPublicKey(privateKey));
  const opened = aeadOpen('aes-256-gcm', key, noNonce, context, sealed.subarray(length));
  return opened === undefined ? undefined : new SecretBytes(opened);
}

function messageKey(shared: SecretBytes, ciphertext: Uint8Array, publicKey: KeyObject): SecretBytes {
  const transcript = Buffer.concat([ciphertext, publicKey.export({ format: 'der', type: 'spki' })]);
  return hkdf('sha512', shared, digest('sha512', transcript), label, 32);
}

const isKem = (key: KeyObject) => ciphertextLengths.has(key.asymmetricKeyType ?? '');
