import assert from 'node:assert/strict';
import { createPublicKey, privateDecrypt, verify as verifySignature } from 'node:crypto';
import { test } from 'node:test';
import type { KeySpec, KeyUsageType, SigningAlgorithmSpec } from '@aws-sdk/client-kms';
import { serverOfThisFile } from '../../harness.ts';
import { kmsClient } from './clients.ts';

const { env } = await serverOfThisFile();
const kms = kmsClient(env);

const data = Buffer.from('what is to be kept');
const create = async (KeySpec?: KeySpec, KeyUsage?: KeyUsageType) => {
  const { KeyMetadata } = await kms.createKey({ ...(KeySpec && { KeySpec }), ...(KeyUsage && { KeyUsage }) });
  return KeyMetadata!.Arn!;
};

/** Every page of a list. */
async function pages<T>(
  ask: (Marker: string | undefined) => Promise<{ page: T[] | undefined; next: string | undefined }>,
) {
  const all: T[] = [];
  for (let marker: string | undefined; ; ) {
    const { page, next } = await ask(marker);
    all.push(...(page ?? []));
    if (next === undefined) return all;
    marker = next;
  }
}

test('a key is created and described in full', async () => {
  const { KeyMetadata: made } = await kms.createKey({
    Description: 'for "pay"',
    Tags: [{ TagKey: 'team', TagValue: 'a' }],
  });
  assert.match(made!.Arn!, new RegExp(`^arn:aws:kms:${env.AWS_REGION}:[0-9]{12}:key/${made!.KeyId}$`));
  assert.equal(made!.AWSAccountId, made!.Arn!.split(':')[4]);
  assert.ok(Math.abs(made!.CreationDate!.getTime() - Date.now()) < 60_000);
  const { KeyMetadata: told } = await kms.describeKey({ KeyId: made!.KeyId! });
  assert.deepEqual(told, made);
  assert.deepEqual(
    [told!.KeyState, told!.Enabled, told!.KeyUsage, told!.KeySpec, told!.Origin, told!.KeyManager, told!.MultiRegion],
    ['Enabled', true, 'ENCRYPT_DECRYPT', 'SYMMETRIC_DEFAULT', 'AWS_KMS', 'CUSTOMER', false],
  );
  assert.deepEqual(told!.EncryptionAlgorithms, ['SYMMETRIC_DEFAULT']);
});

test('what is encrypted under an id decrypts under every name of the key, and under none', async () => {
  const arn = await create();
  const id = arn.split('/')[1]!;
  const alias = 'alias/every/name';
  await kms.createAlias({ AliasName: alias, TargetKeyId: arn });
  const aliasArn = arn.replace(`key/${id}`, alias);
  for (const KeyId of [id, arn, alias, aliasArn]) {
    const sealed = await kms.encrypt({ KeyId, Plaintext: data, EncryptionContext: { a: '1', b: '2' } });
    assert.equal(sealed.KeyId, arn);
    assert.equal(sealed.EncryptionAlgorithm, 'SYMMETRIC_DEFAULT');
    for (const named of [{ KeyId: arn }, { KeyId: aliasArn }, {}]) {
      const opened = await kms.decrypt({
        ...named,
        CiphertextBlob: sealed.CiphertextBlob!,
        EncryptionContext: { b: '2', a: '1' },
      });
      assert.deepEqual(Buffer.from(opened.Plaintext!), data);
      assert.equal(opened.KeyId, arn);
    }
  }
});

test('4096 bytes and a context of 8 KiB are the most that fits', async () => {
  const KeyId = await create();
  const EncryptionContext = { k: 'v'.repeat(8180) };
  const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: Buffer.alloc(4096, 7), EncryptionContext });
  const { Plaintext } = await kms.decrypt({ CiphertextBlob: CiphertextBlob!, EncryptionContext });
  assert.equal(Plaintext!.length, 4096);
  await assert.rejects(kms.encrypt({ KeyId, Plaintext: Buffer.alloc(4097) }), { name: 'ValidationException' });
});

