import { type ImportWrapping, type OaepHash, SecretBytes } from '#domain/domain.ts';
import type { KeyHandle } from './key-handle.ts';
import { unwrapTransferred } from './key-transfer.ts';
import { rsaDecryptOaep } from './rsa-encryption.ts';

interface Way {
  readonly hash: OaepHash;
  /** The RSA part holds an AES key, which wraps the material. */
  readonly twoSteps: boolean;
}

const ways = {
  'rsa-oaep-sha1': { hash: 'sha1', twoSteps: false },
  'rsa-oaep-sha256': { hash: 'sha256', twoSteps: false },
  'rsa-aes-kwp-sha1': { hash: 'sha1', twoSteps: true },
  'rsa-aes-kwp-sha256': { hash: 'sha256', twoSteps: true },
} as const satisfies Record<ImportWrapping, Way>;

/**
 * Material wrapped for `wrappingKey`, a private RSA key. The caller owns it. Undefined when anything at all is wrong, so that nobody
 * learns which step failed (RFC 8017 section 7.1.2, note to step 3).
 */
export function unwrapImport(
  wrappingKey: KeyHandle,
  wrapping: ImportWrapping,
  wrapped: Uint8Array,
): SecretBytes | undefined {
  const { hash, twoSteps } = ways[wrapping];
  if (twoSteps) return unwrapTransferred(wrappingKey, hash, wrapped);
  const opened = rsaDecryptOaep(wrappingKey, hash, wrapped);
  return opened === undefined ? undefined : new SecretBytes(opened);
}
