import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KmsError } from '#domain/domain.ts';
import { toBase64, toUtf8 } from '#encoding/encoding.ts';
import { toPageMark } from '../common/aws-fields.ts';
import { type JsonObject, readObject } from '../common/common.ts';
import { namesOf } from './names.ts';
import { operations } from './operations.ts';

type Name = keyof typeof operations;
type Fields = Record<string, unknown>;

const names = namesOf('eu-central-1');
const id = '1234abcd-12ab-34cd-56ef-1234567890ab';
const key = { by: 'id', id };
const b64 = (length: number) => toBase64(new Uint8Array(length).fill(7));

/** As it arrives: through JSON text. */
const decode = (name: Name, fields: Fields | string) =>
  operations[name].decode(readObject(toUtf8(typeof fields === 'string' ? fields : JSON.stringify(fields))), names);

const command = (name: Name, fields: Fields) => decode(name, fields).command;

/** A request that is right, for every operation. */
const right: Record<Name, Fields> = {
  CreateKey: {},
  DescribeKey: { KeyId: id },
  ListKeys: {},
  UpdateKeyDescription: { KeyId: id, Description: '' },
  EnableKey: { KeyId: id },
  DisableKey: { KeyId: id },
  EnableKeyRotation: { KeyId: id },
  DisableKeyRotation: { KeyId: id },
  GetKeyRotationStatus: { KeyId: id },
  RotateKeyOnDemand: { KeyId: id },
  ListKeyRotations: { KeyId: id },
  ScheduleKeyDeletion: { KeyId: id },
  CancelKeyDeletion: { KeyId: id },
  CreateAlias: { AliasName: 'alias/a', TargetKeyId: id },
  UpdateAlias: { AliasName: 'alias/a', TargetKeyId: id },
  DeleteAlias: { AliasName: 'alias/a' },
  ListAliases: {},
  TagResource: { KeyId: id, Tags: [{ TagKey: 'k', TagValue: 'v' }] },
  UntagResource: { KeyId: id, TagKeys: ['k'] },
  ListResourceTags: { KeyId: id },
  Encrypt: { KeyId: id, Plaintext: b64(3) },
  Decrypt: { CiphertextBlob: b64(3) },
  ReEncrypt: { CiphertextBlob: b64(3), DestinationKeyId: id },
  GenerateDataKey: { KeyId: id, KeySpec: 'AES_256' },
  GenerateDataKeyWithoutPlaintext: { KeyId: id, NumberOfBytes: 1024 },
  GenerateDataKeyPair: { KeyId: id, KeyPairSpec: 'RSA_2048' },
  GenerateDataKeyPairWithoutPlaintext: { KeyId: id, KeyPairSpec: 'ECC_NIST_P256' },
  GenerateRandom: { NumberOfBytes: 1 },
  Sign: { KeyId: id, Message: b64(1), SigningAlgorithm: 'ECDSA_SHA_256' },
  Verify: { KeyId: id, Message: b64(1), SigningAlgorithm: 'ECDSA_SHA_256', Signature: b64(64) },
  GetPublicKey: { KeyId: id },
  GenerateMac: { KeyId: id, Message: b64(1), MacAlgorithm: 'HMAC_SHA_256' },
  VerifyMac: { KeyId: id, Message: b64(1), MacAlgorithm: 'HMAC_SHA_256', Mac: b64(32) },
  DeriveSharedSecret: { KeyId: id, KeyAgreementAlgorithm: 'ECDH', PublicKey: b64(91) },
  Encapsulate: { KeyId: id, EncapsulationAlgorithm: 'ML_KEM' },
  CreateCustomKeyStore: {
    CustomKeyStoreName: 'store',
    CloudHsmClusterId: 'cluster-aaaaaaaaaaa',
    TrustAnchorCertificate: 'PEM',
    KeyStorePassword: 'kmsuser-1',
  },
  ReplicateKey: { KeyId: id, ReplicaRegion: 'eu-west-1' },
  UpdatePrimaryRegion: { KeyId: id, PrimaryRegion: 'us-gov-east-1' },
  DescribeCustomKeyStores: {},
  UpdateCustomKeyStore: { CustomKeyStoreId: 'cks-1' },
  DeleteCustomKeyStore: { CustomKeyStoreId: 'cks-1' },
  ConnectCustomKeyStore: { CustomKeyStoreId: 'cks-1' },
  DisconnectCustomKeyStore: { CustomKeyStoreId: 'cks-1' },
  PutKeyPolicy: { KeyId: id, Policy: '{}' },
  GetKeyPolicy: { KeyId: id },
  ListKeyPolicies: { KeyId: id },
  CreateGrant: { KeyId: id, GranteePrincipal: 'arn:aws:iam::111122223333:user/ann', Operations: ['Decrypt'] },
  ListGrants: { KeyId: id },
  ListRetirableGrants: { RetiringPrincipal: 'arn:aws:iam::111122223333:user/ann' },
  RetireGrant: { KeyId: id, GrantId: '0'.repeat(64) },
  RevokeGrant: { KeyId: id, GrantId: '0'.repeat(64) },
  GetKeyLastUsage: { KeyId: id },
  GetParametersForImport: { KeyId: id, WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_4096' },
  ImportKeyMaterial: { KeyId: id, ImportToken: b64(9), EncryptedKeyMaterial: b64(256), ValidTo: 1800000000.5 },
  DeleteImportedKeyMaterial: { KeyId: id },
  Decapsulate: { KeyId: id, EncapsulationAlgorithm: 'ML_KEM', SharedSecretCiphertextBlob: b64(1088) },
};

const all = Object.keys(operations) as Name[];

for (const name of all) {
  test(`${name} is understood as its row's action`, () => {
    assert.equal(command(name, right[name]).kind, operations[name].action);
  });
}

test('every member that is needed is asked for', () => {
  for (const name of all) {
    for (const member of Object.keys(right[name])) {
      const { [member]: _, ...rest } = right[name];
      assert.throws(() => decode(name, rest), { code: 'invalid-parameter' }, `${name} without ${member}`);
    }
  }
});

test('a member of the wrong type is malformed', () => {
  for (const name of all) {
    for (const member of Object.keys(right[name])) {
      assert.throws(() => decode(name, { ...right[name], [member]: { a: 1 } }), KmsError, `${name}.${member}`);
      assert.throws(() => decode(name, { ...right[name], [member]: true }), { code: 'malformed' }, `${name}.${member}`);
    }
  }
});

test('what an import request means', () => {
  const usual = {
    kind: 'import-key-material',
    key,
    token: new Uint8Array(9).fill(7),
    wrapped: new Uint8Array(256).fill(7),
  };
  const { ValidTo, ...stays } = right.ImportKeyMaterial;
  const model = { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' };
  const plain = (asked: object) => JSON.parse(JSON.stringify({ ...asked, token: 0, wrapped: 0 }));
  assert.deepEqual(plain(command('ImportKeyMaterial', { ...stays, ...model })), plain(usual));
  assert.deepEqual(
    plain(command('ImportKeyMaterial', { ...stays, ValidTo })),
    plain({ ...usual, expiresAt: 1800000000500 }),
  );
  const more = { ImportType: 'EXISTING_KEY_MATERIAL', KeyMaterialDescription: 'a b', KeyMaterialId: 'a0'.repeat(32) };
  assert.deepEqual(
    plain(command('ImportKeyMaterial', { ...stays, ...model, ...more })),
    plain({ ...usual, material: 'existing', materialLabel: 'a b', materialId: 'a0'.repeat(32) }),
  );
});

test('what a create-key request means', () => {
  const usual = { kind: 'create-key', spec: 'aes-256', usages: ['encrypt'], class: 'enveloped', description: '' };
  assert.deepEqual(command('CreateKey', {}), usual);
  assert.deepEqual(command('CreateKey', { CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT', Origin: 'AWS_KMS' }), usual);
  assert.deepEqual(command('CreateKey', { MultiRegion: false, BypassPolicyLockoutSafetyCheck: false }), usual);
  assert.deepEqual(command('CreateKey', { Policy: '{}', BypassPolicyLockoutSafetyCheck: true }), {
    ...usual,
    policy: '{}',
    bypassLockoutCheck: true,
  });
  const rsa = { KeySpec: 'RSA_3072', KeyUsage: 'SIGN_VERIFY', Description: 'd', Tags: [{ TagKey: 'a', TagValue: '' }] };
  assert.deepEqual(command('CreateKey', rsa), {
    ...usual,
    spec: 'rsa-3072',
    usages: ['sign'],
    description: 'd',
    tags: { a: '' },
  });
  assert.deepEqual(command('CreateKey', { Origin: 'EXTERNAL' }), { ...usual, origin: 'external' });
  assert.deepEqual(command('CreateKey', { MultiRegion: true }), { ...usual, multiRegion: true });
  const agree = command('CreateKey', { KeySpec: 'ECC_NIST_P384', KeyUsage: 'KEY_AGREEMENT' });
  assert.deepEqual(agree, { ...usual, spec: 'ec-p384', usages: ['agree'] });
});

test('dates and lengths that a request leaves out have the values of AWS', () => {
  assert.deepEqual(command('EnableKeyRotation', { KeyId: id }), {
    kind: 'update-key',
    key,
    patch: { rotationPeriodDays: 365 },
  });
  assert.deepEqual(command('ScheduleKeyDeletion', { KeyId: id }), { kind: 'schedule-destruction', key, days: 30 });
  assert.deepEqual(command('ListKeys', {}), { kind: 'list-keys', after: '', limit: 100 });
  assert.deepEqual(command('ListAliases', { Limit: 1000 }), { kind: 'list-aliases', after: '', limit: 100 });
  assert.deepEqual(command('ListKeys', { Marker: toPageMark('é'), Limit: 7 }), {
    kind: 'list-keys',
    after: 'é',
    limit: 7,
  });
});

test('cryptographic requests carry their bytes, scheme and context', () => {
  const asked = command('Encrypt', {
    ...right.Encrypt,
    EncryptionContext: { b: '2', a: '1' },
    GrantTokens: [],
    DryRun: false,
  });
  assert.ok(asked.kind === 'encrypt');
  assert.deepEqual([...asked.plaintext.release()], [7, 7, 7]);
  assert.equal(asked.scheme, 'envelope');
  assert.deepEqual(asked.context, {
    pairs: [
      ['b', '2'],
      ['a', '1'],
    ],
  });
  assert.deepEqual(
    command('Decrypt', { ...right.Decrypt, KeyId: 'alias/a', EncryptionAlgorithm: 'RSAES_OAEP_SHA_1' }),
    {
      kind: 'decrypt',
      key: { by: 'name', name: 'a' },
      ciphertext: Buffer.from([7, 7, 7]),
      context: {},
      scheme: 'rsa-oaep-sha1',
    },
  );
  const pss = command('Sign', {
    ...right.Sign,
    MessageType: 'DIGEST',
    Message: b64(64),
    SigningAlgorithm: 'RSASSA_PSS_SHA_512',
  });
  assert.ok(pss.kind === 'sign');
  assert.deepEqual([pss.messageType, pss.scheme], ['digest', { family: 'rsa-pss', hash: 'sha512' }]);
});

test('a digest for Ed25519ph is the message that is hashed once more', () => {
  const asked = command('Sign', {
    KeyId: id,
    Message: b64(64),
    MessageType: 'DIGEST',
    SigningAlgorithm: 'ED25519_PH_SHA_512',
  });
  assert.ok(asked.kind === 'sign');
  assert.deepEqual([asked.messageType, asked.scheme], ['raw', { family: 'ed25519ph' }]);
});

test('a context may have members that objects treat specially', () => {
  const asked = operations.Encrypt.decode(
    readObject(
      toUtf8(`{"KeyId":"${id}","Plaintext":"AAAA","EncryptionContext":{"__proto__":"p","constructor":"c","":""}}`),
    ),
    names,
  );
  assert.deepEqual(asked.command.context.pairs, [
    ['__proto__', 'p'],
    ['constructor', 'c'],
    ['', ''],
  ]);
  const tags = command('TagResource', JSON.parse(`{"KeyId":"${id}","Tags":[{"TagKey":"__proto__","TagValue":"v"}]}`));
  assert.ok(tags.kind === 'tag-key');
  assert.deepEqual(Object.entries(tags.tags), [['__proto__', 'v']]);
});

test('members are read from the request alone, never from what every object inherits', () => {
  assert.throws(() => decode('Encrypt', `{"__proto__":{"KeyId":"${id}","Plaintext":"AAAA"}}`), {
    code: 'invalid-parameter',
  });
});

const validation = 'invalid-parameter';
const big = 'x'.repeat(8193);
const tag = (TagKey: unknown, TagValue: unknown = '') => ({ Tags: [{ TagKey, TagValue }] });
const context = (pairs: Fields) => ({ EncryptionContext: pairs });

/** Operation, what is changed of the right request, and the code or the AWS exception that answers. */
const refused: ReadonlyArray<readonly [Name, Fields, string]> = [
  ['CreateKey', { KeySpec: 'AES_256' }, validation],
  ['CreateKey', { KeySpec: 'RSA_2048' }, validation],
  ['CreateKey', { KeySpec: 'RSA_2048', KeyUsage: 'GENERATE_VERIFY_MAC' }, validation],
  ['CreateKey', { KeyUsage: 'SIGN_VERIFY' }, validation],
  ['CreateKey', { KeySpec: 'HMAC_256' }, validation],
  ['CreateKey', { KeySpec: 'RSA_2048', CustomerMasterKeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' }, validation],
  ['CreateKey', { KeySpec: 'SM2', KeyUsage: 'ENCRYPT_DECRYPT' }, 'unsupported'],
  ['CreateKey', { KeySpec: 'SM2', KeyUsage: 'KEY_AGREEMENT' }, 'unsupported'],
  ['CreateKey', { KeySpec: 'SM2', KeyUsage: 'GENERATE_VERIFY_MAC' }, validation],
  ['CreateKey', { Origin: 'MARS' }, validation],
  ['ReplicateKey', { ReplicaRegion: 'nowhere' }, validation],
  ['ReplicateKey', { ReplicaRegion: 'eu-west-1/../x' }, validation],
  ['ReplicateKey', { ReplicaRegion: `${'a'.repeat(30)}-b-1` }, validation],
  ['ReplicateKey', { KeyId: 'alias/a' }, 'not-found'],
  ['UpdatePrimaryRegion', { PrimaryRegion: 'EU-WEST-1' }, validation],
  ['UpdatePrimaryRegion', { KeyId: 'alias/a' }, 'not-found'],
  ['CreateKey', { CustomKeyStoreId: 'cks-1' }, validation],
  ['CreateKey', { XksKeyId: 'x' }, validation],
  ['CreateKey', { Origin: 'AWS_CLOUDHSM' }, validation],
  ['CreateKey', { Origin: 'EXTERNAL_KEY_STORE', CustomKeyStoreId: 'cks-1' }, validation],
  [
    'CreateKey',
    { Origin: 'AWS_CLOUDHSM', CustomKeyStoreId: 'cks-1', KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' },
    'unsupported',
  ],
  ['CreateKey', { Policy: '' }, validation],
  ['CreateKey', { Policy: 'x'.repeat(131073) }, validation],
  ['PutKeyPolicy', { PolicyName: 'other' }, 'not-found'],
  ['CreateGrant', { Operations: [] }, validation],
  ['CreateGrant', { Operations: ['decrypt'] }, validation],
  ['CreateGrant', { Operations: [1] }, validation],
  ['CreateGrant', { GranteePrincipal: 'a b' }, validation],
  ['CreateGrant', { RetiringPrincipal: 'x'.repeat(257) }, validation],
  ['CreateGrant', { Name: 'a b' }, validation],
  ['CreateGrant', { Constraints: { EncryptionContextEquals: { a: 'x'.repeat(384) } } }, validation],
  [
    'CreateGrant',
    { Constraints: { EncryptionContextSubset: Object.fromEntries('abcdefghi'.split('').entries()) } },
    validation,
  ],
  ['RevokeGrant', { GrantId: 'x' }, 'InvalidGrantIdException'],
  ['RevokeGrant', { GrantId: 'x'.repeat(129) }, validation],
  ['RetireGrant', { GrantToken: 'x', GrantId: undefined, KeyId: undefined }, 'invalid-grant'],
  ['RetireGrant', { GrantToken: 'x' }, validation],
  ['CreateKey', { Description: big }, validation],
  ['CreateKey', tag(''), 'TagException'],
  ['CreateKey', tag('x'.repeat(129)), 'TagException'],
  ['CreateKey', tag('k', 'x'.repeat(257)), 'TagException'],
  ['CreateKey', tag('a<b'), 'TagException'],
  ['CreateKey', tag('k', 'a<b'), 'TagException'],
  ['CreateKey', tag('AWS:x'), 'TagException'],
  [
    'CreateKey',
    {
      Tags: [
        { TagKey: 'a', TagValue: '' },
        { TagKey: 'a', TagValue: '' },
      ],
    },
    'TagException',
  ],
  ['CreateKey', { Tags: Array.from({ length: 51 }, (_, i) => ({ TagKey: `${i}`, TagValue: '' })) }, 'limit-exceeded'],
  ['CreateKey', { Tags: [null] }, 'malformed'],
  ['UntagResource', { TagKeys: [1] }, 'TagException'],
  ['ListKeys', { Limit: 0 }, validation],
  ['ListKeys', { Limit: 1001 }, validation],
  ['ListKeys', { Limit: 1.5 }, 'malformed'],
  ['ListKeys', { Marker: '' }, 'invalid-page'],
  ['ListKeys', { Marker: '*' }, 'invalid-page'],
  ['ListKeys', { Marker: '_w' }, 'invalid-page'],
  ['ListKeyRotations', { Marker: toPageMark('x') }, 'invalid-page'],
  ['ListKeyRotations', { IncludeKeyMaterial: 'SOME' }, validation],
  ['EnableKey', { KeyId: 'alias/a' }, 'not-found'],
  ['ListAliases', { KeyId: 'alias/a' }, 'not-found'],
  ['EnableKeyRotation', { RotationPeriodInDays: 89 }, validation],
  ['EnableKeyRotation', { RotationPeriodInDays: 2561 }, validation],
  ['ScheduleKeyDeletion', { PendingWindowInDays: 6 }, validation],
  ['ScheduleKeyDeletion', { PendingWindowInDays: 31 }, validation],
  ['CreateAlias', { TargetKeyId: 'alias/b' }, validation],
  ['CreateAlias', { TargetKeyId: 'alias/a' }, validation],
  ['UpdateAlias', { TargetKeyId: 'arn:aws:kms:eu-central-1:111122223333:alias/b' }, validation],
  ['CreateAlias', { AliasName: 'alias/aws/x' }, 'InvalidAliasNameException'],
  ['DeleteAlias', { AliasName: 'x' }, 'InvalidAliasNameException'],
  ['Encrypt', { Plaintext: '' }, validation],
  ['Encrypt', { Plaintext: b64(4097) }, validation],
  ['Encrypt', { Plaintext: 'AA' }, 'malformed'],
  ['Encrypt', { Plaintext: 'AAA=\n' }, 'malformed'],
  ['Encrypt', { Plaintext: 'AAB=' }, 'malformed'],
  ['Encrypt', { Plaintext: 'A-_A' }, 'malformed'],
  ['Encrypt', { EncryptionAlgorithm: 'ROT13' }, validation],
  ['Encrypt', { EncryptionAlgorithm: 'SM2PKE' }, 'unsupported'],
  ['Encrypt', { EncryptionAlgorithm: 'RSAES_OAEP_SHA_256', ...context({ a: 'b' }) }, validation],
  ['Encrypt', context({ a: 1 }), 'malformed'],
  ['Encrypt', { EncryptionContext: [] }, 'malformed'],
  ['Encrypt', context({ a: big }), validation],
  ['Encrypt', context({ a: 'é'.repeat(4096) }), validation],
  ['Encrypt', context({ '\ud800': 'x' }), validation],
  ['Decrypt', { CiphertextBlob: '' }, validation],
  ['Decrypt', { CiphertextBlob: b64(6145) }, validation],
  ['Decrypt', { EncryptionAlgorithm: 'RSAES_OAEP_SHA_256' }, validation],
  ['Decrypt', { Recipient: {} }, validation],
  ['ReEncrypt', { SourceEncryptionAlgorithm: 'RSAES_OAEP_SHA_256' }, validation],
  ['GenerateDataKey', { NumberOfBytes: 32 }, validation],
  ['GenerateDataKeyWithoutPlaintext', { NumberOfBytes: 1025 }, validation],
  ['GenerateDataKeyWithoutPlaintext', { NumberOfBytes: 0 }, validation],
  ['GenerateDataKeyPair', { KeyPairSpec: 'ML_DSA_44' }, validation],
  ['GenerateDataKeyPair', { KeyPairSpec: 'SYMMETRIC_DEFAULT' }, validation],
  ['GenerateRandom', { NumberOfBytes: 0 }, validation],
  ['GenerateRandom', { NumberOfBytes: 1025 }, validation],
  ['GenerateRandom', { CustomKeyStoreId: '' }, validation],
  ['Sign', { Message: b64(4097) }, validation],
  ['Sign', { MessageType: 'DIGEST', Message: b64(33) }, validation],
  ['Sign', { MessageType: 'EXTERNAL_MU', Message: b64(64) }, validation],
  ['Sign', { MessageType: 'DIGEST', Message: b64(64), SigningAlgorithm: 'ML_DSA_SHAKE_256' }, validation],
  ['Sign', { MessageType: 'DIGEST', Message: b64(64), SigningAlgorithm: 'ED25519_SHA_512' }, validation],
  ['Sign', { MessageType: 'RAW', SigningAlgorithm: 'ED25519_PH_SHA_512' }, validation],
  ['Sign', { MessageType: 'EXTERNAL_MU', Message: b64(63), SigningAlgorithm: 'ML_DSA_SHAKE_256' }, validation],
  ['Sign', { MessageType: 'DIGEST', Message: b64(31), SigningAlgorithm: 'SM2DSA' }, validation],
  ['Sign', { MessageType: 'EXTERNAL_MU', Message: b64(64), SigningAlgorithm: 'SM2DSA' }, validation],
  ['Verify', { Signature: b64(6145) }, validation],
  ['GenerateMac', { MacAlgorithm: 'HMAC_MD5' }, validation],
  ['VerifyMac', { Mac: '' }, validation],
  ['DeriveSharedSecret', { KeyAgreementAlgorithm: 'X25519' }, validation],
  ['DeriveSharedSecret', { PublicKey: '' }, validation],
  ['DeriveSharedSecret', { PublicKey: b64(8193) }, validation],
  ['DeriveSharedSecret', { Recipient: {} }, validation],
  ['Encapsulate', { EncapsulationAlgorithm: 'RSA_KEM' }, validation],
  ['GetParametersForImport', { WrappingAlgorithm: 'RSAES_PKCS1_V1_5' }, 'unsupported'],
  ['GetParametersForImport', { WrappingAlgorithm: 'SM2PKE' }, 'unsupported'],
  ['GetParametersForImport', { WrappingAlgorithm: 'RSAES_OAEP_SHA_512' }, validation],
  ['GetParametersForImport', { WrappingKeySpec: 'SM2' }, 'unsupported'],
  ['GetParametersForImport', { WrappingKeySpec: 'RSA_1024' }, validation],
  ['GetParametersForImport', { KeyId: 'alias/a' }, 'not-found'],
  ['ImportKeyMaterial', { ImportToken: b64(6145) }, validation],
  ['ImportKeyMaterial', { EncryptedKeyMaterial: b64(6145) }, validation],
  ['ImportKeyMaterial', { ValidTo: '2030-01-01' }, 'malformed'],
  ['ImportKeyMaterial', { ValidTo: 1e300 }, 'malformed'],
  ['ImportKeyMaterial', { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' }, validation],
  ['ImportKeyMaterial', { ExpirationModel: 'NEVER' }, validation],
  ['ImportKeyMaterial', { ImportType: 'OLD_KEY_MATERIAL' }, validation],
  ['ImportKeyMaterial', { KeyMaterialDescription: 'a'.repeat(257) }, validation],
  ['ImportKeyMaterial', { KeyMaterialDescription: '<b>' }, validation],
  ['ImportKeyMaterial', { KeyMaterialId: 'A'.repeat(64) }, validation],
  ['DeleteImportedKeyMaterial', { KeyMaterialId: '0'.repeat(63) }, validation],
  ['Decapsulate', { EncapsulationAlgorithm: 'ml_kem' }, validation],
  ['Decapsulate', { SharedSecretCiphertextBlob: '' }, validation],
  ['Decapsulate', { SharedSecretCiphertextBlob: b64(6145) }, validation],
];

for (const [name, changed, wanted] of refused) {
  test(`${name} refuses ${JSON.stringify(changed).slice(0, 70)} with ${wanted}`, () => {
    assert.throws(
      () => decode(name, { ...right[name], ...changed }),
      (error) => error instanceof KmsError && [error.code, (error as { type?: string }).type].includes(wanted),
    );
  });
}

test('a body that is no JSON object, or is nested without end, is malformed', () => {
  for (const body of ['[]', 'null', '1', '{', '{"KeyId":}', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`]) {
    assert.throws(() => decode('Encrypt', body), { code: 'malformed' }, body.slice(0, 20));
  }
  assert.throws(() => readObject(Uint8Array.of(0x7b, 0xff, 0x7d)), { code: 'malformed' });
});

/** A small generator with a seed, so that a failure can be found again. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const members = [...new Set(Object.values(right).flatMap(Object.keys))].concat(
  ['EncryptionContext', 'GrantTokens', 'DryRun', 'Recipient', 'Limit', 'Marker', 'Policy', 'Origin', 'KeySpec'],
  ['KeyUsage', 'MessageType', 'EncryptionAlgorithm', 'MultiRegion', '__proto__', 'constructor'],
);
const values: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1e308,
  0.5,
  2 ** 53,
  '',
  'x',
  id,
  'alias/a',
  'arn:aws:kms:',
  'AAAA',
  '\ud800',
  '__proto__',
  [],
  {},
  [null],
  [[]],
  { __proto__: null, a: 1 },
  { a: 'b' },
  [{ TagKey: 'a', TagValue: 'b' }],
  'RAW',
  'AES_256',
  'RSA_2048',
  'x'.repeat(9000),
  'AAAA'.repeat(2200),
];

test('no request makes a decoder throw anything but a KmsError', () => {
  const pick = random(20261124);
  let understood = 0;
  for (let i = 0; i < 60_000; i++) {
    const name = all[pick(all.length)]!;
    const fields: Fields = pick(4) === 0 ? {} : { ...right[name] };
    for (let changes = pick(4); changes > 0; changes--) {
      Object.defineProperty(fields, members[pick(members.length)]!, {
        value: values[pick(values.length)],
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    try {
      operations[name].decode(fields as JsonObject, names);
      understood++;
    } catch (error) {
      if (!(error instanceof KmsError)) throw new Error(`${name} of ${JSON.stringify(fields)}`, { cause: error });
    }
  }
  assert.ok(understood > 5_000, `only ${understood} requests were understood`);
});

test('no change of a request in its bytes makes its reading throw anything but a KmsError', () => {
  const pick = random(7);
  for (let i = 0; i < 20_000; i++) {
    const name = all[pick(all.length)]!;
    const body = Buffer.from(JSON.stringify(right[name]));
    for (let changes = 1 + pick(3); changes > 0; changes--) body[pick(body.length)] = pick(256);
    try {
      operations[name].decode(readObject(body), names);
    } catch (error) {
      if (!(error instanceof KmsError)) throw new Error(`${name} of ${body.toString('latin1')}`, { cause: error });
    }
  }
});
