import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { Filter, SecretsManager } from '@aws-sdk/client-secrets-manager';
import { serverOfThisFile } from '../../harness.ts';
import { kmsClient } from '../aws-kms/clients.ts';
import { secretsClient } from './clients.ts';

const { env } = await serverOfThisFile();
const secrets = secretsClient(env);
const kms = kmsClient(env);

let counted = 0;
const fresh = (word = 'secret') => `${word}/${++counted}`;
const read = async (SecretId: string, more: { VersionId?: string; VersionStage?: string } = {}) =>
  (await secrets.getSecretValue({ SecretId, ...more })).SecretString;
const refusedAs = (name: string, act: Promise<unknown>) =>
  assert.rejects(act, (error: Error) => {
    assert.equal(error.name, name, error.message);
    return true;
  });

test('a secret is created, described and read by its name, its ARN and its partial ARN', async () => {
  const Name = fresh('app/db');
  const made = await secrets.createSecret({
    Name,
    Description: 'of the shop',
    SecretString: 'pass word äöü',
    Tags: [{ Key: 'team', Value: 'a' }],
  });
  assert.match(
    made.ARN!,
    new RegExp(`^arn:aws:secretsmanager:${env.AWS_REGION}:[0-9]{12}:secret:${Name}-[A-Za-z0-9]{6}$`),
  );
  const partial = made.ARN!.slice(0, -7);
  for (const SecretId of [Name, made.ARN!, partial]) {
    const got = await secrets.getSecretValue({ SecretId });
    assert.equal(got.SecretString, 'pass word äöü');
    assert.equal(got.SecretBinary, undefined);
    assert.equal(got.VersionId, made.VersionId);
    assert.deepEqual(got.VersionStages, ['AWSCURRENT']);
    assert.ok(Math.abs(got.CreatedDate!.getTime() - Date.now()) < 60_000);
  }
  const told = await secrets.describeSecret({ SecretId: partial });
  assert.equal(told.Description, 'of the shop');
  assert.deepEqual(told.Tags, [{ Key: 'team', Value: 'a' }]);
  assert.deepEqual(told.VersionIdsToStages, { [made.VersionId!]: ['AWSCURRENT'] });
  assert.equal(told.KmsKeyId, undefined);
  assert.equal(told.RotationEnabled, undefined);
  assert.equal(told.LastAccessedDate!.getTime() % 86_400_000, 0);
  await refusedAs('ResourceNotFoundException', secrets.getSecretValue({ SecretId: `${partial}-zzzzzz` }));
});

test('binary values come back as they were, up to 65536 bytes', async () => {
  const Name = fresh();
  const SecretBinary = new Uint8Array(65_536).map((_, i) => i % 251);
  await secrets.createSecret({ Name, SecretBinary });
  const got = await secrets.getSecretValue({ SecretId: Name });
  assert.deepEqual(Buffer.from(got.SecretBinary!), Buffer.from(SecretBinary));
  assert.equal(got.SecretString, undefined);
  await refusedAs(
    'InvalidParameterException',
    secrets.putSecretValue({ SecretId: Name, SecretBinary: new Uint8Array(65_537) }),
  );
  await refusedAs(
    'InvalidParameterException',
    secrets.putSecretValue({ SecretId: Name, SecretBinary: new Uint8Array(1), SecretString: 'x' }),
  );
  await secrets.putSecretValue({ SecretId: Name, SecretString: '\u0001'.repeat(65_536) });
  assert.equal((await read(Name))!.length, 65_536);
  await refusedAs(
    'InvalidParameterException',
    secrets.putSecretValue({ SecretId: Name, SecretString: 'ä'.repeat(40_000) }),
  );
});

