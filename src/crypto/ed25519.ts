import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { SecretBytes } from '#domain/domain.ts';

// RFC 8410 section 7 and 4: the fixed DER around a 32-byte seed and a 32-byte public key.
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');

/** Signs with one Ed25519 key (RFC 8032), made from a 32-byte seed: the ledger's checkpoint signer. */
export class Ed25519Signer {
  readonly #key: KeyObject;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;

  /** The caller still owns and disposes `seed`. */
  constructor(seed: SecretBytes) {
    const der = Buffer.concat([pkcs8Prefix, seed.expose()]);
    this.#key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    der.fill(0);
    this.publicKey = createPublicKey(this.#key).export({ format: 'der', type: 'spki' }).subarray(spkiPrefix.length);
  }

  /** 64 bytes. */
  sign(message: Uint8Array): Buffer {
    return sign(null, message, this.#key);
  }
}

/** Whether `signature` over `message` is by the 32-byte `publicKey`. False for a malformed key too. */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  try {
    const key = createPublicKey({ key: Buffer.concat([spkiPrefix, publicKey]), format: 'der', type: 'spki' });
    return verify(null, message, key, signature);
  } catch {
    return false;
  }
}
