import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Key, type KeyVersion, Plaintext } from '#domain/domain.ts';
import { toBase64 } from '#encoding/encoding.ts';
import type { JsonObject } from '../common/common.ts';
import {
  encodeDescribeKey,
  encodeGetKeyRotationStatus,
  encodeListAliases,
  encodeListKeyRotations,
  encodeListKeys,
  encodeListResourceTags,
  encodeScheduleKeyDeletion,
} from './encode-keys.ts';
import {
  encodeDecrypt,
  encodeEncrypt,
  encodeGenerateDataKey,
  encodeGenerateDataKeyPair,
  encodeGenerateMac,
  encodeGenerateRandom,
  encodeGetPublicKey,
  encodeReEncrypt,
  encodeSign,
  encodeVerify,
  encodeVerifyMac,
} from './encode-use.ts';
import { page } from './fields.ts';
import { namesOf } from './names.ts';
import { operations } from './operations.ts';

const names = namesOf('eu-central-1');
const realm = '111122223333';
const id = '1234abcd-12ab-34cd-56ef-1234567890ab';
const arn = `arn:aws:kms:eu-central-1:${realm}:key/${id}`;
const used = { realm, keyId: id, version: 3 };
const some = Uint8Array.of(0xfb, 0xff, 0, 1);
const secret = new Plaintext(Uint8Array.of(1, 2, 3));
const text = toBase64(some);

const version = (number: number): KeyVersion => ({ version: number, state: 'active', createdAt: number * 1000 + 500 });

const key: Key = {
  realm,
  id,
  revision: 1,
  spec: 'aes-256',
  usages: ['encrypt'],
  class: 'enveloped',
  description: 'a "quoted" one',
  tags: { b: '2', a: '1', c: '3' },
  names: ['first'],
  enabled: true,
  createdAt: 1_764_000_000_123,
  current: version(3),
  minDecryptionVersion: 1,
  minEncryptionVersion: 0,
  minAvailableVersion: 0,
  derived: false,
  exportable: false,
  deletionAllowed: false,
  onDemandRotations: 0,
};

const ask = (name: keyof typeof operations, fields: JsonObject) => operations[name].decode(fields, names) as never;
const encryptIt = ask('Encrypt', { KeyId: id, Plaintext: 'AAAA' });
const signIt = ask('Sign', { KeyId: id, Message: 'AAAA', SigningAlgorithm: 'RSASSA_PSS_SHA_384' });
const macIt = ask('GenerateMac', { KeyId: id, Message: 'AAAA', MacAlgorithm: 'HMAC_SHA_224' });

test('uses answer bytes as base64 and the key as its ARN', () => {
  assert.deepEqual(JSON.parse(encodeEncrypt({ ...used, ciphertext: some }, encryptIt, names)), {
    CiphertextBlob: text,
    EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
    KeyId: arn,
  });
  assert.deepEqual(
    JSON.parse(encodeDecrypt({ ...used, plaintext: secret }, ask('Decrypt', { CiphertextBlob: 'AAAA' }), names)),
    { EncryptionAlgorithm: 'SYMMETRIC_DEFAULT', KeyId: arn, Plaintext: 'AQID' },
  );
  assert.deepEqual(JSON.parse(encodeSign({ ...used, signature: some }, signIt, names)), {
    KeyId: arn,
    Signature: text,
    SigningAlgorithm: 'RSASSA_PSS_SHA_384',
  });
  assert.deepEqual(JSON.parse(encodeGenerateMac({ ...used, mac: some, hash: 'sha224' }, macIt, names)), {
    KeyId: arn,
    Mac: text,
    MacAlgorithm: 'HMAC_SHA_224',
  });
  assert.deepEqual(JSON.parse(encodeGenerateRandom({ bytes: secret })), { Plaintext: 'AQID' });
});

test('re-encryption names both keys and algorithms', () => {
  const asked = ask('ReEncrypt', {
    CiphertextBlob: 'AAAA',
    SourceKeyId: id,
    SourceEncryptionAlgorithm: 'RSAES_OAEP_SHA_1',
    DestinationKeyId: id,
  });
  const source = { realm, keyId: id.replace('1', '2'), version: 1 };
  assert.deepEqual(JSON.parse(encodeReEncrypt({ ...used, ciphertext: some, source }, asked, names)), {
    CiphertextBlob: text,
    KeyId: arn,
    SourceKeyId: names.keyArn(realm, source.keyId),
    SourceEncryptionAlgorithm: 'RSAES_OAEP_SHA_1',
    DestinationEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
  });
});