test('re-encryption moves a ciphertext to another key and context', async () => {
  const [from, to] = [await create(), await create()];
  const { CiphertextBlob } = await kms.encrypt({ KeyId: from, Plaintext: data, EncryptionContext: { a: '1' } });
  const moved = await kms.reEncrypt({
    CiphertextBlob: CiphertextBlob!,
    SourceEncryptionContext: { a: '1' },
    DestinationKeyId: to,
    DestinationEncryptionContext: { b: '2' },
  });
  assert.deepEqual([moved.SourceKeyId, moved.KeyId], [from, to]);
  const opened = await kms.decrypt({ KeyId: to, CiphertextBlob: moved.CiphertextBlob!, EncryptionContext: { b: '2' } });
  assert.deepEqual(Buffer.from(opened.Plaintext!), data);
});

test('data keys come with and without their plaintext', async () => {
  const KeyId = await create();
  for (const [ask, length] of [
    [{ KeySpec: 'AES_256' }, 32],
    [{ KeySpec: 'AES_128' }, 16],
    [{ NumberOfBytes: 1024 }, 1024],
  ] as const) {
    const made = await kms.generateDataKey({ KeyId, ...ask, EncryptionContext: { a: '1' } });
    assert.equal(made.Plaintext!.length, length);
    const opened = await kms.decrypt({ CiphertextBlob: made.CiphertextBlob!, EncryptionContext: { a: '1' } });
    assert.deepEqual(opened.Plaintext, made.Plaintext);
    const without = await kms.generateDataKeyWithoutPlaintext({ KeyId, ...ask });
    assert.equal('Plaintext' in without, false);
    assert.equal((await kms.decrypt({ CiphertextBlob: without.CiphertextBlob! })).Plaintext!.length, length);
  }
});

test('data key pairs come with and without their private half', async () => {
  const KeyId = await create();
  for (const KeyPairSpec of ['ECC_NIST_P256', 'ECC_NIST_EDWARDS25519', 'ECC_SECG_P256K1', 'RSA_2048'] as const) {
    const made = await kms.generateDataKeyPair({ KeyId, KeyPairSpec });
    assert.equal(made.KeyPairSpec, KeyPairSpec);
    const opened = await kms.decrypt({ CiphertextBlob: made.PrivateKeyCiphertextBlob! });
    assert.deepEqual(opened.Plaintext, made.PrivateKeyPlaintext);
    const derived = createPublicKey({ key: privatePem(made.PrivateKeyPlaintext!), format: 'pem' });
    assert.deepEqual(derived.export({ type: 'spki', format: 'der' }), Buffer.from(made.PublicKey!));
    const without = await kms.generateDataKeyPairWithoutPlaintext({ KeyId, KeyPairSpec });
    assert.equal('PrivateKeyPlaintext' in without, false);
    assert.ok(without.PublicKey!.length > 0 && without.PrivateKeyCiphertextBlob!.length > 0);
  }
});

const privatePem = (der: Uint8Array) =>
  `-----BEGIN PRIVATE KEY-----\n${Buffer.from(der).toString('base64')}\n-----END PRIVATE KEY-----`;

test('random bytes are as many as were asked for', async () => {
  const [a, b] = [await kms.generateRandom({ NumberOfBytes: 1024 }), await kms.generateRandom({ NumberOfBytes: 1024 })];
  assert.equal(a.Plaintext!.length, 1024);
  assert.notDeepEqual(a.Plaintext, b.Plaintext);
});

test('RSA encrypts and decrypts by OAEP, and its public half is usable elsewhere', async () => {
  const KeyId = await create('RSA_2048', 'ENCRYPT_DECRYPT');
  for (const EncryptionAlgorithm of ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'] as const) {
    const most = EncryptionAlgorithm === 'RSAES_OAEP_SHA_1' ? 214 : 190;
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: Buffer.alloc(most, 1), EncryptionAlgorithm });
    assert.equal(CiphertextBlob!.length, 256);
    const opened = await kms.decrypt({ KeyId, CiphertextBlob: CiphertextBlob!, EncryptionAlgorithm });
    assert.equal(opened.Plaintext!.length, most);
    assert.equal(opened.EncryptionAlgorithm, EncryptionAlgorithm);
    await assert.rejects(kms.encrypt({ KeyId, Plaintext: Buffer.alloc(most + 1), EncryptionAlgorithm }), {
      name: 'ValidationException',
    });
  }
  const told = await kms.getPublicKey({ KeyId });
  assert.deepEqual([told.KeySpec, told.KeyUsage], ['RSA_2048', 'ENCRYPT_DECRYPT']);
  assert.deepEqual(told.EncryptionAlgorithms, ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256']);
  assert.throws(() => privateDecrypt(publicPem(told.PublicKey!), Buffer.alloc(256)));
});

