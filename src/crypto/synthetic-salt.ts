import { toUtf8 } from '#encoding/encoding.ts';
import { hkdf } from './hkdf.ts';
import { hmac } from './hmac.ts';
import type { KeyHandle } from './key-handle.ts';

const noSalt = new Uint8Array(0);
const saltLength = 32;

/**
 * The salt of a message whose ciphertext is to follow from it: a PRF over context and message, as a synthetic IV is (RFC 5297
 * section 2.6 has the argument), under a key that serves nothing else. Other messages and contexts have other salts, so a key and
 * nonce of `MessageCipher` meet one message only.
 */
export function syntheticSalt(
  key: KeyHandle,
  info: Uint8Array,
  context: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  using own = hkdf('sha512', key, noSalt, Buffer.concat([toUtf8('claviger/v1/convergent'), info]), 64);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(context.length);
  return hmac('sha512', own, length, context, plaintext).subarray(0, saltLength);
}
