import { createCipheriv, createDecipheriv } from 'node:crypto';
import { KmsError, SecretBytes } from '#domain/domain.ts';
import { keyInput } from './aead.ts';
import { directUnwrap } from './direct-unwrap.ts';
import type { KeyHandle } from './key-handle.ts';

type Padding = 'none' | 'padded';

// RFC 3394 section 2.2.3.1 and RFC 5649 section 3: what tells a right unwrap from a wrong one.
const initialValue = {
  none: Buffer.from('a6a6a6a6a6a6a6a6', 'hex'),
  padded: Buffer.from('a65959a6', 'hex'),
} as const satisfies Record<Padding, Buffer>;

function cipherName(kek: KeyHandle | SecretBytes, padding: Padding): string {
  return `id-aes${keyInput(kek).length * 8}-wrap${padding === 'padded' ? '-pad' : ''}`;
}

function wrap(kek: KeyHandle | SecretBytes, padding: Padding, material: SecretBytes): Buffer {
  const cipher = createCipheriv(cipherName(kek, padding), keyInput(kek), initialValue[padding]);
  return Buffer.concat([cipher.update(material.expose()), cipher.final()]);
}

function unwrap(kek: KeyHandle | SecretBytes, padding: Padding, wrapped: Uint8Array): SecretBytes | undefined {
  if (directUnwrap?.takes(wrapped) === true)
    return directUnwrap.unwrap(cipherName(kek, padding), keyInput(kek), initialValue[padding], wrapped);
  try {
    const decipher = createDecipheriv(cipherName(kek, padding), keyInput(kek), initialValue[padding]);
    const material = decipher.update(wrapped);
    decipher.final();
    return new SecretBytes(material);
  } catch {
    return undefined;
  }
}

/** AES Key Wrap (RFC 3394): `material` is a multiple of 8 bytes, at least 16, else 'invalid-parameter'. 8 bytes longer. */
export function wrapAesKw(kek: KeyHandle | SecretBytes, material: SecretBytes): Buffer {
  if (material.length < 16 || material.length % 8 !== 0) {
    throw new KmsError('invalid-parameter', 'AES key wrap takes whole blocks of 8 bytes, at least two.');
  }
  return wrap(kek, 'none', material);
}

/** The material, which the caller owns, or undefined when anything at all is wrong. */
export function unwrapAesKw(kek: KeyHandle | SecretBytes, wrapped: Uint8Array): SecretBytes | undefined {
  if (wrapped.length < 24 || wrapped.length % 8 !== 0) return undefined;
  return unwrap(kek, 'none', wrapped);
}

/** AES Key Wrap with Padding (RFC 5649): any length from 1 byte, else 'invalid-parameter'. 8 to 15 bytes longer. */
export function wrapAesKwp(kek: KeyHandle | SecretBytes, material: SecretBytes): Buffer {
  if (material.length === 0) throw new KmsError('invalid-parameter', 'There is nothing to wrap.');
  return wrap(kek, 'padded', material);
}

/** The material, which the caller owns, or undefined when anything at all is wrong. */
export function unwrapAesKwp(kek: KeyHandle | SecretBytes, wrapped: Uint8Array): SecretBytes | undefined {
  if (wrapped.length < 16 || wrapped.length % 8 !== 0) return undefined;
  return unwrap(kek, 'padded', wrapped);
}