const publicPem = (der: Uint8Array) =>
  `-----BEGIN PUBLIC KEY-----\n${Buffer.from(der).toString('base64')}\n-----END PUBLIC KEY-----`;

const signers: ReadonlyArray<readonly [KeySpec, readonly SigningAlgorithmSpec[]]> = [
  [
    'RSA_2048',
    [
      'RSASSA_PSS_SHA_256',
      'RSASSA_PSS_SHA_384',
      'RSASSA_PSS_SHA_512',
      'RSASSA_PKCS1_V1_5_SHA_256',
      'RSASSA_PKCS1_V1_5_SHA_384',
      'RSASSA_PKCS1_V1_5_SHA_512',
    ],
  ],
  ['ECC_NIST_P256', ['ECDSA_SHA_256']],
  ['ECC_NIST_P384', ['ECDSA_SHA_384']],
  ['ECC_NIST_P521', ['ECDSA_SHA_512']],
  ['ECC_SECG_P256K1', ['ECDSA_SHA_256']],
  ['ECC_NIST_EDWARDS25519', ['ED25519_SHA_512', 'ED25519_PH_SHA_512']],
  ['ML_DSA_44', ['ML_DSA_SHAKE_256']],
  ['ML_DSA_65', ['ML_DSA_SHAKE_256']],
  ['ML_DSA_87', ['ML_DSA_SHAKE_256']],
];

for (const [spec, algorithms] of signers) {
  test(`${spec} signs, and its signatures verify here and with the public key alone`, async () => {
    const KeyId = await create(spec, 'SIGN_VERIFY');
    const { PublicKey, SigningAlgorithms } = await kms.getPublicKey({ KeyId });
    assert.deepEqual(SigningAlgorithms, algorithms);
    for (const SigningAlgorithm of algorithms) {
      const prehashed = SigningAlgorithm === 'ED25519_PH_SHA_512';
      const Message = prehashed ? Buffer.alloc(64, 5) : data;
      const ask = { KeyId, Message, SigningAlgorithm, MessageType: prehashed ? 'DIGEST' : 'RAW' } as const;
      const { Signature, KeyId: by } = await kms.sign(ask);
      assert.equal(by, KeyId);
      const checked = await kms.verify({ ...ask, Signature: Signature! });
      assert.deepEqual([checked.SignatureValid, checked.SigningAlgorithm], [true, SigningAlgorithm]);
      await assert.rejects(kms.verify({ ...ask, Message: Buffer.alloc(64, 6), Signature: Signature! }), {
        name: 'KMSInvalidSignatureException',
      });
      if (!prehashed) assert.ok(verifiesAlone(SigningAlgorithm, PublicKey!, Signature!), SigningAlgorithm);
    }
  });
}

function verifiesAlone(algorithm: string, publicKey: Uint8Array, signature: Uint8Array): boolean {
  const hash = /^(RSA|ECDSA)/.test(algorithm) ? algorithm.slice(-7).replace('_', '').toLowerCase() : null;
  const key = { key: publicPem(publicKey), ...(algorithm.includes('PSS') && { padding: 6, saltLength: -1 }) };
  return verifySignature(hash, data, key, signature);
}

test('a digest signs as the message that it is of', async () => {
  const { createHash } = await import('node:crypto');
  for (const [spec, SigningAlgorithm] of [
    ['RSA_2048', 'RSASSA_PSS_SHA_256'],
    ['RSA_2048', 'RSASSA_PKCS1_V1_5_SHA_256'],
    ['ECC_NIST_P256', 'ECDSA_SHA_256'],
    ['ECC_SECG_P256K1', 'ECDSA_SHA_256'],
  ] as const) {
    const KeyId = await create(spec, 'SIGN_VERIFY');
    const Message = createHash('sha256').update(data).digest();
    const { Signature } = await kms.sign({ KeyId, Message, MessageType: 'DIGEST', SigningAlgorithm });
    const raw = await kms.verify({ KeyId, Message: data, SigningAlgorithm, Signature: Signature! });
    assert.equal(raw.SignatureValid, true);
    const digest = await kms.verify({ KeyId, Message, MessageType: 'DIGEST', SigningAlgorithm, Signature: Signature! });
    assert.equal(digest.SignatureValid, true);
  }
});

