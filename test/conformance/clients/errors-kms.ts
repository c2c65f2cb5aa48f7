/** How each error of AWS KMS' documentation is provoked, and why some never are. */
import type { Fields } from './clients.ts';
import { absentStore, defaultPolicy, importedKey, importInput, kmsRequests, proxyStore } from './requests-kms.ts';
import { absentKey, fresh, kinds, message, type World } from './world.ts';

/** What is asked, or the whole of what is done. `operation` may be called often: the last call is the one that fails. */
export type Provocation = (world: World, operation: string) => Promise<Fields | undefined>;

/** The field in which an operation names what it is about. */
const nameOf = (fields: Fields): string =>
  ['DestinationKeyId', 'TargetKeyId', 'KeyId', 'AliasName', 'RetiringPrincipal'].find((name) => name in fields)!;

const changed =
  (change: (fields: Fields, world: World) => Fields | Promise<Fields>): Provocation =>
  async (world, operation) =>
    change(await kmsRequests[operation]!.input(world), world);

const inState =
  (state: string): Provocation =>
  async (world, operation) => {
    const fields = await kmsRequests[operation]!.input(world);
    if (state === 'Disabled') await world.kms('DisableKey', { KeyId: world.subject });
    else await world.kms('ScheduleKeyDeletion', { KeyId: world.subject, PendingWindowInDays: 7 });
    return fields;
  };

const ofKind = (kind: keyof typeof kinds): Provocation =>
  changed(async (fields, world) => ({ ...fields, [nameOf(fields)]: await world.otherKey(kinds[kind]) }));

const encrypting = /^(?:Encrypt|Decrypt|ReEncrypt|GenerateDataKey.*)$/;

/** By error: the same for every operation that documents it. */
const general: Readonly<Record<string, Provocation>> = {
  NotFoundException: changed((fields) => ({
    ...fields,
    [nameOf(fields)]: nameOf(fields) === 'AliasName' ? 'alias/absent' : absentKey,
  })),
  InvalidArnException: changed((fields) => ({ ...fields, [nameOf(fields)]: 'arn:aws:s3:::bucket' })),
  DisabledException: inState('Disabled'),
  KMSInvalidStateException: inState('PendingDeletion'),
  InvalidGrantTokenException: changed((fields) => ({ ...fields, GrantTokens: ['nonsense'] })),
  DryRunOperationException: changed((fields) => ({ ...fields, DryRun: true })),
  InvalidMarkerException: changed((fields) => ({ ...fields, Marker: 'nonsense!' })),
  InvalidKeyUsageException: async (world, operation) =>
    ofKind(encrypting.test(operation) ? 'signing' : 'symmetric')(world, operation),
  CustomKeyStoreNotFoundException: changed((fields) => ({ ...fields, CustomKeyStoreId: absentStore })),
  InvalidGrantIdException: changed((fields) => ({ ...fields, GrantId: 'nonsense' })),
  MalformedPolicyDocumentException: changed((fields) => ({ ...fields, Policy: 'nonsense' })),
};

const flip = (bytes: Uint8Array) => {
  const other = Uint8Array.from(bytes);
  other[other.length - 1]! ^= 1;
  return other;
};

/** Calls as often as it takes; the last is answered by the error. */
const until =
  (times: number, input: (world: World, key: string, i: number) => Fields): Provocation =>
  async (world, operation) => {
    const key = await world.key();
    for (let i = 0; i < times; i++) await world.kms(operation, input(world, key, i));
    return input(world, key, times);
  };

const tags = (count: number, prefix = 'k') =>
  Array.from({ length: count }, (_, i) => ({ TagKey: `${prefix}${i}`, TagValue: '' }));

/** Data keys are protected by enveloped keys only. */
const underRawKey = changed((fields, world) => ({ ...fields, KeyId: world.place.rawKey }));

