import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { isSymmetric, type KeySpec, KmsError, type SecretBytes } from '#domain/domain.ts';

/** Reads the OpenSSL object of a handle: for files of this room. */
export let objectOf: (handle: KeyHandle) => KeyObject;

/**
 * Material opened for use: the bytes live in OpenSSL's memory, not in JavaScript's. Nothing outside `crypto/` can read them back.
 */
export class KeyHandle {
  readonly spec: KeySpec;
  readonly #object: KeyObject;

  constructor(spec: KeySpec, object: KeyObject) {
    this.spec = spec;
    this.#object = object;
  }

  static {
    objectOf = (handle) => handle.#object;
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
  try {
    if (isSymmetric(spec)) return new KeyHandle(spec, createSecretKey(material.expose()));
    const der = material.expose() as Buffer;
    return new KeyHandle(spec, createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  } catch {
    throw new KmsError('internal', `The stored material is not a ${spec} key.`);
  }
}

/** Opens a SubjectPublicKeyInfo DER for verifying, encrypting or encapsulating. Throws 'invalid-parameter'. */
export function openPublicKey(spec: KeySpec, spki: Uint8Array): KeyHandle {
  try {
    return new KeyHandle(spec, createPublicKey({ key: spki as Buffer, format: 'der', type: 'spki' }));
  } catch {
    throw new KmsError('invalid-parameter', `The public key is not a ${spec} key.`);
  }
}
