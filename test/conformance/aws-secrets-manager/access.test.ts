import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { serverOfThisFile } from '../../harness.ts';
import { kmsClient } from '../aws-kms/clients.ts';
import { secretsClient } from './clients.ts';

const elsewhere = 'eu-west-3';
const { server, env } = await serverOfThisFile();
const owner = secretsClient(env);
const kms = kmsClient(env);
const account = (await kms.createKey({})).KeyMetadata!.AWSAccountId!;

async function hire(name: string, ...grant: string[]): Promise<SecretsManager> {
  await server.claviger('identity', 'create', name);
  if (grant.length > 0) await server.claviger('grant', 'create', name, ...grant);
  return secretsClient(await server.env(name));
}

let counted = 0;
async function secret(more: Partial<Parameters<SecretsManager['createSecret']>[0]> = {}): Promise<string> {
  const Name = `access/${++counted}`;
  await owner.createSecret({ Name, SecretString: 'value', ...more });
  return Name;
}

const denied = (act: Promise<unknown>) => assert.rejects(act, { name: 'AccessDeniedException' });
const refusedAs = (name: string, act: Promise<unknown>) => assert.rejects(act, { name });

test('a user of secrets reads and writes them, an administrator deletes them, an auditor sees that they are there', async () => {
  const user = await hire('uwe', '--role', 'key-user');
  const administrator = await hire('anna', '--role', 'key-administrator');
  const auditor = await hire('ada', '--role', 'auditor');
  const SecretId = await secret();
  assert.equal((await user.getSecretValue({ SecretId })).SecretString, 'value');
  await user.putSecretValue({ SecretId, SecretString: 'other' });
  await denied(user.deleteSecret({ SecretId }));
  await denied(user.tagResource({ SecretId, Tags: [{ Key: 'a', Value: 'b' }] }));
  await denied(user.putResourcePolicy({ SecretId, ResourcePolicy: '{}' }));
  for (const other of [administrator, auditor]) {
    await denied(other.getSecretValue({ SecretId }));
    await denied(other.putSecretValue({ SecretId, SecretString: 'x' }));
    assert.equal((await other.describeSecret({ SecretId })).Name, SecretId);
    const batch = await other.batchGetSecretValue({ SecretIdList: [SecretId] });
    assert.deepEqual(
      batch.Errors!.map(({ ErrorCode }) => ErrorCode),
      ['AccessDeniedException'],
    );
  }
  await administrator.deleteSecret({ SecretId });
  await denied(auditor.restoreSecret({ SecretId }));
});

test('a grant on names covers secrets of such names, and whether others exist is not told', async () => {
  const narrow = await hire('nora', '--role', 'key-user', '--names', 'team/*');
  await narrow.createSecret({ Name: 'team/a', SecretString: 'mine' });
  assert.equal((await narrow.getSecretValue({ SecretId: 'team/a' })).SecretString, 'mine');
  await refusedAs('ResourceNotFoundException', narrow.getSecretValue({ SecretId: 'team/none' }));
  await denied(narrow.getSecretValue({ SecretId: await secret() }));
  await denied(narrow.getSecretValue({ SecretId: 'other/none' }));
  await denied(narrow.createSecret({ Name: 'other/a', SecretString: 'x' }));
  await denied(narrow.listSecrets({}));
});

test('whoever reads a secret under a key needs the key, too', async () => {
  const { KeyMetadata } = await kms.createKey({});
  const KmsKeyId = KeyMetadata!.KeyId!;
  await kms.createAlias({ AliasName: 'alias/vault-key', TargetKeyId: KmsKeyId });
  await owner.createSecret({ Name: 'both/a', KmsKeyId: 'alias/vault-key', SecretString: 'value' });
  const half = await hire('hal', '--role', 'key-user', '--names', 'both/*');
  await denied(half.getSecretValue({ SecretId: 'both/a' }));
  await denied(half.createSecret({ Name: 'both/b', KmsKeyId, SecretString: 'x' }));
  await denied(
    half.createSecret({ Name: 'both/c', KmsKeyId: '00000000-0000-4000-8000-000000000000', SecretString: 'x' }),
  );
  await server.claviger('grant', 'create', 'hal', '--role', 'key-user', '--key', 'vault-key');
  assert.equal((await half.getSecretValue({ SecretId: 'both/a' })).SecretString, 'value');
  assert.equal((await owner.describeSecret({ SecretId: 'both/a' })).KmsKeyId, 'alias/vault-key');
});

