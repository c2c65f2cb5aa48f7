import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as sdk from '@aws-sdk/client-kms';
import { serverOfThisFile } from '../../harness.ts';
import { run } from '../../programs.ts';
import { kmsClient } from './clients.ts';

const { server, env } = await serverOfThisFile();
for (const name of ['ann', 'bob']) await server.claviger('identity', 'create', name);
const kms = kmsClient(env);
const ann = kmsClient(await server.env('ann'));
const bob = kmsClient(await server.env('bob'));
const account = (await kms.createKey({})).KeyMetadata!.AWSAccountId!;

const Plaintext = Buffer.from('message');
const user = (name: string) => `arn:aws:iam::${account}:user/${name}`;
const handed = () => ({
  ...{ Sid: 'Enable IAM User Permissions', Effect: 'Allow', Action: 'kms:*', Resource: '*' },
  Principal: { AWS: `arn:aws:iam::${account}:root` },
});
const policyOf = (...statements: object[]) =>
  JSON.stringify({ Version: '2012-10-17', Id: 'test', Statement: [handed(), ...statements] });
const create = async (more: Partial<sdk.CreateKeyRequest> = {}) => (await kms.createKey(more)).KeyMetadata!.Arn!;

test('a key without a policy shows the default one of AWS, and one that is put comes back as it was given', async () => {
  const KeyId = await create();
  const { Policy, PolicyName } = await kms.getKeyPolicy({ KeyId });
  assert.equal(PolicyName, 'default');
  assert.deepEqual(JSON.parse(Policy!).Statement, [handed()]);
  await kms.putKeyPolicy({ KeyId, PolicyName: 'default', Policy: Policy! });
  const own = `${policyOf()}\n`;
  await kms.putKeyPolicy({ KeyId, Policy: own });
  assert.equal((await kms.getKeyPolicy({ KeyId, PolicyName: 'default' })).Policy, own);
  const pages = sdk.paginateListKeyPolicies({ client: kms }, { KeyId });
  assert.deepEqual(
    (await Array.fromAsync(pages)).flatMap((page) => page.PolicyNames),
    ['default'],
  );
  await assert.rejects(kms.getKeyPolicy({ KeyId, PolicyName: 'other' }), sdk.NotFoundException);
});

test('a policy at creation lets in whom it names, bound to the encryption context', async () => {
  const Condition = { StringEquals: { 'kms:EncryptionContext:Department': 'it' } };
  const KeyId = await create({
    Policy: policyOf({
      ...{ Sid: 'ann', Effect: 'Allow', Action: ['kms:Encrypt', 'kms:Decrypt'], Resource: '*', Condition },
      Principal: { AWS: user('ann') },
    }),
  });
  const EncryptionContext = { Department: 'it' };
  const { CiphertextBlob } = await ann.encrypt({ KeyId, Plaintext, EncryptionContext });
  const opened = await ann.decrypt({ CiphertextBlob: CiphertextBlob!, EncryptionContext });
  assert.deepEqual(Buffer.from(opened.Plaintext!), Plaintext);
  const denied = { name: 'AccessDeniedException' };
  await assert.rejects(ann.encrypt({ KeyId, Plaintext, EncryptionContext: { Department: 'hr' } }), denied);
  await assert.rejects(ann.encrypt({ KeyId, Plaintext }), denied);
  await assert.rejects(bob.decrypt({ CiphertextBlob: CiphertextBlob!, EncryptionContext }), denied);
});

test('a policy that is not understood, or that locks out who puts it, is malformed', async () => {
  const KeyId = await create();
  const statement = { Effect: 'Deny', Principal: '*', Action: 'kms:Sign', Resource: '*' };
  for (const wrong of [
    '{}',
    policyOf({ ...statement, Action: 'kms:Fly' }),
    policyOf({ ...statement, Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } } }),
    policyOf({ ...statement, Principal: { AWS: user('nobody') } }),
    policyOf({ ...statement, Action: 'kms:PutKeyPolicy' }),
  ]) {
    await assert.rejects(kms.putKeyPolicy({ KeyId, Policy: wrong }), sdk.MalformedPolicyDocumentException);
    await assert.rejects(kms.createKey({ Policy: wrong }), sdk.MalformedPolicyDocumentException);
  }
  await kms.putKeyPolicy({
    ...{ KeyId, BypassPolicyLockoutSafetyCheck: true },
    Policy: policyOf({ ...statement, Action: 'kms:PutKeyPolicy' }),
  });
  await assert.rejects(kms.putKeyPolicy({ KeyId, Policy: policyOf() }), { name: 'AccessDeniedException' });
  await assert.rejects(kms.putKeyPolicy({ KeyId, Policy: ' '.repeat(33_000) }), { name: 'AccessDeniedException' });
});

