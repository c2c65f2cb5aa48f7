import { createPrivateKey } from 'node:crypto';
import { SecretBytes, specFacts } from '#domain/domain.ts';
import { hkdf } from './hkdf.ts';
import { hmac } from './hmac.ts';
import { KeyHandle, objectOf, openMaterial, rawPublicKeyOf } from './key-handle.ts';

const noSalt = new Uint8Array(0);
const nonceKeyLength = 32;
const nonceLength = 12;

/** What Vault derives from a symmetric key for a context: HKDF with SHA-256 and no salt, the context as info. */
export function deriveAsVault(parent: KeyHandle, context: Uint8Array): KeyHandle {
  using key = hkdf('sha256', parent, noSalt, context, specFacts(parent.spec).bytes!);
  return openMaterial(parent.spec, key);
}

/**
 * The nonce of a message under the key of its context, where equal messages are to give equal ciphertexts: HMAC-SHA-256 under the next
 * 32 bytes of that same stream, as Vault has it (its version 3). Vault leaves associated data out, so that one message with two of them
 * meets one nonce twice, which tells GHASH's key (SP 800-38D appendix A): here they go in, under the 32 bytes behind those.
 */
export function convergentNonce(
  parent: KeyHandle,
  context: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  const at = specFacts(parent.spec).bytes! + (aad.length === 0 ? 0 : nonceKeyLength);
  using stream = hkdf('sha256', parent, noSalt, context, at + nonceKeyLength);
  using nonceKey = SecretBytes.copyOf(stream.expose().subarray(at));
  if (aad.length === 0) return hmac('sha256', nonceKey, plaintext).subarray(0, nonceLength);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(aad.length);
  return hmac('sha256', nonceKey, length, aad, plaintext).subarray(0, nonceLength);
}

/**
 * The pair that Vault derives from an Ed25519 key for a context: its seed is the first 32 bytes of that same stream, made from what Go
 * keeps of a private key, the seed and the public key behind it.
 */
export function deriveEd25519AsVault(
  parent: KeyHandle,
  context: Uint8Array,
): { readonly pair: KeyHandle; readonly publicKey: Uint8Array } {
  using own = new SecretBytes(objectOf(parent).export({ format: 'raw-private' }));
  using whole = new SecretBytes(Buffer.concat([own.expose(), rawPublicKeyOf(parent)]));
  using seed = hkdf('sha256', whole, noSalt, context, 32);
  const key = seed.expose() as Buffer;
  const pair = new KeyHandle('ed25519', createPrivateKey({ key, format: 'raw-private', asymmetricKeyType: 'ed25519' }));
  return { pair, publicKey: rawPublicKeyOf(pair) };
}
