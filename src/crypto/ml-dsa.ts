import { KmsError } from '#domain/domain.ts';
import { type DirectScheme, type DirectSignatures, direct } from './direct-signature.ts';
import type { KeyHandle } from './key-handle.ts';

// ML-DSA over an external mu (FIPS 204 section 6.2, step 6 of algorithm 7): whoever asks has hashed public key, context and message.
// Messages themselves go by `openssl-signature.ts`.

/** Bytes. */
export const muLength = 64;

const schemes: Readonly<Record<string, DirectScheme>> = {
  'ml-dsa-44': 'ML-DSA-44',
  'ml-dsa-65': 'ML-DSA-65',
  'ml-dsa-87': 'ML-DSA-87',
};

function asked({ spec }: KeyHandle): readonly [DirectSignatures, DirectScheme] {
  const scheme = schemes[spec];
  if (direct === undefined || scheme === undefined) {
    throw new KmsError('unsupported', 'This server can not sign an external mu; send the message itself.');
  }
  return [direct, scheme];
}

/** Hedged with fresh randomness, as OpenSSL signs messages. Throws 'unsupported' where OpenSSL can't be asked by ffi. */
export function signMu(handle: KeyHandle, mu: Uint8Array): Uint8Array {
  const [openssl, scheme] = asked(handle);
  return openssl.sign(handle, scheme, mu);
}

/** Throws 'unsupported' as `signMu` does. */
export function verifyMu(handle: KeyHandle, mu: Uint8Array, signature: Uint8Array): boolean {
  const [openssl, scheme] = asked(handle);
  return openssl.verify(handle, scheme, mu, signature);
}