test('a request token makes writing the same again do nothing, and writing something else fail', async () => {
  const Name = fresh();
  const ClientRequestToken = randomUUID();
  const once = await secrets.createSecret({ Name, ClientRequestToken, SecretString: 'one' });
  const again = await secrets.createSecret({ Name, ClientRequestToken, SecretString: 'one' });
  assert.deepEqual([again.ARN, again.VersionId], [once.ARN, ClientRequestToken]);
  await refusedAs('ResourceExistsException', secrets.createSecret({ Name, ClientRequestToken, SecretString: 'two' }));
  await refusedAs('ResourceExistsException', secrets.createSecret({ Name, SecretString: 'one' }));
  const token = randomUUID();
  const put = () => secrets.putSecretValue({ SecretId: Name, ClientRequestToken: token, SecretString: 'two' });
  assert.deepEqual((await put()).VersionStages, ['AWSCURRENT']);
  assert.equal((await put()).VersionId, token);
  await refusedAs(
    'ResourceExistsException',
    secrets.putSecretValue({ SecretId: Name, ClientRequestToken: token, SecretString: 'other' }),
  );
  await refusedAs(
    'ResourceExistsException',
    secrets.updateSecret({ SecretId: Name, ClientRequestToken: token, SecretBinary: Buffer.from('two') }),
  );
  const { Versions } = await secrets.listSecretVersionIds({ SecretId: Name });
  assert.equal(Versions!.length, 2);
});

test('stages move as documented', async () => {
  const Name = fresh();
  const { VersionId: first } = await secrets.createSecret({ Name, SecretString: '1' });
  const { VersionId: second } = await secrets.putSecretValue({ SecretId: Name, SecretString: '2' });
  assert.equal(await read(Name), '2');
  assert.equal(await read(Name, { VersionStage: 'AWSPREVIOUS' }), '1');
  const third = await secrets.putSecretValue({
    SecretId: Name,
    SecretString: '3',
    VersionStages: ['AWSPENDING', 'mine'],
  });
  assert.deepEqual(third.VersionStages, ['AWSPENDING', 'mine']);
  assert.equal(await read(Name), '2');
  assert.equal(await read(Name, { VersionStage: 'mine' }), '3');
  const move = (more: { RemoveFromVersionId?: string; MoveToVersionId?: string }, VersionStage = 'AWSCURRENT') =>
    secrets.updateSecretVersionStage({ SecretId: Name, VersionStage, ...more });
  await refusedAs('InvalidParameterException', move({ MoveToVersionId: third.VersionId! }));
  await refusedAs(
    'InvalidParameterException',
    move({ MoveToVersionId: third.VersionId!, RemoveFromVersionId: first! }),
  );
  await refusedAs('InvalidParameterException', move({ RemoveFromVersionId: second! }));
  await refusedAs('ResourceNotFoundException', move({ MoveToVersionId: randomUUID(), RemoveFromVersionId: second! }));
  await move({ MoveToVersionId: third.VersionId!, RemoveFromVersionId: second! });
  assert.equal(await read(Name), '3');
  const stages = (await secrets.describeSecret({ SecretId: Name })).VersionIdsToStages!;
  assert.deepEqual(stages[second!], ['AWSPREVIOUS']);
  assert.deepEqual([...stages[third.VersionId!]!].sort(), ['AWSCURRENT', 'AWSPENDING', 'mine']);
  assert.equal(stages[first!], undefined);
  await move({ RemoveFromVersionId: third.VersionId! }, 'mine');
  await refusedAs('ResourceNotFoundException', secrets.getSecretValue({ SecretId: Name, VersionStage: 'mine' }));
  // Back to where it was: the two change places.
  await move({ MoveToVersionId: second!, RemoveFromVersionId: third.VersionId! });
  assert.equal(await read(Name, { VersionStage: 'AWSPREVIOUS' }), '3');
  assert.equal(await read(Name, { VersionId: first! }), '1');
  await refusedAs(
    'InvalidRequestException',
    secrets.getSecretValue({ SecretId: Name, VersionId: first!, VersionStage: 'AWSCURRENT' }),
  );
  const all = await secrets.listSecretVersionIds({ SecretId: Name, IncludeDeprecated: true });
  assert.deepEqual(
    all.Versions!.map(({ VersionId }) => VersionId),
    [first, second, third.VersionId],
  );
  assert.equal((await secrets.listSecretVersionIds({ SecretId: Name })).Versions!.length, 2);
  const stagesTooMany = Array.from({ length: 19 }, (_, i) => `stage-${i}`);
  await secrets.putSecretValue({ SecretId: Name, SecretString: 'many', VersionStages: [...stagesTooMany, 'last'] });
  const { VersionId: many } = await secrets.getSecretValue({ SecretId: Name, VersionStage: 'last' });
  await refusedAs('LimitExceededException', move({ MoveToVersionId: many! }, 'one-more'));
});

