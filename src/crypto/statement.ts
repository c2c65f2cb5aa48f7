import { type KeyObject, sign, verify } from 'node:crypto';
import type { SecretBytes } from '#domain/domain.ts';
import { privateKeyOfPem, publicKeyOfPem } from './pem-keys.ts';

/** FIPS 186-5: of each curve the hash that is as strong. Ed25519 has its own. */
const curveHashes: ReadonlyMap<string, string> = new Map([
  ['prime256v1', 'sha256'],
  ['secp384r1', 'sha384'],
  ['secp521r1', 'sha512'],
]);

/** Whether people can sign statements with the private half of it: Ed25519, or ECDSA on P-256, P-384 or P-521. */
export function isStatementKey(publicPem: string): boolean {
  return publicKeyOfPem(publicPem, isOfStatements) !== undefined;
}

/**
 * `privatePem`: of a person, in PEM, encrypted under `passphrase` or not; the caller still owns both. ECDSA signatures are DER. Undefined
 * where it is no such key or the passphrase isn't its.
 */
export function signStatement(
  privatePem: SecretBytes,
  passphrase: SecretBytes | undefined,
  message: Uint8Array,
): Uint8Array | undefined {
  const key = privateKeyOfPem(privatePem, passphrase, isOfStatements);
  return key && sign(hashOf(key), message, key);
}

/** Whether `signature` over `message` is by that public key. False for a malformed key too. */
export function verifyStatement(publicPem: string, message: Uint8Array, signature: Uint8Array): boolean {
  const key = publicKeyOfPem(publicPem, isOfStatements);
  if (key === undefined) return false;
  try {
    return verify(hashOf(key), message, key, signature);
  } catch {
    return false;
  }
}

const hashOf = (key: KeyObject) => curveHashes.get(key.asymmetricKeyDetails?.namedCurve ?? '') ?? null;

function isOfStatements({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  if (asymmetricKeyType === 'ed25519') return true;
  return asymmetricKeyType === 'ec' && curveHashes.has(asymmetricKeyDetails?.namedCurve ?? '');
}