test('the policy of a key may ask by which service and for which secret it is used', async () => {
  const user = await hire('vera');
  const context = {
    StringLike: { 'kms:EncryptionContext:SecretARN': '*:secret:via/*', 'kms:ViaService': 'secretsmanager.*' },
  };
  const Policy = policyOf(
    { ...statement('x', 'kms:*'), Principal: { AWS: `arn:aws:iam::${account}:root` } },
    statement('vera', ['kms:Decrypt', 'kms:GenerateDataKey'], { Condition: context }),
  );
  const KmsKeyId = (await kms.createKey({ Policy })).KeyMetadata!.KeyId!;
  await server.claviger('grant', 'create', 'vera', '--role', 'key-user', '--names', 'via/*');
  await server.claviger('grant', 'create', 'vera', '--role', 'key-user', '--names', 'otherwise/*');
  await user.createSecret({ Name: 'via/a', KmsKeyId, SecretString: 'value' });
  assert.equal((await user.getSecretValue({ SecretId: 'via/a' })).SecretString, 'value');
  await denied(user.createSecret({ Name: 'otherwise/a', KmsKeyId, SecretString: 'value' }));
  const direct = kmsClient(await server.env('vera'));
  await denied(direct.encrypt({ KeyId: KmsKeyId, Plaintext: Buffer.from('x') }));
  direct.destroy();
});

