/** One request that succeeds for every operation of AWS KMS. */
import { openPublicKey, rsaEncrypt } from '#crypto/crypto.ts';
import type { Key } from '#domain/domain.ts';
import { fromBase64, toBase64, toUtf8 } from '#encoding/encoding.ts';
import {
  b64,
  blobOf,
  type Case,
  type Cases,
  canaries,
  ec,
  fresh,
  madeRegion,
  pending,
  type Ready,
  replicaRegion,
  signatureOf,
  type WithKey,
} from './cases.ts';
import { byId, type House, plain } from './house.ts';

/** An operation of AWS KMS on a key of its own. */
function aws(operation: string, body: WithKey, more: Parameters<House['key']>[0] = {}, ready?: Ready): Case {
  return async (doors) => {
    const key = await doors.house.key({ ...more, name: more.name ?? fresh('aws') });
    await ready?.(key, doors.house);
    const fields = await body(key, doors.house);
    return () => doors.aws(operation, fields);
  };
}

const onKey: WithKey = ({ id }) => ({ KeyId: id });
const hmacKey = { spec: 'hmac-sha256', usages: ['mac'] } as const;
const signing = { SigningAlgorithm: 'ECDSA_SHA_256', Message: b64(canaries.message) };

async function macOf(key: Key, house: House): Promise<string> {
  const message = plain(canaries.message);
  return toBase64((await house.perform({ kind: 'generate-mac', key: byId(key), hash: 'sha256', message })).mac);
}

const agreeing = { spec: 'ec-p256', usages: ['agree'] } as const;
const kem = { spec: 'ml-kem-768', usages: ['encapsulate'] } as const;

async function publicKeyOf(key: Key, house: House): Promise<string> {
  return toBase64((await house.perform({ kind: 'get-public-key', key: byId(key) })).publicKey);
}

async function encapsulationFor(key: Key, house: House): Promise<string> {
  return toBase64((await house.perform({ kind: 'encapsulate', key: byId(key) })).ciphertext);
}

const mac = { MacAlgorithm: 'HMAC_SHA_256', Message: b64(canaries.message) };

