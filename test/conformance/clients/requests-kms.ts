/** One request for each operation of AWS KMS that succeeds, for whatever client performs it. */
import { constants, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto';
import type { Fields } from './clients.ts';
import { fresh, kinds, message, type World } from './world.ts';

export interface Request {
  /** The input of a call that succeeds; `world.subject` is then the key that it is about. */
  readonly input: (world: World) => Promise<Fields>;
  /** What has to happen to its key before, and is no part of the input: another state. */
  readonly ready?: (world: World) => Promise<unknown>;
  /** Asked of the other region. */
  readonly elsewhere?: true;
  /** The error that is all that it can answer here. */
  readonly answer?: string;
}

export type Requests = Readonly<Record<string, Request>>;

type Input = (key: string, world: World) => Fields | Promise<Fields>;
const on = (kind: Parameters<World['key']>[0], input: Input): Request => ({
  input: async (world) => input(await world.key(kind), world),
});
const onKey = (kind: Parameters<World['key']>[0] = {}) => on(kind, (KeyId) => ({ KeyId }));

const signing = { Message: message, SigningAlgorithm: 'ECDSA_SHA_256' } as const;
const macing = { Message: message, MacAlgorithm: 'HMAC_SHA_256' } as const;
const principal = async (world: World) => `arn:aws:iam::${await world.account()}:user/developer`;

/** Of AWS' default policy: everything to the account. */
export async function defaultPolicy(world: World, more: Fields = {}): Promise<string> {
  const AWS = `arn:aws:iam::${await world.account()}:root`;
  const statement = { Effect: 'Allow', Principal: { AWS }, Action: 'kms:*', Resource: '*', ...more };
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
}

/** Imports new material of 32 bytes, as AWS' guide says it: wrapped under the key that GetParametersForImport gives. */
export async function importInput(KeyId: string, world: World, material: Buffer = randomBytes(32)): Promise<Fields> {
  const { ImportToken, PublicKey } = await world.kms('GetParametersForImport', {
    KeyId,
    WrappingAlgorithm: 'RSAES_OAEP_SHA_256',
    WrappingKeySpec: 'RSA_2048',
  });
  const wrappingKey = createPublicKey({ key: PublicKey, format: 'der', type: 'spki' });
  const EncryptedKeyMaterial = publicEncrypt(
    { key: wrappingKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' },
    material,
  );
  return { KeyId, ImportToken, EncryptedKeyMaterial, ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' };
}

export async function importedKey(world: World): Promise<string> {
  const key = await world.key(kinds.external);
  await world.kms('ImportKeyMaterial', await importInput(key, world));
  return key;
}

async function grant(KeyId: string, world: World, more: Fields = {}): Promise<Fields> {
  return world.kms('CreateGrant', {
    ...{ KeyId, GranteePrincipal: await principal(world), Operations: ['Encrypt', 'Decrypt'] },
    ...more,
  });
}

/** There is none: a store that only an id names. */
export const absentStore = 'cks-1234567890abcdef0';
const onStore = (more: () => Fields = () => ({})): Request => ({
  input: async () => ({ CustomKeyStoreId: absentStore, ...more() }),
  answer: 'CustomKeyStoreNotFoundException',
});

/** A key store behind a proxy, as its documentation has it. */
export const proxyStore = (): Fields => ({
  ...{ CustomKeyStoreName: fresh('store'), CustomKeyStoreType: 'EXTERNAL_KEY_STORE' },
  ...{ XksProxyUriEndpoint: 'https://proxy.example', XksProxyUriPath: '/kms/xks/v1' },
  XksProxyAuthenticationCredential: { AccessKeyId: 'ABCDEFGHIJKLMNOPQRST', RawSecretAccessKey: 'x'.repeat(48) },
  XksProxyConnectivity: 'PUBLIC_ENDPOINT',
});

const pairOf = ({ symmetric }: typeof kinds) => on(symmetric, (KeyId) => ({ KeyId, KeyPairSpec: 'ECC_NIST_P256' }));

export const kmsRequests: Requests = {
  CancelKeyDeletion: {
    ...onKey(),
    ready: (world) => world.kms('ScheduleKeyDeletion', { KeyId: world.subject, PendingWindowInDays: 7 }),
  },
  ConnectCustomKeyStore: onStore(),
  CreateAlias: on({}, (TargetKeyId) => ({ AliasName: `alias/${fresh('new')}`, TargetKeyId })),
  CreateCustomKeyStore: { input: async () => proxyStore(), answer: 'XksProxyUriUnreachableException' },
  CreateGrant: on({}, async (KeyId, world) => ({
    ...{ KeyId, GranteePrincipal: await principal(world), Operations: ['Encrypt'], Name: fresh('grant') },
    Constraints: { EncryptionContextSubset: { a: '1' } },
  })),
  CreateKey: {
    input: async () => ({ Description: 'by a client', Tags: [{ TagKey: 'team', TagValue: 'a' }] }),
  },
  Decapsulate: on(kinds.encapsulation, async (KeyId, world) => {
    const made = await world.kms('Encapsulate', { KeyId, EncapsulationAlgorithm: 'ML_KEM' });
    return { KeyId, EncapsulationAlgorithm: 'ML_KEM', SharedSecretCiphertextBlob: made.SharedSecretCiphertextBlob };
  }),
  Decrypt: on({}, async (KeyId, world) => ({ KeyId, CiphertextBlob: await world.encrypted(KeyId) })),
  DeleteAlias: on({}, async (key, world) => ({ AliasName: await world.alias(key) })),
  DeleteCustomKeyStore: onStore(),
  DeleteImportedKeyMaterial: { input: async (world) => ({ KeyId: await importedKey(world) }) },
  DeriveSharedSecret: on(kinds.agreement, async (KeyId, world) => {
    const { PublicKey } = await world.kms('GetPublicKey', { KeyId: await world.otherKey(kinds.agreement) });
    return { KeyId, KeyAgreementAlgorithm: 'ECDH', PublicKey };
  }),
  DescribeCustomKeyStores: { input: async () => ({ Limit: 10 }) },
  DescribeKey: onKey(),
  DisableKey: onKey(),
  DisableKeyRotation: onKey(),
  DisconnectCustomKeyStore: onStore(),
  EnableKey: onKey(),
  EnableKeyRotation: on({}, (KeyId) => ({ KeyId, RotationPeriodInDays: 90 })),
  Encapsulate: on(kinds.encapsulation, (KeyId) => ({ KeyId, EncapsulationAlgorithm: 'ML_KEM' })),
  Encrypt: on({}, (KeyId) => ({ KeyId, Plaintext: message, EncryptionContext: { purpose: 'test', place: 'here' } })),
  GenerateDataKey: on({}, (KeyId) => ({ KeyId, KeySpec: 'AES_256' })),
  GenerateDataKeyPair: pairOf(kinds),
  GenerateDataKeyPairWithoutPlaintext: pairOf(kinds),
  GenerateDataKeyWithoutPlaintext: on({}, (KeyId) => ({ KeyId, NumberOfBytes: 64 })),
  GenerateMac: on(kinds.mac, (KeyId) => ({ KeyId, ...macing })),
  GenerateRandom: { input: async () => ({ NumberOfBytes: 32 }) },
  GetKeyLastUsage: onKey(),
  GetKeyPolicy: on({}, (KeyId) => ({ KeyId, PolicyName: 'default' })),
  GetKeyRotationStatus: onKey(),
  GetParametersForImport: on(kinds.external, (KeyId) => ({
    ...{ KeyId, WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' },
  })),
  GetPublicKey: onKey(kinds.signing),
  ImportKeyMaterial: on(kinds.external, importInput),
  ListAliases: onKey(),
  ListGrants: onKey(),
  ListKeyPolicies: onKey(),
  ListKeyRotations: onKey(),
  ListKeys: { input: async () => ({ Limit: 2 }) },
  ListResourceTags: onKey({ Tags: [{ TagKey: 'team', TagValue: 'a' }] }),
  ListRetirableGrants: { input: async (world) => ({ RetiringPrincipal: await principal(world) }) },
  PutKeyPolicy: on({}, async (KeyId, world) => ({
    ...{ KeyId, PolicyName: 'default', Policy: await defaultPolicy(world) },
  })),
  ReEncrypt: on({}, async (key, world) => ({
    CiphertextBlob: await world.encrypted(key),
    DestinationKeyId: await world.otherKey(),
  })),
  ReplicateKey: on(kinds.multiRegion, (KeyId, world) => ({ KeyId, ReplicaRegion: world.place.otherRegion })),
  RetireGrant: on({}, async (KeyId, world) => ({ KeyId, GrantId: (await grant(KeyId, world)).GrantId })),
  RevokeGrant: on({}, async (KeyId, world) => ({ KeyId, GrantId: (await grant(KeyId, world)).GrantId })),
  RotateKeyOnDemand: onKey(),
  ScheduleKeyDeletion: on({}, (KeyId) => ({ KeyId, PendingWindowInDays: 7 })),
  Sign: on(kinds.signing, (KeyId) => ({ KeyId, ...signing })),
  TagResource: on({}, (KeyId) => ({ KeyId, Tags: [{ TagKey: 'a', TagValue: 'b' }] })),
  UntagResource: on({ Tags: [{ TagKey: 'a', TagValue: 'b' }] }, (KeyId) => ({ KeyId, TagKeys: ['a'] })),
  UpdateAlias: on({}, async (TargetKeyId, world) => ({
    ...{ AliasName: await world.alias(await world.otherKey()), TargetKeyId },
  })),
  UpdateCustomKeyStore: onStore(() => ({ NewCustomKeyStoreName: fresh('store') })),
  UpdateKeyDescription: on({}, (KeyId) => ({ KeyId, Description: 'another' })),
  UpdatePrimaryRegion: on(kinds.multiRegion, async (KeyId, world) => {
    await world.kms('ReplicateKey', { KeyId, ReplicaRegion: world.place.otherRegion });
    return { KeyId, PrimaryRegion: world.place.otherRegion };
  }),
  Verify: on(kinds.signing, async (KeyId, world) => {
    const { Signature } = await world.kms('Sign', { KeyId, ...signing });
    return { KeyId, ...signing, Signature };
  }),
  VerifyMac: on(kinds.mac, async (KeyId, world) => {
    const { Mac } = await world.kms('GenerateMac', { KeyId, ...macing });
    return { KeyId, ...macing, Mac };
  }),
};
