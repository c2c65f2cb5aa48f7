/** One request for each operation of Secrets Manager, and how its errors are provoked. */
import { randomUUID } from 'node:crypto';
import type { Fields } from './clients.ts';
import type { Provocation } from './errors-kms.ts';
import type { Request, Requests } from './requests-kms.ts';
import { fresh, type World } from './world.ts';

type Input = (secret: string, world: World) => Fields | Promise<Fields>;
const on = (input: Input = (SecretId) => ({ SecretId }), more?: (world: World) => Promise<Fields>): Request => ({
  input: async (world) => input(await world.secret(await more?.(world)), world),
});
const onSecret = on();

/** Who may read it: the account. */
async function policyOf(world: World): Promise<string> {
  const AWS = `arn:aws:iam::${await world.account()}:root`;
  const statement = { Effect: 'Allow', Principal: { AWS }, Action: 'secretsmanager:GetSecretValue', Resource: '*' };
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
}

/** The ARN of its replica in the other region. */
async function replicated(SecretId: string, world: World): Promise<string> {
  const Region = world.place.otherRegion;
  await world.secrets('ReplicateSecretToRegions', { SecretId, AddReplicaRegions: [{ Region }] });
  return SecretId.replace(/^(arn:[^:]*:[^:]*:)[^:]*/, `$1${Region}`);
}

/** Of two versions, the id of the one that is current no longer. */
async function twoVersions(SecretId: string, world: World): Promise<Fields> {
  const [first] = (await world.secrets('ListSecretVersionIds', { SecretId })).Versions;
  const second = await world.secrets('PutSecretValue', { SecretId, SecretString: 'second' });
  return { former: first.VersionId, current: second.VersionId };
}

export const secretsRequests: Requests = {
  BatchGetSecretValue: on(async (one, world) => ({ SecretIdList: [one, await world.secret()] })),
  CancelRotateSecret: onSecret,
  CreateSecret: {
    input: async () => ({
      ...{ Name: fresh('team/secret'), Description: 'by a client', SecretString: '{"user":"me"}' },
      ...{ ClientRequestToken: randomUUID(), Tags: [{ Key: 'team', Value: 'a' }] },
    }),
  },
  DeleteResourcePolicy: onSecret,
  DeleteSecret: on((SecretId) => ({ SecretId, RecoveryWindowInDays: 7 })),
  DescribeSecret: onSecret,
  GetRandomPassword: { input: async () => ({ PasswordLength: 40, ExcludePunctuation: true }) },
  GetResourcePolicy: onSecret,
  GetSecretValue: on((SecretId) => ({ SecretId, VersionStage: 'AWSCURRENT' })),
  ListSecretVersionIds: on((SecretId) => ({ SecretId, IncludeDeprecated: true })),
  ListSecrets: {
    input: async () => ({ MaxResults: 2, Filters: [{ Key: 'name', Values: ['secret'] }], SortOrder: 'desc' }),
  },
  PutResourcePolicy: on(async (SecretId, world) => ({ SecretId, ResourcePolicy: await policyOf(world) })),
  PutSecretValue: on((SecretId) => ({ SecretId, SecretBinary: Buffer.from([0, 1, 255]) })),
  RemoveRegionsFromReplication: on(async (SecretId, world) => {
    await replicated(SecretId, world);
    return { SecretId, RemoveReplicaRegions: [world.place.otherRegion] };
  }),
  ReplicateSecretToRegions: on((SecretId, world) => ({
    ...{ SecretId, AddReplicaRegions: [{ Region: world.place.otherRegion }] },
  })),
  RestoreSecret: {
    input: async (world) => {
      const SecretId = await world.secret();
      await world.secrets('DeleteSecret', { SecretId });
      return { SecretId };
    },
  },
  RotateSecret: on(async (SecretId, world) => ({
    ...{ SecretId, RotationLambdaARN: `arn:aws:lambda:us-east-1:${await world.account()}:function:rotate` },
    ...{ ClientRequestToken: randomUUID(), RotationRules: { AutomaticallyAfterDays: 30 }, RotateImmediately: false },
  })),
  StopReplicationToReplica: {
    ...on(async (secret, world) => ({ SecretId: await replicated(secret, world) })),
    elsewhere: true,
  },
  TagResource: on((SecretId) => ({ SecretId, Tags: [{ Key: 'a', Value: 'b' }] })),
  UntagResource: on(
    (SecretId) => ({ SecretId, TagKeys: ['a'] }),
    async () => ({ Tags: [{ Key: 'a', Value: 'b' }] }),
  ),
  UpdateSecret: on((SecretId) => ({ SecretId, Description: 'another', SecretString: 'another' })),
  UpdateSecretVersionStage: on(async (SecretId, world) => {
    const { former, current } = await twoVersions(SecretId, world);
    return { SecretId, VersionStage: 'AWSCURRENT', RemoveFromVersionId: current, MoveToVersionId: former };
  }),
  ValidateResourcePolicy: on(async (SecretId, world) => ({ SecretId, ResourcePolicy: await policyOf(world) })),
};

const changed =
  (change: (fields: Fields, world: World) => Fields | Promise<Fields>): Provocation =>
  async (world, operation) =>
    change(await secretsRequests[operation]!.input(world), world);

/** A secret whose key can't be used any more. */
async function locked(world: World): Promise<string> {
  const KmsKeyId = await world.key();
  const secret = await world.secret({ KmsKeyId });
  await world.kms('DisableKey', { KeyId: KmsKeyId });
  return secret;
}

const onLocked: Provocation = changed(async (fields, world) => ({ ...fields, SecretId: await locked(world) }));
const onDeleted: Provocation = changed(async (fields, world) => {
  const SecretId = await world.secret();
  await world.secrets('DeleteSecret', { SecretId });
  return { ...fields, SecretId };
});
const malformed: Provocation = changed((fields) => ({ ...fields, ResourcePolicy: '{"Version":' }));
const anyone = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: '*', Action: 'secretsmanager:*', Resource: '*' }],
});

