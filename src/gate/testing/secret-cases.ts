/** One request that succeeds for every operation of AWS Secrets Manager, as `aws-cases.ts` has them for AWS KMS. */

import { type Case, type Cases, canaries, fresh } from './cases.ts';
import type { Doors } from './doors.ts';
import { plain } from './house.ts';

export const turner = 'arn:aws:lambda:eu-central-1:123456789012:function:turner';
const elsewhere = 'eu-west-3';

type Body = (SecretId: string, doors: Doors) => object | Promise<object>;

/** An operation on a secret of its own, which has two versions. */
function on(operation: string, body: Body = (SecretId) => ({ SecretId }), ready?: Body): Case {
  return async (doors) => {
    const name = fresh('secret');
    await made(doors, name);
    await ready?.(name, doors);
    const fields = await body(name, doors);
    return () => doors.secretsManager(operation, fields);
  };
}

async function made({ house }: Doors, name: string): Promise<void> {
  const value = { form: 'text', bytes: plain(canaries.plaintext) } as const;
  await house.perform({ kind: 'create-secret', name, value });
  await house.perform({ kind: 'put-secret-value', secret: { name }, value });
}

async function currentOf({ house }: Doors, name: string): Promise<string> {
  const { found } = await house.perform({ kind: 'get-secret-value', secret: { name } });
  return found.id;
}

async function region({ house }: Doors): Promise<void> {
  const made = house.perform({ kind: 'create-region', name: `region-${house.realm}`, region: elsewhere });
  await made.catch(() => undefined);
}

const replicated: Body = async (name, doors) => {
  await region(doors);
  const places = [{ region: elsewhere }];
  return doors.house.perform({ kind: 'replicate-secret', secret: { name }, places });
};

const policy = (account: string) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${account}:user/reader` },
        Action: 'secretsmanager:GetSecretValue',
        Resource: '*',
      },
    ],
  });

export const secretCases: Cases = {
  BatchGetSecretValue: on('BatchGetSecretValue', (name) => ({ SecretIdList: [name] })),
  CancelRotateSecret: on('CancelRotateSecret', undefined, (name, { house }) =>
    house.perform({ kind: 'rotate-secret', secret: { name }, rotator: turner, atOnce: true }),
  ),
  CreateSecret: async (doors) => {
    await made(doors, fresh('secret'));
    const Name = fresh('secret');
    const ClientRequestToken = `${'0'.repeat(32)}-${Name}`;
    return () => doors.secretsManager('CreateSecret', { Name, ClientRequestToken, SecretString: canaries.plaintext });
  },
  DeleteResourcePolicy: on('DeleteResourcePolicy'),
  DeleteSecret: on('DeleteSecret', (SecretId) => ({ SecretId, ForceDeleteWithoutRecovery: true })),
  DescribeSecret: on('DescribeSecret'),
  GetRandomPassword: on('GetRandomPassword', () => ({})),
  GetResourcePolicy: on('GetResourcePolicy'),
  GetSecretValue: on('GetSecretValue'),
  ListSecretVersionIds: on('ListSecretVersionIds'),
  ListSecrets: on('ListSecrets', () => ({})),
  PutResourcePolicy: on('PutResourcePolicy', (SecretId, { house }) => ({
    SecretId,
    ResourcePolicy: policy(house.realm),
  })),
  PutSecretValue: on('PutSecretValue', (SecretId) => ({ SecretId, SecretString: canaries.message })),
  RemoveRegionsFromReplication: on(
    'RemoveRegionsFromReplication',
    (SecretId) => ({ SecretId, RemoveReplicaRegions: [elsewhere] }),
    replicated,
  ),
  ReplicateSecretToRegions: on('ReplicateSecretToRegions', async (SecretId, doors) => {
    // The first copy of a region makes its key.
    const other = fresh('secret');
    await made(doors, other);
    await replicated(other, doors);
    return { SecretId, AddReplicaRegions: [{ Region: elsewhere }] };
  }),
  RestoreSecret: on('RestoreSecret', undefined, (name, { house }) =>
    house.perform({ kind: 'delete-secret', secret: { name }, days: 7 }),
  ),
  RotateSecret: on('RotateSecret', (SecretId) => ({
    SecretId,
    RotationLambdaARN: turner,
    ClientRequestToken: `${'1'.repeat(32)}-${SecretId}`,
  })),
  TagResource: on('TagResource', (SecretId) => ({ SecretId, Tags: [{ Key: 'a', Value: 'b' }] })),
  UntagResource: on('UntagResource', (SecretId) => ({ SecretId, TagKeys: ['a'] })),
  UpdateSecret: on('UpdateSecret', (SecretId) => ({ SecretId, SecretString: canaries.input })),
  UpdateSecretVersionStage: on('UpdateSecretVersionStage', async (SecretId, doors) => ({
    SecretId,
    VersionStage: 'mine',
    MoveToVersionId: await currentOf(doors, SecretId),
  })),
  ValidateResourcePolicy: on('ValidateResourcePolicy', (SecretId, { house }) => ({
    SecretId,
    ResourcePolicy: policy(house.realm),
  })),
  StopReplicationToReplica: async (doors) => {
    const name = fresh('secret');
    await made(doors, name);
    await replicated(name, doors);
    return () => doors.secretsManager('StopReplicationToReplica', { SecretId: name }, elsewhere);
  },
};
