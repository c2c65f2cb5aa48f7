import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as sdk from '@aws-sdk/client-secrets-manager';
import { serverOfThisFile } from '../../harness.ts';
import { kmsClient } from '../aws-kms/clients.ts';
import { secretsClient } from './clients.ts';

const { server, env } = await serverOfThisFile();
const secrets = secretsClient(env);

type Provoke = () => Promise<unknown>;

/** Every exception that the SDK has a class for, provoked. */
const provoked: Readonly<Record<string, Provoke>> = {
  ResourceNotFoundException: () => secrets.getSecretValue({ SecretId: 'none' }),
  ResourceExistsException: async () => {
    await secrets.createSecret({ Name: 'twice', SecretString: 'x' });
    return secrets.createSecret({ Name: 'twice', SecretString: 'x' });
  },
  InvalidParameterException: () => secrets.createSecret({ Name: 'with space', SecretString: 'x' }),
  InvalidRequestException: async () => {
    await secrets.createSecret({ Name: 'going', SecretString: 'x' });
    await secrets.deleteSecret({ SecretId: 'going' });
    return secrets.getSecretValue({ SecretId: 'going' });
  },
  InvalidNextTokenException: () => secrets.listSecrets({ NextToken: 'x' }),
  LimitExceededException: async () => {
    const VersionStages = Array.from({ length: 20 }, (_, i) => `stage-${i}`);
    await secrets.createSecret({ Name: 'limit', SecretString: 'x' });
    const { VersionId } = await secrets.putSecretValue({ SecretId: 'limit', SecretString: 'y', VersionStages });
    const [VersionStage, MoveToVersionId] = ['more', VersionId!];
    return secrets.updateSecretVersionStage({ SecretId: 'limit', VersionStage, MoveToVersionId });
  },
  EncryptionFailure: () => secrets.createSecret({ Name: 'keyless', SecretString: 'x', KmsKeyId: 'alias/none' }),
  DecryptionFailure: async () => {
    const kms = kmsClient(env);
    const KeyId = (await kms.createKey({})).KeyMetadata!.KeyId!;
    await secrets.createSecret({ Name: 'locked', SecretString: 'x', KmsKeyId: KeyId });
    await kms.scheduleKeyDeletion({ KeyId });
    kms.destroy();
    return secrets.getSecretValue({ SecretId: 'locked' });
  },
  PreconditionNotMetException: () =>
    secrets.createSecret({ Name: 'copied', SecretString: 'x', AddReplicaRegions: [{ Region: 'sa-east-1' }] }),
  MalformedPolicyDocumentException: () =>
    secrets.putResourcePolicy({ SecretId: 'twice', ResourcePolicy: '{"Statement": 1}' }),
  PublicPolicyException: () => {
    const Statement = { Effect: 'Allow', Principal: '*', Action: 'secretsmanager:GetSecretValue', Resource: '*' };
    const ResourcePolicy = JSON.stringify({ Version: '2012-10-17', Statement });
    return secrets.putResourcePolicy({ SecretId: 'twice', ResourcePolicy, BlockPublicPolicy: true });
  },
  // Last: from here on the server is sealed.
  InternalServiceError: async () => {
    await server.claviger('seal');
    return secretsClient({ ...env }).getSecretValue({ SecretId: 'twice' });
  },
};

test('every exception that the SDK knows is here', () => {
  const known = Object.values(sdk as unknown as Record<string, unknown>)
    .filter((one) => typeof one === 'function' && one.prototype instanceof sdk.SecretsManagerServiceException)
    .map((one) => (one as { name: string }).name);
  assert.deepEqual(Object.keys(provoked).sort(), known.sort());
});

for (const [name, provoke] of Object.entries(provoked)) {
  test(`${name} is an error of that class, with a message`, async () => {
    await assert.rejects(provoke, (error) => {
      assert.ok(error instanceof sdk.SecretsManagerServiceException, String(error));
      assert.equal(error.name, name, error.message);
      assert.ok(error instanceof (sdk as unknown as Record<string, new () => Error>)[name]!);
      assert.ok(error.message.length > 10 && !error.message.startsWith('Unknown'), error.message);
      assert.ok(error.$metadata.requestId);
      return true;
    });
  });
}
