import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Action,
  addressOf,
  type Command,
  inRange,
  type Key,
  type KeyGrant,
  KmsError,
  keySpecs,
  type Principal,
  parseIpRange,
} from '#domain/domain.ts';
import {
  awsSpecName,
  macByAwsName,
  schemeByAwsName,
  signingByAwsName,
  specByAwsName,
} from '#wire/aws-kms/algorithms.ts';
import { encryptionWord, macWord, signingWord, specWord } from './aws-words.ts';
import { conditionKeyNames } from './condition-keys.ts';
import { operatorNames } from './conditions.ts';
import { globMatches } from './glob.ts';
import { administering, kmsActions, kmsNames, possibleNames, using } from './kms-actions.ts';
import { decide, type Facts, parseKeyPolicy, rules } from './policy.ts';

const account = '111122223333';
const keyId = '1234abcd-12ab-34cd-56ef-1234567890ab';
const root = `arn:aws:iam::${account}:root`;
const userArn = (name: string) => `arn:aws:iam::${account}:user/${name}`;
const ann: Principal = { realm: account, name: 'ann', kind: 'person', groups: [], credential: 'c' };
const now = Date.UTC(2026, 10, 25, 12);

const statement = (more: object = {}) => ({
  Effect: 'Allow',
  Principal: { AWS: userArn('ann') },
  Action: 'kms:*',
  Resource: '*',
  ...more,
});
const text = (...statements: object[]) => JSON.stringify({ Version: '2012-10-17', Statement: statements });

function refuses(policy: string, why: RegExp, code = 'malformed-policy'): void {
  assert.throws(
    () => parseKeyPolicy(policy, { realm: account, keyId, isRegion: (region) => region === 'eu-central-1' }),
    (error) => error instanceof KmsError && error.code === code && why.test(error.message),
    policy.slice(0, 300),
  );
}

const accepts = (policy: string) =>
  parseKeyPolicy(policy, { realm: account, keyId, isRegion: (region) => region === 'eu-central-1' });

