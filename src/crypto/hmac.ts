import { createHmac } from 'node:crypto';
import type { HashName, SecretBytes } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import { keyInput } from './aead.ts';
import { KeyHandle } from './key-handle.ts';
import { openMessageHmac } from './message-hmac.ts';

const direct = await openMessageHmac('sha256');

/** HMAC (FIPS 198-1) over the concatenation of `data`. */
export function hmac(
  hash: HashName,
  key: KeyHandle | SecretBytes,
  ...data: ReadonlyArray<Uint8Array | string>
): Buffer {
  const [first] = data;
  if (hash === 'sha256' && data.length === 1 && first !== undefined && key instanceof KeyHandle) {
    const mac = direct?.compute(key, typeof first === 'string' ? toUtf8(first) : first);
    if (mac !== undefined) return mac;
  }
  const mac = createHmac(hash, keyInput(key));
  for (const part of data) mac.update(part);
  return mac.digest();
}
