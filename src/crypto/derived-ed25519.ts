import { createPrivateKey } from 'node:crypto';
import { SecretBytes } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import { hkdf } from './hkdf.ts';
import { KeyHandle, objectOf, rawPublicKeyOf } from './key-handle.ts';

const noSalt = new Uint8Array(0);
const seedLength = 32;

/**
 * The pair of one context, from an Ed25519 key that signs for none itself. A seed is any 32 uniform bytes (RFC 8032 section 5.1.5), so HKDF
 * of the parent's makes one, and knowing one pair tells nothing of the parent or of another context's.
 */
export function deriveEd25519(
  parent: KeyHandle,
  context: Uint8Array,
): { readonly pair: KeyHandle; readonly publicKey: Uint8Array } {
  using secret = new SecretBytes(objectOf(parent).export({ format: 'raw-private' }));
  const info = Buffer.concat([toUtf8('claviger/v1/ed25519/'), context]);
  using seed = hkdf('sha512', secret, noSalt, info, seedLength);
  const key = seed.expose() as Buffer;
  const pair = new KeyHandle('ed25519', createPrivateKey({ key, format: 'raw-private', asymmetricKeyType: 'ed25519' }));
  return { pair, publicKey: rawPublicKeyOf(pair) };
}