/** By operation and error: where what is general does not apply. */
const particular: Readonly<Record<string, Provocation>> = {
  'CancelKeyDeletion KMSInvalidStateException': async (world) => ({ KeyId: await world.key() }),
  'CreateAlias AlreadyExistsException': changed((fields) => ({ ...fields, AliasName: 'alias/first' })),
  'CreateAlias InvalidAliasNameException': changed((fields) => ({ ...fields, AliasName: 'alias/aws/mine' })),
  'CreateAlias LimitExceededException': until(50, (_, TargetKeyId) => ({
    AliasName: `alias/${fresh('m')}`,
    TargetKeyId,
  })),
  'CreateCustomKeyStore CloudHsmClusterNotFoundException': async () => ({
    ...{ CustomKeyStoreName: fresh('store'), CloudHsmClusterId: 'cluster-2a23b4cdefg', KeyStorePassword: 'kmsPswd1' },
    TrustAnchorCertificate: '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----',
  }),
  'CreateCustomKeyStore XksProxyUriUnreachableException': async () => proxyStore(),
  'CreateCustomKeyStore XksProxyVpcEndpointServiceNotFoundException': async () => ({
    ...{ ...proxyStore(), XksProxyConnectivity: 'VPC_ENDPOINT_SERVICE' },
    XksProxyVpcEndpointServiceName: 'com.amazonaws.vpce.us-east-1.vpce-svc-example',
  }),
  'CreateKey CustomKeyStoreNotFoundException': async () => ({ Origin: 'AWS_CLOUDHSM', CustomKeyStoreId: absentStore }),
  'CreateKey LimitExceededException': async (world) => ({
    Policy: await defaultPolicy(world, { Sid: 'x'.repeat(33_000) }),
  }),
  'CreateKey MalformedPolicyDocumentException': async () => ({ Policy: 'nonsense' }),
  'CreateKey TagException': async () => ({ Tags: [{ TagKey: 'aws:mine', TagValue: '' }] }),
  'CreateKey UnsupportedOperationException': async () => ({
    ...{ ...kinds.mac, Origin: 'AWS_CLOUDHSM', CustomKeyStoreId: absentStore },
  }),
  'Decapsulate InvalidCiphertextException': changed((fields) => ({ ...fields, SharedSecretCiphertextBlob: message })),
  'Decrypt IncorrectKeyException': changed(async (fields, world) => ({ ...fields, KeyId: await world.otherKey() })),
  'Decrypt InvalidCiphertextException': changed((fields) => ({
    ...fields,
    CiphertextBlob: flip(fields.CiphertextBlob),
  })),
  'DeleteImportedKeyMaterial UnsupportedOperationException': async (world) => ({ KeyId: await world.key() }),
  'DisableKeyRotation UnsupportedOperationException': ofKind('signing'),
  'EnableKeyRotation UnsupportedOperationException': ofKind('signing'),
  'GenerateDataKeyPair UnsupportedOperationException': underRawKey,
  'GenerateDataKeyPairWithoutPlaintext UnsupportedOperationException': underRawKey,
  'GetKeyRotationStatus UnsupportedOperationException': ofKind('signing'),
  'GetParametersForImport UnsupportedOperationException': ofKind('symmetric'),
  'ImportKeyMaterial IncorrectKeyMaterialException': async (world) => importInput(await importedKey(world), world),
  'ImportKeyMaterial InvalidCiphertextException': changed((fields) => ({
    ...{ ...fields, EncryptedKeyMaterial: flip(fields.EncryptedKeyMaterial) },
  })),
  'ImportKeyMaterial InvalidImportTokenException': changed((fields) => ({
    ...fields,
    ImportToken: flip(fields.ImportToken),
  })),
  'ImportKeyMaterial UnsupportedOperationException': ofKind('symmetric'),
  'ListAliases InvalidMarkerException': async () => ({ Marker: 'nonsense!' }),
  'ListKeyRotations UnsupportedOperationException': ofKind('signing'),
  'PutKeyPolicy LimitExceededException': changed(async (fields, world) => ({
    ...{ ...fields, Policy: await defaultPolicy(world, { Sid: 'x'.repeat(33_000) }) },
  })),
  'ReEncrypt IncorrectKeyException': changed(async (fields, world) => ({
    ...fields,
    SourceKeyId: await world.otherKey(),
  })),
  'ReEncrypt InvalidCiphertextException': changed((fields) => ({
    ...fields,
    CiphertextBlob: flip(fields.CiphertextBlob),
  })),
  'ReplicateKey AlreadyExistsException': async (world, operation) => {
    const fields = await kmsRequests[operation]!.input(world);
    await world.kms(operation, fields);
    return fields;
  },
  'ReplicateKey TagException': changed((fields) => ({ ...fields, Tags: [{ TagKey: 'aws:mine', TagValue: '' }] })),
  'ReplicateKey UnsupportedOperationException': ofKind('symmetric'),
  'RetireGrant InvalidGrantTokenException': async () => ({ GrantToken: 'nonsense' }),
  'RotateKeyOnDemand LimitExceededException': until(25, (_, KeyId) => ({ KeyId })),
  'RotateKeyOnDemand UnsupportedOperationException': ofKind('signing'),
  'TagResource LimitExceededException': until(1, (_, KeyId, i) => ({ KeyId, Tags: tags(26, `${i}-`) })),
  'TagResource TagException': changed((fields) => ({ ...fields, Tags: [{ TagKey: 'aws:mine', TagValue: '' }] })),
  'UntagResource TagException': changed((fields) => ({ ...fields, TagKeys: ['aws:mine'] })),
  'UpdateAlias LimitExceededException': async (world) => {
    const TargetKeyId = await world.key();
    for (let i = 0; i < 50; i++) await world.alias(TargetKeyId);
    return { AliasName: await world.alias(await world.otherKey()), TargetKeyId };
  },
  'UpdatePrimaryRegion UnsupportedOperationException': ofKind('symmetric'),
  'Verify KMSInvalidSignatureException': changed((fields) => ({ ...fields, Message: Buffer.from('another') })),
  'VerifyMac KMSInvalidMacException': changed((fields) => ({ ...fields, Message: Buffer.from('another') })),
};

