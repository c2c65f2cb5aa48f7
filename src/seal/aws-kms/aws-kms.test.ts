import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { KmsError, SecretBytes } from '#domain/domain.ts';
import { awsKmsAbsent, env, startAwsKms } from '../../../test/seals/aws-kms.ts';
import { sealContract } from '../testing/contract-suite.ts';
import { awsKmsKind } from './aws-kms.ts';

Object.assign(process.env, env);
const kms = awsKmsAbsent === undefined ? await startAwsKms() : undefined;
after(() => kms?.stop());
const otherArn = await kms?.makeKey('alias/another');

sealContract('aws-kms by moto', () => ({
  absent: awsKmsAbsent,
  kind: awsKmsKind,
  settings: () => ({ ...kms!.settings }),
  async unreachable(during) {
    kms!.breakOff();
    try {
      await during();
    } finally {
      kms!.mend();
    }
  },
  flipEvery: 7,
  tampered: (pinned) => [
    { what: 'another key', settings: { ...pinned, keyArn: otherArn } },
    { what: 'a key that is not there', settings: { ...pinned, keyArn: `${otherArn}-gone` } },
    { what: 'another binding', settings: { ...pinned, binding: '0'.repeat(32) } },
    { what: 'no ARN', settings: Object.fromEntries(Object.entries(pinned).filter(([name]) => name !== 'keyArn')) },
  ],
}));

const skip = awsKmsAbsent ?? false;
const refusal = (code: string, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof KmsError && error.code === code, String(error));
  assert.match(error.message, words);
  return true;
};
const secret = () => new SecretBytes(Buffer.alloc(96, 7));

test('aws-kms pins the key that an alias stands for, and when made again takes what it stands for then', {
  skip,
}, async () => {
  const settings = awsKmsKind.settings({ ...kms!.settings, key: 'alias/moving' });
  const first = await kms!.makeKey('alias/moving');
  const { settings: pinned, seal } = await awsKmsKind.create(settings, undefined);
  assert.equal(pinned.keyArn, first);
  using kept = secret();
  const wrapped = await seal.wrap(kept);
  await seal.close();

  const second = await kms!.moveAlias('alias/moving');
  const opened = await awsKmsKind.open(pinned, undefined);
  (await opened.unwrap(wrapped)).dispose();
  await opened.close();

  const again = await awsKmsKind.create(pinned, undefined);
  await again.seal.close();
  assert.equal(again.settings.keyArn, second);
});

test('aws-kms says that no key is there, and makes none', { skip }, async () => {
  const settings = awsKmsKind.settings({ ...kms!.settings, key: 'alias/nowhere' });
  await assert.rejects(awsKmsKind.create(settings, undefined), refusal('not-found', /^aws-kms: alias\/nowhere in /));
});

test('aws-kms gives up on a service that takes connections and says nothing', { skip }, async () => {
  const { settings, seal } = await awsKmsKind.create(awsKmsKind.settings({ ...kms!.settings }), undefined);
  await seal.close();
  kms!.hold();
  const began = performance.now();
  try {
    await assert.rejects(awsKmsKind.open(settings, undefined), refusal('unavailable', /can't be reached|no answer/));
  } finally {
    kms!.mend();
  }
  assert.ok(performance.now() - began < 15_000);
});

test('aws-kms says that the SDK finds no credential', { skip }, async () => {
  const { settings, seal } = await awsKmsKind.create(awsKmsKind.settings({ ...kms!.settings }), undefined);
  await seal.close();
  const before = { ...process.env };
  Object.assign(process.env, kms!.wrongEnv);
  try {
    await assert.rejects(awsKmsKind.open(settings, undefined), refusal('unavailable', /finds no credential/));
  } finally {
    Object.assign(process.env, before);
    delete process.env.AWS_EC2_METADATA_DISABLED;
  }
});

test('aws-kms sends secrets nowhere without TLS but on this machine', () => {
  for (const endpoint of [
    'http://10.0.0.1',
    'http://kms.example',
    'https://kms.example/path',
    'ftp://localhost',
    'http://localhost.example',
  ])
    assert.throws(() => awsKmsKind.settings({ key: 'alias/a', endpoint }), refusal('invalid-parameter', /"endpoint"/));
});

test('aws-kms takes no endpoint without TLS from the environment either', { skip }, async () => {
  process.env.AWS_ENDPOINT_URL_KMS = 'http://kms.invalid:1';
  try {
    const settings = awsKmsKind.settings({ key: 'alias/a', region: 'eu-central-1' });
    await assert.rejects(
      awsKmsKind.create(settings, undefined),
      refusal('invalid-parameter', /own settings is not an/),
    );
  } finally {
    delete process.env.AWS_ENDPOINT_URL_KMS;
  }
});
