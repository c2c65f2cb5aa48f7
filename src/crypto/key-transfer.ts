import { type OaepHash, SecretBytes, specFacts } from '#domain/domain.ts';
import type { KeyHandle } from './key-handle.ts';
import { randomBytes } from './random.ts';
import { rsaDecryptOaep, rsaEncryptOaep } from './rsa-encryption.ts';
import { unwrapAesKwp, wrapAesKwp } from './wrap.ts';

const aesBytes = 32;

/** Material under an AES-256 key of its own, and before it that key under RSAES-OAEP, as `unwrapTransferred` takes it. */
export function wrapForTransfer(publicKey: KeyHandle, hash: OaepHash, material: SecretBytes): Uint8Array {
  using kek = new SecretBytes(randomBytes(aesBytes));
  return Buffer.concat([rsaEncryptOaep(publicKey, hash, kek.expose()), wrapAesKwp(kek, material)]);
}

/**
 * The material, which the caller owns. Undefined when anything at all is wrong, so that nobody learns which step failed (RFC 8017
 * section 7.1.2, note to step 3).
 */
export function unwrapTransferred(privateKey: KeyHandle, hash: OaepHash, wrapped: Uint8Array): SecretBytes | undefined {
  const modulusBytes = specFacts(privateKey.spec).modulusBits! / 8;
  const opened = rsaDecryptOaep(privateKey, hash, wrapped.subarray(0, modulusBytes));
  if (opened === undefined) return undefined;
  using kek = new SecretBytes(opened);
  return kek.length === aesBytes ? unwrapAesKwp(kek, wrapped.subarray(modulusBytes)) : undefined;
}