test('UpdateSecret changes description, value and key, and re-encrypts what is in use', async () => {
  const Name = fresh();
  await secrets.createSecret({ Name, SecretString: '1' });
  await secrets.putSecretValue({ SecretId: Name, SecretString: '2' });
  const { KeyMetadata } = await kms.createKey({});
  const KmsKeyId = KeyMetadata!.Arn!;
  const updated = await secrets.updateSecret({ SecretId: Name, Description: 'new', KmsKeyId });
  assert.equal(updated.VersionId, undefined);
  const told = await secrets.describeSecret({ SecretId: Name });
  assert.deepEqual([told.Description, told.KmsKeyId], ['new', KmsKeyId]);
  const { Versions } = await secrets.listSecretVersionIds({ SecretId: Name });
  assert.deepEqual(
    Versions!.map(({ KmsKeyIds }) => KmsKeyIds),
    [[KeyMetadata!.KeyId], [KeyMetadata!.KeyId]],
  );
  const valued = await secrets.updateSecret({ SecretId: Name, SecretString: '3' });
  assert.equal(await read(Name, { VersionId: valued.VersionId! }), '3');
  assert.equal(await read(Name, { VersionStage: 'AWSPREVIOUS' }), '2');

  await kms.disableKey({ KeyId: KmsKeyId });
  await refusedAs('DecryptionFailure', secrets.getSecretValue({ SecretId: Name }));
  await refusedAs('EncryptionFailure', secrets.putSecretValue({ SecretId: Name, SecretString: '4' }));
  await kms.enableKey({ KeyId: KmsKeyId });
  assert.equal(await read(Name), '3');
  await secrets.updateSecret({ SecretId: Name, KmsKeyId: '' });
  await kms.scheduleKeyDeletion({ KeyId: KmsKeyId, PendingWindowInDays: 7 });
  assert.equal(await read(Name), '3');
  assert.equal((await secrets.describeSecret({ SecretId: Name })).KmsKeyId, undefined);
  const own = await kms.describeKey({ KeyId: 'alias/aws/secretsmanager' });
  assert.deepEqual([own.KeyMetadata!.KeyState, own.KeyMetadata!.KeyManager], ['Enabled', 'AWS']);
});

