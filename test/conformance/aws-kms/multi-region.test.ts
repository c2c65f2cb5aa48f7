import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as sdk from '@aws-sdk/client-kms';
import { serverOfThisFile } from '../../harness.ts';
import { run } from '../../programs.ts';
import { b64, clientFrom } from '../vault/client.ts';
import { kmsClient } from './clients.ts';

const { server, env } = await serverOfThisFile();
for (const region of ['eu-west-1', 'ap-south-1']) {
  await server.claviger('realm', 'create', region, '--region', region);
}
const home = kmsClient(env);
const europe = kmsClient(env, { region: 'eu-west-1' });
const asia = kmsClient(env, { region: 'ap-south-1' });

const Plaintext = Buffer.from('message');
const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes!).toString();

async function primary(more: sdk.CreateKeyCommandInput = {}): Promise<string> {
  return (await home.createKey({ MultiRegion: true, ...more })).KeyMetadata!.KeyId!;
}

async function pair(more: sdk.CreateKeyCommandInput = {}): Promise<string> {
  const KeyId = await primary(more);
  await home.replicateKey({ KeyId, ReplicaRegion: 'eu-west-1' });
  return KeyId;
}

const described = async (kms: sdk.KMS, KeyId: string) => (await kms.describeKey({ KeyId })).KeyMetadata!;

async function refused(act: Promise<unknown>, type: new (...given: never[]) => Error): Promise<void> {
  await assert.rejects(act, (error) => {
    assert.ok(error instanceof type, `${(error as Error).name}: ${(error as Error).message}`);
    return true;
  });
}

describe('regions', () => {
  test('hold keys and aliases of their own, with their name in every ARN', async () => {
    const made = (await europe.createKey({})).KeyMetadata!;
    assert.match(made.Arn!, /^arn:aws:kms:eu-west-1:[0-9]{12}:key\/[0-9a-f-]{36}$/);
    assert.equal(made.AWSAccountId, made.Arn!.split(':')[4]);
    await europe.createAlias({ AliasName: 'alias/local', TargetKeyId: made.KeyId! });
    const { Aliases } = await europe.listAliases({});
    assert.match(Aliases![0]!.AliasArn!, /^arn:aws:kms:eu-west-1:[0-9]{12}:alias\/local$/);
    await refused(home.describeKey({ KeyId: 'alias/local' }), sdk.NotFoundException);
    await refused(home.describeKey({ KeyId: made.KeyId! }), sdk.NotFoundException);
    const homely = (await home.listAliases({})).Aliases!.map(({ AliasName }) => AliasName);
    assert.ok(!homely.includes('alias/local'));
  });

  test("refuse another region's ARN, as an endpoint of AWS does", async () => {
    const { Arn } = (await europe.createKey({})).KeyMetadata!;
    await refused(home.encrypt({ KeyId: Arn!, Plaintext }), sdk.NotFoundException);
    await refused(asia.encrypt({ KeyId: Arn!, Plaintext }), sdk.NotFoundException);
    const { CiphertextBlob } = await europe.encrypt({ KeyId: Arn!, Plaintext });
    await refused(home.decrypt({ CiphertextBlob: CiphertextBlob! }), sdk.NotFoundException);
  });

  test('that the account does not have mean its home region', async () => {
    const elsewhere = kmsClient(env, { region: 'sa-east-1' });
    const KeyId = (await home.createKey({})).KeyMetadata!.Arn!;
    const { CiphertextBlob } = await elsewhere.encrypt({ KeyId, Plaintext });
    assert.equal(text((await home.decrypt({ CiphertextBlob: CiphertextBlob! })).Plaintext), 'message');
    elsewhere.destroy();
  });

  test('share the people and their rights', async () => {
    await server.claviger('identity', 'create', 'reader', '--role', 'auditor');
    const reader = kmsClient(await server.env('reader'), { region: 'eu-west-1' });
    const KeyId = (await europe.createKey({})).KeyMetadata!.KeyId!;
    assert.equal((await described(reader, KeyId)).KeyId, KeyId);
    await assert.rejects(reader.encrypt({ KeyId, Plaintext }), { name: 'AccessDeniedException' });
    reader.destroy();
  });
});