test('a data key comes with its plaintext only where the gate gave it', () => {
  const asked = ask('GenerateDataKey', { KeyId: id, KeySpec: 'AES_256' });
  const without = { KeyId: arn, CiphertextBlob: text };
  assert.deepEqual(JSON.parse(encodeGenerateDataKey({ ...used, ciphertext: some }, asked, names)), without);
  assert.deepEqual(JSON.parse(encodeGenerateDataKey({ ...used, ciphertext: some, plaintext: secret }, asked, names)), {
    ...without,
    Plaintext: 'AQID',
  });
  const pair = { ...used, privateKeyCiphertext: some, publicKey: some };
  const askedPair = ask('GenerateDataKeyPair', { KeyId: id, KeyPairSpec: 'ECC_NIST_P256' });
  const told = { KeyId: arn, KeyPairSpec: 'ECC_NIST_P256', PrivateKeyCiphertextBlob: text, PublicKey: text };
  assert.deepEqual(JSON.parse(encodeGenerateDataKeyPair(pair, askedPair, names)), told);
  assert.deepEqual(JSON.parse(encodeGenerateDataKeyPair({ ...pair, privateKey: secret }, askedPair, names)), {
    ...told,
    PrivateKeyPlaintext: 'AQID',
  });
});

test('a signature or MAC that does not fit is an error to AWS clients', () => {
  assert.equal(JSON.parse(encodeVerify({ ...used, valid: true }, signIt, names)).SignatureValid, true);
  assert.equal(JSON.parse(encodeVerifyMac({ ...used, valid: true, hash: 'sha224' }, macIt, names)).MacValid, true);
  assert.throws(() => encodeVerify({ ...used, valid: false }, signIt, names), { code: 'invalid-signature' });
  assert.throws(() => encodeVerifyMac({ ...used, valid: false, hash: 'sha224' }, macIt, names), {
    code: 'invalid-mac',
  });
});

const describe = (changed: Partial<Key>) =>
  JSON.parse(encodeDescribeKey({ key: { ...key, ...changed }, versions: [] }, ask('DescribeKey', { KeyId: id }), names))
    .KeyMetadata;

test('metadata of a symmetric key', () => {
  assert.deepEqual(describe({}), {
    AWSAccountId: realm,
    Arn: arn,
    CreationDate: 1_764_000_000.123,
    CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
    Description: 'a "quoted" one',
    Enabled: true,
    EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
    KeyId: id,
    KeyManager: 'CUSTOMER',
    KeySpec: 'SYMMETRIC_DEFAULT',
    KeyState: 'Enabled',
    KeyUsage: 'ENCRYPT_DECRYPT',
    MultiRegion: false,
    Origin: 'AWS_KMS',
  });
});

test('the state of a key is what AWS calls it', () => {
  const destruction = { at: 1_764_000_000_000, requestedAt: 0, wasEnabled: true };
  const states = [
    [{}, 'Enabled'],
    [{ enabled: false }, 'Disabled'],
    [{ destruction }, 'PendingDeletion'],
    [{ destruction, enabled: false }, 'PendingDeletion'],
    [{ current: { ...version(1), state: 'compromised' as const } }, 'Disabled'],
    [{ current: { ...version(1), state: 'pending-import' as const } }, 'PendingImport'],
  ] as const;
  for (const [changed, state] of states) {
    const { KeyState, Enabled } = describe(changed);
    assert.deepEqual([KeyState, Enabled], [state, state === 'Enabled']);
  }
  assert.equal(describe({ destruction }).DeletionDate, 1_764_000_000);
});