test('MACs of every algorithm are made and checked', async () => {
  for (const bits of ['224', '256', '384', '512'] as const) {
    const KeyId = await create(`HMAC_${bits}`, 'GENERATE_VERIFY_MAC');
    const MacAlgorithm = `HMAC_SHA_${bits}` as const;
    const { Mac } = await kms.generateMac({ KeyId, Message: data, MacAlgorithm });
    assert.equal(Mac!.length, Number(bits) / 8);
    assert.equal((await kms.verifyMac({ KeyId, Message: data, MacAlgorithm, Mac: Mac! })).MacValid, true);
    const { KeyMetadata } = await kms.describeKey({ KeyId });
    assert.deepEqual(KeyMetadata!.MacAlgorithms, [MacAlgorithm]);
  }
});

test('key agreement and ML-KEM keys can be created and published', async () => {
  const agree = await create('ECC_NIST_P256', 'KEY_AGREEMENT');
  assert.deepEqual((await kms.getPublicKey({ KeyId: agree })).KeyAgreementAlgorithms, ['ECDH']);
  const kem = await create('ML_KEM_768', 'ENCAPSULATE_DECAPSULATE');
  assert.deepEqual((await kms.getPublicKey({ KeyId: kem })).EncapsulationAlgorithms, ['ML_KEM']);
});

test('keys are listed page by page', async () => {
  const made = new Set<string>();
  for (let i = 0; i < 5; i++) made.add(await create());
  const listed = await pages(async (Marker) => {
    const { Keys, NextMarker, Truncated } = await kms.listKeys({ Limit: 2, ...(Marker && { Marker }) });
    assert.equal(Truncated, NextMarker !== undefined);
    assert.ok(Keys!.length <= 2);
    return { page: Keys, next: NextMarker };
  });
  const arns = listed.map(({ KeyArn }) => KeyArn!);
  assert.equal(new Set(arns).size, arns.length);
  for (const arn of made) assert.ok(arns.includes(arn), `${arn} is in the list`);
});

test('aliases are created, moved, listed and deleted', async () => {
  const [first, second] = [await create(), await create()];
  const AliasName = 'alias/moving';
  await kms.createAlias({ AliasName, TargetKeyId: first });
  await assert.rejects(kms.createAlias({ AliasName, TargetKeyId: second }), { name: 'AlreadyExistsException' });
  const { CiphertextBlob } = await kms.encrypt({ KeyId: AliasName, Plaintext: data });
  await kms.updateAlias({ AliasName, TargetKeyId: second });
  assert.equal((await kms.describeKey({ KeyId: AliasName })).KeyMetadata!.Arn, second);
  await assert.rejects(kms.decrypt({ KeyId: AliasName, CiphertextBlob: CiphertextBlob! }), {
    name: 'IncorrectKeyException',
  });
  assert.equal((await kms.decrypt({ CiphertextBlob: CiphertextBlob! })).KeyId, first);

  const { Aliases } = await kms.listAliases({ KeyId: second });
  assert.equal(Aliases!.length, 1);
  const [alias] = Aliases!;
  assert.equal(alias!.AliasName, AliasName);
  assert.equal(alias!.TargetKeyId, second.split('/')[1]);
  assert.equal(alias!.AliasArn, second.replace(/key\/.*/, AliasName));
  assert.ok(alias!.LastUpdatedDate! >= alias!.CreationDate!);
  assert.deepEqual((await kms.listAliases({ KeyId: first })).Aliases, []);

  await kms.createAlias({ AliasName: 'alias/moving2', TargetKeyId: first });
  const all = await pages(async (Marker) => {
    const { Aliases, NextMarker } = await kms.listAliases({ Limit: 1, ...(Marker && { Marker }) });
    return { page: Aliases, next: NextMarker };
  });
  assert.ok(all.some(({ AliasName }) => AliasName === 'alias/moving2'));
  assert.ok(
    all.some(({ AliasName }) => AliasName === 'alias/first'),
    'the first key of development has its alias',
  );

  await kms.deleteAlias({ AliasName });
  await assert.rejects(kms.describeKey({ KeyId: AliasName }), { name: 'NotFoundException' });
});