test('keys that cannot protect a value are refused', async () => {
  const rsa = (await kms.createKey({ KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' })).KeyMetadata!.KeyId!;
  const signing = (await kms.createKey({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' })).KeyMetadata!.KeyId!;
  for (const KmsKeyId of [rsa, signing, randomUUID(), 'alias/not-there']) {
    await refusedAs('EncryptionFailure', secrets.createSecret({ Name: fresh(), KmsKeyId, SecretString: 'x' }));
  }
  await refusedAs(
    'InvalidParameterException',
    secrets.createSecret({ Name: fresh(), KmsKeyId: 'nonsense', SecretString: 'x' }),
  );
  await assert.rejects(kms.createAlias({ AliasName: 'alias/aws/mine', TargetKeyId: rsa }));
  await assert.rejects(kms.deleteAlias({ AliasName: 'alias/aws/secretsmanager' }));
});

test('a deleted secret can be restored and not be used; a forced one is gone', async () => {
  const Name = fresh();
  const { ARN } = await secrets.createSecret({ Name, SecretString: 'x' });
  const late = await secrets.deleteSecret({ SecretId: Name, RecoveryWindowInDays: 7 });
  assert.ok(Math.abs(late.DeletionDate!.getTime() - Date.now() - 7 * 86_400_000) < 60_000);
  const denied: ReadonlyArray<() => Promise<unknown>> = [
    () => secrets.getSecretValue({ SecretId: Name }),
    () => secrets.putSecretValue({ SecretId: Name, SecretString: 'y' }),
    () => secrets.updateSecret({ SecretId: Name, Description: 'y' }),
    () => secrets.tagResource({ SecretId: Name, Tags: [{ Key: 'a', Value: 'b' }] }),
    () => secrets.rotateSecret({ SecretId: Name }),
    () => secrets.getResourcePolicy({ SecretId: Name }),
    () => secrets.createSecret({ Name, SecretString: 'z' }),
    () => secrets.deleteSecret({ SecretId: Name }),
  ];
  for (const act of denied) await refusedAs('InvalidRequestException', act());
  assert.ok((await secrets.describeSecret({ SecretId: ARN! })).DeletedDate);
  const filters: Filter[] = [{ Key: 'name', Values: [Name] }];
  assert.equal((await secrets.listSecrets({ Filters: filters })).SecretList!.length, 0);
  assert.equal((await secrets.listSecrets({ Filters: filters, IncludePlannedDeletion: true })).SecretList!.length, 1);
  await secrets.restoreSecret({ SecretId: Name });
  assert.equal(await read(Name), 'x');
  await secrets.deleteSecret({ SecretId: Name, ForceDeleteWithoutRecovery: true });
  await refusedAs('ResourceNotFoundException', secrets.describeSecret({ SecretId: Name }));
  await secrets.deleteSecret({ SecretId: Name, ForceDeleteWithoutRecovery: true });
  await refusedAs('ResourceNotFoundException', secrets.deleteSecret({ SecretId: Name }));
  const next = await secrets.createSecret({ Name, SecretString: 'other' });
  assert.notEqual(next.ARN, ARN);
  await refusedAs('ResourceNotFoundException', secrets.getSecretValue({ SecretId: ARN! }));
  await refusedAs('InvalidParameterException', secrets.deleteSecret({ SecretId: Name, RecoveryWindowInDays: 6 }));
  await refusedAs('InvalidParameterException', secrets.deleteSecret({ SecretId: Name, RecoveryWindowInDays: 31 }));
  await refusedAs(
    'InvalidParameterException',
    secrets.deleteSecret({ SecretId: Name, RecoveryWindowInDays: 7, ForceDeleteWithoutRecovery: true }),
  );
});

test('secrets are listed by filters, in order, in pages', async () => {
  for (const [name, Description, tag] of [
    ['find/alpha', 'The First one', 'red'],
    ['find/beta', 'the second', 'green'],
    ['find/gamma', 'third', 'red'],
  ] as const) {
    await secrets.createSecret({ Name: name, Description, SecretString: name, Tags: [{ Key: 'colour', Value: tag }] });
  }
  const named = async (...Filters: Filter[]) =>
    (await secrets.listSecrets({ Filters: [{ Key: 'name', Values: ['find/'] }, ...Filters] })).SecretList!.map(
      ({ Name }) => Name!.slice(5),
    );
  assert.deepEqual(await named(), ['alpha', 'beta', 'gamma']);
  assert.deepEqual(await named({ Key: 'description', Values: ['THE'] }), ['alpha', 'beta']);
  assert.deepEqual(await named({ Key: 'tag-value', Values: ['red'] }), ['alpha', 'gamma']);
  assert.deepEqual(await named({ Key: 'tag-value', Values: ['!red'] }), ['beta']);
  assert.deepEqual(await named({ Key: 'tag-key', Values: ['Colour'] }), []);
  assert.deepEqual(await named({ Key: 'name', Values: ['find/b', 'find/g'] }), ['beta', 'gamma']);
  assert.deepEqual(await named({ Key: 'name', Values: ['!find/b'] }), ['alpha', 'gamma']);
  assert.deepEqual(await named({ Key: 'all', Values: ['first RED'] }), ['alpha']);
  assert.deepEqual(await named({ Key: 'primary-region', Values: [env.AWS_REGION!] }), ['alpha', 'beta', 'gamma']);
  assert.deepEqual(await named({ Key: 'owning-service', Values: ['rds'] }), []);
  const pages: string[][] = [];
  for (let NextToken: string | undefined; ; ) {
    const page = await secrets.listSecrets({
      Filters: [{ Key: 'name', Values: ['find/'] }],
      SortBy: 'name',
      SortOrder: 'desc',
      MaxResults: 2,
      ...(NextToken && { NextToken }),
    });
    pages.push(page.SecretList!.map(({ Name }) => Name!));
    NextToken = page.NextToken;
    if (NextToken === undefined) break;
  }
  assert.deepEqual(pages, [['find/gamma', 'find/beta'], ['find/alpha']]);
  await refusedAs('InvalidNextTokenException', secrets.listSecrets({ NextToken: 'never-given' }));
  await refusedAs('InvalidParameterException', secrets.listSecrets({ MaxResults: 101 }));

  const both = await secrets.batchGetSecretValue({ Filters: [{ Key: 'name', Values: ['find/'] }], MaxResults: 2 });
  assert.deepEqual(
    both.SecretValues!.map(({ SecretString }) => SecretString),
    ['find/alpha', 'find/beta'],
  );
  const rest = await secrets.batchGetSecretValue({
    Filters: [{ Key: 'name', Values: ['find/'] }],
    NextToken: both.NextToken!,
  });
  assert.deepEqual(
    rest.SecretValues!.map(({ SecretString }) => SecretString),
    ['find/gamma'],
  );
  const mixed = await secrets.batchGetSecretValue({ SecretIdList: ['find/beta', 'find/none', 'find/alpha'] });
  assert.deepEqual(
    mixed.SecretValues!.map(({ Name }) => Name),
    ['find/beta', 'find/alpha'],
  );
  assert.deepEqual(
    mixed.Errors!.map(({ SecretId, ErrorCode }) => [SecretId, ErrorCode]),
    [['find/none', 'ResourceNotFoundException']],
  );
  await refusedAs('InvalidParameterException', secrets.batchGetSecretValue({}));
});

test('tags are put on and taken off', async () => {
  const Name = fresh();
  await secrets.createSecret({ Name });
  await refusedAs('ResourceNotFoundException', secrets.getSecretValue({ SecretId: Name }));
  await secrets.tagResource({
    SecretId: Name,
    Tags: [
      { Key: 'a', Value: '1' },
      { Key: 'b', Value: '2' },
    ],
  });
  await secrets.tagResource({ SecretId: Name, Tags: [{ Key: 'a', Value: '3' }] });
  await secrets.untagResource({ SecretId: Name, TagKeys: ['b', 'c'] });
  assert.deepEqual((await secrets.describeSecret({ SecretId: Name })).Tags, [{ Key: 'a', Value: '3' }]);
  const Tags = Array.from({ length: 50 }, (_, i) => ({ Key: `k${i}`, Value: '' }));
  await refusedAs('InvalidParameterException', secrets.tagResource({ SecretId: Name, Tags }));
});

test('passwords are made of what was asked', async () => {
  const make = async (more: Parameters<SecretsManager['getRandomPassword']>[0] = {}) =>
    (await secrets.getRandomPassword(more)).RandomPassword!;
  assert.equal((await make()).length, 32);
  for (let i = 0; i < 20; i++) {
    const short = await make({ PasswordLength: 4 });
    assert.match(short, /[a-z]/);
    assert.match(short, /[A-Z]/);
    assert.match(short, /[0-9]/);
    assert.match(short, /[^a-zA-Z0-9]/);
  }
  assert.match(
    await make({ PasswordLength: 4096, ExcludePunctuation: true, ExcludeUppercase: true }),
    /^[a-z0-9]{4096}$/,
  );
  assert.match(await make({ PasswordLength: 400, ExcludePunctuation: true, IncludeSpace: true }), / /);
  assert.doesNotMatch(await make({ PasswordLength: 4000, ExcludeCharacters: '"\'\\abc' }), /["'\\abc]/);
  await refusedAs('InvalidParameterException', make({ PasswordLength: 3 }));
  await refusedAs('InvalidParameterException', make({ PasswordLength: 4097 }));
  await refusedAs('InvalidParameterException', make({ ExcludeCharacters: '0123456789' }));
  assert.match(await make({ ExcludeCharacters: '0123456789', RequireEachIncludedType: false }), /^[^0-9]{32}$/);
  await refusedAs(
    'InvalidParameterException',
    make({ ExcludeLowercase: true, ExcludeUppercase: true, ExcludeNumbers: true, ExcludePunctuation: true }),
  );
});

test('a hundred and fifty versions of one day are kept, and no more', async () => {
  const Name = fresh();
  await secrets.createSecret({ Name, SecretString: '0' });
  for (let i = 1; i < 150; i++) await secrets.putSecretValue({ SecretId: Name, SecretString: String(i) });
  await refusedAs('LimitExceededException', secrets.putSecretValue({ SecretId: Name, SecretString: 'x' }));
  const first = await secrets.listSecretVersionIds({ SecretId: Name, IncludeDeprecated: true });
  assert.equal(first.Versions!.length, 100);
  const rest = await secrets.listSecretVersionIds({
    SecretId: Name,
    IncludeDeprecated: true,
    NextToken: first.NextToken!,
  });
  assert.equal(rest.Versions!.length, 50);
  await refusedAs('InvalidNextTokenException', secrets.listSecretVersionIds({ SecretId: Name, NextToken: 'AAAA' }));
});
