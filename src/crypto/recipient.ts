import {
  createPrivateKey,
  createPublicKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { SecretBytes } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import { aeadOpen, aeadSeal, nonceLength, tagLength } from './aead.ts';
import { digest } from './hash.ts';
import { hkdf } from './hkdf.ts';
import { randomBytes } from './random.ts';

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
  const { kem, curve } = privateKeys(secret);
  return Buffer.concat([rawPublic(createPublicKey(kem)), rawPublic(createPublicKey(curve))]);
}

/**
 * ML-KEM ciphertext 1568 | ephemeral X25519 key 32 | AES-256-GCM of `secret`, under a key that no other message has: hence the fixed
 * nonce. The key hangs from both shared secrets and, like a transcript, from both ciphertexts and public keys. `context` is bound to it.
 */
export function sealToRecipient(recipient: Uint8Array, context: Uint8Array, secret: SecretBytes): Uint8Array {
  const [kem, curve] = publicKeys(recipient);
  const ephemeral = generateKeyPairSync('x25519');
  const { sharedKey, ciphertext } = encapsulate(kem);
  using first = new SecretBytes(sharedKey);
  using second = new SecretBytes(diffieHellman({ privateKey: ephemeral.privateKey, publicKey: curve }));
  const header = Buffer.concat([ciphertext, rawPublic(ephemeral.publicKey)]);
  using key = messageKey(first, second, header, recipient);
  return Buffer.concat([header, aeadSeal('aes-256-gcm', key, noNonce, context, secret.expose())]);
}

/** The caller owns the result and still owns `secret`. Undefined when anything at all is wrong. */
export function openAsRecipient(secret: SecretBytes, context: Uint8Array, sealed: Uint8Array): SecretBytes | undefined {
  if (sealed.length < recipientLength + tagLength) return undefined;
  const { kem, curve } = privateKeys(secret);
  const header = sealed.subarray(0, recipientLength);
  let second: SecretBytes;
  try {
    const ephemeral = publicKey('x25519', header.subarray(kemPublicLength));
    second = new SecretBytes(diffieHellman({ privateKey: curve, publicKey: ephemeral }));
  } catch {
    // A point of small order gives no secret (RFC 7748 section 6.1).
    return undefined;
  }
  using _ = second;
  using first = new SecretBytes(decapsulate(kem, header.subarray(0, kemPublicLength)));
  using key = messageKey(first, second, header, recipientOf(secret));
  const opened = aeadOpen('aes-256-gcm', key, noNonce, context, sealed.subarray(recipientLength));
  return opened === undefined ? undefined : new SecretBytes(opened);
}

function messageKey(first: SecretBytes, second: SecretBytes, header: Uint8Array, recipient: Uint8Array): SecretBytes {
  using both = new SecretBytes(Buffer.concat([first.expose(), second.expose()]));
  return hkdf('sha512', both, digest('sha512', Buffer.concat([header, recipient])), label, 32);
}

function privateKeys(secret: SecretBytes) {
  const bytes = Buffer.from(secret.expose().buffer, secret.expose().byteOffset, secret.length);
  return {
    kem: createPrivateKey({
      key: bytes.subarray(0, kemSeedLength),
      format: 'raw-seed',
      asymmetricKeyType: 'ml-kem-1024',
    }),
    curve: createPrivateKey({ key: bytes.subarray(kemSeedLength), format: 'raw-private', asymmetricKeyType: 'x25519' }),
  };
}

function publicKeys(recipient: Uint8Array): readonly [KeyObject, KeyObject] {
  return [
    publicKey('ml-kem-1024', recipient.subarray(0, kemPublicLength)),
    publicKey('x25519', recipient.subarray(kemPublicLength)),
  ];
}

const publicKey = (type: 'ml-kem-1024' | 'x25519', key: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.from(key), format: 'raw-public', asymmetricKeyType: type });

const rawPublic = (key: KeyObject): Buffer => key.export({ format: 'raw-public' });
