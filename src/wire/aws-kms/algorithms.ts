import {
  type AskedScheme,
  type EncryptionScheme,
  type HashName,
  type Key,
  type KeySpec,
  type KeyUsage,
  keySpecs,
  type MessageType,
  type SignatureScheme,
  specFacts,
} from '#domain/domain.ts';

/** KeySpec of CreateKey and DataKeyPairSpec of GenerateDataKeyPair. */
export const specByAwsName: ReadonlyMap<string, KeySpec> = new Map<string, KeySpec>([
  ['SYMMETRIC_DEFAULT', 'aes-256'],
  ['HMAC_224', 'hmac-sha224'],
  ['HMAC_256', 'hmac-sha256'],
  ['HMAC_384', 'hmac-sha384'],
  ['HMAC_512', 'hmac-sha512'],
  ['RSA_2048', 'rsa-2048'],
  ['RSA_3072', 'rsa-3072'],
  ['RSA_4096', 'rsa-4096'],
  ['ECC_NIST_P256', 'ec-p256'],
  ['ECC_NIST_P384', 'ec-p384'],
  ['ECC_NIST_P521', 'ec-p521'],
  ['ECC_SECG_P256K1', 'ec-secp256k1'],
  ['ECC_NIST_EDWARDS25519', 'ed25519'],
  ['SM2', 'sm2'],
  ['ML_DSA_44', 'ml-dsa-44'],
  ['ML_DSA_65', 'ml-dsa-65'],
  ['ML_DSA_87', 'ml-dsa-87'],
  ['ML_KEM_512', 'ml-kem-512'],
  ['ML_KEM_768', 'ml-kem-768'],
  ['ML_KEM_1024', 'ml-kem-1024'],
]);

const awsNameBySpec: ReadonlyMap<KeySpec, string> = new Map([
  ...[...specByAwsName].map(([name, spec]) => [spec, name] as const),
  // Every key that encrypts and decrypts with the default algorithm is this to an AWS client, whatever cipher it uses.
  ['aes-128', 'SYMMETRIC_DEFAULT'] as const,
  ['chacha20-poly1305', 'SYMMETRIC_DEFAULT'] as const,
]);

/** Specs that AWS doesn't sell get a name of the same style. */
export function awsSpecName(spec: KeySpec): string {
  return awsNameBySpec.get(spec) ?? spec.toUpperCase().replaceAll('-', '_');
}

export const usageByAwsName: ReadonlyMap<string, KeyUsage> = new Map<string, KeyUsage>([
  ['ENCRYPT_DECRYPT', 'encrypt'],
  ['SIGN_VERIFY', 'sign'],
  ['GENERATE_VERIFY_MAC', 'mac'],
  ['KEY_AGREEMENT', 'agree'],
  ['ENCAPSULATE_DECAPSULATE', 'encapsulate'],
]);

/** An AWS key has one usage; of a key that holds several, the first that AWS knows. */
export function awsUsageName(usages: readonly KeyUsage[]): string {
  for (const [name, usage] of usageByAwsName) if (usages.includes(usage)) return name;
  return 'ENCRYPT_DECRYPT';
}

export const schemeByAwsName: ReadonlyMap<string, EncryptionScheme> = new Map<string, EncryptionScheme>([
  ['SYMMETRIC_DEFAULT', 'envelope'],
  ['RSAES_OAEP_SHA_1', 'rsa-oaep-sha1'],
  ['RSAES_OAEP_SHA_256', 'rsa-oaep-sha256'],
]);

export const awsSchemeNames = {
  // Of other protocols; no AWS request leads to them.
  natural: 'SYMMETRIC_DEFAULT',
  'raw-aead': 'SYMMETRIC_DEFAULT',
  'rsa-oaep-sha512': 'RSAES_OAEP_SHA_512',
  envelope: 'SYMMETRIC_DEFAULT',
  'rsa-oaep-sha1': 'RSAES_OAEP_SHA_1',
  'rsa-oaep-sha256': 'RSAES_OAEP_SHA_256',
} as const satisfies Record<EncryptionScheme, string>;

export interface SigningAlgorithm {
  readonly name: string;
  readonly scheme: SignatureScheme;
  /** How the domain is to take the message, for each MessageType that AWS allows with this algorithm. */
  readonly messageTypes: Readonly<Partial<Record<'RAW' | 'DIGEST' | 'EXTERNAL_MU', MessageType>>>;
  /** Bytes of a message that is given as a digest. */
  readonly digestBytes: number;
}

const hashes = [
  ['256', 'sha256', 32],
  ['384', 'sha384', 48],
  ['512', 'sha512', 64],
] as const;

const hashed = (stem: string, family: SignatureScheme['family']): SigningAlgorithm[] =>
  hashes.map(([bits, hash, digestBytes]) => ({
    name: `${stem}_SHA_${bits}`,
    scheme: { family, hash },
    messageTypes: { RAW: 'raw', DIGEST: 'digest' },
    digestBytes,
  }));

