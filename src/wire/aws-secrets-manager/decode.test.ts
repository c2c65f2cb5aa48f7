import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KmsError } from '#domain/domain.ts';
import type { JsonObject } from '../common/common.ts';
import { decodeBatchGetSecretValue } from './decode.ts';
import { namesOf } from './names.ts';
import { operations } from './operations.ts';

const names = namesOf('eu-central-1');
const account = '123456789012';

/** mulberry32: small, seeded, good enough to choose cases. */
function randomSource(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const members = [
  ...['SecretId', 'Name', 'ClientRequestToken', 'Description', 'KmsKeyId', 'SecretString', 'SecretBinary', 'Tags'],
  ...['VersionId', 'VersionStage', 'VersionStages', 'MoveToVersionId', 'RemoveFromVersionId', 'Filters', 'SortBy'],
  ...['MaxResults', 'NextToken', 'SecretIdList', 'PasswordLength', 'ExcludeCharacters', 'ResourcePolicy', 'TagKeys'],
  ...['RecoveryWindowInDays', 'RotationRules', 'RotationLambdaARN', 'AddReplicaRegions', 'RemoveReplicaRegions'],
  ...['RotateImmediately', 'SortOrder', 'ForceDeleteWithoutRecovery', '__proto__', 'constructor'],
];
const values = [
  ...[null, true, 0, -1, 1.5, 7, 1e300, '', 'a', '\ud800', 'a'.repeat(3000), 'AAAA', [], {}, [null], [[]], ['a']],
  ...[[{}], [{ Key: 'a' }], [{ Key: 'name', Values: ['!a'] }], { AutomaticallyAfterDays: 3 }, { Duration: '3h' }],
  ...['0'.repeat(32), 'arn:', `arn:aws:secretsmanager:eu-central-1:${account}:secret:x`, [{ Region: 'eu-west-1' }]],
  ...['alias/a', 'alias/', 'asc', 'name', [{ Region: 5 }], [{ Key: 'aws:x', Value: 'y' }]],
];

test('every decoder answers any JSON with a command or one error of the closed set', () => {
  const random = randomSource(3);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  let understood = 0;
  for (const [name, row] of [
    ...Object.entries(operations),
    ['batch', { decode: decodeBatchGetSecretValue }] as const,
  ]) {
    for (let i = 0; i < 3000; i++) {
      const fields: Record<string, unknown> = { SecretId: 'a', Name: 'a' };
      for (let n = Math.floor(random() * 4); n >= 0; n--) {
        const member = pick(members);
        Object.defineProperty(fields, member, { value: pick(values), enumerable: true, configurable: true });
      }
      try {
        row.decode(fields as JsonObject, names);
        understood++;
      } catch (error) {
        assert.ok(error instanceof KmsError, `${name} ${JSON.stringify(fields)}: ${(error as Error).stack}`);
      }
    }
  }
  assert.ok(understood > 1000, String(understood));
});

test('a secret is named by name, ARN and partial ARN', () => {
  const stem = `arn:aws:secretsmanager:eu-central-1:${account}:secret:`;
  for (const [text, ref] of [
    ['app/db', { name: 'app/db' }],
    ['app-abc123', { name: 'app-abc123' }],
    [`${stem}app/db-abc123`, { name: 'app/db', mark: 'abc123', realm: account }],
    [`${stem}app/db`, { name: 'app/db', realm: account }],
    [`${stem}app-long-name`, { name: 'app-long-name', realm: account }],
    [
      `arn:aws:secretsmanager:eu-west-1:${account}:secret:a-abc123`,
      { name: 'a', mark: 'abc123', realm: `${account}.eu-west-1` },
    ],
  ] as const) {
    assert.deepEqual(names.secretRef(text, 'SecretId'), ref);
  }
  for (const text of [
    '',
    'arn:aws:kms:x',
    'arn:aws:secretsmanager:eu-central-1:1:secret:a',
    'a'.repeat(2049),
    '\udc00',
  ]) {
    assert.throws(() => names.secretRef(text, 'SecretId'), KmsError, text);
  }
});

test('a key is shown as its owner named it', () => {
  const id = '00000000-0000-4000-8000-00000000abcd';
  for (const text of [id, 'alias/a/b', `arn:aws:kms:eu-central-1:${account}:key/${id}`]) {
    assert.equal(names.keyText(names.keyRef(text, 'KmsKeyId')!), text);
  }
  for (const text of ['', 'alias/aws/secretsmanager', `arn:aws:kms:eu-central-1:${account}:alias/aws/secretsmanager`]) {
    assert.equal(names.keyRef(text, 'KmsKeyId'), undefined, text);
  }
  for (const text of ['a', 'alias/', `arn:aws:kms:eu-central-1:${account}:key/a`, 'arn:aws:s3:::b']) {
    assert.throws(() => names.keyRef(text, 'KmsKeyId'), KmsError, text);
  }
});
