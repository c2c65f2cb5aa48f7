import { createPrivateKey, createPublicKey, decapsulate, encapsulate, type KeyObject } from 'node:crypto';
import { SecretBytes } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import { aeadOpen, aeadSeal, nonceLength, tagLength } from './aead.ts';
import { digest } from './hash.ts';
import { hkdf } from './hkdf.ts';
import { randomBytes } from './random.ts';
import { x25519Public, x25519Shared } from './x25519.ts';

const kemSeedLength = 64; // FIPS 203 section 7.1: d and z
const kemPublicLength = 1568; // section 8, ML-KEM-1024: the encapsulation key and, as long, the ciphertext
const curveLength = 32; // RFC 7748 section 5

/** ML-KEM's seed, then X25519's private key. */
export const recipientSecretLength = kemSeedLength + curveLength;
export const recipientLength = kemPublicLength + curveLength;

const label = toUtf8('claviger/v1/recipient');
const noNonce = new Uint8Array(nonceLength);

/**
 * Whoever is to open something later, by two key pairs at once: what is sealed to a recipient stays closed as long as either ML-KEM-1024
 * (FIPS 203) or X25519 (RFC 7748) holds.
 */
export function newRecipientSecret(): SecretBytes {
  return new SecretBytes(randomBytes(recipientSecretLength));
}

/** The public half. The caller still owns `secret`. */
export function recipientOf(secret: SecretBytes): Uint8Array {
  const kem: Buffer = createPublicKey(kemOf(secret)).export({ format: 'raw-public' });
  return Buffer.concat([kem, x25519Public(curveOf(secret))]);
}

/**
 * ML-KEM ciphertext 1568 | ephemeral X25519 key 32 | AES-256-GCM of `secret`, under a key that no other message has: hence the fixed
 * nonce. The key hangs from both shared secrets and, like a transcript, from both ciphertexts and public keys. `context` is bound to it.
 */
export function sealToRecipient(recipient: Uint8Array, context: Uint8Array, secret: SecretBytes): Uint8Array {
  const kem = Buffer.from(recipient.subarray(0, kemPublicLength));
  using ephemeral = new SecretBytes(randomBytes(curveLength));
  const { sharedKey, ciphertext } = encapsulate(
    createPublicKey({ key: kem, format: 'raw-public', asymmetricKeyType: 'ml-kem-1024' }),
  );
  using first = new SecretBytes(sharedKey);
  using second = new SecretBytes(x25519Shared(ephemeral.expose(), recipient.subarray(kemPublicLength)));
  const header = Buffer.concat([ciphertext, x25519Public(ephemeral.expose())]);
  using key = messageKey(first, second, header, recipient);
  return Buffer.concat([header, aeadSeal('aes-256-gcm', key, noNonce, context, secret.expose())]);
}

/** The caller owns the result and still owns `secret`. Undefined when anything at all is wrong. */
export function openAsRecipient(secret: SecretBytes, context: Uint8Array, sealed: Uint8Array): SecretBytes | undefined {
  if (sealed.length < recipientLength + tagLength) return undefined;
  const header = sealed.subarray(0, recipientLength);
  let second: SecretBytes;
  try {
    second = new SecretBytes(x25519Shared(curveOf(secret), header.subarray(kemPublicLength)));
  } catch {
    // A point of small order gives no secret (RFC 7748 section 6.1).
    return undefined;
  }
  using _ = second;
  using first = new SecretBytes(decapsulate(kemOf(secret), header.subarray(0, kemPublicLength)));
  using key = messageKey(first, second, header, recipientOf(secret));
  const opened = aeadOpen('aes-256-gcm', key, noNonce, context, sealed.subarray(recipientLength));
  return opened === undefined ? undefined : new SecretBytes(opened);
}

function messageKey(first: SecretBytes, second: SecretBytes, header: Uint8Array, recipient: Uint8Array): SecretBytes {
  using both = new SecretBytes(Buffer.concat([first.expose(), second.expose()]));
  return hkdf('sha512', both, digest('sha512', Buffer.concat([header, recipient])), label, 32);
}

function kemOf(secret: SecretBytes): KeyObject {
  const key = secret.expose().subarray(0, kemSeedLength) as Buffer;
  return createPrivateKey({ key, format: 'raw-seed', asymmetricKeyType: 'ml-kem-1024' });
}

const curveOf = (secret: SecretBytes): Uint8Array => secret.expose().subarray(kemSeedLength);
