import assert from 'node:assert/strict';
import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  publicEncrypt,
  verify,
} from 'node:crypto';
import { test } from 'node:test';
import * as sdk from '@aws-sdk/client-kms';
import { serverOfThisFile } from '../../harness.ts';
import { kmsClient } from './clients.ts';

const { env } = await serverOfThisFile();
const kms = kmsClient(env);

const create = async (KeySpec: sdk.KeySpec, KeyUsage: sdk.KeyUsageType) =>
  (await kms.createKey({ KeySpec, KeyUsage })).KeyMetadata!.Arn!;
const spkiOf = async (KeyId: string) => Buffer.from((await kms.getPublicKey({ KeyId })).PublicKey!);
const ofSpki = (der: Buffer) => createPublicKey({ key: der, format: 'der', type: 'spki' });
const message = Buffer.from('what is signed');
const kem = { EncapsulationAlgorithm: 'ML_KEM' } as const;

for (const [KeySpec, namedCurve, length] of [
  ['ECC_NIST_P256', 'prime256v1', 32],
  ['ECC_NIST_P384', 'secp384r1', 48],
  ['ECC_NIST_P521', 'secp521r1', 66],
] as const) {
  test(`a ${KeySpec} key derives the secret that its peer derives, whoever keeps the peer's key`, async () => {
    const [alice, bob] = [await create(KeySpec, 'KEY_AGREEMENT'), await create(KeySpec, 'KEY_AGREEMENT')];
    const derive = (KeyId: string, PublicKey: Uint8Array) =>
      kms.deriveSharedSecret({ KeyId, KeyAgreementAlgorithm: 'ECDH', PublicKey });
    const ofAlice = await derive(alice, await spkiOf(bob));
    assert.deepEqual(
      [ofAlice.KeyId, ofAlice.KeyAgreementAlgorithm, ofAlice.KeyOrigin, ofAlice.SharedSecret!.length],
      [alice, 'ECDH', 'AWS_KMS', length],
    );
    assert.deepEqual(ofAlice.SharedSecret, (await derive(bob, await spkiOf(alice))).SharedSecret);

    const outside = generateKeyPairSync('ec', { namedCurve });
    const theirs = diffieHellman({ privateKey: outside.privateKey, publicKey: ofSpki(await spkiOf(alice)) });
    const ours = await derive(alice, outside.publicKey.export({ format: 'der', type: 'spki' }));
    assert.deepEqual(Buffer.from(ours.SharedSecret!), theirs);
    assert.deepEqual((await kms.describeKey({ KeyId: alice })).KeyMetadata!.KeyAgreementAlgorithms, ['ECDH']);
  });
}

test('a peer that is off the curve, on another or no key at all is refused', async () => {
  const KeyId = await create('ECC_NIST_P256', 'KEY_AGREEMENT');
  const off = await spkiOf(KeyId);
  off[off.length - 1]! ^= 1;
  const p384 = generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).publicKey.export({ format: 'der', type: 'spki' });
  for (const PublicKey of [off, p384, message]) {
    await assert.rejects(kms.deriveSharedSecret({ KeyId, KeyAgreementAlgorithm: 'ECDH', PublicKey }), {
      name: 'ValidationException',
    });
  }
});

// RFC 5903 section 8.1.
const rfc5903 = {
  private: 'c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433',
  peer:
    '04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63' +
    '56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab',
  secret: 'd6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de',
};

