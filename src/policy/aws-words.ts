import {
  type AskedScheme,
  type EncryptionScheme,
  type HashName,
  type Key,
  type KeySpec,
  type KeyUsage,
  type MessageType,
  specFacts,
} from '#domain/domain.ts';

/** What key policies call keys and algorithms: the enumerations of the KMS API. A test holds them to the door's own tables. */

const specWords: Partial<Record<KeySpec, string>> = {
  'aes-128': 'SYMMETRIC_DEFAULT',
  'aes-256': 'SYMMETRIC_DEFAULT',
  'chacha20-poly1305': 'SYMMETRIC_DEFAULT',
  'hmac-sha224': 'HMAC_224',
  'hmac-sha256': 'HMAC_256',
  'hmac-sha384': 'HMAC_384',
  'hmac-sha512': 'HMAC_512',
  'ec-p256': 'ECC_NIST_P256',
  'ec-p384': 'ECC_NIST_P384',
  'ec-p521': 'ECC_NIST_P521',
  'ec-secp256k1': 'ECC_SECG_P256K1',
  ed25519: 'ECC_NIST_EDWARDS25519',
};

export const specWord = (spec: KeySpec): string => specWords[spec] ?? spec.toUpperCase().replaceAll('-', '_');

const usageWords = {
  encrypt: 'ENCRYPT_DECRYPT',
  sign: 'SIGN_VERIFY',
  mac: 'GENERATE_VERIFY_MAC',
  agree: 'KEY_AGREEMENT',
  encapsulate: 'ENCAPSULATE_DECAPSULATE',
  wrap: 'WRAP',
  derive: 'DERIVE',
} as const satisfies Record<KeyUsage, string>;

/** All of them: a key of another protocol may have several, and a policy that speaks of one must not miss it. */
export const usageWordsOf = ({ usages }: Key): readonly string[] => usages.map((usage) => usageWords[usage]);

const encryptionWords = {
  natural: 'SYMMETRIC_DEFAULT',
  envelope: 'SYMMETRIC_DEFAULT',
  'raw-aead': 'SYMMETRIC_DEFAULT',
  'rsa-oaep-sha1': 'RSAES_OAEP_SHA_1',
  'rsa-oaep-sha256': 'RSAES_OAEP_SHA_256',
  'rsa-oaep-sha512': 'RSAES_OAEP_SHA_512',
} as const satisfies Record<EncryptionScheme, string>;

export function encryptionWord(scheme: EncryptionScheme, key: Key): string {
  const byRsa = scheme === 'natural' && specFacts(key.spec).family === 'rsa';
  return byRsa ? encryptionWords['rsa-oaep-sha256'] : encryptionWords[scheme];
}

const hashWord = (hash: HashName | 'none') =>
  hash
    .toUpperCase()
    .replace(/^SHA(?=[0-9])/, 'SHA_')
    .replaceAll('-', '_');

export const macWord = (hash: HashName): string => `HMAC_${hashWord(hash)}`;

export function defaultMacHash({ spec }: Key): HashName {
  const { family, hash } = specFacts(spec);
  return family === 'hmac' && hash !== undefined ? hash : 'sha256';
}

export function signingWord(scheme: AskedScheme, messageType: MessageType, key: Key): string {
  const { family, hash } = specFacts(key.spec);
  const asked = scheme.hash ?? hash ?? 'sha256';
  if (scheme.family === 'natural') {
    switch (family) {
      case 'rsa':
        return `${scheme.rsa === 'pss' ? 'RSASSA_PSS' : 'RSASSA_PKCS1_V1_5'}_${hashWord(asked)}`;
      case 'ec':
        return `ECDSA_${hashWord(asked)}`;
      case 'ed25519':
        return messageType === 'digest' ? 'ED25519_PH_SHA_512' : 'ED25519_SHA_512';
      case 'ml-dsa':
        return 'ML_DSA_SHAKE_256';
      default:
        return specWord(key.spec);
    }
  }
  switch (scheme.family) {
    case 'rsa-pss':
      return `RSASSA_PSS_${hashWord(asked)}`;
    case 'rsa-pkcs1':
      return `RSASSA_PKCS1_V1_5_${hashWord(asked)}`;
    case 'ecdsa':
      return `ECDSA_${hashWord(asked)}`;
    case 'ed25519':
      return 'ED25519_SHA_512';
    case 'ed25519ph':
      return 'ED25519_PH_SHA_512';
    case 'ml-dsa':
      return 'ML_DSA_SHAKE_256';
    case 'sm2':
      return 'SM2DSA';
    case 'slh-dsa':
      return specWord(key.spec);
  }
}

/** Ed25519ph is asked for with a digest, which the domain takes as the message itself. */
export function messageWord(messageType: MessageType, scheme: AskedScheme): string {
  if (scheme.family === 'ed25519ph') return 'DIGEST';
  return { raw: 'RAW', digest: 'DIGEST', 'external-mu': 'EXTERNAL_MU' }[messageType];
}

export const wrappingWord = (wrapping: string): string =>
  ({
    'rsa-oaep-sha1': 'RSAES_OAEP_SHA_1',
    'rsa-oaep-sha256': 'RSAES_OAEP_SHA_256',
    'rsa-aes-kwp-sha1': 'RSA_AES_KEY_WRAP_SHA_1',
    'rsa-aes-kwp-sha256': 'RSA_AES_KEY_WRAP_SHA_256',
  })[wrapping] ?? wrapping;