describe('ReplicateKey', () => {
  test('makes a key of the same id that opens what the primary sealed, and the other way round', async () => {
    const KeyId = await primary({ Description: 'here' });
    assert.match(KeyId, /^mrk-[0-9a-f]{32}$/);
    const answer = await home.replicateKey({
      KeyId,
      ReplicaRegion: 'eu-west-1',
      Description: 'there',
      Tags: [{ TagKey: 'a', TagValue: 'b' }],
    });
    const metadata = answer.ReplicaKeyMetadata!;
    const there = metadata.Arn!;
    const here = (await described(home, KeyId)).Arn!;
    assert.equal(metadata.KeyId, KeyId);
    assert.equal(metadata.Description, 'there');
    assert.deepEqual(answer.ReplicaTags, [{ TagKey: 'a', TagValue: 'b' }]);
    assert.ok(['Creating', 'Enabled'].includes(metadata.KeyState!));
    assert.deepEqual(metadata.MultiRegionConfiguration, {
      MultiRegionKeyType: 'REPLICA',
      PrimaryKey: { Arn: here, Region: env.AWS_REGION },
      ReplicaKeys: [{ Arn: there, Region: 'eu-west-1' }],
    });
    assert.equal((await described(home, KeyId)).MultiRegionConfiguration!.MultiRegionKeyType, 'PRIMARY');
    assert.deepEqual((await home.listResourceTags({ KeyId })).Tags, []);

    const EncryptionContext = { purpose: 'test' };
    const sealed = await home.encrypt({ KeyId, Plaintext, EncryptionContext });
    const opened = await europe.decrypt({ CiphertextBlob: sealed.CiphertextBlob!, EncryptionContext });
    assert.equal(text(opened.Plaintext), 'message');
    assert.equal(opened.KeyId, there);
    const { CiphertextBlob } = await europe.generateDataKeyWithoutPlaintext({ KeyId: there, KeySpec: 'AES_256' });
    assert.equal((await home.decrypt({ CiphertextBlob: CiphertextBlob!, KeyId: here })).KeyId, here);
  });

  test('carries signing keys, whose public key is the same', async () => {
    const KeyId = await pair({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
    const [one, two] = await Promise.all([home.getPublicKey({ KeyId }), europe.getPublicKey({ KeyId })]);
    assert.deepEqual(one.PublicKey, two.PublicKey);
    const how = { KeyId, Message: Plaintext, SigningAlgorithm: 'ECDSA_SHA_256' } as const;
    const { Signature } = await home.sign(how);
    assert.equal((await europe.verify({ ...how, Signature: Signature! })).SignatureValid, true);
  });

  test('carries MAC keys', async () => {
    const KeyId = await pair({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
    const how = { KeyId, Message: Plaintext, MacAlgorithm: 'HMAC_SHA_256' } as const;
    const { Mac } = await europe.generateMac(how);
    assert.equal((await home.verifyMac({ ...how, Mac: Mac! })).MacValid, true);
  });

  test('is refused as AWS refuses it', async () => {
    const KeyId = await pair();
    const single = (await home.createKey({})).KeyMetadata!.KeyId!;
    const to = (ReplicaRegion: string, id = KeyId, kms = home) => kms.replicateKey({ KeyId: id, ReplicaRegion });
    await refused(to('eu-west-1'), sdk.AlreadyExistsException);
    await refused(to(env.AWS_REGION!), sdk.AlreadyExistsException);
    await refused(to('eu-west-1', single), sdk.UnsupportedOperationException);
    await refused(to('ap-south-1', KeyId, europe), sdk.UnsupportedOperationException);
    await refused(to('sa-east-1'), sdk.UnsupportedOperationException);
    await refused(to('ap-south-1', `mrk-${'0'.repeat(32)}`), sdk.NotFoundException);
    await assert.rejects(to('nowhere'), { name: 'ValidationException' });
    await home.disableKey({ KeyId });
    await refused(to('ap-south-1'), sdk.DisabledException);
    await home.scheduleKeyDeletion({ KeyId });
    await refused(to('ap-south-1'), sdk.KMSInvalidStateException);
  });

  test('gives the replica its own policy, or the default one', async () => {
    const account = (await described(home, await primary())).AWSAccountId!;
    const own = (arn: string) =>
      JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: 'kms:*', Resource: arn },
        ],
      });
    const KeyId = await primary();
    const arnIn = (region: string) => `arn:aws:kms:${region}:${account}:key/${KeyId}`;
    const to = (Policy: string) => home.replicateKey({ KeyId, ReplicaRegion: 'eu-west-1', Policy });
    await refused(to('{"Statement":'), sdk.MalformedPolicyDocumentException);
    await refused(to(own('arn:aws:kms:nowhere')), sdk.MalformedPolicyDocumentException);
    const { ReplicaPolicy } = await to(own('*'));
    assert.equal(ReplicaPolicy, own('*'));
    assert.equal((await europe.getKeyPolicy({ KeyId })).Policy, ReplicaPolicy);
    assert.match((await home.getKeyPolicy({ KeyId })).Policy!, /key-default-1/);
    await europe.putKeyPolicy({ KeyId, Policy: own(arnIn('eu-west-1')) });
    const plain = await home.replicateKey({ KeyId, ReplicaRegion: 'ap-south-1' });
    assert.match(plain.ReplicaPolicy!, /key-default-1/);
    assert.equal((await asia.getKeyPolicy({ KeyId })).Policy, plain.ReplicaPolicy);
  });

  test('needs the right to make keys, not only the right over the primary', async () => {
    const KeyId = await primary();
    await home.createAlias({ AliasName: 'alias/narrow', TargetKeyId: KeyId });
    await server.claviger('identity', 'create', 'keeper');
    await server.claviger('grant', 'create', 'keeper', '--role', 'key-administrator', '--key', 'narrow');
    const keeper = kmsClient(await server.env('keeper'));
    assert.equal((await described(keeper, KeyId)).KeyId, KeyId);
    await assert.rejects(keeper.replicateKey({ KeyId, ReplicaRegion: 'eu-west-1' }), { name: 'AccessDeniedException' });
    keeper.destroy();
  });
});

