import type { Result } from '#domain/domain.ts';
import { toBase64, toHex } from '#encoding/encoding.ts';
import { usesJws } from './decode-sign.ts';
import { formatOf } from './decode-transit.ts';
import { dress } from './names.ts';
import type { Input } from './row.ts';

/** Base64, hex and dressed bytes need no escaping, so these answers are put together by hand: they are the hot path. */

export function encodeCiphertext({ ciphertext, version }: Result<'encrypt' | 're-encrypt'>): string {
  return `{"ciphertext":"${dress(version, ciphertext)}","key_version":${version}}`;
}

export function encodePlaintext({ plaintext }: Result<'decrypt'>): string {
  return `{"plaintext":"${toBase64(plaintext.release())}"}`;
}

export function encodeDataKey({ plaintext, ciphertext, version }: Result<'generate-data-key'>): string {
  const wrapped = `"ciphertext":"${dress(version, ciphertext)}","key_version":${version}`;
  return plaintext === undefined ? `{${wrapped}}` : `{${wrapped},"plaintext":"${toBase64(plaintext.release())}"}`;
}

export function encodeRandom({ bytes }: Result<'generate-random'>, { body }: Input): string {
  const random = bytes.release();
  return `{"random_bytes":"${formatOf(body, 'base64') === 'hex' ? toHex(random) : toBase64(random)}"}`;
}

export function encodeHash({ digest }: Result<'hash'>, { body }: Input): string {
  return `{"sum":"${formatOf(body, 'hex') === 'hex' ? toHex(digest) : toBase64(digest)}"}`;
}

export function encodeHmac({ mac, version }: Result<'generate-mac'>): string {
  return `{"hmac":"${dress(version, mac)}"}`;
}

export function encodeSignature({ signature, publicKey, version }: Result<'sign'>, { body, item }: Input): string {
  const signed = `"signature":"${dress(version, signature, usesJws(body))}","key_version":${version}`;
  if (publicKey === undefined) return `{${signed}}`;
  return `{${signed},"${item === body ? 'public_key' : 'publickey'}":"${toBase64(publicKey)}"}`;
}

export function encodeValid({ valid }: Result<'verify' | 'verify-mac'>): string {
  return `{"valid":${valid}}`;
}