/** By error: the same for every operation that documents it. */
const general: Readonly<Record<string, Provocation>> = {
  ResourceNotFoundException: changed((fields) => ({ ...fields, SecretId: 'absent' })),
  InvalidParameterException: changed((fields) => ({ ...fields, SecretId: 'x'.repeat(3000) })),
  InvalidRequestException: onDeleted,
  InvalidNextTokenException: changed((fields) => ({ ...fields, NextToken: 'nonsense!' })),
  MalformedPolicyDocumentException: malformed,
  DecryptionFailure: onLocked,
  EncryptionFailure: onLocked,
};

const particular: Readonly<Record<string, Provocation>> = {
  'BatchGetSecretValue InvalidNextTokenException': async () => ({
    ...{ Filters: [{ Key: 'name', Values: ['a'] }], NextToken: 'nonsense!' },
  }),
  'BatchGetSecretValue InvalidParameterException': async () => ({ SecretIdList: ['a'], NextToken: 'x' }),
  'CreateSecret EncryptionFailure': changed(async (fields, world) => {
    const KmsKeyId = await world.key();
    await world.kms('DisableKey', { KeyId: KmsKeyId });
    return { ...fields, KmsKeyId };
  }),
  'CreateSecret InvalidParameterException': changed((fields) => ({ ...fields, Name: 'with space' })),
  'CreateSecret InvalidRequestException': async (world, operation) => {
    const fields = { ...(await secretsRequests[operation]!.input(world)), Name: fresh('deleted') };
    await world.secrets('CreateSecret', fields);
    await world.secrets('DeleteSecret', { SecretId: fields.Name });
    return { ...fields, ClientRequestToken: randomUUID() };
  },
  'CreateSecret PreconditionNotMetException': changed((fields) => ({
    ...{ ...fields, Name: fresh('copied'), AddReplicaRegions: [{ Region: 'sa-east-1' }] },
  })),
  'CreateSecret ResourceExistsException': async (world) => {
    const Name = fresh('twice');
    await world.secret({ Name });
    return { Name, SecretString: 'another' };
  },
  'GetRandomPassword InvalidParameterException': async () => ({ PasswordLength: 5000 }),
  'ListSecrets InvalidParameterException': async () => ({ Filters: [{ Key: 'name', Values: ['a'.repeat(600)] }] }),
  'PutResourcePolicy PublicPolicyException': changed((fields) => ({
    ...{ ...fields, ResourcePolicy: anyone, BlockPublicPolicy: true },
  })),
  'PutSecretValue ResourceExistsException': async (world) => {
    const ClientRequestToken = randomUUID();
    const SecretId = await world.secret({ ClientRequestToken });
    return { SecretId, ClientRequestToken, SecretString: 'another' };
  },
  'UpdateSecretVersionStage LimitExceededException': async (world) => {
    const SecretId = await world.secret();
    const VersionStages = Array.from({ length: 20 }, (_, i) => `stage-${i}`);
    const { VersionId } = await world.secrets('PutSecretValue', { SecretId, SecretString: 'x', VersionStages });
    return { SecretId, VersionStage: 'one-more', MoveToVersionId: VersionId };
  },
  'StopReplicationToReplica InvalidRequestException': async (world) => ({ SecretId: await world.secret() }),
  'UpdateSecret ResourceExistsException': async (world) => {
    const ClientRequestToken = randomUUID();
    const SecretId = await world.secret({ ClientRequestToken });
    return { SecretId, ClientRequestToken, SecretString: 'another' };
  },
};

const never: ReadonlyArray<readonly [errors: RegExp, operations: RegExp, why: string]> = [
  [
    /^LimitExceededException$/,
    /^PutSecretValue$/,
    'only after 150 versions in a day: a request can’t name more labels than a version may have',
  ],
  [/^InternalServiceError$/, /./, 'only of the server’s own trouble: sealed, or out of disk'],
  [/^PreconditionNotMetException$/, /^UpdateSecret$/, 'it makes no copies'],
  [/^DecryptionFailure$/, /^(?:Create|Put|Update)Secret/, '`EncryptionFailure` says it, save of a repeated request'],
  [/^MalformedPolicyDocumentException$/, /^(?:CreateSecret|UpdateSecret)$/, 'neither takes a policy'],
  [
    /^InvalidRequestException$/,
    /^(?:ListSecrets|BatchGetSecretValue|ValidateResourcePolicy|RestoreSecret)$/,
    'no state of a secret forbids it',
  ],
  [/^InvalidRequestException$/, /^GetRandomPassword$/, 'a length that is too short is `InvalidParameterException`'],
  [/^ResourceNotFoundException$/, /^CreateSecret$/, 'a key that isn’t there is `EncryptionFailure`'],
  [/^(?:ResourceNotFoundException|DecryptionFailure)$/, /^BatchGetSecretValue$/, 'told of each secret, in `Errors`'],
  [
    /^LimitExceededException$/,
    /^(?:CreateSecret|UpdateSecret|UpdateSecretVersionStage)$/,
    'there is no such limit here',
  ],
];

export const provocationOfSecrets = (operation: string, error: string): Provocation | undefined =>
  whyNeverOfSecrets(operation, error) !== undefined
    ? undefined
    : (particular[`${operation} ${error}`] ?? general[error]);

export const whyNeverOfSecrets = (operation: string, error: string): string | undefined =>
  particular[`${operation} ${error}`] !== undefined
    ? undefined
    : never.find(([errors, operations]) => errors.test(error) && operations.test(operation))?.[2];