describe('what is shared', () => {
  test('rotation reaches every region, and is asked of the primary only', async () => {
    const KeyId = await pair();
    const before = (await home.encrypt({ KeyId, Plaintext })).CiphertextBlob!;
    await refused(europe.rotateKeyOnDemand({ KeyId }), sdk.UnsupportedOperationException);
    await refused(europe.enableKeyRotation({ KeyId }), sdk.UnsupportedOperationException);
    await refused(europe.disableKeyRotation({ KeyId }), sdk.UnsupportedOperationException);
    await home.enableKeyRotation({ KeyId, RotationPeriodInDays: 180 });
    await home.rotateKeyOnDemand({ KeyId });
    const status = await europe.getKeyRotationStatus({ KeyId });
    assert.deepEqual([status.KeyRotationEnabled, status.RotationPeriodInDays], [true, 180]);
    assert.equal((await europe.listKeyRotations({ KeyId })).Rotations!.length, 1);
    const later = (await europe.encrypt({ KeyId, Plaintext })).CiphertextBlob!;
    for (const kms of [home, europe]) {
      for (const CiphertextBlob of [before, later]) {
        assert.equal(text((await kms.decrypt({ CiphertextBlob })).Plaintext), 'message');
      }
    }
  });

  test('and what is not: state, aliases, tags, description', async () => {
    const KeyId = await pair();
    await europe.disableKey({ KeyId });
    await europe.updateKeyDescription({ KeyId, Description: 'there' });
    await europe.tagResource({ KeyId, Tags: [{ TagKey: 'place', TagValue: 'there' }] });
    await europe.createAlias({ AliasName: 'alias/shared-name', TargetKeyId: KeyId });
    await home.createAlias({ AliasName: 'alias/shared-name', TargetKeyId: KeyId });
    const here = await described(home, 'alias/shared-name');
    assert.deepEqual([here.KeyState, here.Description], ['Enabled', '']);
    assert.equal((await described(europe, 'alias/shared-name')).KeyState, 'Disabled');
    await refused(europe.encrypt({ KeyId, Plaintext }), sdk.DisabledException);
    await home.encrypt({ KeyId, Plaintext });
  });
});