test('tags are set, changed, listed and taken away', async () => {
  const KeyId = await create();
  await kms.tagResource({
    KeyId,
    Tags: [
      { TagKey: 'b', TagValue: '1' },
      { TagKey: 'a', TagValue: 'x y' },
    ],
  });
  await kms.tagResource({
    KeyId,
    Tags: [
      { TagKey: 'b', TagValue: '2' },
      { TagKey: '__proto__', TagValue: 'p' },
    ],
  });
  const tags = await pages(async (Marker) => {
    const { Tags, NextMarker } = await kms.listResourceTags({ KeyId, Limit: 2, ...(Marker && { Marker }) });
    return { page: Tags, next: NextMarker };
  });
  assert.deepEqual(tags, [
    { TagKey: '__proto__', TagValue: 'p' },
    { TagKey: 'a', TagValue: 'x y' },
    { TagKey: 'b', TagValue: '2' },
  ]);
  await kms.untagResource({ KeyId, TagKeys: ['a', '__proto__', 'never was'] });
  assert.deepEqual((await kms.listResourceTags({ KeyId })).Tags, [{ TagKey: 'b', TagValue: '2' }]);
});

test('a description changes', async () => {
  const KeyId = await create();
  await kms.updateKeyDescription({ KeyId, Description: 'ü "new"\n' });
  assert.equal((await kms.describeKey({ KeyId })).KeyMetadata!.Description, 'ü "new"\n');
});

test('rotation changes the material and never the id, and what it left behind still decrypts', async () => {
  const KeyId = await create();
  const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: data });
  assert.equal((await kms.getKeyRotationStatus({ KeyId })).KeyRotationEnabled, false);
  await kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 90 });
  const status = await kms.getKeyRotationStatus({ KeyId });
  assert.deepEqual([status.KeyRotationEnabled, status.RotationPeriodInDays, status.KeyId], [true, 90, KeyId]);
  assert.ok(Math.abs(status.NextRotationDate!.getTime() - Date.now() - 90 * 86_400_000) < 60_000);
  await kms.disableKeyRotation({ KeyId });
  assert.equal((await kms.getKeyRotationStatus({ KeyId })).KeyRotationEnabled, false);

  assert.deepEqual((await kms.listKeyRotations({ KeyId })).Rotations, []);
  assert.equal((await kms.rotateKeyOnDemand({ KeyId })).KeyId, KeyId);
  await kms.rotateKeyOnDemand({ KeyId });
  const rotations = await pages(async (Marker) => {
    const { Rotations, NextMarker } = await kms.listKeyRotations({ KeyId, Limit: 1, ...(Marker && { Marker }) });
    return { page: Rotations, next: NextMarker };
  });
  assert.equal(rotations.length, 2);
  for (const { RotationDate } of rotations) assert.ok(Math.abs(RotationDate!.getTime() - Date.now()) < 60_000);
  const all = await kms.listKeyRotations({ KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' });
  assert.deepEqual(
    all.Rotations!.map(({ KeyMaterialState }) => KeyMaterialState),
    ['NON_CURRENT', 'NON_CURRENT', 'CURRENT'],
  );
  assert.deepEqual(Buffer.from((await kms.decrypt({ CiphertextBlob: CiphertextBlob! })).Plaintext!), data);
});

test('a key is disabled, enabled, sent to its end and called back disabled', async () => {
  const KeyId = await create();
  const state = async () => (await kms.describeKey({ KeyId })).KeyMetadata!;
  await kms.disableKey({ KeyId });
  assert.deepEqual([(await state()).KeyState, (await state()).Enabled], ['Disabled', false]);
  await kms.enableKey({ KeyId });
  assert.equal((await state()).KeyState, 'Enabled');
  const ending = await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
  assert.deepEqual([ending.KeyId, ending.KeyState, ending.PendingWindowInDays], [KeyId, 'PendingDeletion', 7]);
  assert.ok(Math.abs(ending.DeletionDate!.getTime() - Date.now() - 7 * 86_400_000) < 60_000);
  assert.deepEqual((await state()).DeletionDate, ending.DeletionDate);
  assert.equal((await kms.cancelKeyDeletion({ KeyId })).KeyId, KeyId);
  assert.deepEqual([(await state()).KeyState, (await state()).DeletionDate], ['Disabled', undefined]);
  const usual = await kms.scheduleKeyDeletion({ KeyId });
  assert.equal(usual.PendingWindowInDays, 30);
});

test('every answer carries the id of its request', async () => {
  const { $metadata } = await kms.listKeys({});
  assert.ok($metadata.requestId);
  const error = await kms.describeKey({ KeyId: 'alias/absent' }).catch((e) => e);
  assert.ok(error.$metadata.requestId);
  assert.notEqual(error.$metadata.requestId, $metadata.requestId);
});
