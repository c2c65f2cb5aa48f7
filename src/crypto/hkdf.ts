import { createHmac } from 'node:crypto';
import { type HashName, SecretBytes } from '#domain/domain.ts';
import { keyInput } from './aead.ts';
import { digestLength } from './hash.ts';
import type { KeyHandle } from './key-handle.ts';

/**
 * HKDF (RFC 5869), extract and expand, at most 255 digests long. The caller owns the result. By HMAC, because `hkdfSync` makes an object
 * of the key that holds it until it is collected.
 */
export function hkdf(
  hash: HashName,
  key: KeyHandle | SecretBytes,
  salt: Uint8Array,
  info: Uint8Array,
  length: number,
): SecretBytes {
  const size = digestLength[hash];
  if (length > 255 * size) throw new RangeError('HKDF gives no more than 255 digests');
  const extracted = createHmac(hash, salt).update(keyInput(key)).digest();
  const blocks = Buffer.from(new ArrayBuffer(Math.ceil(length / size) * size));
  for (let at = 0, count = 1; at < length; at += size, count++) {
    const expand = createHmac(hash, extracted);
    if (at > 0) expand.update(blocks.subarray(at - size, at));
    const block = expand.update(info).update(Uint8Array.of(count)).digest();
    blocks.set(block, at);
    block.fill(0);
  }
  extracted.fill(0);
  const derived = SecretBytes.copyOf(blocks.subarray(0, length));
  blocks.fill(0);
  return derived;
}