describe('UpdatePrimaryRegion', () => {
  test('exchanges the roles', async () => {
    const KeyId = await pair();
    await home.replicateKey({ KeyId, ReplicaRegion: 'ap-south-1' });
    await home.updatePrimaryRegion({ KeyId, PrimaryRegion: 'eu-west-1' });
    for (const kms of [home, europe, asia]) {
      const { MultiRegionConfiguration: shown } = await described(kms, KeyId);
      assert.equal(shown!.PrimaryKey!.Region, 'eu-west-1');
      assert.deepEqual(shown!.ReplicaKeys!.map(({ Region }) => Region).sort(), ['ap-south-1', env.AWS_REGION!].sort());
    }
    await refused(home.rotateKeyOnDemand({ KeyId }), sdk.UnsupportedOperationException);
    await europe.rotateKeyOnDemand({ KeyId });
    const { CiphertextBlob } = await home.encrypt({ KeyId, Plaintext });
    assert.equal(text((await asia.decrypt({ CiphertextBlob: CiphertextBlob! })).Plaintext), 'message');
  });

  test('is refused as AWS refuses it', async () => {
    const KeyId = await pair();
    const single = (await home.createKey({})).KeyMetadata!.KeyId!;
    const to = (PrimaryRegion: string, id = KeyId, kms = home) => kms.updatePrimaryRegion({ KeyId: id, PrimaryRegion });
    await refused(to('ap-south-1'), sdk.NotFoundException);
    await refused(to('eu-west-1', single), sdk.UnsupportedOperationException);
    await refused(to(env.AWS_REGION!, KeyId, europe), sdk.UnsupportedOperationException);
    await refused(to(env.AWS_REGION!), sdk.UnsupportedOperationException);
    await europe.disableKey({ KeyId });
    await refused(to('eu-west-1'), sdk.DisabledException);
    await europe.scheduleKeyDeletion({ KeyId });
    await refused(to('eu-west-1'), sdk.KMSInvalidStateException);
  });
});

describe('deletion', () => {
  test('of a primary with replicas waits for them', async () => {
    const KeyId = await pair();
    const answer = await home.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 9 });
    assert.equal(answer.KeyState, 'PendingReplicaDeletion');
    assert.equal(answer.DeletionDate, undefined);
    assert.equal(answer.PendingWindowInDays, 9);
    const shown = await described(home, KeyId);
    assert.equal(shown.KeyState, 'PendingReplicaDeletion');
    assert.equal(shown.PendingDeletionWindowInDays, 9);
    await refused(home.encrypt({ KeyId, Plaintext }), sdk.KMSInvalidStateException);
    await europe.encrypt({ KeyId, Plaintext });
    await home.cancelKeyDeletion({ KeyId });
    assert.equal((await described(home, KeyId)).KeyState, 'Disabled');
  });

  test('of a replica is its own', async () => {
    const KeyId = await pair();
    const answer = await europe.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    assert.equal(answer.KeyState, 'PendingDeletion');
    assert.ok(answer.DeletionDate);
    assert.equal((await described(home, KeyId)).KeyState, 'Enabled');
  });
});

test('other doors reach the same keys', async () => {
  const KeyId = await pair();
  await home.createAlias({ AliasName: 'alias/everywhere', TargetKeyId: KeyId });
  const { CiphertextBlob } = await europe.encrypt({ KeyId, Plaintext });
  const ciphertext = `vault:v1:${b64(CiphertextBlob!)}`;
  const opened = await clientFrom(env).write('transit/decrypt/everywhere', { ciphertext });
  assert.equal(opened.data.plaintext, b64(Plaintext));
  const listed = JSON.parse((await server.claviger('key', 'list', '--region', 'eu-west-1', '--json')).stdout);
  assert.ok(listed.keys.some(({ id }: { id: string }) => id === KeyId));
  const shown = (await server.claviger('key', 'show', KeyId, '--region', 'eu-west-1')).stdout;
  assert.match(shown, /primary in/);
  await assert.rejects(server.claviger('key', 'list', '--region', 'sa-east-1'), /no such region/);
});

test('boto3 replicates, and opens in the other region', async () => {
  const script = `
import boto3
home, europe = boto3.client('kms'), boto3.client('kms', region_name='eu-west-1')
key = home.create_key(MultiRegion=True)['KeyMetadata']['KeyId']
made = home.replicate_key(KeyId=key, ReplicaRegion='eu-west-1')['ReplicaKeyMetadata']
assert made['MultiRegionConfiguration']['MultiRegionKeyType'] == 'REPLICA', made
sealed = home.encrypt(KeyId=key, Plaintext=b'from python')['CiphertextBlob']
print(europe.decrypt(CiphertextBlob=sealed)['Plaintext'].decode())
`;
  assert.equal((await run('python3', ['-c', script], env)).trim(), 'from python');
});

test('the unmodified AWS Encryption SDK opens in one region what it sealed in another', async () => {
  const KeyId = await pair();
  const [here, there] = await Promise.all([home, europe].map(async (kms) => (await described(kms, KeyId)).Arn!));
  const script = fileURLToPath(new URL('multi-region-client.mjs', import.meta.url));
  assert.equal((await run(process.execPath, [script, here!, there!], env)).trim(), 'from one region to another');
});
