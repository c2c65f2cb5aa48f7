import assert from 'node:assert/strict';
import {
  constants,
  createCipheriv,
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  publicEncrypt,
  randomBytes,
  verify,
} from 'node:crypto';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import * as sdk from '@aws-sdk/client-kms';
import { serverOfThisFile } from '../../harness.ts';
import { kmsClient } from './clients.ts';

const { env } = await serverOfThisFile();
const kms = kmsClient(env);

const stays = { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' } as const;
const pkcs8 = (key: KeyObject) => key.export({ format: 'der', type: 'pkcs8' });

/** As a client wraps, by OpenSSL's own AES key wrap with padding. */
function wrap(spki: Uint8Array, algorithm: sdk.AlgorithmSpec, material: Uint8Array): Buffer {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  const oaepHash = algorithm.endsWith('SHA_1') ? 'sha1' : 'sha256';
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  if (algorithm.startsWith('RSAES')) return publicEncrypt({ key, padding, oaepHash }, material);
  const kek = randomBytes(32);
  const cipher = createCipheriv('id-aes256-wrap-pad', kek, Buffer.from('a65959a6', 'hex'));
  return Buffer.concat([publicEncrypt({ key, padding, oaepHash }, kek), cipher.update(material), cipher.final()]);
}

type How = readonly [sdk.AlgorithmSpec, sdk.WrappingKeySpec];
const usual: How = ['RSAES_OAEP_SHA_256', 'RSA_2048'];

async function create(input: sdk.CreateKeyCommandInput = {}): Promise<string> {
  const { KeyMetadata } = await kms.createKey({ ...input, Origin: 'EXTERNAL' });
  return KeyMetadata!.Arn!;
}

async function bring(
  KeyId: string,
  material: Uint8Array,
  more: Partial<sdk.ImportKeyMaterialCommandInput> = {},
  [WrappingAlgorithm, WrappingKeySpec]: How = usual,
) {
  const { ImportToken, PublicKey } = await kms.getParametersForImport({ KeyId, WrappingAlgorithm, WrappingKeySpec });
  const EncryptedKeyMaterial = wrap(PublicKey!, WrappingAlgorithm, material);
  return kms.importKeyMaterial({ KeyId, ImportToken, EncryptedKeyMaterial, ...(more.ValidTo ? {} : stays), ...more });
}

const metadata = async (KeyId: string) => (await kms.describeKey({ KeyId })).KeyMetadata!;
const Plaintext = Buffer.from('a message');

describe('a key with Origin EXTERNAL', () => {
  test('is told as PendingImport, works once imported, and tells its material', async () => {
    const KeyId = await create();
    const fresh = await metadata(KeyId);
    assert.deepEqual(
      [fresh.KeyState, fresh.Enabled, fresh.Origin, fresh.ExpirationModel, fresh.ValidTo, fresh.CurrentKeyMaterialId],
      ['PendingImport', false, 'EXTERNAL', undefined, undefined, undefined],
    );
    assert.equal(fresh.KeySpec, 'SYMMETRIC_DEFAULT');
    await assert.rejects(kms.encrypt({ KeyId, Plaintext }), sdk.KMSInvalidStateException);
    await assert.rejects(kms.enableKey({ KeyId }), sdk.KMSInvalidStateException);
    await assert.rejects(kms.disableKey({ KeyId }), sdk.KMSInvalidStateException);
    await assert.rejects(kms.enableKeyRotation({ KeyId }), sdk.UnsupportedOperationException);
    await assert.rejects(kms.disableKeyRotation({ KeyId }), sdk.UnsupportedOperationException);
    await assert.rejects(kms.getKeyRotationStatus({ KeyId }), sdk.UnsupportedOperationException);
    assert.deepEqual((await kms.listKeyRotations({ KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' })).Rotations, []);
    await kms.tagResource({ KeyId, Tags: [{ TagKey: 'a', TagValue: 'b' }] });
    await kms.createAlias({ AliasName: 'alias/imported', TargetKeyId: fresh.KeyId! });

    const { KeyId: answered, KeyMaterialId } = await bring(KeyId, randomBytes(32));
    assert.equal(answered, KeyId);
    assert.match(KeyMaterialId!, /^[0-9a-f]{64}$/);
    const ready = await metadata('alias/imported');
    assert.deepEqual(
      [ready.KeyState, ready.Enabled, ready.ExpirationModel, ready.ValidTo, ready.CurrentKeyMaterialId],
      ['Enabled', true, 'KEY_MATERIAL_DOES_NOT_EXPIRE', undefined, KeyMaterialId],
    );
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext });
    const opened = await kms.decrypt({ CiphertextBlob });
    assert.deepEqual([Buffer.from(opened.Plaintext!), opened.KeyMaterialId], [Plaintext, KeyMaterialId]);
    const dataKey = await kms.generateDataKey({ KeyId, KeySpec: 'AES_256' });
    assert.equal(dataKey.KeyMaterialId, KeyMaterialId);
    const moved = await kms.reEncrypt({ CiphertextBlob, DestinationKeyId: KeyId });
    assert.deepEqual([moved.SourceKeyMaterialId, moved.DestinationKeyMaterialId], [KeyMaterialId, KeyMaterialId]);
  });

  test('takes every wrapping algorithm and key that AWS takes', async () => {
    const specs = ['RSA_2048', 'RSA_3072', 'RSA_4096'] as const;
    const algorithms = [
      'RSAES_OAEP_SHA_1',
      'RSAES_OAEP_SHA_256',
      'RSA_AES_KEY_WRAP_SHA_1',
      'RSA_AES_KEY_WRAP_SHA_256',
    ] as const;
    const KeyId = await create();
    const material = randomBytes(32);
    for (const [at, algorithm] of algorithms.entries()) await bring(KeyId, material, {}, [algorithm, specs[at % 3]!]);
    const parameters = await kms.getParametersForImport({
      ...{ KeyId, WrappingAlgorithm: 'RSA_AES_KEY_WRAP_SHA_256', WrappingKeySpec: 'RSA_4096' },
    });
    assert.ok(parameters.ImportToken!.length <= 6144);
    const left = parameters.ParametersValidTo!.getTime() - Date.now();
    assert.ok(left > 23.9 * 3600e3 && left <= 24 * 3600e3 + 1000, `${left}`);
    for (const WrappingAlgorithm of ['RSAES_PKCS1_V1_5', 'SM2PKE'] as const) {
      const input = { KeyId, WrappingAlgorithm, WrappingKeySpec: 'RSA_2048' } as const;
      await assert.rejects(kms.getParametersForImport(input), sdk.UnsupportedOperationException);
    }
    const chinese = { KeyId, WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'SM2' } as const;
    await assert.rejects(kms.getParametersForImport(chinese), sdk.UnsupportedOperationException);
  });

  test('serves every kind of key', async () => {
    const message = { Message: Plaintext };
    const byAes: How = ['RSA_AES_KEY_WRAP_SHA_256', 'RSA_3072'];
    const pairs: ReadonlyArray<
      readonly [
        sdk.KeySpec,
        () => { privateKey: KeyObject; publicKey: KeyObject },
        sdk.SigningAlgorithmSpec,
        string | null,
      ]
    > = [
      ['RSA_2048', () => generateKeyPairSync('rsa', { modulusLength: 2048 }), 'RSASSA_PKCS1_V1_5_SHA_256', 'sha256'],
      ['ECC_NIST_P256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' }), 'ECDSA_SHA_256', 'sha256'],
      ['ECC_NIST_P384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' }), 'ECDSA_SHA_384', 'sha384'],
      ['ECC_NIST_P521', () => generateKeyPairSync('ec', { namedCurve: 'P-521' }), 'ECDSA_SHA_512', 'sha512'],
      ['ECC_SECG_P256K1', () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }), 'ECDSA_SHA_256', 'sha256'],
      ['ECC_NIST_EDWARDS25519', () => generateKeyPairSync('ed25519'), 'ED25519_SHA_512', null],
      ['ML_DSA_44', () => generateKeyPairSync('ml-dsa-44'), 'ML_DSA_SHAKE_256', null],
    ];
    for (const [KeySpec, make, SigningAlgorithm, hash] of pairs) {
      const KeyId = await create({ KeySpec, KeyUsage: 'SIGN_VERIFY' });
      await assert.rejects(kms.sign({ KeyId, SigningAlgorithm, ...message }), sdk.KMSInvalidStateException);
      await assert.rejects(kms.getPublicKey({ KeyId }), sdk.KMSInvalidStateException);
      const { privateKey, publicKey } = make();
      await bring(KeyId, pkcs8(privateKey), {}, byAes);
      const { Signature } = await kms.sign({ KeyId, SigningAlgorithm, ...message });
      assert.ok(verify(hash, Plaintext, publicKey, Signature!), KeySpec);
      const told = await kms.getPublicKey({ KeyId });
      assert.deepEqual(Buffer.from(told.PublicKey!), publicKey.export({ format: 'der', type: 'spki' }), KeySpec);
      assert.equal((await metadata(KeyId)).CurrentKeyMaterialId, undefined);
      await assert.rejects(bring(KeyId, pkcs8(make().privateKey), {}, byAes), sdk.IncorrectKeyMaterialException);
      await bring(KeyId, pkcs8(privateKey), {}, byAes);
    }
    for (const [KeySpec, bytes, MacAlgorithm, hash] of [
      ['HMAC_224', 28, 'HMAC_SHA_224', 'sha224'],
      ['HMAC_256', 32, 'HMAC_SHA_256', 'sha256'],
      ['HMAC_384', 48, 'HMAC_SHA_384', 'sha384'],
      ['HMAC_512', 64, 'HMAC_SHA_512', 'sha512'],
    ] as const) {
      const KeyId = await create({ KeySpec, KeyUsage: 'GENERATE_VERIFY_MAC' });
      await assert.rejects(bring(KeyId, randomBytes(bytes - 1)), sdk.IncorrectKeyMaterialException);
      const material = randomBytes(bytes);
      await bring(KeyId, material);
      const { Mac } = await kms.generateMac({ KeyId, MacAlgorithm, ...message });
      assert.deepEqual(Buffer.from(Mac!), createHmac(hash, material).update(Plaintext).digest());
    }
  });

  test('refuses what is no import for it, each by its own exception', async () => {
    const [KeyId, other] = [await create(), await create()];
    const [WrappingAlgorithm, WrappingKeySpec] = usual;
    const asked = { WrappingAlgorithm, WrappingKeySpec };
    const { ImportToken, PublicKey } = await kms.getParametersForImport({ KeyId, ...asked });
    const EncryptedKeyMaterial = wrap(PublicKey!, WrappingAlgorithm, randomBytes(32));
    const right = { KeyId, ImportToken, EncryptedKeyMaterial, ...stays };
    const changed = Buffer.from(ImportToken!);
    changed[changed.length - 1]! ^= 1;
    const refused = (
      input: Partial<sdk.ImportKeyMaterialCommandInput>,
      error: object | (new (...of: never[]) => Error),
    ) => assert.rejects(kms.importKeyMaterial({ ...right, ...input }), error as never);
    await refused({ ImportToken: changed }, sdk.InvalidImportTokenException);
    await refused({ KeyId: other }, sdk.InvalidImportTokenException);
    await refused({ EncryptedKeyMaterial: randomBytes(256) }, sdk.InvalidCiphertextException);
    await refused(
      { EncryptedKeyMaterial: wrap(PublicKey!, WrappingAlgorithm, randomBytes(31)) },
      sdk.IncorrectKeyMaterialException,
    );
    await refused({ ImportType: 'EXISTING_KEY_MATERIAL' }, sdk.IncorrectKeyMaterialException);
    await refused({ KeyMaterialId: '0'.repeat(64) }, sdk.IncorrectKeyMaterialException);
    const validation = { name: 'ValidationException' };
    await refused({ ImportType: 'NEW_KEY_MATERIAL', KeyMaterialId: '0'.repeat(64) }, validation);
    await refused({ ExpirationModel: undefined }, validation);
    await refused({ ValidTo: new Date(Date.now() + 1e6) }, validation);
    const expires = { ExpirationModel: 'KEY_MATERIAL_EXPIRES' } as const;
    await refused({ ...expires, ValidTo: new Date(Date.now() - 1000) }, validation);
    await refused({ ...expires, ValidTo: new Date(Date.now() + 366 * 24 * 3600e3) }, validation);
    const { KeyMetadata } = await kms.createKey({});
    const own = { KeyId: KeyMetadata!.KeyId! };
    await assert.rejects(kms.getParametersForImport({ ...own, ...asked }), sdk.UnsupportedOperationException);
    await refused(own, sdk.UnsupportedOperationException);
    await assert.rejects(kms.deleteImportedKeyMaterial(own), sdk.UnsupportedOperationException);
    await refused({ KeyId: '00000000-0000-4000-8000-000000000000' }, sdk.NotFoundException);
    const rsa = await create({ KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' });
    await assert.rejects(kms.getParametersForImport({ KeyId: rsa, ...asked }), sdk.UnsupportedOperationException);
    const mac = await create({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
    await assert.rejects(
      bring(mac, randomBytes(32), { KeyMaterialDescription: 'x' }),
      sdk.UnsupportedOperationException,
    );
    await assert.rejects(kms.rotateKeyOnDemand({ KeyId: mac }), sdk.UnsupportedOperationException);
  });

  test('loses its material by DeleteImportedKeyMaterial and gets the same back', async () => {
    const KeyId = await create();
    const material = randomBytes(32);
    const { KeyMaterialId } = await bring(KeyId, material);
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext });
    assert.equal((await kms.deleteImportedKeyMaterial({ KeyId })).KeyMaterialId, KeyMaterialId);
    const gone = await metadata(KeyId);
    assert.deepEqual([gone.KeyState, gone.ExpirationModel], ['PendingImport', undefined]);
    await assert.rejects(kms.decrypt({ CiphertextBlob }), sdk.KMSInvalidStateException);
    await kms.deleteImportedKeyMaterial({ KeyId });
    await assert.rejects(bring(KeyId, randomBytes(32)), sdk.IncorrectKeyMaterialException);
    await bring(KeyId, material, { KeyMaterialId, ImportType: 'EXISTING_KEY_MATERIAL' });
    assert.deepEqual(Buffer.from((await kms.decrypt({ CiphertextBlob })).Plaintext!), Plaintext);
  });

  test('is of no use from the moment on at which its material ends', async () => {
    const KeyId = await create();
    const material = randomBytes(32);
    const ValidTo = new Date(Math.ceil(Date.now() / 1000) * 1000 + 2000);
    await bring(KeyId, material, { ValidTo, ExpirationModel: 'KEY_MATERIAL_EXPIRES' });
    const told = await metadata(KeyId);
    assert.deepEqual([told.ExpirationModel, told.ValidTo], ['KEY_MATERIAL_EXPIRES', ValidTo]);
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext });
    await sleep(ValidTo.getTime() - Date.now() + 1);
    await assert.rejects(kms.decrypt({ CiphertextBlob }), sdk.KMSInvalidStateException);
    assert.equal((await metadata(KeyId)).KeyState, 'PendingImport');
    await bring(KeyId, material);
    assert.deepEqual(Buffer.from((await kms.decrypt({ CiphertextBlob })).Plaintext!), Plaintext);
  });

  test('can be deleted while it waits, and comes back waiting', async () => {
    const KeyId = await create();
    const material = randomBytes(32);
    await bring(KeyId, material);
    await kms.deleteImportedKeyMaterial({ KeyId });
    const asked = { KeyId, WrappingAlgorithm: usual[0], WrappingKeySpec: usual[1] };
    await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    assert.equal((await metadata(KeyId)).KeyState, 'PendingDeletion');
    await assert.rejects(kms.getParametersForImport(asked), sdk.KMSInvalidStateException);
    await kms.deleteImportedKeyMaterial({ KeyId });
    await kms.cancelKeyDeletion({ KeyId });
    assert.equal((await metadata(KeyId)).KeyState, 'PendingImport');
    await bring(KeyId, material);
    assert.equal((await metadata(KeyId)).KeyState, 'Enabled');
  });

  test('rotates on demand to material that was imported for it', async () => {
    const KeyId = await create();
    const [first, second] = [randomBytes(32), randomBytes(32)];
    const one = await bring(KeyId, first, { KeyMaterialDescription: 'of 2026' });
    await assert.rejects(kms.rotateKeyOnDemand({ KeyId }), sdk.KMSInvalidStateException);
    const old = await kms.encrypt({ KeyId, Plaintext });
    const two = await bring(KeyId, second, { ImportType: 'NEW_KEY_MATERIAL' });
    const listed = async () => {
      const { Rotations } = await kms.listKeyRotations({ KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' });
      return Rotations!.map((entry) => [
        entry.KeyMaterialId,
        entry.KeyMaterialState,
        entry.ImportState,
        entry.RotationType,
      ]);
    };
    assert.deepEqual(await listed(), [
      [one.KeyMaterialId, 'CURRENT', 'IMPORTED', undefined],
      [two.KeyMaterialId, 'PENDING_ROTATION', 'IMPORTED', undefined],
    ]);
    assert.deepEqual((await kms.listKeyRotations({ KeyId })).Rotations, []);
    await kms.rotateKeyOnDemand({ KeyId });
    assert.equal((await metadata(KeyId)).CurrentKeyMaterialId, two.KeyMaterialId);
    const fresh = await kms.encrypt({ KeyId, Plaintext });
    assert.equal((await kms.decrypt({ CiphertextBlob: old.CiphertextBlob })).KeyMaterialId, one.KeyMaterialId);
    assert.equal((await kms.decrypt({ CiphertextBlob: fresh.CiphertextBlob })).KeyMaterialId, two.KeyMaterialId);
    await kms.deleteImportedKeyMaterial({ KeyId, KeyMaterialId: one.KeyMaterialId });
    assert.equal((await metadata(KeyId)).KeyState, 'PendingImport');
    await assert.rejects(kms.encrypt({ KeyId, Plaintext }), sdk.KMSInvalidStateException);
    assert.deepEqual(await listed(), [
      [one.KeyMaterialId, 'NON_CURRENT', 'PENDING_IMPORT', undefined],
      [two.KeyMaterialId, 'CURRENT', 'IMPORTED', 'ON_DEMAND'],
    ]);
    await bring(KeyId, first);
    const { Rotations } = await kms.listKeyRotations({ KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' });
    assert.equal(Rotations![0]!.KeyMaterialDescription, 'of 2026');
    assert.deepEqual(Buffer.from((await kms.decrypt({ CiphertextBlob: old.CiphertextBlob })).Plaintext!), Plaintext);
  });
});

test('keys that the server makes tell their material too', async () => {
  const { KeyMetadata } = await kms.createKey({});
  const KeyId = KeyMetadata!.KeyId!;
  const first = KeyMetadata!.CurrentKeyMaterialId!;
  assert.match(first, /^[0-9a-f]{64}$/);
  const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext });
  await kms.rotateKeyOnDemand({ KeyId });
  const second = (await metadata(KeyId)).CurrentKeyMaterialId!;
  assert.notEqual(second, first);
  assert.equal((await kms.decrypt({ CiphertextBlob })).KeyMaterialId, first);
  const pair = await kms.generateDataKeyPairWithoutPlaintext({ KeyId, KeyPairSpec: 'ECC_NIST_P256' });
  assert.equal(pair.KeyMaterialId, second);
  const [rotation, ...others] = (await kms.listKeyRotations({ KeyId })).Rotations!;
  assert.deepEqual([rotation?.KeyMaterialId, rotation?.RotationType, others.length], [second, 'ON_DEMAND', 0]);
});
