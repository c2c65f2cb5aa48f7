import { randomBytes } from '#crypto/crypto.ts';
import { SecretBytes } from '#domain/domain.ts';

export const digits = '0123456789abcdef';
export const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Each letter as likely as any other: bytes above the last whole multiple of their number are left out. */
export function randomText(alphabet: string, length: number): Uint8Array {
  const even = 256 - (256 % alphabet.length);
  const text = new Uint8Array(length);
  for (let i = 0; i < length; ) {
    using drawn = new SecretBytes(randomBytes(length));
    for (const byte of drawn.expose()) {
      if (byte < even && i < length) text[i++] = alphabet.charCodeAt(byte % alphabet.length);
    }
  }
  return text;
}
