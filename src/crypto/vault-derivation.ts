import { createPrivateKey } from 'node:crypto';
import { SecretBytes, specFacts } from '#domain/domain.ts';
import { hkdf } from './hkdf.ts';
import { hmac } from './hmac.ts';
import { KeyHandle, objectOf, openMaterial, rawPublicKeyOf } from './key-handle.ts';

const noSalt = new Uint8Array(0);
const nonceKeyLength = 32;

/** The key of one context, and for convergent keys what makes the nonce of each message from the message itself. */
export interface DerivedKey {
  readonly handle: KeyHandle;
  nonceOf?(plaintext: Uint8Array): Uint8Array;
}

/**
 * What Vault derives from a symmetric key for a context: HKDF with SHA-256 and no salt, the context as info. Of convergent keys the next
 * 32 bytes of the same stream are a key for HMAC-SHA-256, whose first 12 bytes over a message are its nonce (its version 3).
 */
export function deriveAsVault(parent: KeyHandle, context: Uint8Array, convergent: boolean): DerivedKey {
  const length = specFacts(parent.spec).bytes!;
  using stream = hkdf('sha256', parent, noSalt, context, length + (convergent ? nonceKeyLength : 0));
  using key = new SecretBytes(Uint8Array.from(stream.expose().subarray(0, length)));
  const handle = openMaterial(parent.spec, key);
  if (!convergent) return { handle };
  const nonceKey = new SecretBytes(Uint8Array.from(stream.expose().subarray(length)));
  return {
    handle,
    nonceOf(plaintext) {
      using once = nonceKey;
      return hmac('sha256', once, plaintext).subarray(0, 12);
    },
  };
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
