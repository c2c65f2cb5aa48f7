import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { type KeyFamily, type KeySpec, KmsError, SecretBytes, specFacts } from '#domain/domain.ts';
import { assertOffered } from './fips.ts';
import { wipingFreed } from './freed-memory.ts';

/** Reads the OpenSSL object of a pair's handle: for files of this room. Throws 'wrong-algorithm' for a symmetric key. */
export let objectOf: (handle: KeyHandle) => KeyObject;
/** Reads the bytes of a symmetric key's handle, which are not to be kept: for files of this room. Throws 'wrong-algorithm' for a pair. */
export let bytesOf: (handle: KeyHandle) => Uint8Array;

/**
 * Material opened for use: the bytes live in OpenSSL's memory, or where secrets are kept. Nothing outside `crypto/` can read them back.
 */
export class KeyHandle {
  readonly spec: KeySpec;
  readonly #material: KeyObject | SecretBytes;

  /** Owns `material`, which is wiped when nobody uses the handle any more. Raw bytes are those of a symmetric key. */
  constructor(spec: KeySpec, material: KeyObject | SecretBytes) {
    this.spec = spec;
    this.#material = material;
  }

  static {
    const wrong = ({ spec }: KeyHandle) => new KmsError('wrong-algorithm', `A ${spec} key can't do this.`, spec);
    objectOf = (handle) => {
      if (handle.#material instanceof SecretBytes) throw wrong(handle);
      return handle.#material;
    };
    bytesOf = (handle) => {
      if (handle.#material instanceof SecretBytes) return handle.#material.expose();
      throw wrong(handle);
    };
  }

  toString(): string {
    return `KeyHandle(${this.spec})`;
  }

  toJSON(): string {
    return this.toString();
  }
}

/**
 * Opens material for use. Symmetric: the raw bytes. Key pairs: PKCS#8 DER. The caller still owns and disposes `material`.
 * Throws 'internal' when the bytes aren't of that spec.
 */
export function openMaterial(spec: KeySpec, material: SecretBytes): KeyHandle {
  assertOffered(spec);
  const { bytes, family } = specFacts(spec);
  if (bytes !== undefined) {
    // HMAC keys may be of any length but none (RFC 2104 section 3).
    if (family === 'hmac' ? material.length > 0 : material.length === bytes)
      return new KeyHandle(spec, SecretBytes.copyOf(material.expose()));
  } else {
    const object = readPair(material);
    if (object !== undefined && isOfSpec(object, spec)) return new KeyHandle(spec, object);
  }
  throw new KmsError('internal', `The stored material is not a ${spec} key.`);
}

/** Throws for what is no private key. */
export function readPkcs8(der: Uint8Array): KeyObject {
  return wipingFreed(der.length, () => createPrivateKey({ key: der as Buffer, format: 'der', type: 'pkcs8' }));
}

function readPair(material: SecretBytes): KeyObject | undefined {
  try {
    return readPkcs8(material.expose());
  } catch {
    return undefined;
  }
}

/** Opens a SubjectPublicKeyInfo DER for verifying, encrypting or encapsulating. Throws 'invalid-parameter'. */
export function openPublicKey(spec: KeySpec, spki: Uint8Array): KeyHandle {
  const object = readPublicKey(spki);
  if (object === undefined || !isOfSpec(object, spec)) {
    throw new KmsError('invalid-parameter', `The public key is not a ${spec} key.`);
  }
  return new KeyHandle(spec, object);
}

function readPublicKey(spki: Uint8Array): KeyObject | undefined {
  try {
    const object = createPublicKey({ key: spki as Buffer, format: 'der', type: 'spki' });
    // OpenSSL also reads looser encodings (trailing bytes, curves spelled out as parameters): one key, one encoding.
    return object.export({ format: 'der', type: 'spki' }).equals(spki) ? object : undefined;
  } catch {
    return undefined;
  }
}

/** What OpenSSL calls our curves. */
export const curveNames = {
  'ec-p256': 'prime256v1',
  'ec-p384': 'secp384r1',
  'ec-p521': 'secp521r1',
  'ec-secp256k1': 'secp256k1',
} as const satisfies Partial<Record<KeySpec, string>>;

export type EcSpec = keyof typeof curveNames;

export function isEcSpec(spec: KeySpec): spec is EcSpec {
  return Object.hasOwn(curveNames, spec);
}

/** What a SubjectPublicKeyInfo of SM2 begins with (GB/T 35276): the type has no name in `node:crypto`. */
const sm2Prefix = Buffer.from('3059301306072a8648ce3d020106082a811ccf5501822d03420004', 'hex');

function isSm2(object: KeyObject): boolean {
  if (object.asymmetricKeyType !== undefined) return false;
  const publicObject = object.type === 'private' ? createPublicKey(object) : object;
  return publicObject.export({ format: 'der', type: 'spki' }).subarray(0, sm2Prefix.length).equals(sm2Prefix);
}

/** What `node:crypto` calls the type of a pair: the family where parameters tell the specs apart, the spec itself elsewhere. */
export function pairType(spec: KeySpec): string {
  const { family } = specFacts(spec);
  if (family === 'sm2') return 'ec';
  return family === 'rsa' || family === 'ec' ? family : spec;
}

/** Whether a pair, or half of one, has the size and parameters that the spec fixes. */
export function isOfSpec(object: KeyObject, spec: KeySpec): boolean {
  const { bytes, family, modulusBits } = specFacts(spec);
  if (bytes !== undefined) return false;
  if (family === 'sm2') return isSm2(object);
  if (object.asymmetricKeyType !== pairType(spec)) return false;
  const { modulusLength, namedCurve } = object.asymmetricKeyDetails ?? {};
  if (family === 'rsa') return modulusLength === modulusBits;
  return !isEcSpec(spec) || namedCurve === curveNames[spec];
}

/** The bare public key of an elliptic curve pair: an uncompressed point, or 32 bytes of Ed25519 and X25519. */
export function rawPublicKeyOf(handle: KeyHandle): Uint8Array {
  const object = objectOf(handle);
  return (object.type === 'private' ? createPublicKey(object) : object).export({ format: 'raw-public' });
}

/** Throws 'wrong-algorithm' unless the key is of that family. */
export function requireFamily(handle: KeyHandle, family: KeyFamily): void {
  if (specFacts(handle.spec).family === family) return;
  throw new KmsError('wrong-algorithm', `A ${handle.spec} key can't do this.`, handle.spec);
}