test('refuses a policy that is not understood to the last letter', () => {
  const cases: ReadonlyArray<readonly [string, RegExp]> = [
    ['', /not JSON/],
    ['{', /not JSON/],
    ['[]', /JSON object/],
    ['null', /JSON object/],
    ['{}', /Statement/],
    ['{"Statement":[]}', /statements/],
    ['{"Statement":["x"]}', /statement is a JSON object/],
    [`{"Version":"2012-10-18","Statement":[${JSON.stringify(statement())}]}`, /Version/],
    [`{"Id":7,"Statement":[${JSON.stringify(statement())}]}`, /Id/],
    [`{"Stray":1,"Statement":[${JSON.stringify(statement())}]}`, /Stray/],
    [`{"statement":[${JSON.stringify(statement())}]}`, /statement/],
    [text(statement({ Effect: 'allow' })), /Effect/],
    [text(statement({ Effect: undefined })), /Effect/],
    [text(statement({ Sid: 3 })), /Sid/],
    [text(statement({ Principal: undefined })), /Principal/],
    [text(statement({ NotPrincipal: { AWS: root } })), /NotPrincipal/],
    [text(statement({ Principal: { Service: 'logs.amazonaws.com' } })), /no other kind/],
    [text(statement({ Principal: { AWS: root, Service: 'x' } })), /no other kind/],
    [text(statement({ Principal: { Federated: 'cognito' } })), /no other kind/],
    [text(statement({ Principal: userArn('ann') })), /no other kind/],
    [text(statement({ Principal: { AWS: [] } })), /Principal/],
    [text(statement({ Principal: { AWS: `arn:aws:iam::${account}:user/*` } })), /no principal/],
    [text(statement({ Principal: { AWS: `arn:aws:iam::${account}:group/g` } })), /no principal/],
    [text(statement({ Principal: { AWS: `arn:aws-cn:iam::${account}:root` } })), /no principal/],
    [text(statement({ Principal: { AWS: 'AIDACKCEVSQ6C2EXAMPLE' } })), /no principal/],
    [text(statement({ Principal: { AWS: 'arn:aws:iam::999999999999:root' } })), /another account/],
    [text(statement({ Principal: { AWS: '999999999999' } })), /no principal|another account/],
    [text(statement({ Action: undefined })), /Action or NotAction/],
    [text(statement({ NotAction: 'kms:Encrypt' })), /Action or NotAction/],
    [text(statement({ Action: 'kms:Encript' })), /no action/],
    [text(statement({ Action: 's3:GetObject' })), /no action/],
    [text(statement({ Action: ['kms:Encrypt', 'kms:Encript'] })), /no action/],
    [text(statement({ Action: [] })), /Action/],
    [text(statement({ Action: 7 })), /Action/],
    [text(statement({ Resource: undefined })), /Resource/],
    [text(statement({ NotResource: '*' })), /NotResource/],
    [text(statement({ Resource: `arn:aws:kms:eu-central-1:${account}:key/${keyId.replace('1', '2')}` })), /Resource/],
    [text(statement({ Resource: `arn:aws:kms:eu-west-1:${account}:key/${keyId}` })), /Resource/],
    [text(statement({ Resource: `arn:aws:kms:eu-central-1:${account}:alias/a` })), /Resource/],
    [text(statement({ Resource: `arn:aws:kms:*:${account}:key/*` })), /Resource/],
    [text(statement({ Condition: [] })), /Condition/],
    [text(statement({ Condition: { StringEquals: {} } })), /compares/],
    [text(statement({ Condition: { StringEquals: 'x' } })), /compares/],
    [text(statement({ Condition: { StringEquals: { 'aws:username': [] } } })), /at least one/],
    [text(statement({ Condition: { StringEquals: { 'aws:username': null } } })), /text, numbers/],
    [text(statement({ Condition: { StringEquals: { 'aws:username': { a: 1 } } } })), /text, numbers/],
    [text(statement({ Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } } })), /not known/],
    [text(statement({ Condition: { StringEquals: { 'kms:EncryptionContext:': 'x' } } })), /not known/],
    [text(statement({ Condition: { stringequals: { 'aws:username': 'x' } } })), /not known/],
    [text(statement({ Condition: { BinaryEquals: { 'aws:username': 'x' } } })), /not known/],
    [text(statement({ Condition: { constructor: { 'aws:username': 'x' } } })), /not known/],
    [text(statement({ Condition: { NullIfExists: { 'aws:username': 'true' } } })), /not known/],
    [text(statement({ Condition: { 'ForSomeValues:StringEquals': { 'aws:TagKeys': 'x' } } })), /not known/],
    [text(statement({ Condition: { StringEquals: { 'aws:TagKeys': 'x' } } })), /set of values/],
    [text(statement({ Condition: { StringEquals: { 'kms:GrantOperations': 'Decrypt' } } })), /set of values/],
    [text(statement({ Condition: { Null: { 'aws:username': 'yes' } } })), /true or false/],
    [text(statement({ Condition: { Bool: { 'kms:MultiRegion': 'yes' } } })), /no value/],
    [text(statement({ Condition: { Bool: { 'aws:username': 'true' } } })), /can't be asked/],
    [text(statement({ Condition: { NumericEquals: { 'kms:RotationPeriodInDays': 'many' } } })), /no value/],
    [text(statement({ Condition: { NumericEquals: { 'aws:username': 1 } } })), /can't be asked/],
    [text(statement({ Condition: { DateLessThan: { 'aws:CurrentTime': '2026-02-30T00:00:00Z' } } })), /no value/],
    [text(statement({ Condition: { DateLessThan: { 'aws:CurrentTime': '2026-13-01' } } })), /no value/],
    [text(statement({ Condition: { DateLessThan: { 'aws:CurrentTime': 'tomorrow' } } })), /no value/],
    [text(statement({ Condition: { StringEquals: { 'aws:CurrentTime': '2026-01-01' } } })), /can't be asked/],
    [text(statement({ Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/33' } } })), /no value/],
    [text(statement({ Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.256' } } })), /no value/],
    [text(statement({ Condition: { StringEquals: { 'aws:SourceIp': '10.0.0.1' } } })), /can't be asked/],
    [text(statement({ Condition: { ArnLike: { 'aws:PrincipalArn': 'ann' } } })), /no value/],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: what AWS calls a policy variable
    [text(statement({ Condition: { StringLike: { 'aws:username': '${aws:userid}' } } })), /variables/],
    [`{"Statement":[${JSON.stringify(statement()).replace('{', '{"Effect":"Deny",')}]}`, /there twice/],
    [text(statement({ Sid: '\u{1f511}' })), /Latin/],
    ['['.repeat(30_000), /not JSON/],
    [`${'['.repeat(20)}${']'.repeat(20)}`, /nested|object/],
  ];
  for (const [policy, why] of cases) refuses(policy, why);
  refuses(text(statement({ Sid: 'x'.repeat(40_000) })), /at most/, 'limit-exceeded');
});

test('accepts what AWS documents, in every way in which it may be written', () => {
  const both: ReadonlyArray<object> = [
    { Principal: '*' },
    { Principal: { AWS: '*' } },
    { Principal: { AWS: account } },
    { Principal: { AWS: [root, userArn('ann'), `arn:aws:iam::${account}:role/ops`] } },
    { Principal: { AWS: `arn:aws:sts::${account}:assumed-role/ops/deploy@ci` } },
    { Action: '*' },
    { Action: ['KMS:ENCRYPT', 'kms:ReEncrypt*', 'kms:?ign'] },
    { Action: undefined, NotAction: 'kms:Delete*' },
    { Resource: ['*', `arn:aws:kms:eu-central-1:${account}:key/${keyId}`] },
    { Sid: 'Allow use of the key' },
    { Condition: {} },
    { Condition: { Bool: { 'kms:GrantIsForAWSResource': true } } },
    { Condition: { StringEqualsIfExists: { 'kms:ViaService': ['s3.eu-central-1.amazonaws.com'] } } },
    { Condition: { 'ForAllValues:StringLike': { 'kms:EncryptionContextKeys': ['a*', 'b'] } } },
    { Condition: { Null: { 'kms:EncryptionContextKeys': false } } },
    { Condition: { NumericLessThan: { 'aws:EpochTime': 1 }, DateLessThan: { 'aws:EpochTime': '2027-01-01' } } },
  ];
  for (const more of both) assert.equal(accepts(text(statement(more))).statements.length, 1);
  assert.equal(accepts(JSON.stringify({ Statement: statement() })).statements.length, 1);
  assert.equal(accepts(text(statement({ Principal: { AWS: root } }))).isDefault, true);
  assert.equal(accepts(text(statement({ Principal: { AWS: root }, Action: 'kms:*Key*' }))).isDefault, false);
  assert.equal(accepts(text(statement({ Principal: '*' }))).isDefault, false);
});

const plainKey = {
  ...{ realm: account, id: keyId, names: ['pay'], spec: 'aes-256', usages: ['encrypt'], tags: { team: 'red' } },
} as unknown as Key;

const command = (kind: Action, more: object = {}) => ({ kind, key: { by: 'id', id: keyId }, ...more }) as Command;

interface Call {
  readonly command?: Command;
  readonly key?: Partial<Key>;
  readonly peer?: string;
  readonly principal?: Principal;
  readonly subjects?: 2;
}

/** Whether a policy that allows all of this under one condition lets the call through. */
function holds(
  condition: object,
  { command: asked, key, peer = '10.1.2.3:7', principal = ann, subjects }: Call,
): boolean {
  const policy = text(statement({ Principal: '*', Condition: condition }));
  const carried = { ...plainKey, ...key, policy } as Key;
  // A replica is a new key besides, for which the account must have given the right.
  const facts: Facts = { ...developer(principal.name), peer };
  const keys = subjects === 2 ? [carried, carried] : [carried];
  return decide(facts, principal, asked ?? command('describe-key'), keys).allow;
}

const context = (...pairs: Array<[string, string]>) => command('encrypt', { context: { pairs }, scheme: 'envelope' });
const session: Principal = { ...ann, name: 'ops', session: 'deploy' };
const grantCommand = command('create-key-grant', {
  ...{
    grantee: userArn('bob'),
    retiring: userArn('eve'),
    operations: ['Decrypt'],
    constraints: { equals: { a: '1' } },
  },
});
const signCommand = command('sign', {
  ...{ scheme: { family: 'rsa-pss', hash: 'sha256' }, messageType: 'digest', context: {} },
});
const day = 24 * 3600 * 1000;

/** For each key of conditions: what it says of a call, as an operator's value that holds, and one that doesn't. */
const keyCases: Readonly<Record<string, readonly [operator: string, holding: unknown, other: unknown, call: Call]>> = {
  'aws:CurrentTime': ['DateEquals', '2026-11-25T12:00:00Z', '2026-11-25T12:00:01Z', {}],
  'aws:EpochTime': ['NumericEquals', now / 1000, now / 1000 + 1, {}],
  'aws:PrincipalAccount': ['StringEquals', account, '999999999999', {}],
  'aws:PrincipalArn': ['ArnLike', `arn:aws:iam::${account}:role/o*`, userArn('ops'), { principal: session }],
  'aws:PrincipalType': ['StringEquals', 'AssumedRole', 'User', { principal: session }],
  'aws:RequestTag/Cost': ['StringEquals', 'x', 'y', { command: command('tag-key', { tags: { cost: 'x' } }) }],
  'aws:ResourceTag/team': ['StringEquals', 'red', 'blue', {}],
  'aws:SecureTransport': ['Bool', 'true', 'false', {}],
  'aws:SourceIp': ['IpAddress', '10.0.0.0/8', '10.2.0.0/16', {}],
  'aws:TagKeys': ['ForAnyValue:StringEquals', 'a', 'b', { command: command('untag-key', { names: ['a'] }) }],
  'aws:userid': ['StringEquals', 'ops:deploy', 'ops', { principal: session }],
  'aws:username': ['StringEquals', 'ann', 'bob', {}],
  'aws:ViaAWSService': ['Bool', false, true, {}],
  'kms:BypassPolicyLockoutSafetyCheck': [
    ...(['Bool', true, false] as const),
    { command: command('put-key-policy', { policy: '', bypassLockoutCheck: true }) },
  ],
  'kms:CallerAccount': ['StringEquals', account, '999999999999', {}],
  'kms:CustomerMasterKeySpec': ['StringEquals', 'SYMMETRIC_DEFAULT', 'RSA_2048', {}],
  'kms:CustomerMasterKeyUsage': ['StringEquals', 'ENCRYPT_DECRYPT', 'SIGN_VERIFY', {}],
  'kms:DataKeyPairSpec': [
    ...(['StringEquals', 'ECC_NIST_P256', 'RSA_2048'] as const),
    { command: command('generate-data-key-pair', { spec: 'ec-p256', context: {}, withPlaintext: true }) },
  ],
  'kms:EncryptionAlgorithm': ['StringEquals', 'SYMMETRIC_DEFAULT', 'RSAES_OAEP_SHA_256', { command: context() }],
  'kms:EncryptionContext:Dept': ['StringEquals', 'it', 'hr', { command: context(['dept', 'it'], ['x', 'hr']) }],
  'kms:EncryptionContextKeys': ['ForAllValues:StringEquals', ['a', 'b'], ['A'], { command: context(['a', '1']) }],
  'kms:ExpirationModel': [
    ...(['StringEquals', 'KEY_MATERIAL_EXPIRES', 'KEY_MATERIAL_DOES_NOT_EXPIRE'] as const),
    { command: command('import-key-material', { expiresAt: now }) },
  ],
  'kms:GrantConstraintType': [
    'StringEquals',
    'EncryptionContextEquals',
    'EncryptionContextSubset',
    { command: grantCommand },
  ],
  'kms:GrantIsForAWSResource': ['Bool', false, true, { command: grantCommand }],
  'kms:GrantOperations': ['ForAllValues:StringEquals', ['Decrypt', 'Encrypt'], ['Encrypt'], { command: grantCommand }],
  'kms:GranteePrincipal': ['ArnEquals', userArn('bob'), userArn('eve'), { command: grantCommand }],
  'kms:KeyAgreementAlgorithm': ['StringEquals', 'ECDH', 'DH', { command: command('derive-shared-secret') }],
  'kms:KeyOrigin': ['StringEquals', 'EXTERNAL', 'AWS_KMS', { key: { origin: 'external' } }],
  'kms:KeySpec': ['StringEquals', 'ECC_SECG_P256K1', 'ECC_NIST_P256', { key: { spec: 'ec-secp256k1' } }],
  'kms:KeyUsage': ['StringEquals', 'SIGN_VERIFY', 'ENCRYPT_DECRYPT', { key: { usages: ['sign'] } }],
  'kms:MacAlgorithm': [
    ...(['StringEquals', 'HMAC_SHA_384', 'HMAC_SHA_256'] as const),
    { command: command('generate-mac'), key: { spec: 'hmac-sha384' } },
  ],
  'kms:MessageType': ['StringEquals', 'DIGEST', 'RAW', { command: signCommand }],
  'kms:MultiRegion': ['Bool', true, false, { key: { multiRegion: { primary: account, replicas: [] } } }],
  'kms:MultiRegionKeyType': [
    ...(['StringEquals', 'PRIMARY', 'REPLICA'] as const),
    { key: { multiRegion: { primary: account, replicas: [] } } },
  ],
  'kms:PrimaryRegion': [
    ...(['StringEquals', 'eu-west-1', 'eu-central-1'] as const),
    { command: command('update-primary-region', { region: 'eu-west-1' }), subjects: 2 },
  ],
  'kms:ReEncryptOnSameKey': [
    ...(['Bool', true, false] as const),
    {
      ...{
        command: command('re-encrypt', { sourceContext: {}, targetContext: {}, sourceScheme: 'natural' }),
        subjects: 2,
      },
    },
  ],
  'kms:ReplicaRegion': [
    ...(['StringEquals', 'eu-west-1', 'eu-central-1'] as const),
    { command: command('replicate-key', { region: 'eu-west-1' }) },
  ],
  'kms:RequestAlias': [
    ...(['StringLike', 'alias/p*', 'alias/q*'] as const),
    { command: command('describe-key', { key: { by: 'name', name: 'pay' } }) },
  ],
  'kms:ResourceAliases': ['ForAnyValue:StringEquals', 'alias/pay', 'alias/play', {}],
  'kms:RetiringPrincipal': ['ArnEquals', userArn('eve'), userArn('bob'), { command: grantCommand }],
  'kms:RotationPeriodInDays': [
    ...(['NumericLessThanEquals', 180, 179] as const),
    { command: command('update-key', { patch: { rotationPeriodDays: 180 } }) },
  ],
  'kms:ScheduleKeyDeletionPendingWindowInDays': [
    ...(['NumericGreaterThan', 29, 30] as const),
    { command: command('schedule-destruction', { days: 30 }) },
  ],
  'kms:SigningAlgorithm': ['StringEquals', 'RSASSA_PSS_SHA_256', 'RSASSA_PSS_SHA_512', { command: signCommand }],
  'kms:ValidTo': [
    ...(['DateLessThan', '2026-11-27', '2026-11-26'] as const),
    { command: command('import-key-material', { expiresAt: now + day }) },
  ],
  // No service ever asks here, so it is never there.
  'kms:ViaService': ['Null', true, false, {}],
  'kms:WrappingAlgorithm': [
    ...(['StringEquals', 'RSA_AES_KEY_WRAP_SHA_256', 'RSAES_OAEP_SHA_256'] as const),
    { command: command('get-import-parameters', { wrapping: 'rsa-aes-kwp-sha256', wrappingSpec: 'rsa-4096' }) },
  ],
  'kms:WrappingKeySpec': [
    ...(['StringEquals', 'RSA_4096', 'RSA_2048'] as const),
    { command: command('get-import-parameters', { wrapping: 'rsa-aes-kwp-sha256', wrappingSpec: 'rsa-4096' }) },
  ],
};

test('every condition key is what the request says, and nothing else', () => {
  const tested = Object.keys(keyCases).map((name) => name.toLowerCase().replace(/(?<=tag\/|context:).*/, ''));
  assert.deepEqual(tested.sort(), [...conditionKeyNames].sort());
  for (const [name, [operator, holding, other, call]] of Object.entries(keyCases)) {
    assert.equal(holds({ [operator]: { [name]: holding } }, call), true, `${operator} ${name}`);
    assert.equal(holds({ [operator]: { [name]: other } }, call), false, `${operator} ${name}`);
  }
});

const inTime = { command: command('describe-key') };

/** A value that holds, one that doesn't, and whether it holds of what isn't there. */
const operatorCases: Readonly<
  Record<string, readonly [key: string, holding: unknown, other: unknown, absent: boolean]>
> = {
  StringEquals: ['aws:username', 'ann', 'Ann', false],
  StringNotEquals: ['aws:username', ['bob', 'a*'], ['ann', 'bob'], true],
  StringEqualsIgnoreCase: ['aws:username', 'ANN', 'an', false],
  StringNotEqualsIgnoreCase: ['aws:username', 'bob', 'ANN', true],
  StringLike: ['aws:username', ['b*', '?nn'], 'A*', false],
  StringNotLike: ['aws:username', 'b*', ['b*', 'an?'], true],
  ArnEquals: ['aws:PrincipalArn', `arn:aws:iam::${account}:user/a*`, 'arn:aws:iam::*:role/*', false],
  ArnLike: ['aws:PrincipalArn', 'arn:*:iam::*:user/ann', 'arn:aws:*:user/ann:::', false],
  ArnNotEquals: ['aws:PrincipalArn', userArn('bob'), userArn('a?n'), true],
  ArnNotLike: ['aws:PrincipalArn', userArn('b*'), userArn('*'), true],
  Bool: ['aws:SecureTransport', ['false', 'TRUE'], 'false', false],
  IpAddress: ['aws:SourceIp', ['11.0.0.0/8', '10.1.2.3'], '10.1.2.4/31', false],
  NotIpAddress: ['aws:SourceIp', '::/0', '0.0.0.0/0', true],
  NumericEquals: ['aws:EpochTime', String(now / 1000), 1, false],
  NumericNotEquals: ['aws:EpochTime', 1, now / 1000, true],
  NumericLessThan: ['aws:EpochTime', now / 1000 + 1, now / 1000, false],
  NumericLessThanEquals: ['aws:EpochTime', now / 1000, now / 1000 - 1, false],
  NumericGreaterThan: ['aws:EpochTime', now / 1000 - 1, now / 1000, false],
  NumericGreaterThanEquals: ['aws:EpochTime', now / 1000, now / 1000 + 1, false],
  DateEquals: ['aws:CurrentTime', '2026-11-25T13:00:00+01:00', '2026-11-25', false],
  DateNotEquals: ['aws:CurrentTime', '2026-11-25', String(now / 1000), true],
  DateLessThan: ['aws:CurrentTime', '2026-11-25T12:00:01Z', '2026-11-25T12:00:00Z', false],
  DateLessThanEquals: ['aws:CurrentTime', '2026-11-25T12:00Z', '2026-11-25T11:59:59.9Z', false],
  DateGreaterThan: ['aws:CurrentTime', '2026-11-25', '2026-11-25T12:00:00Z', false],
  DateGreaterThanEquals: ['aws:CurrentTime', '2026-11-25T12:00:00Z', '2026-11-26', false],
  Null: ['aws:username', [false, 'FALSE'], true, true],
};

/** Keys of the same type that no request of these tests has. */
const absentKeys: ReadonlyArray<readonly [stem: RegExp, key: string]> = [
  [/^String|^Null/, 'kms:ViaService'],
  [/^Arn/, 'kms:GranteePrincipal'],
  [/^Bool/, 'kms:GrantIsForAWSResource'],
  [/^Numeric/, 'kms:RotationPeriodInDays'],
  [/^Date/, 'kms:ValidTo'],
  [/Ip/, 'aws:SourceIp'],
];

test('every operator holds where it should, and where the key is not there only if it should', () => {
  assert.deepEqual(Object.keys(operatorCases).sort(), [...operatorNames].sort());
  for (const [operator, [key, holding, other, absent]] of Object.entries(operatorCases)) {
    assert.equal(holds({ [operator]: { [key]: holding } }, inTime), true, operator);
    assert.equal(holds({ [operator]: { [key]: other } }, inTime), false, operator);
    const missing = absentKeys.find(([stem]) => stem.test(operator))![1];
    const value = operator === 'Null' ? true : other;
    assert.equal(holds({ [operator]: { [missing]: value } }, { peer: '' }), absent, `${operator} of nothing`);
    if (operator === 'Null') continue;
    assert.equal(holds({ [`${operator}IfExists`]: { [missing]: value } }, { peer: '' }), true, operator);
    assert.equal(holds({ [`${operator}IfExists`]: { [key]: other } }, inTime), false, operator);
  }
});

test('sets of values are asked for all or for any of them', () => {
  const two = { command: context(['a', '1'], ['b', '2']) };
  const none = { command: context() };
  const keys = (operator: string, ...values: string[]) => ({ [operator]: { 'kms:EncryptionContextKeys': values } });
  assert.equal(holds(keys('ForAllValues:StringEquals', 'a', 'b', 'c'), two), true);
  assert.equal(holds(keys('ForAllValues:StringEquals', 'a'), two), false);
  assert.equal(holds(keys('ForAllValues:StringEquals', 'a'), none), true);
  assert.equal(holds(keys('ForAnyValue:StringEquals', 'a'), two), true);
  assert.equal(holds(keys('ForAnyValue:StringEquals', 'A'), two), false);
  assert.equal(holds(keys('ForAnyValue:StringEquals', 'a'), none), false);
  assert.equal(holds(keys('ForAllValues:StringNotEquals', 'c'), two), true);
  assert.equal(holds(keys('ForAllValues:StringNotEquals', 'a'), two), false);
  assert.equal(holds(keys('ForAnyValue:StringNotEquals', 'a'), two), true);
  assert.equal(holds(keys('ForAnyValue:StringNotEquals', 'a', 'b'), two), false);
  assert.equal(holds(keys('ForAnyValue:StringNotLike', 'a'), none), false);
  assert.equal(holds(keys('ForAnyValue:StringEqualsIfExists', 'a'), none), true);
  assert.equal(holds({ Null: { 'kms:EncryptionContextKeys': true } }, none), true);
  assert.equal(holds({ Null: { 'kms:EncryptionContextKeys': 'false' } }, none), false);
});

test('all conditions of a statement must hold, and a deny needs no more than one of two contexts', () => {
  const it = { StringEquals: { 'kms:EncryptionContext:a': '1', 'kms:EncryptionContext:b': '2' } };
  assert.equal(holds(it, { command: context(['a', '1'], ['b', '2']) }), true);
  assert.equal(holds(it, { command: context(['a', '1'], ['b', '3']) }), false);
  assert.equal(
    holds({ StringEquals: { 'kms:EncryptionContext:a': '1' } }, { command: context(['a', '1'], ['A', '2']) }),
    false,
  );
  const policy = text(
    statement(),
    statement({ Effect: 'Deny', Condition: { StringEquals: { 'kms:EncryptionContext:a': '2' } } }),
  );
  const denied = decide({ mode: 'development', now, grants: [] }, ann, context(['a', '1'], ['A', '2']), [
    { ...plainKey, policy } as Key,
  ]);
  assert.equal(denied.allow, false);
});

const developer = (name: string): Facts => ({
  mode: 'development',
  now,
  grants: [
    {
      ...{ id: 'g', realm: account, revision: 1, role: 'developer', scope: { kind: 'realm' }, createdAt: 0 },
      grantee: { kind: 'principal', name },
    },
  ],
});

/** A command of each name that touches keys, so that the table can be tried whole. */
function everyCommand(): ReadonlyArray<readonly [Command, number]> {
  const patches = [
    { description: 'd' },
    { rotationPeriodDays: 90 },
    { rotationPeriodDays: null },
    { exportable: true },
  ];
  return (Object.keys(rules) as Action[])
    .filter((action) => possibleNames(action).length > 0 && rules[action][1] !== ('secret' as string))
    .flatMap((action) => {
      const base = command(action, {
        ...{
          name: 'n',
          context: {},
          sourceContext: {},
          targetContext: {},
          patch: {},
          operations: [],
          tags: {},
          names: [],
        },
        ...{ scheme: { family: 'ecdsa' }, messageType: 'raw', spec: 'rsa-2048', grant: '0', hash: 'sha256' },
      });
      const variants: object[] =
        action === 'update-key'
          ? patches.map((patch) => ({ patch }))
          : action === 'describe-key'
            ? [{}, { aspect: 'tags' }, { aspect: 'rotation' }, { aspect: 'rotations' }]
            : action === 'read-key-policy'
              ? [{}, { listing: true }]
              : [{}, { withPlaintext: true }];
      const count = rules[action][1] === 'two-keys' ? 2 : 1;
      return variants.map((more) => [{ ...base, ...more } as Command, count] as const);
    });
}

test('an explicit deny of any name refuses every command that amounts to it, whatever else allows it', () => {
  let refused = 0;
  for (const [asked, count] of everyCommand()) {
    for (let index = 0; index < count; index++) {
      for (const name of kmsNames(asked, index)) {
        const policy = text(
          statement({ Principal: '*' }),
          statement({ Effect: 'Deny', Principal: { AWS: root }, Action: `kms:${name}` }),
        );
        const keys = Array.from({ length: count }, () => ({ ...plainKey, policy }) as Key);
        const decision = decide(developer('ann'), ann, asked, keys);
        assert.equal(decision.allow, false, `${asked.kind} as ${name}`);
        assert.match(decision.allow ? '' : decision.reason, /explicit deny/, asked.kind);
        refused++;
      }
    }
  }
  assert.ok(refused > 40, String(refused));
});

test('a command is allowed by a policy that names all of what it amounts to, and by nothing less', () => {
  const nobody: Facts = { mode: 'development', now, grants: [] };
  for (const [asked, count] of everyCommand()) {
    if (!['key', 'two-keys'].includes(rules[asked.kind][1]) || rules[asked.kind][0] === 'export') continue;
    const names = [...new Set(Array.from({ length: count }, (_, index) => kmsNames(asked, index)).flat())];
    const answer = (actions: readonly string[]) => {
      if (actions.length === 0) return false;
      const policy = text(statement({ Action: actions.map((name) => `kms:${name}`) }));
      return decide(
        nobody,
        ann,
        asked,
        Array.from({ length: count }, () => ({ ...plainKey, policy }) as Key),
      ).allow;
    };
    assert.equal(answer(names), true, asked.kind);
    for (const name of names)
      assert.equal(answer(kmsActions.filter((one) => one !== name)), false, `${asked.kind} without ${name}`);
  }
});

test('without a word of the policy the account decides only where it is handed over', () => {
  const answer = (policy: string | undefined, facts: Facts, asked = command('describe-key')) =>
    decide(facts, ann, asked, [{ ...plainKey, ...(policy !== undefined && { policy }) } as Key]).allow;
  const nobody: Facts = { mode: 'development', now, grants: [] };
  const handed = text(statement({ Principal: { AWS: account }, Action: 'kms:DescribeKey' }));
  assert.equal(answer(undefined, developer('ann')), true);
  assert.equal(answer(handed, developer('ann')), true);
  assert.equal(answer(handed, nobody), false);
  assert.equal(answer(handed, developer('ann'), command('enable-key')), false);
  assert.equal(answer(text(statement({ Principal: { AWS: userArn('bob') } })), developer('ann')), false);
  assert.equal(answer(text(statement()), nobody, command('enable-key')), true);
});

test('a grant on a key allows its operations to its grantee, bound to its contexts', () => {
  const grant: KeyGrant = {
    ...{ realm: account, keyId, id: 'g1', revision: 1, grantee: userArn('ann'), createdAt: 0 },
    operations: ['Encrypt', 'DescribeKey', 'CreateGrant', 'RetireGrant'],
    constraints: { subset: { a: '1' } },
  };
  const answer = (asked: Command, more: Partial<KeyGrant> = {}, principal = ann) => {
    const given = { ...grant, ...more };
    const held = { byId: new Map([[given.id, given]]), byGrantee: new Map([[given.grantee, new Set([given])]]) };
    const key = { ...plainKey, grantsRevision: 1 } as Key;
    return decide({ mode: 'development', now, grants: [], keyGrants: [held] }, principal, asked, [key]).allow;
  };
  assert.equal(answer(context(['a', '1'], ['b', '2'])), true);
  assert.equal(answer(context(['a', '2'])), false);
  assert.equal(answer(context()), false);
  assert.equal(answer(context(['a', '1'], ['a', '1'])), false);
  assert.equal(answer(context(['a', '1'], ['b', '2']), { constraints: { equals: { a: '1' } } }), false);
  assert.equal(answer(context(['a', '1']), { constraints: { equals: { a: '1' } } }), true);
  assert.equal(answer(context(['a', '1']), { grantee: userArn('bob') }), false);
  assert.equal(answer(command('describe-key')), true);
  assert.equal(answer(command('decrypt', { context: { pairs: [['a', '1']] }, scheme: 'natural' })), false);
  const child = (more: object) =>
    command('create-key-grant', { grantee: userArn('bob'), operations: ['Encrypt'], ...more });
  assert.equal(answer(child({})), false);
  assert.equal(answer(child({ constraints: { subset: { a: '1', b: '2' } } })), true);
  assert.equal(answer(child({ constraints: { equals: { a: '1' } } })), true);
  assert.equal(answer(child({ constraints: { equals: { a: '2' } } })), false);
  assert.equal(answer(child({ operations: ['Decrypt'], constraints: { equals: { a: '1' } } })), false);
  assert.equal(answer(child({ constraints: { subset: { a: '1' } } }), { constraints: { equals: { a: '1' } } }), false);
  assert.equal(answer(command('retire-key-grant', { grant: 'g1' })), true);
  assert.equal(answer(command('retire-key-grant', { grant: 'g2' })), false);
  assert.equal(answer(command('retire-key-grant', { grant: 'g1' }), { operations: ['Encrypt'] }), false);
  const retiring = { operations: ['Encrypt'], retiring: userArn('eve') } as const;
  assert.equal(answer(command('retire-key-grant', { grant: 'g1' }), retiring, { ...ann, name: 'eve' }), true);
});

test('a session holds what its role is given, and what it is given itself', () => {
  const as = (arn: string, principal: Principal) =>
    decide({ mode: 'development', now, grants: [] }, principal, command('describe-key'), [
      { ...plainKey, policy: text(statement({ Principal: { AWS: arn } })) } as Key,
    ]).allow;
  const role = `arn:aws:iam::${account}:role/ops`;
  const own = `arn:aws:sts::${account}:assumed-role/ops/deploy`;
  assert.equal(as(role, session), true);
  assert.equal(as(own, session), true);
  assert.equal(as(own, { ...session, session: 'other' }), false);
  assert.equal(as(userArn('ops'), session), false);
  assert.equal(as(role, { ...ann, name: 'ops' }), false);
});

test('what is administering and what is using are two sets, of which reading a public key is neither', () => {
  assert.equal(administering.isDisjointFrom(using), true);
  assert.ok(administering.has('ScheduleKeyDeletion') && using.has('Decrypt') && using.has('Sign'));
  assert.ok(!using.has('GetPublicKey'));
});

test('keys and algorithms are called as the door calls them', () => {
  for (const spec of Object.keys(keySpecs) as Key['spec'][]) assert.equal(specWord(spec), awsSpecName(spec));
  for (const [name, spec] of specByAwsName) assert.equal(specWord(spec), name);
  for (const [name, hash] of macByAwsName) assert.equal(macWord(hash), name);
  for (const [name, scheme] of schemeByAwsName) assert.equal(encryptionWord(scheme, plainKey), name);
  for (const [name, { scheme }] of signingByAwsName) assert.equal(signingWord(scheme, 'raw', plainKey), name);
  const natural = { family: 'natural', hash: 'sha384', rsa: 'pkcs1', saltLength: 'auto', encoding: 'der' } as const;
  const by = (spec: Key['spec']) => signingWord(natural, 'raw', { ...plainKey, spec } as Key);
  assert.deepEqual(
    [by('rsa-2048'), by('ec-p256'), by('ed25519'), by('ml-dsa-44')],
    ['RSASSA_PKCS1_V1_5_SHA_384', 'ECDSA_SHA_384', 'ED25519_SHA_512', 'ML_DSA_SHAKE_256'],
  );
});

test('patterns and ranges match as they are written, in bounded time', () => {
  assert.equal(globMatches('a*b?c', 'aXXbYc'), true);
  assert.equal(globMatches('*', ''), true);
  assert.equal(globMatches('?', ''), false);
  assert.equal(globMatches('a*\n*', 'ab\nc'), true);
  assert.equal(globMatches('a.c', 'abc'), false);
  const started = performance.now();
  assert.equal(globMatches(`${'*a'.repeat(200)}b`, 'a'.repeat(20_000)), false);
  assert.ok(performance.now() - started < 2000);
  const within = (range: string, address: string) => inRange(parseIpRange(range)!, address);
  assert.equal(within('2001:db8::/32', '2001:db8:1::5'), true);
  assert.equal(within('2001:db8::/32', '2001:db9::'), false);
  assert.equal(within('10.0.0.0/8', '::ffff:10.9.9.9'), true);
  assert.equal(within('::/0', '10.0.0.1'), false);
  assert.equal(within('0.0.0.0/0', '255.255.255.255'), true);
  for (const wrong of ['10.0.0', '010.0.0.1', '10.0.0.1/', '1::2::3', ':::', '12345::', '10.0.0.1/08']) {
    assert.equal(parseIpRange(wrong), undefined, wrong);
  }
  assert.equal(addressOf('[2001:db8::1]:443'), '2001:db8::1');
  assert.equal(addressOf('10.0.0.1:443'), '10.0.0.1');
  assert.equal(addressOf(''), undefined);
});

test('no change of a policy in its characters makes its reading throw anything but a refusal', () => {
  const sound = text(
    statement({ Sid: 'a', Condition: { StringLike: { 'kms:EncryptionContext:a': ['b*', 'c'] } } }),
    statement({ Effect: 'Deny', Principal: '*', Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } }),
  );
  const bits = [
    '"',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '*',
    '\\',
    '$',
    '0',
    'null',
    '__proto__',
    'Deny',
    '\u0000',
    '\u{1f511}',
  ];
  let state = 7;
  const next = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
  let understood = 0;
  for (let i = 0; i < 20_000; i++) {
    let changed = sound;
    for (let n = 1 + next(3); n > 0; n--) {
      const at = next(changed.length);
      changed = changed.slice(0, at) + bits[next(bits.length)] + changed.slice(at + next(4));
    }
    try {
      accepts(changed);
      understood++;
    } catch (error) {
      assert.ok(error instanceof KmsError && error.code === 'malformed-policy', `${error} of ${changed}`);
    }
  }
  assert.ok(understood > 100 && understood < 10_000, String(understood));
});

test('what a key says of itself can keep it from leaving, and never lets it leave', () => {
  const exporter: Facts = {
    ...{ mode: 'production', now },
    grants: [
      {
        ...{ id: 'g', realm: account, revision: 1, role: 'key-exporter', scope: { kind: 'realm' }, createdAt: 0 },
        grantee: { kind: 'principal', name: 'ann' },
      },
    ],
  };
  const asked = command('export-key', { part: 'encrypt', form: 'pkcs8' });
  const saying = (...statements: object[]) => [{ ...plainKey, policy: text(...statements) } as Key];
  const open = statement({ Principal: { AWS: root } });
  const uses = ['Decrypt', 'Sign', 'GenerateMac', 'DeriveSharedSecret', 'Decapsulate'];
  const toAnn = statement({ Action: uses.map((name) => `kms:${name}`) });
  assert.equal(decide({ ...exporter, grants: [] }, ann, asked, saying(toAnn)).allow, false, 'by the policy alone');
  assert.equal(decide(exporter, ann, asked, saying(toAnn)).allow, true);
  assert.equal(decide(exporter, ann, asked, saying(open)).allow, true);
  assert.equal(decide(exporter, ann, asked, saying(statement({ Principal: '*', Action: 'kms:Encrypt' }))).allow, false);
  const closed = statement({ Effect: 'Deny', Principal: '*', Action: 'kms:Decapsulate' });
  assert.equal(decide(exporter, ann, asked, saying(open, closed)).allow, false);
});
