import { createPrivateKey, createPublicKey, diffieHellman, getFips, type KeyObject } from 'node:crypto';
import { x25519 } from '@noble/curves/ed25519.js';

/**
 * X25519 (RFC 7748) on bare keys of 32 bytes, for half of a hybrid. OpenSSL's, but where its FIPS module is in charge, which has none for
 * anybody: there it is @noble/curves' and counts for nothing but as further input of the key derivation, which SP 800-56C revision 2, section 2,
 * allows beside a secret of the module's own.
 */

const privateObject = (key: Uint8Array): KeyObject =>
  createPrivateKey({ key: key as Buffer, format: 'raw-private', asymmetricKeyType: 'x25519' });

const publicObject = (key: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.from(key), format: 'raw-public', asymmetricKeyType: 'x25519' });

export function x25519Public(privateKey: Uint8Array): Uint8Array {
  if (getFips() !== 0) return x25519.getPublicKey(privateKey);
  return createPublicKey(privateObject(privateKey)).export({ format: 'raw-public' });
}

/** 32 bytes, the caller's to wipe. Throws for a point of small order, which gives no secret (section 6.1). */
export function x25519Shared(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  if (getFips() !== 0) return x25519.getSharedSecret(privateKey, publicKey);
  return diffieHellman({ privateKey: privateObject(privateKey), publicKey: publicObject(publicKey) });
}
