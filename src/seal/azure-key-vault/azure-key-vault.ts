import { KmsError } from '#domain/domain.ts';
import type { SealKind } from '../contract.ts';
import { installed, readCa, ServiceSeal, timely } from '../service/service-seal.ts';
import { absolutePath, assertPinned, check, type Form, readSettings, serviceUrl } from '../service/settings.ts';
import { type AzureSdk, AzureVault } from './azure-vault.ts';

const kind = 'azure-key-vault';

export interface AzureKeyVaultSettings {
  /** URL of the vault or managed HSM. */
  readonly vault: string;
  /** Name of the key. Its newest version is taken when the seal is made, or rotated. */
  readonly key: string;
  /** PEM file with the certificates that the vault's must come from. */
  readonly caFile?: string;
  /** Pinned: the identifier of the key with its version. */
  readonly keyId?: string;
  readonly check?: string;
}

const forms: Readonly<Record<keyof AzureKeyVaultSettings, Form>> = {
  vault: serviceUrl,
  key: { form: /^[A-Za-z0-9-]{1,127}$/, words: 'the name of a key' },
  caFile: absolutePath,
  keyId: {
    form: /^https?:\/\/[^\s/?#@]+\/keys\/[A-Za-z0-9-]{1,127}\/[0-9a-f]{32}$/,
    words: "a key's identifier with its version",
  },
  check,
};

/**
 * Holds secrets under one version of an RSA key of Azure Key Vault or a managed HSM, which it asks to wrap and unwrap by RSA-OAEP-256. The credential is found as DefaultAzureCredential does it; `get`, `wrapKey` and `unwrapKey` are all it needs.
 */
export const azureKeyVaultKind: SealKind<AzureKeyVaultSettings> = {
  kind,
  asks: 'nothing',
  settings: (given) => readSettings(kind, given, forms, ['vault', 'key']),
  async create({ vault, key, caFile }) {
    const place = { vault, key, ...(caFile !== undefined && { caFile }) };
    const azure = await reach(place);
    const keyId = await timely(`${kind}: ${key} in ${vault}`, (signal) => azure.newestOf(key, signal));
    const seal = new ServiceSeal(kind, azure.key(keyId));
    return { settings: { ...place, keyId, check: await seal.check() }, seal };
  },
  async open(settings) {
    assertPinned(settings, ['keyId', 'check']);
    const { vault, key, keyId } = settings;
    if (!keyId.startsWith(`${new URL(vault).origin}/keys/${key}/`)) {
      throw new KmsError('tampered', `${kind}: the pinned key is of another vault or name.`);
    }
    const azure = await reach(settings);
    const seal = new ServiceSeal(kind, azure.key(keyId));
    await seal.assertSame(settings.check);
    return seal;
  },
};

async function reach({ vault, caFile }: Pick<AzureKeyVaultSettings, 'vault' | 'caFile'>): Promise<AzureVault> {
  const sdk: AzureSdk = await installed(kind, '@azure/identity @azure/keyvault-keys', async () => ({
    ...(await import('@azure/identity')),
    ...(await import('@azure/keyvault-keys')),
  }));
  return new AzureVault(sdk, vault, caFile === undefined ? undefined : readCa(kind, caFile));
}
