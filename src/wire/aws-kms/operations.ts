import * as askAgreement from './decode-agreement.ts';
import * as askImport from './decode-import.ts';
import * as askStores from './decode-key-stores.ts';
import * as askKeys from './decode-keys.ts';
import { decodeGetKeyLastUsage } from './decode-last-use.ts';
import * as askPolicy from './decode-policy.ts';
import * as askRegion from './decode-region.ts';
import * as askUse from './decode-use.ts';
import * as tellAgreement from './encode-agreement.ts';
import * as tellImport from './encode-import.ts';
import * as tellStores from './encode-key-stores.ts';
import * as tellKeys from './encode-keys.ts';
import { encodeGetKeyLastUsage } from './encode-last-use.ts';
import * as tellPolicy from './encode-policy.ts';
import * as tellRegion from './encode-region.ts';
import * as tellUse from './encode-use.ts';
import type { Operations } from './row.ts';

/** Bytes: 4096 of data and a context of 8192, in base64 and JSON at their longest. */
const usual = 128 * 1024;
/** CreateKey's policy and description. */
const large = 512 * 1024;

/** Every operation of AWS KMS that this door offers, by the name that follows `TrentService.`. */
export const operations = {
  CreateKey: {
    action: 'create-key',
    maxBody: large,
    decode: askKeys.decodeCreateKey,
    encode: tellKeys.encodeCreateKey,
  },
  DescribeKey: {
    action: 'describe-key',
    maxBody: usual,
    decode: askKeys.decodeDescribeKey,
    encode: tellKeys.encodeDescribeKey,
  },
  ListKeys: { action: 'list-keys', maxBody: usual, decode: askKeys.decodeListKeys, encode: tellKeys.encodeListKeys },
  UpdateKeyDescription: {
    action: 'update-key',
    maxBody: usual,
    decode: askKeys.decodeUpdateKeyDescription,
    encode: tellKeys.encodeNothing,
  },
  EnableKey: { action: 'enable-key', maxBody: usual, decode: askKeys.decodeEnableKey, encode: tellKeys.encodeNothing },
  DisableKey: {
    action: 'disable-key',
    maxBody: usual,
    decode: askKeys.decodeDisableKey,
    encode: tellKeys.encodeNothing,
  },
  EnableKeyRotation: {
    action: 'update-key',
    maxBody: usual,
    decode: askKeys.decodeEnableKeyRotation,
    encode: tellKeys.encodeNothing,
  },
  DisableKeyRotation: {
    action: 'update-key',
    maxBody: usual,
    decode: askKeys.decodeDisableKeyRotation,
    encode: tellKeys.encodeNothing,
  },
  GetKeyRotationStatus: {
    action: 'describe-key',
    maxBody: usual,
    decode: askKeys.decodeGetKeyRotationStatus,
    encode: tellKeys.encodeGetKeyRotationStatus,
  },
  RotateKeyOnDemand: {
    action: 'rotate-key',
    maxBody: usual,
    decode: askKeys.decodeRotateKeyOnDemand,
    encode: tellKeys.encodeRotateKeyOnDemand,
  },
  ListKeyRotations: {
    action: 'describe-key',
    maxBody: usual,
    decode: askKeys.decodeListKeyRotations,
    encode: tellKeys.encodeListKeyRotations,
  },
  GetParametersForImport: {
    action: 'get-import-parameters',
    maxBody: usual,
    decode: askImport.decodeGetParametersForImport,
    encode: tellImport.encodeGetParametersForImport,
  },
  ImportKeyMaterial: {
    action: 'import-key-material',
    maxBody: usual,
    decode: askImport.decodeImportKeyMaterial,
    encode: tellImport.encodeImportKeyMaterial,
  },
  DeleteImportedKeyMaterial: {
    action: 'delete-imported-material',
    maxBody: usual,
    decode: askImport.decodeDeleteImportedKeyMaterial,
    encode: tellImport.encodeDeleteImportedKeyMaterial,
  },
  ScheduleKeyDeletion: {
    action: 'schedule-destruction',
    maxBody: usual,
    decode: askKeys.decodeScheduleKeyDeletion,
    encode: tellKeys.encodeScheduleKeyDeletion,
  },
  CancelKeyDeletion: {
    action: 'cancel-destruction',
    maxBody: usual,
    decode: askKeys.decodeCancelKeyDeletion,
    encode: tellKeys.encodeCancelKeyDeletion,
  },
  CreateAlias: {
    action: 'create-alias',
    maxBody: usual,
    decode: askKeys.decodeCreateAlias,
    encode: tellKeys.encodeNothing,
  },
  UpdateAlias: {
    action: 'update-alias',
    maxBody: usual,
    decode: askKeys.decodeUpdateAlias,
    encode: tellKeys.encodeNothing,
  },
  DeleteAlias: {
    action: 'delete-alias',
    maxBody: usual,
    decode: askKeys.decodeDeleteAlias,
    encode: tellKeys.encodeNothing,
  },
  ListAliases: {
    action: 'list-aliases',
    maxBody: usual,
    decode: askKeys.decodeListAliases,
    encode: tellKeys.encodeListAliases,
  },
  TagResource: { action: 'tag-key', maxBody: usual, decode: askKeys.decodeTagResource, encode: tellKeys.encodeNothing },
  UntagResource: {
    action: 'untag-key',
    maxBody: usual,
    decode: askKeys.decodeUntagResource,
    encode: tellKeys.encodeNothing,
  },
  ListResourceTags: {
    action: 'describe-key',
    maxBody: usual,
    decode: askKeys.decodeListResourceTags,
    encode: tellKeys.encodeListResourceTags,
  },
  Encrypt: {
    action: 'encrypt',
    maxBody: usual,
    dryRun: true,
    decode: askUse.decodeEncrypt,
    encode: tellUse.encodeEncrypt,
  },
  Decrypt: {
    action: 'decrypt',
    maxBody: usual,
    dryRun: true,
    decode: askUse.decodeDecrypt,
    encode: tellUse.encodeDecrypt,
  },
  ReEncrypt: {
    action: 're-encrypt',
    maxBody: usual,
    dryRun: true,
    decode: askUse.decodeReEncrypt,
    encode: tellUse.encodeReEncrypt,
  },
  GenerateDataKey: {
    action: 'generate-data-key',
    maxBody: usual,
    dryRun: true,
    decode: askUse.decodeGenerateDataKey,
    encode: tellUse.encodeGenerateDataKey,
  },
  GenerateDataKeyWithoutPlaintext: {
    action: 'generate-data-key',
    maxBody: usual,
    dryRun: true,
    decode: askUse.decodeGenerateDataKeyWithoutPlaintext,
    encode: tellUse.encodeGenerateDataKey,
  },
  GenerateDataKeyPair: {
    action: 'generate-data-key-pair',
    maxBody: usual,
    dryRun: true,
    decode: askUse.decodeGenerateDataKeyPair,
    encode: tellUse.encodeGenerateDataKeyPair,
  },
  GenerateDataKeyPairWithoutPlaintext: {
    action: 'generate-data-key-pair',
    maxBody: usual,
    dryRun: true,
    decode: askUse.decodeGenerateDataKeyPairWithoutPlaintext,
    encode: tellUse.encodeGenerateDataKeyPair,
  },
  GenerateRandom: {
    action: 'generate-random',
    maxBody: usual,
    decode: askUse.decodeGenerateRandom,
    encode: tellUse.encodeGenerateRandom,
  },
  Sign: { action: 'sign', maxBody: usual, dryRun: true, decode: askUse.decodeSign, encode: tellUse.encodeSign },
  Verify: { action: 'verify', maxBody: usual, dryRun: true, decode: askUse.decodeVerify, encode: tellUse.encodeVerify },
  GetPublicKey: {
    action: 'get-public-key',
    maxBody: usual,
    decode: askUse.decodeGetPublicKey,
    encode: tellUse.encodeGetPublicKey,
  },
  GenerateMac: {
    action: 'generate-mac',
    maxBody: usual,
    dryRun: true,
    decode: askUse.decodeGenerateMac,
    encode: tellUse.encodeGenerateMac,
  },
  VerifyMac: {
    action: 'verify-mac',
    maxBody: usual,
    dryRun: true,
    decode: askUse.decodeVerifyMac,
    encode: tellUse.encodeVerifyMac,
  },
  DeriveSharedSecret: {
    action: 'derive-shared-secret',
    maxBody: usual,
    dryRun: true,
    decode: askAgreement.decodeDeriveSharedSecret,
    encode: tellAgreement.encodeDeriveSharedSecret,
  },
  Encapsulate: {
    action: 'encapsulate',
    maxBody: usual,
    dryRun: true,
    decode: askAgreement.decodeEncapsulate,
    encode: tellAgreement.encodeEncapsulate,
  },
  Decapsulate: {
    action: 'decapsulate',
    maxBody: usual,
    dryRun: true,
    decode: askAgreement.decodeDecapsulate,
    encode: tellAgreement.encodeDecapsulate,
  },
  CreateCustomKeyStore: {
    action: 'create-key-store',
    maxBody: usual,
    decode: askStores.decodeCreateCustomKeyStore,
    encode: tellStores.encodeCreateCustomKeyStore,
  },
  DescribeCustomKeyStores: {
    action: 'list-key-stores',
    maxBody: usual,
    decode: askStores.decodeDescribeCustomKeyStores,
    encode: tellStores.encodeDescribeCustomKeyStores,
  },
  UpdateCustomKeyStore: {
    action: 'change-key-store',
    maxBody: usual,
    decode: askStores.decodeUpdateCustomKeyStore,
    encode: tellStores.encodeDone,
  },
  DeleteCustomKeyStore: {
    action: 'change-key-store',
    maxBody: usual,
    decode: askStores.decodeDeleteCustomKeyStore,
    encode: tellStores.encodeDone,
  },
  ConnectCustomKeyStore: {
    action: 'change-key-store',
    maxBody: usual,
    decode: askStores.decodeConnectCustomKeyStore,
    encode: tellStores.encodeDone,
  },
  DisconnectCustomKeyStore: {
    action: 'change-key-store',
    maxBody: usual,
    decode: askStores.decodeDisconnectCustomKeyStore,
    encode: tellStores.encodeDone,
  },
  ReplicateKey: {
    action: 'replicate-key',
    maxBody: large,
    decode: askRegion.decodeReplicateKey,
    encode: tellRegion.encodeReplicateKey,
  },
  UpdatePrimaryRegion: {
    action: 'update-primary-region',
    maxBody: usual,
    decode: askRegion.decodeUpdatePrimaryRegion,
    encode: tellKeys.encodeNothing,
  },
  GetKeyLastUsage: {
    action: 'read-last-use',
    maxBody: usual,
    decode: decodeGetKeyLastUsage,
    encode: encodeGetKeyLastUsage,
  },
  PutKeyPolicy: {
    action: 'put-key-policy',
    maxBody: large,
    decode: askPolicy.decodePutKeyPolicy,
    encode: tellKeys.encodeNothing,
  },
  GetKeyPolicy: {
    action: 'read-key-policy',
    maxBody: usual,
    decode: askPolicy.decodeGetKeyPolicy,
    encode: tellPolicy.encodeGetKeyPolicy,
  },
  ListKeyPolicies: {
    action: 'read-key-policy',
    maxBody: usual,
    decode: askPolicy.decodeListKeyPolicies,
    encode: tellPolicy.encodeListKeyPolicies,
  },
  CreateGrant: {
    action: 'create-key-grant',
    maxBody: usual,
    dryRun: true,
    decode: askPolicy.decodeCreateGrant,
    encode: tellPolicy.encodeCreateGrant,
  },
  ListGrants: {
    action: 'list-key-grants',
    maxBody: usual,
    decode: askPolicy.decodeListGrants,
    encode: tellPolicy.encodeGrants,
  },
  ListRetirableGrants: {
    action: 'list-retirable-key-grants',
    maxBody: usual,
    decode: askPolicy.decodeListRetirableGrants,
    encode: tellPolicy.encodeGrants,
  },
  RetireGrant: {
    action: 'retire-key-grant',
    maxBody: usual,
    dryRun: true,
    decode: askPolicy.decodeRetireGrant,
    encode: tellKeys.encodeNothing,
  },
  RevokeGrant: {
    action: 'revoke-key-grant',
    maxBody: usual,
    dryRun: true,
    decode: askPolicy.decodeRevokeGrant,
    encode: tellKeys.encodeNothing,
  },
} as const satisfies Operations;