const external = { origin: 'external' } as const;
const wrapping = { WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' };

/** The same material for each time it is sent. */
async function importOf(key: Key, house: House) {
  const { token, wrappingKey } = await house.perform({
    ...{ kind: 'get-import-parameters', key: byId(key), wrapping: 'rsa-oaep-sha256', wrappingSpec: 'rsa-2048' },
  });
  const material = toUtf8(canaries.material);
  const wrapped = rsaEncrypt(openPublicKey('rsa-2048', wrappingKey), 'rsa-oaep-sha256', material);
  return {
    KeyId: key.id,
    ImportToken: toBase64(token),
    EncryptedKeyMaterial: toBase64(wrapped),
    ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
  };
}

/** It says what the default one says, and more: with it the key speaks for itself. */
const openPolicy = (realm: string) =>
  JSON.stringify({
    Statement: [
      { Effect: 'Allow', Principal: { AWS: realm }, Action: 'kms:*', Resource: '*' },
      {
        Effect: 'Deny',
        Principal: '*',
        Action: 'kms:*',
        Resource: '*',
        Condition: { Bool: { 'aws:SecureTransport': false } },
      },
    ],
  });

const arnOf = ({ realm, id }: Key) => `arn:aws:kms:eu-central-1:${realm}:key/${id}`;

async function granteeOf(house: House): Promise<string> {
  const { identity } = await house.hire(fresh('grantee'));
  return `arn:aws:iam::${house.realm}:user/${identity}`;
}

async function grantOn(key: Key, house: House): Promise<string> {
  const grantee = await granteeOf(house);
  const { grant } = await house.perform({
    ...{ kind: 'create-key-grant', key: byId(key), grantee, operations: ['Encrypt'] },
  });
  return grant.id;
}

export const awsCases: Cases = {
  CreateKey: aws('CreateKey', () => ({ Description: 'made by a test', Tags: [{ TagKey: 'a', TagValue: 'b' }] })),
  DescribeKey: aws('DescribeKey', onKey),
  ListKeys: aws('ListKeys', () => ({})),
  UpdateKeyDescription: aws('UpdateKeyDescription', ({ id }) => ({ KeyId: id, Description: 'other' })),
  EnableKey: aws('EnableKey', onKey, {}, (key, house) => house.perform({ kind: 'disable-key', key: byId(key) })),
  DisableKey: aws('DisableKey', onKey),
  EnableKeyRotation: aws('EnableKeyRotation', onKey),
  DisableKeyRotation: aws('DisableKeyRotation', onKey, { rotationPeriodDays: 90 }),
  GetKeyRotationStatus: aws('GetKeyRotationStatus', onKey),
  RotateKeyOnDemand: aws('RotateKeyOnDemand', onKey),
  ListKeyRotations: aws('ListKeyRotations', onKey),
  GetParametersForImport: aws('GetParametersForImport', ({ id }) => ({ KeyId: id, ...wrapping }), external),
  ImportKeyMaterial: aws('ImportKeyMaterial', importOf, external),
  DeleteImportedKeyMaterial: aws('DeleteImportedKeyMaterial', onKey, external, async (key, house) => {
    const { ImportToken, EncryptedKeyMaterial } = await importOf(key, house);
    const [token, wrapped] = [fromBase64(ImportToken)!, fromBase64(EncryptedKeyMaterial)!];
    await house.perform({ kind: 'import-key-material', key: byId(key), token, wrapped });
  }),
  ScheduleKeyDeletion: aws('ScheduleKeyDeletion', onKey),
  CancelKeyDeletion: aws('CancelKeyDeletion', onKey, {}, pending),
  CreateAlias: aws('CreateAlias', ({ id }) => ({ AliasName: `alias/${fresh('new')}`, TargetKeyId: id })),
  UpdateAlias: aws('UpdateAlias', async ({ id }, house) => {
    const other = await house.key({ name: fresh('moving') });
    return { AliasName: `alias/${other.names[0]}`, TargetKeyId: id };
  }),
  DeleteAlias: aws('DeleteAlias', ({ names }) => ({ AliasName: `alias/${names[0]}` })),
  ListAliases: aws('ListAliases', () => ({})),
  TagResource: aws('TagResource', ({ id }) => ({ KeyId: id, Tags: [{ TagKey: 'a', TagValue: 'b' }] })),
  UntagResource: aws('UntagResource', ({ id }) => ({ KeyId: id, TagKeys: ['a'] }), { tags: { a: 'b' } }),
  ListResourceTags: aws('ListResourceTags', onKey),
  Encrypt: aws('Encrypt', ({ id }) => ({ KeyId: id, Plaintext: b64(canaries.plaintext) })),
  Decrypt: aws('Decrypt', async (key, house) => ({ CiphertextBlob: await blobOf(key, house) })),
  ReEncrypt: aws('ReEncrypt', async (key, house) => ({
    CiphertextBlob: await blobOf(key, house),
    DestinationKeyId: key.id,
  })),
  GenerateDataKey: aws('GenerateDataKey', ({ id }) => ({ KeyId: id, KeySpec: 'AES_256' })),
  GenerateDataKeyWithoutPlaintext: aws('GenerateDataKeyWithoutPlaintext', ({ id }) => ({
    KeyId: id,
    NumberOfBytes: 64,
  })),
  GenerateDataKeyPair: aws('GenerateDataKeyPair', ({ id }) => ({ KeyId: id, KeyPairSpec: 'ECC_NIST_P256' })),
  GenerateDataKeyPairWithoutPlaintext: aws('GenerateDataKeyPairWithoutPlaintext', ({ id }) => ({
    KeyId: id,
    KeyPairSpec: 'ECC_NIST_P256',
  })),
  GenerateRandom: aws('GenerateRandom', () => ({ NumberOfBytes: 32 })),
  Sign: aws('Sign', ({ id }) => ({ KeyId: id, ...signing }), ec),
  Verify: aws(
    'Verify',
    async (key, house) => ({ KeyId: key.id, ...signing, Signature: await signatureOf(key, house) }),
    ec,
  ),
  GetPublicKey: aws('GetPublicKey', onKey, ec),
  GetKeyLastUsage: aws('GetKeyLastUsage', onKey),
  DescribeCustomKeyStores: aws('DescribeCustomKeyStores', () => ({})),
  GenerateMac: aws('GenerateMac', ({ id }) => ({ KeyId: id, ...mac }), hmacKey),
  VerifyMac: aws('VerifyMac', async (key, house) => ({ KeyId: key.id, ...mac, Mac: await macOf(key, house) }), hmacKey),
  PutKeyPolicy: aws('PutKeyPolicy', ({ id, realm }) => ({ KeyId: id, Policy: openPolicy(realm) })),
  GetKeyPolicy: aws('GetKeyPolicy', onKey),
  ListKeyPolicies: aws('ListKeyPolicies', onKey),
  CreateGrant: aws('CreateGrant', async ({ id }, house) => ({
    KeyId: id,
    GranteePrincipal: await granteeOf(house),
    Operations: ['Decrypt', 'DescribeKey'],
  })),
  ListGrants: aws('ListGrants', onKey),
  ListRetirableGrants: aws('ListRetirableGrants', ({ realm }) => ({
    RetiringPrincipal: `arn:aws:iam::${realm}:user/founder`,
  })),
  RetireGrant: aws('RetireGrant', async (key, house) => ({ KeyId: arnOf(key), GrantId: await grantOn(key, house) })),
  RevokeGrant: aws('RevokeGrant', async (key, house) => ({ KeyId: key.id, GrantId: await grantOn(key, house) })),
  DeriveSharedSecret: aws(
    'DeriveSharedSecret',
    async ({ id }, house) => ({
      KeyId: id,
      KeyAgreementAlgorithm: 'ECDH',
      PublicKey: await publicKeyOf(await house.key(agreeing), house),
    }),
    agreeing,
  ),
  Encapsulate: aws('Encapsulate', ({ id }) => ({ KeyId: id, EncapsulationAlgorithm: 'ML_KEM' }), kem),
  Decapsulate: aws(
    'Decapsulate',
    async (key, house) => ({
      KeyId: key.id,
      EncapsulationAlgorithm: 'ML_KEM',
      SharedSecretCiphertextBlob: await encapsulationFor(key, house),
    }),
    kem,
  ),
  ReplicateKey: aws(
    'ReplicateKey',
    async ({ id }, house) => ({ KeyId: id, ReplicaRegion: await madeRegion(house), Description: 'a replica' }),
    { multiRegion: true },
  ),
  UpdatePrimaryRegion: aws(
    'UpdatePrimaryRegion',
    async (key, house) => ({ KeyId: key.id, PrimaryRegion: await replicaRegion(key, house) }),
    { multiRegion: true },
  ),
};
