import { type EncryptionScheme, type ImportWrapping, SecretBytes, specFacts } from '#domain/domain.ts';
import type { KeyHandle } from './key-handle.ts';
import { rsaDecrypt } from './rsa-encryption.ts';
import { unwrapAesKwp } from './wrap.ts';

interface Way {
  readonly scheme: EncryptionScheme;
  /** The RSA part holds an AES key, which wraps the material. */
  readonly twoSteps: boolean;
}

const ways = {
  'rsa-oaep-sha1': { scheme: 'rsa-oaep-sha1', twoSteps: false },
  'rsa-oaep-sha256': { scheme: 'rsa-oaep-sha256', twoSteps: false },
  'rsa-aes-kwp-sha1': { scheme: 'rsa-oaep-sha1', twoSteps: true },
  'rsa-aes-kwp-sha256': { scheme: 'rsa-oaep-sha256', twoSteps: true },
} as const satisfies Record<ImportWrapping, Way>;

const aesBytes = 32;

/**
 * Material wrapped for `wrappingKey`, a private RSA key. The caller owns it. Undefined when anything at all is wrong, so that nobody
 * learns which step failed (RFC 8017 section 7.1.2, note to step 3).
 */
export function unwrapImport(
  wrappingKey: KeyHandle,
  wrapping: ImportWrapping,
  wrapped: Uint8Array,
): SecretBytes | undefined {
  const { scheme, twoSteps } = ways[wrapping];
  const modulusBytes = specFacts(wrappingKey.spec).modulusBits! / 8;
  const opened = rsaDecrypt(wrappingKey, scheme, twoSteps ? wrapped.subarray(0, modulusBytes) : wrapped);
  if (opened === undefined) return undefined;
  const secret = new SecretBytes(opened);
  if (!twoSteps) return secret;
  using kek = secret;
  return kek.length === aesBytes ? unwrapAesKwp(kek, wrapped.subarray(modulusBytes)) : undefined;
}
