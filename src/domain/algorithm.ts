/** What a key may be for. A key holds one or more usages for its whole life. */
export type KeyUsage = 'encrypt' | 'sign' | 'mac' | 'agree' | 'encapsulate' | 'wrap' | 'derive';

export type HashName =
  | 'sha1'
  | 'sha224'
  | 'sha256'
  | 'sha384'
  | 'sha512'
  | 'sha3-224'
  | 'sha3-256'
  | 'sha3-384'
  | 'sha3-512';

export type KeyFamily =
  | 'aes'
  | 'chacha20'
  | 'hmac'
  | 'rsa'
  | 'ec'
  | 'ed25519'
  | 'x25519'
  | 'ml-dsa'
  | 'ml-kem'
  | 'slh-dsa'
  | 'sm2';

interface SpecFacts {
  readonly family: KeyFamily;
  /** Symmetric: the key's length in bytes. Asymmetric: undefined. */
  readonly bytes?: number;
  /** RSA modulus length in bits. */
  readonly modulusBits?: number;
  /** Every usage that the spec can serve; a key is created with a subset. */
  readonly usages: readonly KeyUsage[];
  /** The hash that a HMAC key is bound to by its spec, or an ECDSA key's natural digest. */
  readonly hash?: HashName;
  /** Classical or post-quantum strength in bits, SP 800-57 part 1 table 2 and FIPS 203 to 205. */
  readonly strength: number;
}

const slh = (strength: number): SpecFacts => ({ family: 'slh-dsa', usages: ['sign'], strength });

/** Every kind of key material that Claviger makes. */
export const keySpecs = {
  'aes-128': { family: 'aes', bytes: 16, usages: ['encrypt', 'wrap', 'mac', 'derive'], strength: 128 },
  'aes-256': { family: 'aes', bytes: 32, usages: ['encrypt', 'wrap', 'mac', 'derive'], strength: 256 },
  'chacha20-poly1305': { family: 'chacha20', bytes: 32, usages: ['encrypt', 'mac'], strength: 256 },
  'hmac-sha224': { family: 'hmac', bytes: 28, usages: ['mac'], hash: 'sha224', strength: 192 },
  'hmac-sha256': { family: 'hmac', bytes: 32, usages: ['mac', 'derive'], hash: 'sha256', strength: 256 },
  'hmac-sha384': { family: 'hmac', bytes: 48, usages: ['mac', 'derive'], hash: 'sha384', strength: 256 },
  'hmac-sha512': { family: 'hmac', bytes: 64, usages: ['mac', 'derive'], hash: 'sha512', strength: 256 },
  'rsa-2048': { family: 'rsa', modulusBits: 2048, usages: ['encrypt', 'sign'], strength: 112 },
  'rsa-3072': { family: 'rsa', modulusBits: 3072, usages: ['encrypt', 'sign'], strength: 128 },
  'rsa-4096': { family: 'rsa', modulusBits: 4096, usages: ['encrypt', 'sign'], strength: 140 },
  'ec-p256': { family: 'ec', usages: ['sign', 'agree'], hash: 'sha256', strength: 128 },
  'ec-p384': { family: 'ec', usages: ['sign', 'agree'], hash: 'sha384', strength: 192 },
  'ec-p521': { family: 'ec', usages: ['sign', 'agree'], hash: 'sha512', strength: 256 },
  'ec-secp256k1': { family: 'ec', usages: ['sign'], hash: 'sha256', strength: 128 },
  sm2: { family: 'sm2', usages: ['sign'], strength: 128 },
  ed25519: { family: 'ed25519', usages: ['sign'], strength: 128 },
  x25519: { family: 'x25519', usages: ['agree'], strength: 128 },
  'ml-dsa-44': { family: 'ml-dsa', usages: ['sign'], strength: 128 },
  'ml-dsa-65': { family: 'ml-dsa', usages: ['sign'], strength: 192 },
  'ml-dsa-87': { family: 'ml-dsa', usages: ['sign'], strength: 256 },
  'ml-kem-512': { family: 'ml-kem', usages: ['encapsulate'], strength: 128 },
  'ml-kem-768': { family: 'ml-kem', usages: ['encapsulate'], strength: 192 },
  'ml-kem-1024': { family: 'ml-kem', usages: ['encapsulate'], strength: 256 },
  'slh-dsa-sha2-128s': slh(128),
  'slh-dsa-sha2-128f': slh(128),
  'slh-dsa-sha2-192s': slh(192),
  'slh-dsa-sha2-192f': slh(192),
  'slh-dsa-sha2-256s': slh(256),
  'slh-dsa-sha2-256f': slh(256),
  'slh-dsa-shake-128s': slh(128),
  'slh-dsa-shake-128f': slh(128),
  'slh-dsa-shake-192s': slh(192),
  'slh-dsa-shake-192f': slh(192),
  'slh-dsa-shake-256s': slh(256),
  'slh-dsa-shake-256f': slh(256),
} as const satisfies Record<string, SpecFacts>;