const statement = (name: string, Action: string | string[], more: object = {}) => ({
  ...{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:user/${name}` }, Action, Resource: '*', ...more },
});
const policyOf = (...Statement: object[]) => JSON.stringify({ Version: '2012-10-17', Statement });

test('a resource policy lets in and keeps out, and comes back as it was written', async () => {
  const guest = await hire('gina');
  const user = await hire('uma', '--role', 'key-user');
  const SecretId = await secret();
  await denied(guest.getSecretValue({ SecretId }));
  const ResourcePolicy = policyOf(
    statement('gina', 'secretsmanager:GetSecretValue', { Condition: { IpAddress: { 'aws:SourceIp': '127.0.0.0/8' } } }),
    { ...statement('uma', 'secretsmanager:Put*'), Effect: 'Deny' },
  );
  await owner.putResourcePolicy({ SecretId, ResourcePolicy });
  assert.equal((await owner.getResourcePolicy({ SecretId })).ResourcePolicy, ResourcePolicy);
  assert.equal((await guest.getSecretValue({ SecretId })).SecretString, 'value');
  await denied(guest.describeSecret({ SecretId }));
  await denied(guest.putSecretValue({ SecretId, SecretString: 'x' }));
  assert.equal((await user.getSecretValue({ SecretId })).SecretString, 'value');
  await denied(user.putSecretValue({ SecretId, SecretString: 'x' }));
  await owner.deleteResourcePolicy({ SecretId });
  await denied(guest.getSecretValue({ SecretId }));
  await user.putSecretValue({ SecretId, SecretString: 'x' });
  assert.equal((await owner.getResourcePolicy({ SecretId })).ResourcePolicy, undefined);
});

test('a policy that is not understood is refused, and so is a public one where that was asked', async () => {
  const SecretId = await secret();
  const put = (ResourcePolicy: string, BlockPublicPolicy = false) =>
    owner.putResourcePolicy({ SecretId, ResourcePolicy, BlockPublicPolicy });
  const everybody = policyOf({ ...statement('x', 'secretsmanager:GetSecretValue'), Principal: '*' });
  for (const policy of [
    'no json',
    '{}',
    policyOf(),
    policyOf(statement('x', 's3:GetObject')),
    policyOf(
      statement('x', 'secretsmanager:GetSecretValue', {
        Condition: { StringEquals: { 'secretsmanager:VersionStage': 'A' } },
      }),
    ),
    policyOf(statement('x', 'secretsmanager:GetSecretValue', { Unknown: 1 })),
    policyOf(statement('x', 'secretsmanager:GetSecretValue', { Principal: { Service: 'lambda.amazonaws.com' } })),
    policyOf({ ...statement('x', 'secretsmanager:*'), Effect: 'Deny', Principal: '*' }),
  ]) {
    await refusedAs('MalformedPolicyDocumentException', put(policy));
  }
  await refusedAs('PublicPolicyException', put(everybody, true));
  await put(everybody);
  const checked = await owner.validateResourcePolicy({ ResourcePolicy: policyOf(statement('x', 's3:GetObject')) });
  assert.equal(checked.PolicyValidationPassed, false);
  assert.match(checked.ValidationErrors![0]!.ErrorMessage!, /s3:GetObject/);
  assert.equal(
    (await owner.validateResourcePolicy({ SecretId, ResourcePolicy: everybody })).PolicyValidationPassed,
    true,
  );
  await refusedAs('MalformedPolicyDocumentException', owner.validateResourcePolicy({ ResourcePolicy: '{' }));
  await refusedAs('InvalidParameterException', put('x'.repeat(20_481)));
});

test('a secret is copied to another region, follows its primary, and can be let go', async () => {
  await refusedAs(
    'InvalidParameterException',
    owner.replicateSecretToRegions({ SecretId: await secret(), AddReplicaRegions: [{ Region: elsewhere }] }),
  );
  await server.claviger('realm', 'create', 'paris', '--region', elsewhere);
  const there = secretsClient({ ...env, AWS_REGION: elsewhere });
  const SecretId = await secret({ Description: 'first' });
  await owner.putSecretValue({ SecretId, SecretString: 'second' });
  const made = await owner.replicateSecretToRegions({ SecretId, AddReplicaRegions: [{ Region: elsewhere }] });
  assert.deepEqual(
    made.ReplicationStatus!.map(({ Region, Status }) => [Region, Status]),
    [[elsewhere, 'InSync']],
  );
  const ARN = made.ARN!.replace(env.AWS_REGION!, elsewhere);
  assert.equal((await there.getSecretValue({ SecretId: ARN })).SecretString, 'second');
  assert.equal((await there.getSecretValue({ SecretId, VersionStage: 'AWSPREVIOUS' })).SecretString, 'value');
  const { VersionId } = await owner.putSecretValue({ SecretId, SecretString: 'third' });
  await owner.tagResource({ SecretId, Tags: [{ Key: 'a', Value: 'b' }] });
  const copy = await there.getSecretValue({ SecretId });
  assert.deepEqual([copy.SecretString, copy.VersionId, copy.ARN], ['third', VersionId, ARN]);
  const told = await there.describeSecret({ SecretId });
  assert.deepEqual([told.PrimaryRegion, told.Tags], [env.AWS_REGION, [{ Key: 'a', Value: 'b' }]]);
  await refusedAs('InvalidRequestException', there.putSecretValue({ SecretId, SecretString: 'x' }));
  await refusedAs('InvalidRequestException', owner.deleteSecret({ SecretId }));
  const Name = 'access/at-once';
  const AddReplicaRegions = [{ Region: elsewhere, KmsKeyId: 'alias/aws/secretsmanager' }];
  const both = await owner.createSecret({ Name, SecretString: 'twice', AddReplicaRegions });
  assert.equal(both.ReplicationStatus![0]!.Status, 'InSync');
  assert.equal((await there.getSecretValue({ SecretId: Name })).SecretString, 'twice');
  const taken = await secret();
  await there.createSecret({ Name: taken, SecretString: 'of its own' });
  const failed = await owner.replicateSecretToRegions({ SecretId: taken, AddReplicaRegions: [{ Region: elsewhere }] });
  assert.equal(failed.ReplicationStatus![0]!.Status, 'Failed');
  assert.equal((await there.getSecretValue({ SecretId: taken })).SecretString, 'of its own');

  await there.stopReplicationToReplica({ SecretId });
  await there.putSecretValue({ SecretId, SecretString: 'apart' });
  assert.equal((await owner.getSecretValue({ SecretId })).SecretString, 'third');
  assert.equal((await owner.describeSecret({ SecretId })).ReplicationStatus, undefined);
  await there.deleteSecret({ SecretId, ForceDeleteWithoutRecovery: true });
  await owner.replicateSecretToRegions({ SecretId, AddReplicaRegions: [{ Region: elsewhere }] });
  const removed = await owner.removeRegionsFromReplication({ SecretId, RemoveReplicaRegions: [elsewhere] });
  assert.deepEqual(removed.ReplicationStatus, []);
  await refusedAs('ResourceNotFoundException', there.describeSecret({ SecretId }));
  await owner.deleteSecret({ SecretId, ForceDeleteWithoutRecovery: true });
});