test('an imported key derives the secret that RFC 5903 prints, and tells its origin', async () => {
  const ofCurve = { asymmetricKeyType: 'ec', namedCurve: 'prime256v1' } as const;
  const raw = { key: Buffer.from(rfc5903.private, 'hex'), format: 'raw-private', ...ofCurve } as const;
  const material = createPrivateKey(raw).export({ format: 'der', type: 'pkcs8' });
  const ask = { KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT', Origin: 'EXTERNAL' } as const;
  const KeyId = (await kms.createKey(ask)).KeyMetadata!.Arn!;
  const wrapping = { WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_4096' } as const;
  const { PublicKey, ImportToken } = await kms.getParametersForImport({ KeyId, ...wrapping });
  const EncryptedKeyMaterial = publicEncrypt(
    { key: ofSpki(Buffer.from(PublicKey!)), padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' },
    material,
  );
  await kms.importKeyMaterial({
    ...{ KeyId, ImportToken, EncryptedKeyMaterial, ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' },
  });
  const rawPeer = { key: Buffer.from(rfc5903.peer, 'hex'), format: 'raw-public', ...ofCurve } as const;
  const peer = createPublicKey(rawPeer).export({ format: 'der', type: 'spki' });
  const derived = await kms.deriveSharedSecret({ KeyId, KeyAgreementAlgorithm: 'ECDH', PublicKey: peer });
  assert.equal(Buffer.from(derived.SharedSecret!).toString('hex'), rfc5903.secret);
  assert.equal(derived.KeyOrigin, 'EXTERNAL');
});

test('a key is for its own usage only', async () => {
  const agreement = await create('ECC_NIST_P256', 'KEY_AGREEMENT');
  const signing = await create('ECC_NIST_P256', 'SIGN_VERIFY');
  const encapsulation = await create('ML_KEM_768', 'ENCAPSULATE_DECAPSULATE');
  const peer = await spkiOf(agreement);
  const wrong = sdk.InvalidKeyUsageException;
  const ecdsa = { Message: message, SigningAlgorithm: 'ECDSA_SHA_256' } as const;
  await assert.rejects(
    kms.deriveSharedSecret({ KeyId: signing, KeyAgreementAlgorithm: 'ECDH', PublicKey: peer }),
    wrong,
  );
  await assert.rejects(
    kms.deriveSharedSecret({ KeyId: encapsulation, KeyAgreementAlgorithm: 'ECDH', PublicKey: peer }),
    wrong,
  );
  await assert.rejects(kms.encapsulate({ KeyId: agreement, ...kem }), wrong);
  await assert.rejects(
    kms.decapsulate({ KeyId: signing, ...kem, SharedSecretCiphertextBlob: Buffer.alloc(1088) }),
    wrong,
  );
  await assert.rejects(kms.sign({ KeyId: agreement, ...ecdsa }), wrong);
  await assert.rejects(kms.sign({ KeyId: encapsulation, ...ecdsa }), wrong);
  await assert.rejects(kms.encrypt({ KeyId: encapsulation, Plaintext: message }), wrong);
});

for (const [KeySpec, length] of [
  ['ML_KEM_512', 768],
  ['ML_KEM_768', 1088],
  ['ML_KEM_1024', 1568],
] as const) {
  test(`a ${KeySpec} key decapsulates what it or anybody encapsulated, and rejects nothing else aloud`, async () => {
    const KeyId = await create(KeySpec, 'ENCAPSULATE_DECAPSULATE');
    const made = await kms.encapsulate({ KeyId, ...kem });
    assert.deepEqual(
      [made.KeyId, made.EncapsulationAlgorithm, made.SharedSecret!.length, made.SharedSecretCiphertextBlob!.length],
      [KeyId, 'ML_KEM', 32, length],
    );
    const open = async (blob: Uint8Array) =>
      kms.decapsulate({ KeyId, ...kem, SharedSecretCiphertextBlob: blob }).then((opened) => {
        assert.deepEqual([opened.KeyId, opened.EncapsulationAlgorithm], [KeyId, 'ML_KEM']);
        return Buffer.from(opened.SharedSecret!);
      });
    assert.deepEqual(await open(made.SharedSecretCiphertextBlob!), Buffer.from(made.SharedSecret!));
    const outside = encapsulate(ofSpki(await spkiOf(KeyId)));
    assert.deepEqual(await open(outside.ciphertext), outside.sharedKey);

    const altered = Buffer.from(outside.ciphertext);
    altered[7]! ^= 1;
    const rejected = await open(altered);
    assert.equal(rejected.length, 32);
    assert.notDeepEqual(rejected, outside.sharedKey);
    assert.deepEqual(await open(altered), rejected);
    for (const cut of [outside.ciphertext.subarray(1), Buffer.concat([outside.ciphertext, Buffer.alloc(1)])]) {
      await assert.rejects(open(cut), sdk.InvalidCiphertextException);
    }
    assert.deepEqual((await kms.describeKey({ KeyId })).KeyMetadata!.EncapsulationAlgorithms, ['ML_KEM']);
  });
}

const shake = (...parts: Uint8Array[]) =>
  createHash('shake256', { outputLength: 64 }).update(Buffer.concat(parts)).digest();

for (const KeySpec of ['ML_DSA_44', 'ML_DSA_65', 'ML_DSA_87'] as const) {
  test(`an external mu signed with ${KeySpec} is the signature of the message`, async () => {
    const KeyId = await create(KeySpec, 'SIGN_VERIFY');
    const publicKey = ofSpki(await spkiOf(KeyId));
    const mu = shake(shake(publicKey.export({ format: 'raw-public' })), Uint8Array.of(0, 0), message);
    const asked = { KeyId, SigningAlgorithm: 'ML_DSA_SHAKE_256' } as const;
    const { Signature } = await kms.sign({ ...asked, Message: mu, MessageType: 'EXTERNAL_MU' });
    assert.ok(verify(null, message, publicKey, Signature!));
    const valid = await kms.verify({ ...asked, Message: mu, MessageType: 'EXTERNAL_MU', Signature });
    assert.equal(valid.SignatureValid, true);
    assert.ok((await kms.verify({ ...asked, Message: message, Signature })).SignatureValid);
    await assert.rejects(
      kms.verify({ ...asked, Message: shake(mu), MessageType: 'EXTERNAL_MU', Signature }),
      sdk.KMSInvalidSignatureException,
    );
    await assert.rejects(kms.sign({ ...asked, Message: message, MessageType: 'EXTERNAL_MU' }), {
      name: 'ValidationException',
    });
  });
}

test('an SM2 key signs messages and digests of SM3, for the identity that the standard gives', async () => {
  const KeyId = await create('SM2', 'SIGN_VERIFY');
  const point = (await spkiOf(KeyId)).subarray(-64);
  const sm3 = (...parts: Uint8Array[]) => createHash('sm3').update(Buffer.concat(parts)).digest();
  // GB/T 32918.2 section 5.5 and GB/T 32918.5.
  const curve =
    'fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93' +
    '32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0';
  const za = sm3(Buffer.from('\x00\x801234567812345678', 'latin1'), Buffer.from(curve, 'hex'), point);
  const asked = { KeyId, SigningAlgorithm: 'SM2DSA' } as const;
  const ofMessage = await kms.sign({ ...asked, Message: message });
  const digested = { ...asked, Message: sm3(za, message), MessageType: 'DIGEST' } as const;
  assert.ok((await kms.verify({ ...digested, Signature: ofMessage.Signature })).SignatureValid);
  const ofDigest = await kms.sign(digested);
  assert.ok((await kms.verify({ ...asked, Message: message, Signature: ofDigest.Signature })).SignatureValid);
  for (const KeyUsage of ['ENCRYPT_DECRYPT', 'KEY_AGREEMENT'] as const) {
    await assert.rejects(kms.createKey({ KeySpec: 'SM2', KeyUsage }), sdk.UnsupportedOperationException);
  }
});

test('an elliptic curve signs with the hash of its size only', async () => {
  const bound = { ECC_NIST_P256: '256', ECC_NIST_P384: '384', ECC_NIST_P521: '512', ECC_SECG_P256K1: '256' } as const;
  for (const [KeySpec, own] of Object.entries(bound)) {
    const KeyId = await create(KeySpec as sdk.KeySpec, 'SIGN_VERIFY');
    for (const bits of ['256', '384', '512'] as const) {
      const asked = { KeyId, SigningAlgorithm: `ECDSA_SHA_${bits}`, Message: message } as const;
      if (bits === own) {
        const { Signature } = await kms.sign(asked);
        assert.ok((await kms.verify({ ...asked, Signature })).SignatureValid);
      } else {
        await assert.rejects(kms.sign(asked), sdk.InvalidKeyUsageException, `${KeySpec} ${bits}`);
        await assert.rejects(kms.verify({ ...asked, Signature: Buffer.alloc(64) }), sdk.InvalidKeyUsageException);
      }
    }
  }
});

/** What the SDK's model lists, each value answered by one of these. */
type Answered = 'offered' | 'InvalidKeyUsageException' | 'UnsupportedOperationException' | 'ValidationException';

async function answerOf(call: () => Promise<unknown>): Promise<string> {
  try {
    await call();
    return 'offered';
  } catch (error) {
    return (error as Error).name;
  }
}

const usageOf = (spec: string): sdk.KeyUsageType =>
  spec.startsWith('HMAC')
    ? 'GENERATE_VERIFY_MAC'
    : spec.startsWith('ML_KEM')
      ? 'ENCAPSULATE_DECAPSULATE'
      : spec === 'SYMMETRIC_DEFAULT'
        ? 'ENCRYPT_DECRYPT'
        : 'SIGN_VERIFY';

const offered = (): Answered => 'offered';

async function agreesWith(
  values: Readonly<Record<string, string>>,
  wanted: (value: string) => Answered,
  call: (value: never) => Promise<unknown>,
) {
  assert.ok(Object.keys(values).length > 0);
  const wrong: string[] = [];
  for (const value of Object.values(values)) {
    const answer = await answerOf(() => call(value as never));
    if (answer !== wanted(value)) wrong.push(`${value}: ${answer}, not ${wanted(value)}`);
  }
  assert.deepEqual(wrong, []);
}

test('every key spec of the SDK makes a key, by either name of the member', async () => {
  await agreesWith(sdk.KeySpec, offered, (KeySpec) => create(KeySpec, usageOf(KeySpec)));
  await agreesWith(sdk.CustomerMasterKeySpec, offered, (CustomerMasterKeySpec) =>
    kms.createKey({ CustomerMasterKeySpec, KeyUsage: usageOf(CustomerMasterKeySpec) }),
  );
});

test('every key usage of the SDK is that of some key', async () => {
  const specs: Readonly<Record<sdk.KeyUsageType, sdk.KeySpec>> = {
    ENCRYPT_DECRYPT: 'RSA_2048',
    SIGN_VERIFY: 'ECC_NIST_EDWARDS25519',
    GENERATE_VERIFY_MAC: 'HMAC_224',
    KEY_AGREEMENT: 'ECC_NIST_P521',
    ENCAPSULATE_DECAPSULATE: 'ML_KEM_1024',
  };
  await agreesWith(
    sdk.KeyUsageType,
    () => 'offered',
    async (usage: sdk.KeyUsageType) => {
      const { KeyMetadata } = await kms.createKey({ KeySpec: specs[usage], KeyUsage: usage });
      assert.equal(KeyMetadata!.KeyUsage, usage);
    },
  );
});

test('every data key pair spec of the SDK gives a pair that is one', async () => {
  const KeyId = await create('SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT');
  await agreesWith(sdk.DataKeyPairSpec, offered, async (KeyPairSpec: sdk.DataKeyPairSpec) => {
    const pair = await kms.generateDataKeyPair({ KeyId, KeyPairSpec });
    const { Plaintext } = await kms.decrypt({ CiphertextBlob: pair.PrivateKeyCiphertextBlob });
    assert.deepEqual(Plaintext, pair.PrivateKeyPlaintext);
    const key = { key: Buffer.from(pair.PrivateKeyPlaintext!), format: 'der', type: 'pkcs8' } as const;
    const derived = createPublicKey(createPrivateKey(key)).export({ format: 'der', type: 'spki' });
    assert.deepEqual(derived, Buffer.from(pair.PublicKey!));
    assert.equal(pair.KeyPairSpec, KeyPairSpec);
    const without = await kms.generateDataKeyPairWithoutPlaintext({ KeyId, KeyPairSpec });
    assert.equal((without as { PrivateKeyPlaintext?: unknown }).PrivateKeyPlaintext, undefined);
  });
});

test('every data key spec of the SDK gives a key of its length', async () => {
  const KeyId = await create('SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT');
  await agreesWith(
    sdk.DataKeySpec,
    () => 'offered',
    async (KeySpec: sdk.DataKeySpec) => {
      const { Plaintext } = await kms.generateDataKey({ KeyId, KeySpec });
      assert.equal(Plaintext!.length * 8, Number(KeySpec.slice('AES_'.length)));
    },
  );
});

test('every signing algorithm and message type of the SDK signs with the keys that list it, and with no other', async () => {
  const signers = ['RSA_2048', 'ECC_NIST_P256', 'ECC_NIST_P384', 'ECC_NIST_P521'] as const;
  const others = ['ECC_SECG_P256K1', 'ECC_NIST_EDWARDS25519', 'ML_DSA_44', 'SM2'] as const;
  const used = new Set<string>();
  for (const spec of [...signers, ...others]) {
    const KeyId = await create(spec, 'SIGN_VERIFY');
    const listed: readonly string[] = (await kms.describeKey({ KeyId })).KeyMetadata!.SigningAlgorithms!;
    for (const MessageType of Object.values(sdk.MessageType)) {
      await agreesWith(
        sdk.SigningAlgorithmSpec,
        (algorithm) => {
          if (!typesOf(algorithm).includes(MessageType)) return 'ValidationException';
          return listed.includes(algorithm) ? 'offered' : 'InvalidKeyUsageException';
        },
        async (SigningAlgorithm: sdk.SigningAlgorithmSpec) => {
          const bits = /_SHA_(256|384|512)$/.exec(SigningAlgorithm)?.[1];
          const digest = SigningAlgorithm === 'SM2DSA' ? 256 : Number(bits ?? 512);
          const length = MessageType === 'RAW' ? 20 : MessageType === 'EXTERNAL_MU' ? 64 : digest / 8;
          const asked = { KeyId, MessageType, SigningAlgorithm, Message: Buffer.alloc(length, 7) };
          const { Signature } = await kms.sign(asked);
          assert.ok((await kms.verify({ ...asked, Signature })).SignatureValid);
          used.add(SigningAlgorithm).add(MessageType);
        },
      );
    }
  }
  const all = [...Object.values(sdk.SigningAlgorithmSpec), ...Object.values(sdk.MessageType)];
  assert.deepEqual(
    all.filter((value) => !used.has(value)),
    [],
  );
});

/** What the SDK documents under SignRequest.MessageType. */
function typesOf(algorithm: string): readonly sdk.MessageType[] {
  if (algorithm === 'ED25519_SHA_512') return ['RAW'];
  if (algorithm === 'ED25519_PH_SHA_512') return ['DIGEST'];
  return algorithm === 'ML_DSA_SHAKE_256' ? ['RAW', 'EXTERNAL_MU'] : ['RAW', 'DIGEST'];
}

test('every encryption algorithm of the SDK encrypts with the keys that list it, and with no other', async () => {
  for (const spec of ['SYMMETRIC_DEFAULT', 'RSA_2048', 'RSA_3072', 'RSA_4096'] as const) {
    const KeyId = await create(spec, 'ENCRYPT_DECRYPT');
    const listed: readonly string[] = (await kms.describeKey({ KeyId })).KeyMetadata!.EncryptionAlgorithms!;
    await agreesWith(
      sdk.EncryptionAlgorithmSpec,
      (algorithm) => {
        if (algorithm.startsWith('SM2')) return 'UnsupportedOperationException';
        return listed.includes(algorithm) ? 'offered' : 'InvalidKeyUsageException';
      },
      async (EncryptionAlgorithm: sdk.EncryptionAlgorithmSpec) => {
        const { CiphertextBlob } = await kms.encrypt({ KeyId, EncryptionAlgorithm, Plaintext: message });
        const { Plaintext } = await kms.decrypt({ KeyId, EncryptionAlgorithm, CiphertextBlob });
        assert.deepEqual(Buffer.from(Plaintext!), message);
      },
    );
  }
});

test('every MAC algorithm of the SDK is that of one kind of HMAC key, and of no other key', async () => {
  for (const spec of ['HMAC_224', 'HMAC_256', 'HMAC_384', 'HMAC_512'] as const) {
    const KeyId = await create(spec, 'GENERATE_VERIFY_MAC');
    const listed: readonly string[] = (await kms.describeKey({ KeyId })).KeyMetadata!.MacAlgorithms!;
    assert.deepEqual(listed, [spec.replace('_', '_SHA_')]);
    await agreesWith(
      sdk.MacAlgorithmSpec,
      (algorithm) => (listed.includes(algorithm) ? 'offered' : 'InvalidKeyUsageException'),
      async (MacAlgorithm: sdk.MacAlgorithmSpec) => {
        const { Mac } = await kms.generateMac({ KeyId, MacAlgorithm, Message: message });
        assert.ok((await kms.verifyMac({ KeyId, MacAlgorithm, Message: message, Mac })).MacValid);
      },
    );
  }
});

test('key agreement and encapsulation have the one algorithm that the SDK lists for each', () => {
  assert.deepEqual(Object.values(sdk.KeyAgreementAlgorithmSpec), ['ECDH']);
  assert.deepEqual(Object.values(sdk.EncapsulationAlgorithmSpec), ['ML_KEM']);
});