test('grants are given, used, listed in pages, retired and revoked', async () => {
  const KeyId = await create();
  const { GrantId, GrantToken } = await kms.createGrant({
    ...{ KeyId, GranteePrincipal: user('ann'), RetiringPrincipal: user('bob'), Name: 'job' },
    Operations: ['Encrypt', 'Decrypt', 'RetireGrant'],
    Constraints: { EncryptionContextSubset: { a: '1' } },
  });
  const EncryptionContext = { a: '1', b: '2' };
  const { CiphertextBlob } = await ann.encrypt({ KeyId, Plaintext, EncryptionContext, GrantTokens: [GrantToken!] });
  await ann.decrypt({ CiphertextBlob: CiphertextBlob!, EncryptionContext });
  const denied = { name: 'AccessDeniedException' };
  await assert.rejects(ann.encrypt({ KeyId, Plaintext, EncryptionContext: { b: '2' } }), denied);
  await assert.rejects(ann.describeKey({ KeyId }), denied);
  await assert.rejects(
    ann.encrypt({ KeyId, Plaintext, EncryptionContext, GrantTokens: ['AQpAM2RhZ'] }),
    sdk.InvalidGrantTokenException,
  );

  for (let i = 0; i < 6; i++)
    await kms.createGrant({ KeyId, GranteePrincipal: user('bob'), Operations: ['DescribeKey'] });
  const listed = (await Array.fromAsync(sdk.paginateListGrants({ client: kms, pageSize: 3 }, { KeyId }))).map(
    ({ Grants }) => Grants!,
  );
  assert.deepEqual(
    listed.map(({ length }) => length),
    [3, 3, 1],
  );
  const { Grants: own } = await kms.listGrants({ KeyId, GranteePrincipal: user('ann') });
  const [{ CreationDate, ...grant }] = own as [sdk.GrantListEntry];
  assert.ok(Math.abs(CreationDate!.getTime() - Date.now()) < 60_000);
  assert.deepEqual(grant, {
    ...{ KeyId, GrantId, Name: 'job', GranteePrincipal: user('ann'), RetiringPrincipal: user('bob') },
    IssuingAccount: `arn:aws:iam::${account}:root`,
    Operations: ['Decrypt', 'Encrypt', 'RetireGrant'],
    Constraints: { EncryptionContextSubset: { a: '1' } },
  });
  const { Grants: retirable } = await bob.listRetirableGrants({ RetiringPrincipal: user('bob') });
  assert.deepEqual(
    retirable!.map((one) => one.GrantId),
    [GrantId],
  );
  await assert.rejects(kms.retireGrant({ KeyId, GrantId, DryRun: true }), sdk.DryRunOperationException);
  await bob.retireGrant({ GrantToken });
  await assert.rejects(ann.encrypt({ KeyId, Plaintext, EncryptionContext }), denied);
  await assert.rejects(bob.retireGrant({ GrantToken }), sdk.InvalidGrantTokenException);
  const { GrantId: another } = await kms.createGrant({
    KeyId,
    GranteePrincipal: user('ann'),
    Operations: ['DescribeKey'],
  });
  await ann.describeKey({ KeyId });
  await kms.revokeGrant({ KeyId, GrantId: another });
  await assert.rejects(ann.describeKey({ KeyId }), denied);
  await assert.rejects(kms.revokeGrant({ KeyId, GrantId: another }), sdk.NotFoundException);
  await assert.rejects(kms.revokeGrant({ KeyId, GrantId: 'x' }), sdk.InvalidGrantIdException);
  await assert.rejects(
    kms.createGrant({ KeyId, GranteePrincipal: user('nobody'), Operations: ['Decrypt'] }),
    sdk.InvalidArnException,
  );
  const hmac = await create({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
  await assert.rejects(kms.createGrant({ KeyId, GranteePrincipal: user('ann'), Operations: ['Sign'] }), {
    name: 'ValidationException',
  });
  await assert.rejects(
    kms.createGrant({
      ...{ KeyId: hmac, GranteePrincipal: user('ann'), Operations: ['GenerateMac'] },
      Constraints: { EncryptionContextEquals: { a: '1' } },
    }),
    { name: 'ValidationException' },
  );
});

test('claviger access explain says what AWS calls get, and what decides it', async () => {
  const deny = {
    Sid: 'not bob',
    Effect: 'Deny',
    Principal: { AWS: user('bob') },
    Action: 'kms:Decrypt',
    Resource: '*',
  };
  const KeyId = await create({ Policy: policyOf(deny) });
  const id = KeyId.split('/')[1]!;
  const { stdout } = await server.claviger('access', 'explain', 'bob', 'kms:Decrypt', id);
  assert.match(stdout, /may not kms:Decrypt/);
  assert.match(stdout, /explicit deny: statement "not bob"/);
  const json = await server.claviger(
    'access',
    'explain',
    user('bob'),
    'decrypt',
    id,
    '--source',
    '192.0.2.1',
    '--json',
  );
  assert.equal(JSON.parse(json.stdout).access.allowed, false);
  const mine = await server.claviger('access', 'explain', 'developer', 'decrypt', id, '--protocol', 'vault');
  assert.match(mine.stdout, /user\/developer may decrypt/);
});

test('the AWS command line puts and gets policies and makes grants', { skip: !(await hasAws()) }, async () => {
  const KeyId = await create();
  const aws = (...args: string[]) => run('aws', ['kms', ...args, '--key-id', KeyId, '--output', 'json'], env);
  await aws('put-key-policy', '--policy-name', 'default', '--policy', policyOf());
  assert.equal(JSON.parse(await aws('get-key-policy')).Policy, policyOf());
  const grant = ['--grantee-principal', user('ann'), '--operations', 'Decrypt', 'GenerateDataKey'];
  const { GrantId } = JSON.parse(await aws('create-grant', ...grant, '--constraints', 'EncryptionContextSubset={a=1}'));
  assert.equal(JSON.parse(await aws('list-grants')).Grants[0].GrantId, GrantId);
  await aws('revoke-grant', '--grant-id', GrantId);
});

async function hasAws(): Promise<boolean> {
  return run('aws', ['--version'], {}).then(
    () => true,
    () => false,
  );
}
