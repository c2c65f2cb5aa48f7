import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { KmsError, SecretBytes } from '#domain/domain.ts';
import { azureKeyVaultAbsent, startAzureKeyVault, wrapping } from '../../../test/seals/azure-key-vault.ts';
import { sealContract } from '../testing/contract-suite.ts';
import { azureKeyVaultKind } from './azure-key-vault.ts';

const azure = azureKeyVaultAbsent === undefined ? await startAzureKeyVault() : undefined;
after(() => azure?.stop());
const otherId = (await azure?.keys.getKey('other'))?.id;

sealContract('azure-key-vault by Lowkey Vault', () => ({
  absent: azureKeyVaultAbsent,
  kind: azureKeyVaultKind,
  settings: () => ({ ...azure!.settings }),
  async unreachable(during) {
    azure!.breakOff();
    try {
      await during();
    } finally {
      azure!.mend();
    }
  },
  flipEvery: 31,
  tampered: (pinned) => [
    { what: 'another name', settings: { ...pinned, key: 'other' } },
    { what: 'another key', settings: { ...pinned, key: 'other', keyId: otherId } },
    {
      what: 'no identifier',
      settings: Object.fromEntries(Object.entries(pinned).filter(([name]) => name !== 'keyId')),
    },
  ],
}));

const skip = azureKeyVaultAbsent ?? false;
const bytes = Buffer.alloc(96, 7);
const refusal = (code: string, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof KmsError && error.code === code, String(error));
  assert.match(error.message, words);
  return true;
};
const settingsOf = (key: string) => azureKeyVaultKind.settings({ ...azure!.settings, key });

/** A seal that was closed, under a key of its own. */
async function kept(key: string) {
  await azure!.keys.createRsaKey(key, wrapping);
  const { settings, seal } = await azureKeyVaultKind.create(settingsOf(key), undefined);
  using own = SecretBytes.copyOf(bytes);
  const wrapped = await seal.wrap(own);
  await seal.close();
  return {
    settings,
    async opens() {
      const again = await azureKeyVaultKind.open(settings, undefined);
      try {
        using back = await again.unwrap(wrapped);
        assert.deepEqual(Buffer.from(back.expose()), bytes);
      } finally {
        await again.close();
      }
    },
  };
}

test('azure-key-vault opens by the version that it was made with, and when made again takes the newest', {
  skip,
}, async () => {
  const seal = await kept('rotated');
  const { id } = await azure!.keys.createRsaKey('rotated', wrapping);
  await seal.opens();
  const again = await azureKeyVaultKind.create(seal.settings, undefined);
  await again.seal.close();
  assert.equal(again.settings.keyId, id);
  assert.notEqual(seal.settings.keyId, id);
});

test('azure-key-vault waits while its key is disabled', { skip }, async () => {
  const seal = await kept('disabled');
  const version = seal.settings.keyId!.slice(-32);
  await azure!.keys.updateKeyProperties('disabled', version, { enabled: false });
  await assert.rejects(seal.opens(), refusal('unavailable', /Key Vault unwrapKey: /));
  await azure!.keys.updateKeyProperties('disabled', version, { enabled: true });
  await seal.opens();
});

test('azure-key-vault waits for a key that was deleted to be recovered', { skip }, async () => {
  const seal = await kept('deleted');
  await (await azure!.keys.beginDeleteKey('deleted', { intervalInMs: 50 })).pollUntilDone();
  await assert.rejects(seal.opens(), refusal('unavailable', /recover it, if it was deleted/));
  await (await azure!.keys.beginRecoverDeletedKey('deleted', { intervalInMs: 50 })).pollUntilDone();
  await seal.opens();
});

test('azure-key-vault says that no key is there, and makes none', { skip }, async () => {
  await assert.rejects(azureKeyVaultKind.create(settingsOf('nobody'), undefined), refusal('not-found', /no such key/));
});

test('azure-key-vault refuses a key that is not for wrapping', { skip }, async () => {
  await azure!.keys.createEcKey('curve', { curve: 'P-256', keyOps: ['sign', 'verify'] });
  await assert.rejects(
    azureKeyVaultKind.create(settingsOf('curve'), undefined),
    refusal('invalid-parameter', /has to be RSA/),
  );
});

test('azure-key-vault says that the SDK finds no credential', { skip }, async () => {
  const seal = await kept('uncredited');
  Object.assign(process.env, azure!.wrongEnv);
  try {
    await assert.rejects(seal.opens(), refusal('unavailable', /finds no credential/));
  } finally {
    for (const name of Object.keys(azure!.wrongEnv)) delete process.env[name];
  }
  await seal.opens();
});

test('azure-key-vault gives up on a vault that takes connections and says nothing', { skip }, async () => {
  const seal = await kept('held');
  azure!.hold();
  const began = performance.now();
  try {
    await assert.rejects(seal.opens(), refusal('unavailable', /can't be reached|no answer/));
  } finally {
    azure!.mend();
  }
  assert.ok(performance.now() - began < 15_000);
});