export type Fault = 'sealed' | 'storage-full';

/** Errors that come of the server's own trouble: faults.test.ts makes it for every operation. */
export const ofTheServer: Readonly<Record<string, Fault>> = {
  KeyUnavailableException: 'sealed',
  DependencyTimeoutException: 'storage-full',
};

interface Reason {
  readonly errors: RegExp;
  readonly operations?: RegExp;
  readonly why: string;
}

/** Documented, and never answered here. */
const never: readonly Reason[] = [
  {
    errors: /^KMSInternalException$/,
    why: 'only of stored state that somebody changed, which the tests of tampered data do',
  },
  {
    errors: /^UnsupportedOperationException$/,
    operations: /^GetPublicKey$/,
    why: 'a key without a public half is `InvalidKeyUsageException`',
  },
  {
    errors: /^(?:CloudHsm|Xks|IncorrectTrustAnchor|CustomKeyStore(?!NotFound))/,
    why: 'there are no CloudHSM clusters and no external key stores behind this server',
  },
  {
    errors: /^KMSInvalidStateException$/,
    operations:
      /^(?:DeleteAlias|GetKeyPolicy|GetKeyRotationStatus|ListGrants|ListKeyPolicies|ListKeyRotations|PutKeyPolicy|RetireGrant|RevokeGrant|DeleteImportedKeyMaterial)$/,
    why: 'AWS’ own table of key states forbids it in no state that a key can have here',
  },
  {
    errors: /^LimitExceededException$/,
    operations: /^(?:CreateCustomKeyStore|CreateGrant|EnableKey|ReplicateKey)$/,
    why: 'there is no such limit here',
  },
  {
    errors: /^ConflictException$/,
    why: 'only of two rotations at the same moment; the concurrency tests of the gate provoke it',
  },
  { errors: /^InvalidArnException$/, operations: /^CreateKey$/, why: 'nothing that it takes is an ARN' },
  {
    errors: /^ExpiredImportTokenException$/,
    why: 'a token lives a day: provoked with a clock of its own, beside the code',
  },
  {
    errors: /^UnsupportedOperationException$/,
    operations: /^(?:GenerateRandom|PutKeyPolicy)$/,
    why: 'every option that it documents is taken',
  },
  {
    errors: /^NotFoundException$/,
    operations: /^ListRetirableGrants$/,
    why: 'somebody who may retire no grant has an empty list',
  },
];

export const provocation = (operation: string, error: string): Provocation | undefined =>
  whyNever(operation, error) !== undefined ? undefined : (particular[`${operation} ${error}`] ?? general[error]);

export const whyNever = (operation: string, error: string): string | undefined =>
  particular[`${operation} ${error}`] !== undefined
    ? undefined
    : never.find(({ errors, operations }) => errors.test(error) && (operations?.test(operation) ?? true))?.why;
