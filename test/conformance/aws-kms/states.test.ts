import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as sdk from '@aws-sdk/client-kms';
import { type RunningServer, startServer } from '../../harness.ts';
import { kmsClient } from './clients.ts';

let server: RunningServer;
let kms: sdk.KMS;

before(async () => {
  server = await startServer();
  kms = kmsClient(await server.env());
});

after(async () => {
  kms?.destroy();
  await server?.stop();
});

const data = Buffer.from('message');
const signing = { Message: data, SigningAlgorithm: 'ECDSA_SHA_256' } as const;
const macing = { Message: data, MacAlgorithm: 'HMAC_SHA_256' } as const;
const kem = { EncapsulationAlgorithm: 'ML_KEM' } as const;

/** A key in the state that a case wants, and what it made while it was enabled. */
interface Made {
  readonly KeyId: string;
  readonly alias: string;
  readonly product: Uint8Array;
}

type Kind = 'symmetric' | 'signing' | 'mac' | 'agreement' | 'encapsulation';
type State = 'Enabled' | 'Disabled' | 'PendingDeletion';

let count = 0;

async function keyIn(state: State, kind: Kind): Promise<Made> {
  const spec = {
    symmetric: {},
    signing: { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' },
    mac: { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' },
    agreement: { KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' },
    encapsulation: { KeySpec: 'ML_KEM_768', KeyUsage: 'ENCAPSULATE_DECAPSULATE' },
  } as const;
  const KeyId = (await kms.createKey(spec[kind])).KeyMetadata!.Arn!;
  const alias = `alias/state-${++count}`;
  await kms.createAlias({ AliasName: alias, TargetKeyId: KeyId });
  const product = {
    symmetric: async () => (await kms.encrypt({ KeyId, Plaintext: data })).CiphertextBlob!,
    signing: async () => (await kms.sign({ KeyId, ...signing })).Signature!,
    mac: async () => (await kms.generateMac({ KeyId, ...macing })).Mac!,
    agreement: async () => (await kms.getPublicKey({ KeyId })).PublicKey!,
    encapsulation: async () => (await kms.encapsulate({ KeyId, ...kem })).SharedSecretCiphertextBlob!,
  };
  const made = { KeyId, alias, product: await product[kind]() };
  if (state === 'Disabled') await kms.disableKey({ KeyId });
  if (state === 'PendingDeletion') await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
  return made;
}

const ok = undefined;
/** Footnotes 1, 2 with 3 (where AWS leaves the choice, always the second), and 4 of AWS' key state table. */
const disabled = sdk.DisabledException;
const invalidState = sdk.KMSInvalidStateException;

type Expected = typeof ok | typeof disabled | typeof invalidState;
type Case = readonly [
  name: string,
  kind: Kind,
  expected: readonly [enabled: Expected, disabled: Expected, pendingDeletion: Expected],
  call: (made: Made) => Promise<unknown>,
];

const use = [ok, disabled, invalidState] as const;
const manage = [ok, ok, invalidState] as const;
const always = [ok, ok, ok] as const;

const cases: readonly Case[] = [
  ['CancelKeyDeletion', 'symmetric', [invalidState, invalidState, ok], ({ KeyId }) => kms.cancelKeyDeletion({ KeyId })],
  [
    'CreateAlias',
    'symmetric',
    manage,
    ({ KeyId, alias }) => kms.createAlias({ AliasName: `${alias}-b`, TargetKeyId: KeyId }),
  ],
  [
    'Decapsulate',
    'encapsulation',
    use,
    ({ KeyId, product }) => kms.decapsulate({ KeyId, ...kem, SharedSecretCiphertextBlob: product }),
  ],
  ['Decrypt', 'symmetric', use, ({ product }) => kms.decrypt({ CiphertextBlob: product })],
  ['DeleteAlias', 'symmetric', always, ({ alias }) => kms.deleteAlias({ AliasName: alias })],
  [
    'DeriveSharedSecret',
    'agreement',
    use,
    ({ KeyId, product }) => kms.deriveSharedSecret({ KeyId, KeyAgreementAlgorithm: 'ECDH', PublicKey: product }),
  ],
  ['DescribeKey', 'symmetric', always, ({ KeyId }) => kms.describeKey({ KeyId })],
  ['DisableKey', 'symmetric', manage, ({ KeyId }) => kms.disableKey({ KeyId })],
  ['DisableKeyRotation', 'symmetric', use, ({ KeyId }) => kms.disableKeyRotation({ KeyId })],
  ['EnableKey', 'symmetric', manage, ({ KeyId }) => kms.enableKey({ KeyId })],
  ['EnableKeyRotation', 'symmetric', use, ({ KeyId }) => kms.enableKeyRotation({ KeyId })],
  ['Encapsulate', 'encapsulation', use, ({ KeyId }) => kms.encapsulate({ KeyId, ...kem })],
  ['Encrypt', 'symmetric', use, ({ KeyId }) => kms.encrypt({ KeyId, Plaintext: data })],
  ['GenerateDataKey', 'symmetric', use, ({ KeyId }) => kms.generateDataKey({ KeyId, KeySpec: 'AES_256' })],
  [
    'GenerateDataKeyPair',
    'symmetric',
    use,
    ({ KeyId }) => kms.generateDataKeyPair({ KeyId, KeyPairSpec: 'ECC_NIST_P256' }),
  ],
  [
    'GenerateDataKeyPairWithoutPlaintext',
    'symmetric',
    use,
    ({ KeyId }) => kms.generateDataKeyPairWithoutPlaintext({ KeyId, KeyPairSpec: 'ECC_NIST_P256' }),
  ],
  [
    'GenerateDataKeyWithoutPlaintext',
    'symmetric',
    use,
    ({ KeyId }) => kms.generateDataKeyWithoutPlaintext({ KeyId, KeySpec: 'AES_128' }),
  ],
  ['GenerateMac', 'mac', use, ({ KeyId }) => kms.generateMac({ KeyId, ...macing })],
  ['GetKeyRotationStatus', 'symmetric', always, ({ KeyId }) => kms.getKeyRotationStatus({ KeyId })],
  ['GetPublicKey', 'signing', use, ({ KeyId }) => kms.getPublicKey({ KeyId })],
  ['ListAliases', 'symmetric', always, ({ KeyId }) => kms.listAliases({ KeyId })],
  ['ListKeyRotations', 'symmetric', always, ({ KeyId }) => kms.listKeyRotations({ KeyId })],
  ['ListResourceTags', 'symmetric', always, ({ KeyId }) => kms.listResourceTags({ KeyId })],
  [
    'ReEncrypt from it',
    'symmetric',
    use,
    async ({ product }) => {
      const { KeyId } = await keyIn('Enabled', 'symmetric');
      return kms.reEncrypt({ CiphertextBlob: product, DestinationKeyId: KeyId });
    },
  ],
  [
    'ReEncrypt to it',
    'symmetric',
    use,
    async ({ KeyId }) => {
      const { product } = await keyIn('Enabled', 'symmetric');
      return kms.reEncrypt({ CiphertextBlob: product, DestinationKeyId: KeyId });
    },
  ],
  ['RotateKeyOnDemand', 'symmetric', use, ({ KeyId }) => kms.rotateKeyOnDemand({ KeyId })],
  ['ScheduleKeyDeletion', 'symmetric', manage, ({ KeyId }) => kms.scheduleKeyDeletion({ KeyId })],
  ['Sign', 'signing', use, ({ KeyId }) => kms.sign({ KeyId, ...signing })],
  [
    'TagResource',
    'symmetric',
    manage,
    ({ KeyId }) => kms.tagResource({ KeyId, Tags: [{ TagKey: 'a', TagValue: 'b' }] }),
  ],
  ['UntagResource', 'symmetric', manage, ({ KeyId }) => kms.untagResource({ KeyId, TagKeys: ['a'] })],
  [
    'UpdateAlias from it',
    'symmetric',
    always,
    async ({ alias }) => {
      const { KeyId } = await keyIn('Enabled', 'symmetric');
      return kms.updateAlias({ AliasName: alias, TargetKeyId: KeyId });
    },
  ],
  [
    'UpdateAlias to it',
    'symmetric',
    manage,
    async ({ KeyId }) => {
      const { alias } = await keyIn('Enabled', 'symmetric');
      return kms.updateAlias({ AliasName: alias, TargetKeyId: KeyId });
    },
  ],
  ['UpdateKeyDescription', 'symmetric', manage, ({ KeyId }) => kms.updateKeyDescription({ KeyId, Description: 'd' })],
  ['Verify', 'signing', use, ({ KeyId, product }) => kms.verify({ KeyId, ...signing, Signature: product })],
  ['VerifyMac', 'mac', use, ({ KeyId, product }) => kms.verifyMac({ KeyId, ...macing, Mac: product })],
];

const states: readonly State[] = ['Enabled', 'Disabled', 'PendingDeletion'];

for (const [name, kind, expected, call] of cases) {
  describe(name, () => {
    states.forEach((state, index) => {
      const wanted = expected[index];
      test(`of a key that is ${state} ${wanted === undefined ? 'succeeds' : `is ${wanted.name}`}`, async () => {
        const made = await keyIn(state, kind);
        if (wanted === undefined) {
          await call(made);
        } else {
          await assert.rejects(call(made), (error) => {
            assert.ok(error instanceof wanted, `${error}`);
            assert.equal(error.$metadata.httpStatusCode, 400);
            assert.match(error.message, /disabled|pending deletion/);
            return true;
          });
        }
      });
    });
  });
}
