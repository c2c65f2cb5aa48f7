import { type KeyHandle, openMaterial, openPublicKey } from '#crypto/crypto.ts';
import { type HashName, type KeySpec, SecretBytes } from '#domain/domain.ts';
import { derBitString, derContext, derInteger, derOctetString, derOid, derSequence } from '#encoding/encoding.ts';

// Vectors give bare keys; these put them into the DER that our door takes.

const oids = {
  'ec-p256': '1.2.840.10045.3.1.7',
  'ec-p384': '1.3.132.0.34',
  'ec-p521': '1.3.132.0.35',
  'ec-secp256k1': '1.3.132.0.10',
  ed25519: '1.3.101.112',
  x25519: '1.3.101.110',
  'ml-dsa-44': '2.16.840.1.101.3.4.3.17',
  'ml-dsa-65': '2.16.840.1.101.3.4.3.18',
  'ml-dsa-87': '2.16.840.1.101.3.4.3.19',
  'ml-kem-512': '2.16.840.1.101.3.4.4.1',
  'ml-kem-768': '2.16.840.1.101.3.4.4.2',
  'ml-kem-1024': '2.16.840.1.101.3.4.4.3',
} as const satisfies Partial<Record<KeySpec, string>>;

export type BareSpec = keyof typeof oids;

const scalarBytes: Partial<Record<BareSpec, number>> = {
  'ec-p256': 32,
  'ec-p384': 48,
  'ec-p521': 66,
  'ec-secp256k1': 32,
};

/** RFC 5480 section 2.1.1, and without parameters elsewhere (RFC 8410 section 3, RFC 9881, RFC 9935). */
function algorithm(spec: BareSpec): Uint8Array {
  if (scalarBytes[spec] === undefined) return derSequence(derOid(oids[spec]));
  return derSequence(derOid('1.2.840.10045.2.1'), derOid(oids[spec]));
}

/** The private part in the form of its own standard. */
function inner(spec: BareSpec, key: Uint8Array, form: 'seed' | 'expanded'): Uint8Array {
  const length = scalarBytes[spec];
  if (length !== undefined) {
    const scalar = Buffer.alloc(length);
    const digits = Buffer.from(key.subarray(Math.max(0, key.length - length)));
    digits.copy(scalar, length - digits.length);
    return derSequence(derInteger(Uint8Array.of(1)), derOctetString(scalar));
  }
  if (!spec.startsWith('ml-')) return derOctetString(key);
  return form === 'seed' ? derContext(0, false, key) : derOctetString(key);
}

export function privateKey(spec: BareSpec, key: Uint8Array, form: 'seed' | 'expanded' = 'seed'): KeyHandle {
  const version = derInteger(Uint8Array.of(0));
  const pkcs8 = derSequence(version, algorithm(spec), derOctetString(inner(spec, key, form)));
  return openMaterial(spec, new SecretBytes(pkcs8));
}

export function publicKey(spec: BareSpec, key: Uint8Array): KeyHandle {
  return openPublicKey(spec, derSequence(algorithm(spec), derBitString(key)));
}

/** Undefined where our code refuses the key. */
export function orRefused<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch {
    return undefined;
  }
}

const hashes: Readonly<Record<string, HashName>> = {
  'SHA-1': 'sha1',
  'SHA-224': 'sha224',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
  'SHA3-224': 'sha3-224',
  'SHA3-256': 'sha3-256',
  'SHA3-384': 'sha3-384',
  'SHA3-512': 'sha3-512',
};

/** Our name of a hash, or undefined for one we don't offer. */
export function hashNamed(name: string): HashName | undefined {
  return hashes[name];
}
