import { hkdfSync } from 'node:crypto';
import { type HashName, SecretBytes } from '#domain/domain.ts';
import { KeyHandle, objectOf } from './key-handle.ts';

/** HKDF (RFC 5869), extract and expand. The caller owns the result. */
export function hkdf(
  hash: HashName,
  key: KeyHandle | SecretBytes,
  salt: Uint8Array,
  info: Uint8Array,
  length: number,
): SecretBytes {
  const input = key instanceof KeyHandle ? objectOf(key) : key.expose();
  return new SecretBytes(new Uint8Array(hkdfSync(hash, input, salt, info, length)));
}