export type KeySpec = keyof typeof keySpecs;

export function specFacts(spec: KeySpec): SpecFacts {
  return keySpecs[spec];
}

export function isSymmetric(spec: KeySpec): boolean {
  return specFacts(spec).bytes !== undefined;
}

/**
 * How a message is encrypted. `envelope` is Claviger's committing format under a key per message (docs/envelope-format.md) for
 * symmetric keys; `raw-aead` gives the bare nonce, ciphertext and tag, for symmetric keys of the raw class; the RSA schemes give the
 * bare OAEP ciphertext (RFC 8017 section 7.1). `natural` is for protocols that leave it to the key: what its class says, or OAEP
 * with SHA-256.
 */
export type EncryptionScheme =
  | 'natural'
  | 'envelope'
  | 'raw-aead'
  | 'rsa-oaep-sha1'
  | 'rsa-oaep-sha256'
  | 'rsa-oaep-sha512';

/** How a message is signed. `hash` is absent where the scheme fixes it (EdDSA, ML-DSA, SLH-DSA). */
export interface SignatureScheme {
  readonly family: 'rsa-pss' | 'rsa-pkcs1' | 'ecdsa' | 'ed25519' | 'ed25519ph' | 'ml-dsa' | 'slh-dsa' | 'sm2';
  /** `none`: PKCS#1 v1.5 over the given bytes without DigestInfo. */
  readonly hash?: HashName | 'none';
  /** RSA-PSS only, in bytes; `auto` finds it when verifying and means `max` when signing. Default: the digest's length. */
  readonly saltLength?: number | 'auto' | 'digest' | 'max';
  /** ECDSA only: ASN.1 DER (default) or r||s of fixed length (IEEE P1363). */
  readonly encoding?: 'der' | 'p1363';
}

/**
 * How a message is signed where the protocol leaves the algorithm to the key, as Vault's does: of what the request says, the key's
 * family picks what concerns it. ECDSA takes `hash` and `encoding`, RSA `rsa`, `hash` and `saltLength`; Ed25519 given a digest of
 * SHA-512 is Ed25519ph; the others have one scheme only.
 */
export interface NaturalScheme {
  readonly family: 'natural';
  readonly hash: HashName | 'none';
  readonly rsa: 'pss' | 'pkcs1';
  readonly saltLength: NonNullable<SignatureScheme['saltLength']>;
  readonly encoding: NonNullable<SignatureScheme['encoding']>;
}

/** What a request may ask for; `crypto/` knows `SignatureScheme` only. */
export type AskedScheme = SignatureScheme | NaturalScheme;

/** `digest`: the message is already hashed with the scheme's hash. `external-mu`: FIPS 204 section 6.2, 64 bytes. */
export type MessageType = 'raw' | 'digest' | 'external-mu';
