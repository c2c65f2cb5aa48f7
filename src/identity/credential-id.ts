import { randomBytes } from '#crypto/crypto.ts';
import { fromHex, toBase64Url } from '#encoding/encoding.ts';

const accessKeyPrefix = 'CLAV';
const sessionPrefix = 'CLAS';
const tokenPrefix = 'CLTA';
const idForm = /^(?:CLAV|CLAS|CLTA)[A-Z2-7]{16}$/;
const tokenForm = /^clv\.[A-Za-z0-9_-]{43}$/;

export function newAccessKeyId(): string {
  return accessKeyPrefix + base32(randomBytes(10));
}

/** The access key id of a session: it counts with the session's token only. */
export function newSessionKeyId(): string {
  return sessionPrefix + base32(randomBytes(10));
}

export function isSessionKeyId(accessKeyId: string): boolean {
  return accessKeyId.startsWith(sessionPrefix);
}

/** What tells a role from a later one of the same name. */
export function newRoleId(): string {
  return `CLRO${base32(randomBytes(10))}`;
}

/** 32 random bytes; only its SHA-256 is stored. */
export function newToken(): string {
  return `clv.${toBase64Url(randomBytes(32))}`;
}

export function isToken(text: string): boolean {
  return tokenForm.test(text);
}

/**
 * A token's public name, and the id of its record: from the first 80 bits of its SHA-256 (64 hexadecimal digits), so that it leads
 * to the record and to nothing else. The record holds the whole digest, and that is compared.
 */
export function tokenAccessor(digest: string): string {
  return tokenPrefix + base32(fromHex(digest)!.subarray(0, 10));
}

export function isCredentialId(text: string): boolean {
  return idForm.test(text);
}

/** RFC 4648 section 6, for whole groups of 5 bytes. */
function base32(bytes: Uint8Array): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  let text = '';
  for (let bit = 0; bit < bytes.length * 8; bit += 5) {
    const two = (bytes[bit >> 3]! << 8) | (bytes[(bit >> 3) + 1] ?? 0);
    text += alphabet[(two >> (11 - (bit & 7))) & 31];
  }
  return text;
}
