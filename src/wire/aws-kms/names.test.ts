import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KmsError } from '#domain/domain.ts';
import type { AwsFault } from './errors.ts';
import { namesOf } from './names.ts';

const names = namesOf('eu-central-1');
const id = '1234abcd-12ab-34cd-56ef-1234567890ab';
const arn = `arn:aws:kms:eu-central-1:111122223333:key/${id}`;

test('a key is named by id, ARN, alias and alias ARN', () => {
  assert.deepEqual(names.keyRef(id, 'KeyId'), { by: 'id', id });
  assert.deepEqual(names.keyRef(arn, 'KeyId'), { by: 'id', id, realm: '111122223333' });
  assert.deepEqual(names.keyRef('alias/pay/ments', 'KeyId'), { by: 'name', name: 'pay/ments' });
  assert.deepEqual(names.keyRef('arn:aws:kms:eu-central-1:111122223333:alias/pay/ments', 'KeyId'), {
    by: 'name',
    name: 'pay/ments',
    realm: '111122223333',
  });
});

test('ARNs are made as they are read', () => {
  assert.equal(names.keyArn('111122223333', id), arn);
  assert.deepEqual(names.keyRef(names.aliasArn('111122223333', 'a'), 'KeyId'), {
    by: 'name',
    name: 'a',
    realm: '111122223333',
  });
});

test('the region of an ARN is that of the realm, in both directions', () => {
  const abroad = '111122223333.eu-west-1';
  const multi = `mrk-${'0a'.repeat(16)}`;
  assert.equal(names.keyArn(abroad, multi), `arn:aws:kms:eu-west-1:111122223333:key/${multi}`);
  assert.deepEqual(names.keyRef(names.keyArn(abroad, multi), 'KeyId'), { by: 'id', id: multi, realm: abroad });
  assert.deepEqual(names.keyRef(names.aliasArn(abroad, 'a'), 'KeyId'), { by: 'name', name: 'a', realm: abroad });
  assert.deepEqual(names.keyRef(multi, 'KeyId'), { by: 'id', id: multi });
  // No realm is called so, whoever asks: the keyring finds nothing.
  const nowhere = names.keyRef(arn.replace('eu-central-1', ''), 'KeyId');
  assert.deepEqual(nowhere, { by: 'id', id, realm: '111122223333.' });
  assert.deepEqual(['111122223333', abroad].map(names.region), ['eu-central-1', 'eu-west-1']);
});

const wrong: ReadonlyArray<readonly [text: string, code: string, type?: string]> = [
  ['', 'invalid-parameter'],
  ['x'.repeat(2049), 'invalid-parameter'],
  ['nonsense', 'not-found'],
  [id.toUpperCase(), 'not-found'],
  [`${id}0`, 'not-found'],
  [`mrk-${'0'.repeat(31)}`, 'not-found'],
  [`mrk-${'A'.repeat(32)}`, 'not-found'],
  ['alias/', 'alias-not-found'],
  [`alias/${id}`, 'alias-not-found'],
  ['Alias/first', 'not-found'],
  [arn.replace('arn:aws:', 'arn:aws-cn:'), 'not-found'],
  [arn.replace(id, 'nonsense'), 'not-found'],
  [arn.replace('111122223333', '1111'), 'invalid-parameter', 'InvalidArnException'],
  [arn.replace(':key/', ':keys/'), 'invalid-parameter', 'InvalidArnException'],
  [arn.replace(':kms:', ':s3:'), 'invalid-parameter', 'InvalidArnException'],
  ['arn:', 'invalid-parameter', 'InvalidArnException'],
  [`${arn}\n`, 'not-found'],
];

for (const [text, code, type] of wrong) {
  test(`refuses ${JSON.stringify(text.slice(0, 80))} as a key with ${type ?? code}`, () => {
    assert.throws(
      () => names.keyRef(text, 'KeyId'),
      (error) => error instanceof KmsError && error.code === code && (error as Partial<AwsFault>).type === type,
    );
  });
}

test('an alias does not stand for a key where only a key will do', () => {
  assert.throws(() => names.keyIdRef('alias/a', 'KeyId'), { code: 'not-found' });
  assert.throws(() => names.keyIdRef(names.aliasArn('111122223333', 'a'), 'KeyId'), { type: 'InvalidArnException' });
  assert.deepEqual(names.keyIdRef(arn, 'KeyId'), { by: 'id', id, realm: '111122223333' });
});

test('alias names are held to the grammar of AWS', () => {
  assert.equal(names.alias('alias/a-Z_0/9', 'AliasName'), 'a-Z_0/9');
  assert.equal(names.alias(`alias/${'a'.repeat(250)}`, 'AliasName').length, 250);
  for (const text of ['', `alias/${'a'.repeat(251)}`, 'alias/', 'alias/a b', 'alias/ä', 'alias/a:b', 'alias/a\n']) {
    assert.throws(() => names.alias(text, 'AliasName'), { code: 'invalid-parameter' }, text);
  }
  assert.throws(() => names.alias('first', 'AliasName'), { type: 'InvalidAliasNameException' });
  assert.throws(() => names.alias('alias/aws/s3', 'AliasName'), { type: 'InvalidAliasNameException' });
});
