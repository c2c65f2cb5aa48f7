import { createHmac } from 'node:crypto';
import type { HashName, SecretBytes } from '#domain/domain.ts';
import { KeyHandle, objectOf } from './key-handle.ts';

/** HMAC (FIPS 198-1) over the concatenation of `data`. */
export function hmac(
  hash: HashName,
  key: KeyHandle | SecretBytes,
  ...data: ReadonlyArray<Uint8Array | string>
): Buffer {
  const mac = createHmac(hash, key instanceof KeyHandle ? objectOf(key) : key.expose());
  for (const part of data) mac.update(part);
  return mac.digest();
}
