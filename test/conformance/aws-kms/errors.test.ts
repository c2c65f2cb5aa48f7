import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as sdk from '@aws-sdk/client-kms';
import { serverOfThisFile } from '../../harness.ts';
import { kmsClient } from './clients.ts';

const { server, env } = await serverOfThisFile();
const kms = kmsClient(env);

const data = Buffer.from('message');
const absent = '00000000-0000-4000-8000-000000000000';

const create = async (ask: sdk.CreateKeyCommandInput = {}) => (await kms.createKey(ask)).KeyMetadata!.Arn!;
const signing = () => create({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
const sealed = async (KeyId: string, EncryptionContext = { a: '1' }) =>
  (await kms.encrypt({ KeyId, Plaintext: data, EncryptionContext })).CiphertextBlob!;

type Exception = new (...args: never[]) => Error;

/** What is done, and the SDK's own class that says it. */
const cases: ReadonlyArray<readonly [what: string, Exception, () => Promise<unknown>]> = [
  ['a key that is not there', sdk.NotFoundException, () => kms.encrypt({ KeyId: absent, Plaintext: data })],
  ['a key id that is none', sdk.NotFoundException, () => kms.describeKey({ KeyId: 'nonsense' })],
  ['an alias that is not there', sdk.NotFoundException, () => kms.describeKey({ KeyId: 'alias/absent' })],
  [
    'a key named as if its id were an alias',
    sdk.NotFoundException,
    async () => kms.describeKey({ KeyId: `alias/${(await create()).split('/')[1]}` }),
  ],
  [
    'a key of another region',
    sdk.NotFoundException,
    async () => kms.describeKey({ KeyId: (await create()).replace(env.AWS_REGION!, 'mars-north-1') }),
  ],
  [
    'a key of another account',
    sdk.NotFoundException,
    async () => kms.describeKey({ KeyId: (await create()).replace(/:[0-9]{12}:/, ':000000000000:') }),
  ],
  ['an alias to delete that is not there', sdk.NotFoundException, () => kms.deleteAlias({ AliasName: 'alias/absent' })],
  ['an ARN that is none', sdk.InvalidArnException, () => kms.describeKey({ KeyId: 'arn:aws:s3:::bucket' })],
  [
    'an alias ARN where a key is needed',
    sdk.InvalidArnException,
    async () => kms.enableKey({ KeyId: (await create()).replace(/key\/.*/, 'alias/first') }),
  ],
  [
    'an alias that exists',
    sdk.AlreadyExistsException,
    async () => kms.createAlias({ AliasName: 'alias/first', TargetKeyId: await create() }),
  ],
  [
    'an alias without its prefix',
    sdk.InvalidAliasNameException,
    async () => kms.createAlias({ AliasName: 'first', TargetKeyId: await create() }),
  ],
  [
    'an alias that AWS reserves',
    sdk.InvalidAliasNameException,
    async () => kms.createAlias({ AliasName: 'alias/aws/s3', TargetKeyId: await create() }),
  ],
  ['a marker that nobody gave', sdk.InvalidMarkerException, () => kms.listKeys({ Marker: '!' })],
  ['a tag that AWS reserves', sdk.TagException, () => create({ Tags: [{ TagKey: 'aws:x', TagValue: '' }] })],
  [
    'more tags than fit',
    sdk.LimitExceededException,
    async () =>
      kms.tagResource({
        KeyId: await create(),
        Tags: Array.from({ length: 51 }, (_, i) => ({ TagKey: `k${i}`, TagValue: '' })),
      }),
  ],
  [
    'more rotations by hand than are allowed',
    sdk.LimitExceededException,
    async () => {
      const KeyId = await create();
      for (let i = 0; i < 26; i++) await kms.rotateKeyOnDemand({ KeyId });
    },
  ],
  ['a policy that is no JSON', sdk.MalformedPolicyDocumentException, () => create({ Policy: 'nonsense' })],
  ['a policy that says nothing', sdk.MalformedPolicyDocumentException, () => create({ Policy: '{"Statement":[]}' })],
  [
    'a dry run of what would be done',
    sdk.DryRunOperationException,
    async () => kms.encrypt({ KeyId: await create(), Plaintext: data, DryRun: true }),
  ],
  [
    'a dry run of what would be refused',
    sdk.NotFoundException,
    () => kms.encrypt({ KeyId: absent, Plaintext: data, DryRun: true }),
  ],
  [
    'a key in a key store that is not there',
    sdk.CustomKeyStoreNotFoundException,
    () => create({ Origin: 'AWS_CLOUDHSM', CustomKeyStoreId: 'cks-1' }),
  ],
  ['a grant token', sdk.InvalidGrantTokenException, () => kms.describeKey({ KeyId: absent, GrantTokens: ['x'] })],
  [
    'the rotation status of a key pair',
    sdk.UnsupportedOperationException,
    async () => kms.getKeyRotationStatus({ KeyId: await signing() }),
  ],
  [
    'rotation of a key pair by the clock',
    sdk.UnsupportedOperationException,
    async () => kms.enableKeyRotation({ KeyId: await signing() }),
  ],
  [
    'rotation of a key pair by hand',
    sdk.UnsupportedOperationException,
    async () => kms.rotateKeyOnDemand({ KeyId: await signing() }),
  ],
  [
    'encryption with a signing key',
    sdk.InvalidKeyUsageException,
    async () => kms.encrypt({ KeyId: await signing(), Plaintext: data }),
  ],
  [
    'a data key under a signing key',
    sdk.InvalidKeyUsageException,
    async () => kms.generateDataKey({ KeyId: await signing(), KeySpec: 'AES_256' }),
  ],
  [
    'signing with an encryption key',
    sdk.InvalidKeyUsageException,
    async () => kms.sign({ KeyId: await create(), Message: data, SigningAlgorithm: 'ECDSA_SHA_256' }),
  ],
  [
    'signing by an algorithm of other keys',
    sdk.InvalidKeyUsageException,
    async () => kms.sign({ KeyId: await signing(), Message: data, SigningAlgorithm: 'RSASSA_PSS_SHA_256' }),
  ],
  [
    'a MAC with an encryption key',
    sdk.InvalidKeyUsageException,
    async () => kms.generateMac({ KeyId: await create(), Message: data, MacAlgorithm: 'HMAC_SHA_256' }),
  ],
  [
    'a MAC by the hash of other keys',
    sdk.InvalidKeyUsageException,
    async () =>
      kms.generateMac({
        KeyId: await create({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' }),
        Message: data,
        MacAlgorithm: 'HMAC_SHA_512',
      }),
  ],
  [
    'the default algorithm with an RSA key',
    sdk.InvalidKeyUsageException,
    async () =>
      kms.encrypt({ KeyId: await create({ KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' }), Plaintext: data }),
  ],
  [
    'OAEP with a symmetric key',
    sdk.InvalidKeyUsageException,
    async () => kms.encrypt({ KeyId: await create(), Plaintext: data, EncryptionAlgorithm: 'RSAES_OAEP_SHA_256' }),
  ],
  [
    'the public half of a symmetric key',
    sdk.InvalidKeyUsageException,
    async () => kms.getPublicKey({ KeyId: await create() }),
  ],
  [
    'a ciphertext of another key than is named',
    sdk.IncorrectKeyException,
    async () => kms.decrypt({ KeyId: await create(), CiphertextBlob: await sealed(await create()) }),
  ],
  [
    'a context that is another',
    sdk.InvalidCiphertextException,
    async () => kms.decrypt({ CiphertextBlob: await sealed(await create()), EncryptionContext: { a: '2' } }),
  ],
  [
    'a context that is missing',
    sdk.InvalidCiphertextException,
    async () => kms.decrypt({ CiphertextBlob: await sealed(await create()) }),
  ],
  ['a ciphertext that is none', sdk.InvalidCiphertextException, () => kms.decrypt({ CiphertextBlob: data })],
  [
    'an RSA ciphertext that is none',
    sdk.InvalidCiphertextException,
    async () =>
      kms.decrypt({
        KeyId: await create({ KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' }),
        CiphertextBlob: Buffer.alloc(256, 1),
        EncryptionAlgorithm: 'RSAES_OAEP_SHA_256',
      }),
  ],
  [
    'a signature that does not fit',
    sdk.KMSInvalidSignatureException,
    async () =>
      kms.verify({
        KeyId: await signing(),
        Message: data,
        SigningAlgorithm: 'ECDSA_SHA_256',
        Signature: Buffer.alloc(70, 1),
      }),
  ],
  [
    'a MAC that does not fit',
    sdk.KMSInvalidMacException,
    async () =>
      kms.verifyMac({
        KeyId: await create({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' }),
        Message: data,
        MacAlgorithm: 'HMAC_SHA_256',
        Mac: Buffer.alloc(32, 1),
      }),
  ],
  [
    'the end of a key that was not asked for',
    sdk.KMSInvalidStateException,
    async () => kms.cancelKeyDeletion({ KeyId: await create() }),
  ],
  [
    'use of a disabled key',
    sdk.DisabledException,
    async () => {
      const KeyId = await create();
      await kms.disableKey({ KeyId });
      await kms.encrypt({ KeyId, Plaintext: data });
    },
  ],
];

for (const [what, exception, call] of cases) {
  test(`${what} is ${exception.name}`, async () => {
    await assert.rejects(call(), (error) => {
      assert.ok(error instanceof exception, `${error}`);
      assert.ok(error instanceof sdk.KMSServiceException);
      assert.equal(error.$metadata.httpStatusCode, error instanceof sdk.DryRunOperationException ? 412 : 400);
      assert.ok(error.$metadata.requestId);
      assert.ok(error.message.length > 0);
      return true;
    });
  });
}

/** Exceptions of every AWS service, for which the SDK has no classes. */
const named: ReadonlyArray<readonly [what: string, string, () => Promise<unknown>]> = [
  [
    'an alias of an alias',
    'ValidationException',
    () => kms.createAlias({ AliasName: 'alias/loop', TargetKeyId: 'alias/loop' }),
  ],
  ['a limit out of range', 'ValidationException', () => kms.listKeys({ Limit: 1001 })],
  [
    'a data key of two lengths',
    'ValidationException',
    () => kms.generateDataKey({ KeyId: absent, KeySpec: 'AES_256', NumberOfBytes: 32 }),
  ],
  [
    'an access key that nobody has',
    'UnrecognizedClientException',
    () => kmsClient({ ...env, AWS_ACCESS_KEY_ID: 'CLAVAAAAAAAAAAAAAAAA' }).listKeys({}),
  ],
  [
    'a secret that is another',
    'InvalidSignatureException',
    () => kmsClient({ ...env, AWS_SECRET_ACCESS_KEY: 'x'.repeat(40) }).listKeys({}),
  ],
];

for (const [what, name, call] of named) {
  test(`${what} is ${name}`, async () => {
    await assert.rejects(call(), (error) => error instanceof sdk.KMSServiceException && error.name === name);
  });
}

test("AWS' default key policy is accepted", async () => {
  const [, , , , account] = (await create()).split(':');
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Id: 'key-default-1',
    Statement: [
      {
        Sid: 'Enable IAM User Permissions',
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${account}:root` },
        Action: 'kms:*',
        Resource: '*',
      },
    ],
  });
  assert.ok(await create({ Policy }));
});

test('no bit of a ciphertext can change', async () => {
  const KeyId = await create();
  const blob = await sealed(KeyId);
  const results = new Map<string, number>();
  for (let bit = 0; bit < blob.length * 8; bit++) {
    const CiphertextBlob = Uint8Array.from(blob);
    CiphertextBlob[bit >> 3]! ^= 1 << (bit & 7);
    const answer = await kms.decrypt({ CiphertextBlob, EncryptionContext: { a: '1' } }).then(
      () => 'plaintext',
      (error: Error) => error.name,
    );
    results.set(answer, (results.get(answer) ?? 0) + 1);
  }
  // A changed key id, or the bit that says of which kind it is, names a key that isn't there; everything else is the one answer for
  // wrong ciphertexts.
  const notFound = results.get('NotFoundException') ?? 0;
  assert.ok(notFound <= 129, `${notFound} answers tell of a key`);
  assert.equal(
    (results.get('InvalidCiphertextException') ?? 0) + notFound,
    blob.length * 8,
    JSON.stringify([...results]),
  );
  assert.deepEqual(
    Buffer.from((await kms.decrypt({ CiphertextBlob: blob, EncryptionContext: { a: '1' } })).Plaintext!),
    data,
  );
});

test('a truncated or longer ciphertext is none', async () => {
  const blob = await sealed(await create());
  for (const CiphertextBlob of [blob.subarray(0, blob.length - 1), blob.subarray(1), Buffer.concat([blob, blob])]) {
    await assert.rejects(
      kms.decrypt({ CiphertextBlob, EncryptionContext: { a: '1' } }),
      sdk.InvalidCiphertextException,
    );
  }
});

test('the keys of another realm are not found, and its ciphertexts are none', async () => {
  await server.claviger('identity', 'create', 'stranger', '--role', 'developer', '--realm', 'elsewhere');
  const stranger = kmsClient(await server.env('stranger'));
  const KeyId = await create();
  const blob = await sealed(KeyId);
  await assert.rejects(stranger.describeKey({ KeyId }), sdk.NotFoundException);
  await assert.rejects(stranger.decrypt({ KeyId, CiphertextBlob: blob }), sdk.NotFoundException);
  await assert.rejects(
    stranger.decrypt({ CiphertextBlob: blob, EncryptionContext: { a: '1' } }),
    sdk.InvalidCiphertextException,
  );
  const { Keys } = await stranger.listKeys({});
  assert.ok(!Keys!.some(({ KeyId: id }) => KeyId.endsWith(id!)));
});
