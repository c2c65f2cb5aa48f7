import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toUtf8 } from '#encoding/encoding.ts';
import { isDefaultPolicy } from './key-policy.ts';

const statement = {
  Sid: 'Enable IAM User Permissions',
  Effect: 'Allow',
  Principal: { AWS: 'arn:aws:iam::111122223333:root' },
  Action: 'kms:*',
  Resource: '*',
};
const policy = (Statement: unknown) =>
  toUtf8(JSON.stringify({ Version: '2012-10-17', Id: 'key-default-1', Statement }));

test("knows AWS's default policy in every way to write it", () => {
  assert.equal(isDefaultPolicy(policy([statement])), true);
  assert.equal(isDefaultPolicy(policy(statement)), true);
  assert.equal(
    isDefaultPolicy(policy([{ ...statement, Action: ['kms:*'], Principal: { AWS: ['111122223333'] } }])),
    true,
  );
});

test('anything that says less or more is another policy', () => {
  for (const other of [
    [],
    [statement, statement],
    [{ ...statement, Effect: 'Deny' }],
    [{ ...statement, Action: 'kms:Decrypt' }],
    [{ ...statement, Action: ['kms:*', 'kms:Decrypt'] }],
    [{ ...statement, Principal: '*' }],
    [{ ...statement, Principal: { AWS: '*' } }],
    [{ ...statement, Principal: { AWS: statement.Principal.AWS, Service: 's3.amazonaws.com' } }],
    [{ ...statement, Condition: {} }],
    'text',
    null,
  ]) {
    assert.equal(isDefaultPolicy(policy(other)), false, JSON.stringify(other));
  }
});

test('what is not a JSON object is no policy', () => {
  for (const text of ['', 'x', '[]', 'null', '1', '{', '['.repeat(10_000)]) {
    assert.equal(isDefaultPolicy(toUtf8(text)), undefined, text.slice(0, 10));
  }
});