test('a key that Vault made lists the algorithms of all its usages', () => {
  const { KeyUsage, EncryptionAlgorithms, SigningAlgorithms } = describe({
    spec: 'rsa-2048',
    usages: ['encrypt', 'sign'],
  });
  assert.equal(KeyUsage, 'ENCRYPT_DECRYPT');
  assert.deepEqual(EncryptionAlgorithms, ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256']);
  assert.equal(SigningAlgorithms.length, 6);
});

test('each elliptic curve signs with its own hash', () => {
  const listed = (spec: Key['spec']) => describe({ spec, usages: ['sign'] }).SigningAlgorithms;
  assert.deepEqual(listed('ec-p256'), ['ECDSA_SHA_256']);
  assert.deepEqual(listed('ec-secp256k1'), ['ECDSA_SHA_256']);
  assert.deepEqual(listed('ec-p384'), ['ECDSA_SHA_384']);
  assert.deepEqual(listed('ec-p521'), ['ECDSA_SHA_512']);
  assert.deepEqual(listed('ed25519'), ['ED25519_SHA_512', 'ED25519_PH_SHA_512']);
  assert.deepEqual(listed('ml-dsa-65'), ['ML_DSA_SHAKE_256']);
});

test('a public key comes with what it is for', () => {
  const rsa: Key = { ...key, spec: 'rsa-4096', usages: ['sign'] };
  const told = JSON.parse(
    encodeGetPublicKey({ ...used, key: rsa, publicKey: some }, ask('GetPublicKey', { KeyId: id }), names),
  );
  assert.deepEqual([told.KeyId, told.PublicKey, told.KeySpec, told.KeyUsage], [arn, text, 'RSA_4096', 'SIGN_VERIFY']);
});

test('rotation is told of symmetric keys, and rests while a key waits for its end', () => {
  const asked = ask('GetKeyRotationStatus', { KeyId: id });
  const told = (changed: Partial<Key>) =>
    JSON.parse(encodeGetKeyRotationStatus({ key: { ...key, ...changed }, versions: [] }, asked, names));
  assert.deepEqual(told({}), { KeyId: arn, KeyRotationEnabled: false });
  const rotation = { periodDays: 90, nextAt: 5500 };
  assert.deepEqual(told({ rotation }), {
    KeyId: arn,
    KeyRotationEnabled: true,
    NextRotationDate: 5.5,
    RotationPeriodInDays: 90,
  });
  const destruction = { at: 0, requestedAt: 0, wasEnabled: true };
  assert.equal(told({ rotation, destruction }).KeyRotationEnabled, false);
  assert.throws(() => told({ spec: 'rsa-2048' }), { code: 'unsupported' });
});

test('rotations are listed page by page, without the first material unless asked for', () => {
  const versions = [1, 2, 3].map(version);
  const listed = (fields: JsonObject) =>
    JSON.parse(encodeListKeyRotations({ key, versions }, ask('ListKeyRotations', { KeyId: id, ...fields }), names));
  assert.deepEqual(listed({}), {
    Rotations: [
      { KeyId: arn, KeyMaterialState: 'NON_CURRENT', RotationDate: 2.5 },
      { KeyId: arn, KeyMaterialState: 'CURRENT', RotationDate: 3.5 },
    ],
    Truncated: false,
  });
  const first = listed({ Limit: 1 });
  assert.deepEqual([first.Rotations.length, first.Truncated], [1, true]);
  assert.deepEqual(listed({ Marker: first.NextMarker }).Rotations, [
    { KeyId: arn, KeyMaterialState: 'CURRENT', RotationDate: 3.5 },
  ]);
  const whole = listed({ IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }).Rotations;
  assert.deepEqual(whole[0], { KeyId: arn, KeyMaterialState: 'NON_CURRENT' });
  assert.equal(whole[2].KeyMaterialState, 'CURRENT');
});

test('rotations tell how they came about and what material they brought', () => {
  const rotated = { ...version(3), materialId: 'a0'.repeat(32), rotatedBy: 'schedule' } as const;
  const asked = ask('ListKeyRotations', { KeyId: id });
  assert.deepEqual(JSON.parse(encodeListKeyRotations({ key, versions: [rotated] }, asked, names)).Rotations, [
    {
      ...{ KeyId: arn, KeyMaterialId: 'a0'.repeat(32), KeyMaterialState: 'CURRENT' },
      ...{ RotationDate: 3.5, RotationType: 'AUTOMATIC' },
    },
  ]);
});

test('tags are listed page by page in order', () => {
  const listed = (fields: JsonObject) =>
    JSON.parse(encodeListResourceTags({ key, versions: [] }, ask('ListResourceTags', { KeyId: id, ...fields })));
  const first = listed({ Limit: 2 });
  assert.deepEqual(first.Tags, [
    { TagKey: 'a', TagValue: '1' },
    { TagKey: 'b', TagValue: '2' },
  ]);
  assert.equal(first.Truncated, true);
  const rest = listed({ Limit: 2, Marker: first.NextMarker });
  assert.deepEqual(rest, { Tags: [{ TagKey: 'c', TagValue: '3' }], Truncated: false });
});

test('lists tell where they go on', () => {
  const told = JSON.parse(encodeListKeys({ keys: [{ id, names: [] }], next: 'é', realm }, ask('ListKeys', {}), names));
  assert.deepEqual(told.Keys, [{ KeyId: id, KeyArn: arn }]);
  assert.equal(told.Truncated, true);
  assert.equal(page({ Marker: told.NextMarker }, 100).after, 'é');
  const alias = { name: 'a"b', keyId: id, createdAt: 1500, updatedAt: 2500 };
  assert.deepEqual(JSON.parse(encodeListAliases({ aliases: [alias], realm }, ask('ListAliases', {}), names)), {
    Aliases: [
      {
        AliasArn: names.aliasArn(realm, 'a"b'),
        AliasName: 'alias/a"b',
        CreationDate: 1.5,
        LastUpdatedDate: 2.5,
        TargetKeyId: id,
      },
    ],
    Truncated: false,
  });
});

test('a scheduled deletion tells its date and its window', () => {
  const destruction = { at: 8000, requestedAt: 0, wasEnabled: true };
  const asked = ask('ScheduleKeyDeletion', { KeyId: id, PendingWindowInDays: 7 });
  assert.deepEqual(JSON.parse(encodeScheduleKeyDeletion({ key: { ...key, destruction } }, asked, names)), {
    KeyId: arn,
    DeletionDate: 8,
    KeyState: 'PendingDeletion',
    PendingWindowInDays: 7,
  });
});
