import { constants, privateEncrypt, publicDecrypt } from 'node:crypto';
import { type HashName, KmsError, type SignatureScheme, specFacts } from '#domain/domain.ts';
import { digestInfo, emsaPkcs1, emsaPss, maxSaltLength, verifyEmsaPss } from './emsa.ts';
import { digest, digestLength, equalSecrets } from './hash.ts';
import { type KeyHandle, objectOf } from './key-handle.ts';
import { signMessage, verifyMessage } from './openssl-signature.ts';
import { randomBytes } from './random.ts';

// RSA signatures (RFC 8017 section 8). A message goes to OpenSSL whole; a digest that is given is encoded here and then meets the
// bare RSA operation, which `node:crypto` offers on the loop only.

function modulusBitsOf(handle: KeyHandle): number {
  return specFacts(handle.spec).modulusBits!;
}

function rawPrivate(handle: KeyHandle, encoded: Uint8Array): Buffer {
  return privateEncrypt({ key: objectOf(handle), padding: constants.RSA_NO_PADDING }, encoded);
}

/** RSAVP1, section 5.2.2: undefined for a signature of the wrong length or not below the modulus. */
function rawPublic(handle: KeyHandle, signature: Uint8Array): Buffer | undefined {
  if (signature.length !== modulusBitsOf(handle) / 8) return undefined;
  try {
    return publicDecrypt({ key: objectOf(handle), padding: constants.RSA_NO_PADDING }, signature);
  } catch {
    return undefined;
  }
}

/** In bytes. Undefined: whatever length the signature has, which only a verifier may ask for. */
function saltLengthOf(
  handle: KeyHandle,
  scheme: SignatureScheme,
  hash: HashName,
  to: 'sign' | 'verify',
): number | undefined {
  const { saltLength = 'digest' } = scheme;
  const max = maxSaltLength(hash, modulusBitsOf(handle));
  if (saltLength === 'auto' && to === 'verify') return undefined;
  const bytes = saltLength === 'auto' || saltLength === 'max' ? max : saltLength;
  const wanted = bytes === 'digest' ? digestLength[hash] : bytes;
  if (!Number.isInteger(wanted) || wanted < 0 || wanted > max) {
    throw new KmsError('invalid-parameter', `The salt must be 0 to ${max} bytes long.`);
  }
  return wanted;
}

function pssOptions(saltLength: number | undefined) {
  return {
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: saltLength ?? constants.RSA_PSS_SALTLEN_AUTO,
  };
}

export function signPss(
  handle: KeyHandle,
  scheme: SignatureScheme,
  hash: HashName,
  message: Uint8Array,
): Uint8Array | Promise<Uint8Array> {
  const saltLength = saltLengthOf(handle, scheme, hash, 'sign');
  return signMessage(handle, hash, message, pssOptions(saltLength));
}

export function signPssDigest(
  handle: KeyHandle,
  scheme: SignatureScheme,
  hash: HashName,
  hashed: Uint8Array,
): Uint8Array {
  const salt = randomBytes(saltLengthOf(handle, scheme, hash, 'sign')!);
  return rawPrivate(handle, emsaPss(hash, hashed, salt, modulusBitsOf(handle)));
}

export function verifyPss(
  handle: KeyHandle,
  scheme: SignatureScheme,
  hash: HashName,
  message: Uint8Array,
  signature: Uint8Array,
): boolean | Promise<boolean> {
  const saltLength = saltLengthOf(handle, scheme, hash, 'verify');
  return verifyMessage(handle, hash, message, signature, pssOptions(saltLength));
}

export function verifyPssDigest(
  handle: KeyHandle,
  scheme: SignatureScheme,
  hash: HashName,
  hashed: Uint8Array,
  signature: Uint8Array,
): boolean {
  const saltLength = saltLengthOf(handle, scheme, hash, 'verify');
  const encoded = rawPublic(handle, signature);
  return encoded !== undefined && verifyEmsaPss(hash, hashed, encoded, saltLength, modulusBitsOf(handle));
}

/** What is between the padding and the end: a DigestInfo, or for 'none' the given bytes alone. Throws 'invalid-parameter'. */
function encodePkcs1(handle: KeyHandle, hash: HashName | 'none', hashed: Uint8Array): Buffer {
  const content = hash === 'none' ? hashed : digestInfo(hash, hashed);
  const encoded = emsaPkcs1(content, modulusBitsOf(handle) / 8);
  if (encoded === undefined) throw new KmsError('invalid-parameter', 'The message is too long for this key.');
  return encoded;
}

export function signPkcs1(
  handle: KeyHandle,
  hash: HashName | 'none',
  message: Uint8Array,
): Uint8Array | Promise<Uint8Array> {
  if (hash === 'none') return signPkcs1Digest(handle, hash, message);
  return signMessage(handle, hash, message, { padding: constants.RSA_PKCS1_PADDING });
}

export function signPkcs1Digest(handle: KeyHandle, hash: HashName | 'none', hashed: Uint8Array): Uint8Array {
  return rawPrivate(handle, encodePkcs1(handle, hash, hashed));
}

export function verifyPkcs1(
  handle: KeyHandle,
  hash: HashName | 'none',
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  return verifyPkcs1Digest(handle, hash, hash === 'none' ? message : digest(hash, message), signature);
}

/** Encodes anew and compares whole (section 8.2.2), so nothing in the signature is parsed. */
export function verifyPkcs1Digest(
  handle: KeyHandle,
  hash: HashName | 'none',
  hashed: Uint8Array,
  signature: Uint8Array,
): boolean {
  const expected = encodePkcs1(handle, hash, hashed);
  const encoded = rawPublic(handle, signature);
  return encoded !== undefined && equalSecrets(expected, encoded);
}