const signingAlgorithms: readonly SigningAlgorithm[] = [
  ...hashed('RSASSA_PSS', 'rsa-pss'),
  ...hashed('RSASSA_PKCS1_V1_5', 'rsa-pkcs1'),
  ...hashed('ECDSA', 'ecdsa'),
  { name: 'ED25519_SHA_512', scheme: { family: 'ed25519' }, messageTypes: { RAW: 'raw' }, digestBytes: 64 },
  // AWS hashes the given digest once more (SignRequest.MessageType): to Ed25519ph it is the message itself.
  { name: 'ED25519_PH_SHA_512', scheme: { family: 'ed25519ph' }, messageTypes: { DIGEST: 'raw' }, digestBytes: 64 },
  { name: 'SM2DSA', scheme: { family: 'sm2' }, messageTypes: { RAW: 'raw', DIGEST: 'digest' }, digestBytes: 32 },
  {
    name: 'ML_DSA_SHAKE_256',
    scheme: { family: 'ml-dsa' },
    messageTypes: { RAW: 'raw', EXTERNAL_MU: 'external-mu' },
    digestBytes: 64,
  },
];

export const signingByAwsName: ReadonlyMap<string, SigningAlgorithm> = new Map(
  signingAlgorithms.map((algorithm) => [algorithm.name, algorithm]),
);

const signingKey = (scheme: AskedScheme) => `${scheme.family} ${scheme.hash ?? ''}`;
const signingNames = new Map(signingAlgorithms.map(({ name, scheme }) => [signingKey(scheme), name]));

/** Every AWS request names its algorithm, so none leads to a natural scheme. */
export function awsSigningName(scheme: AskedScheme): string {
  return signingNames.get(signingKey(scheme)) ?? scheme.family;
}

export const macByAwsName: ReadonlyMap<string, HashName> = new Map<string, HashName>([
  ['HMAC_SHA_224', 'sha224'],
  ['HMAC_SHA_256', 'sha256'],
  ['HMAC_SHA_384', 'sha384'],
  ['HMAC_SHA_512', 'sha512'],
]);

const macNames = new Map([...macByAwsName].map(([name, hash]) => [hash, name]));

export function awsMacName(hash: HashName): string {
  return macNames.get(hash) ?? hash;
}

const names = (stem: string) => signingAlgorithms.map(({ name }) => name).filter((name) => name.startsWith(stem));

function signingNamesOf(spec: KeySpec): readonly string[] {
  const { family, hash } = specFacts(spec);
  switch (family) {
    case 'rsa':
      return names('RSASSA_');
    case 'ec':
      return [`ECDSA_SHA_${hash?.slice('sha'.length)}`];
    case 'ed25519':
      return names('ED25519_');
    case 'ml-dsa':
      return names('ML_DSA_');
    case 'sm2':
      return names('SM2DSA');
    case 'aes':
    case 'chacha20':
    case 'hmac':
    case 'x25519':
    case 'ml-kem':
    case 'slh-dsa':
      return [];
  }
}

export interface AwsAlgorithms {
  readonly EncryptionAlgorithms?: readonly string[];
  readonly SigningAlgorithms?: readonly string[];
  readonly MacAlgorithms?: readonly string[];
  readonly KeyAgreementAlgorithms?: readonly string[];
  readonly EncapsulationAlgorithms?: readonly string[];
}

function algorithmsOf(spec: KeySpec, usages: readonly KeyUsage[]): AwsAlgorithms {
  const { family, hash } = specFacts(spec);
  return {
    ...(usages.includes('encrypt') && {
      EncryptionAlgorithms: family === 'rsa' ? ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'] : ['SYMMETRIC_DEFAULT'],
    }),
    ...(usages.includes('sign') && { SigningAlgorithms: signingNamesOf(spec) }),
    // Other kinds compute MACs for Vault's clients; for AWS' an HMAC key does, with its own hash.
    ...(family === 'hmac' && hash !== undefined && { MacAlgorithms: [awsMacName(hash)] }),
    ...(usages.includes('agree') && { KeyAgreementAlgorithms: ['ECDH'] }),
    ...(usages.includes('encapsulate') && { EncapsulationAlgorithms: ['ML_KEM'] }),
  };
}

/** What AWS lists of a key: the algorithms of every usage that it holds. */
export function awsAlgorithms(key: Key): AwsAlgorithms {
  return algorithmsOf(key.spec, key.usages);
}

/** Whether AWS lets a key of this spec be created for this usage. */
export function fits(spec: KeySpec, usage: KeyUsage): boolean {
  const symmetric = spec === 'aes-256';
  return symmetric ? usage === 'encrypt' : (keySpecs[spec].usages as readonly KeyUsage[]).includes(usage);
}
