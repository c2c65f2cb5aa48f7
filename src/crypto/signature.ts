import {
  type HashName,
  type KeyFamily,
  KmsError,
  type MessageType,
  type SignatureScheme,
  specFacts,
} from '#domain/domain.ts';
import { signEcdsa, signEcdsaDigest, verifyEcdsa, verifyEcdsaDigest } from './ecdsa.ts';
import { signEd25519ph, verifyEd25519ph } from './eddsa.ts';
import { digest, digestLength } from './hash.ts';
import { type KeyHandle, requireFamily } from './key-handle.ts';
import { muLength, signMu, verifyMu } from './ml-dsa.ts';
import { signMessage, verifyMessage } from './openssl-signature.ts';
import {
  signPkcs1,
  signPkcs1Digest,
  signPss,
  signPssDigest,
  verifyPkcs1,
  verifyPkcs1Digest,
  verifyPss,
  verifyPssDigest,
} from './rsa-signature.ts';
import { signSm2, sm3Length, verifySm2 } from './sm2.ts';

/**
 * The signature of `message`, or of the digest that `message` is. Rejects with 'wrong-algorithm' where the key can't do the scheme,
 * 'invalid-parameter' where scheme, message type and message contradict one another, 'unsupported' for an external mu where OpenSSL
 * can't be asked for it.
 */
export async function sign(
  privateKey: KeyHandle,
  scheme: SignatureScheme,
  messageType: MessageType,
  message: Uint8Array,
): Promise<Uint8Array> {
  check(privateKey, scheme, messageType, message);
  const hashed = messageType === 'digest';
  switch (scheme.family) {
    case 'rsa-pss': {
      const hash = namedHash(privateKey, scheme);
      return (hashed ? signPssDigest : signPss)(privateKey, scheme, hash, message);
    }
    case 'rsa-pkcs1':
      return (hashed ? signPkcs1Digest : signPkcs1)(privateKey, hashOrNone(privateKey, scheme), message);
    case 'ecdsa': {
      const hash = namedHash(privateKey, scheme);
      return (hashed ? signEcdsaDigest : signEcdsa)(privateKey, scheme, hash, message);
    }
    case 'ed25519ph':
      return signEd25519ph(privateKey, hashed ? message : digest('sha512', message));
    case 'ml-dsa':
      return messageType === 'external-mu' ? signMu(privateKey, message) : signMessage(privateKey, null, message);
    case 'sm2':
      return signSm2(privateKey, message, hashed);
    case 'ed25519':
    case 'slh-dsa':
      return signMessage(privateKey, null, message);
  }
}

/** What somebody else is to sign who has the private half, after the checks of `sign`, which it throws as. */
export function digestToSign(
  publicKey: KeyHandle,
  scheme: SignatureScheme,
  messageType: MessageType,
  message: Uint8Array,
): { readonly hash: HashName | 'none'; readonly digest: Uint8Array } {
  check(publicKey, scheme, messageType, message);
  const hash = scheme.family === 'rsa-pkcs1' ? hashOrNone(publicKey, scheme) : namedHash(publicKey, scheme);
  return { hash, digest: messageType === 'digest' || hash === 'none' ? message : digest(hash, message) };
}

/** Whether `signature` is right; false however it is malformed. Rejects as `sign` does where the request itself is wrong. */
export async function verify(
  publicKey: KeyHandle,
  scheme: SignatureScheme,
  messageType: MessageType,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  check(publicKey, scheme, messageType, message);
  try {
    return await verifyChecked(publicKey, scheme, messageType, message, signature);
  } catch (error) {
    // What the libraries throw is about the signature; what this room throws is about the request.
    if (error instanceof KmsError) throw error;
    return false;
  }
}

