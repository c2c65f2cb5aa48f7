import { toHex } from '#encoding/encoding.ts';
import type { Keyring } from '#keyring/keyring.ts';

/** A UUID of version 4 (RFC 9562, section 5.4). */
export function freshId(keyring: Keyring): string {
  const bytes = Uint8Array.from(keyring.generateRandom({ kind: 'generate-random', bytes: 16 }).result.bytes.release());
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