function verifyChecked(
  publicKey: KeyHandle,
  scheme: SignatureScheme,
  messageType: MessageType,
  message: Uint8Array,
  signature: Uint8Array,
): boolean | Promise<boolean> {
  const hashed = messageType === 'digest';
  switch (scheme.family) {
    case 'rsa-pss': {
      const hash = namedHash(publicKey, scheme);
      return (hashed ? verifyPssDigest : verifyPss)(publicKey, scheme, hash, message, signature);
    }
    case 'rsa-pkcs1':
      return (hashed ? verifyPkcs1Digest : verifyPkcs1)(publicKey, hashOrNone(publicKey, scheme), message, signature);
    case 'ecdsa': {
      const hash = namedHash(publicKey, scheme);
      return (hashed ? verifyEcdsaDigest : verifyEcdsa)(publicKey, scheme, hash, message, signature);
    }
    case 'ed25519ph':
      return verifyEd25519ph(publicKey, hashed ? message : digest('sha512', message), signature);
    case 'ml-dsa':
      if (messageType === 'external-mu') return verifyMu(publicKey, message, signature);
      return verifyMessage(publicKey, null, message, signature);
    case 'sm2':
      return verifySm2(publicKey, message, hashed, signature);
    case 'ed25519':
    case 'slh-dsa':
      return verifyMessage(publicKey, null, message, signature);
  }
}

const keyFamily = {
  'rsa-pss': 'rsa',
  'rsa-pkcs1': 'rsa',
  ecdsa: 'ec',
  ed25519: 'ed25519',
  ed25519ph: 'ed25519',
  'ml-dsa': 'ml-dsa',
  'slh-dsa': 'slh-dsa',
  sm2: 'sm2',
} as const satisfies Record<SignatureScheme['family'], KeyFamily>;

function check(handle: KeyHandle, scheme: SignatureScheme, messageType: MessageType, message: Uint8Array): void {
  requireFamily(handle, keyFamily[scheme.family]);
  switch (messageType) {
    case 'raw':
      return;
    case 'digest':
      checkDigest(handle, scheme, message);
      return;
    case 'external-mu':
      if (scheme.family !== 'ml-dsa') throw invalid('Only ML-DSA signs an external mu.');
      if (message.length !== muLength) throw invalid(`A mu is ${muLength} bytes long.`);
  }
}

function checkDigest(handle: KeyHandle, scheme: SignatureScheme, message: Uint8Array): void {
  if (scheme.family === 'sm2') {
    if (message.length !== sm3Length) throw invalid(`An SM3 digest is ${sm3Length} bytes long.`);
    return;
  }
  const hash = digestHash(handle, scheme);
  if (hash === undefined) throw invalid(`${scheme.family} signs messages, not digests.`);
  if (hash !== 'none' && message.length !== digestLength[hash]) {
    throw invalid(`A ${hash} digest is ${digestLength[hash]} bytes long.`);
  }
}

/** The hash whose digest may be given instead of the message; undefined where none may. */
function digestHash(handle: KeyHandle, scheme: SignatureScheme): HashName | 'none' | undefined {
  switch (scheme.family) {
    case 'rsa-pss':
    case 'ecdsa':
      return namedHash(handle, scheme);
    case 'rsa-pkcs1':
      return hashOrNone(handle, scheme);
    case 'ed25519ph':
      return 'sha512';
    case 'ed25519':
    case 'ml-dsa':
    case 'slh-dsa':
    case 'sm2':
      return undefined;
  }
}

/** The scheme's hash, or for ECDSA the one that belongs to the curve. */
function hashOrNone(handle: KeyHandle, scheme: SignatureScheme): HashName | 'none' {
  const hash = scheme.hash ?? specFacts(handle.spec).hash;
  if (hash === undefined) throw invalid(`${scheme.family} needs the name of a hash.`);
  return hash;
}

function namedHash(handle: KeyHandle, scheme: SignatureScheme): HashName {
  const hash = hashOrNone(handle, scheme);
  if (hash === 'none') throw invalid(`${scheme.family} needs the name of a hash.`);
  return hash;
}

function invalid(message: string): KmsError {
  return new KmsError('invalid-parameter', message);
}
