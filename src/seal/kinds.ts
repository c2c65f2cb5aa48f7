import { KmsError } from '#domain/domain.ts';
import { awsKmsKind } from './aws-kms/aws-kms.ts';
import { azureKeyVaultKind } from './azure-key-vault/azure-key-vault.ts';
import type { SealKind } from './contract.ts';
import { type PassphraseCost, passphraseKind } from './passphrase/passphrase.ts';
import { pkcs11Kind } from './pkcs11/pkcs11.ts';
import { shamirKind } from './shamir/shamir.ts';
import { vaultTransitKind } from './vault-transit/vault-transit.ts';

export interface SealKindOptions {
  /** Of passphrases that are set from now on. */
  readonly cost?: PassphraseCost | undefined;
  /** The one of the environment, as it is when a seal is made or opened. */
  readonly vaultToken?: () => string | undefined;
}

/** Every kind of seal that this release knows. Its SDK or module is loaded when a seal of it is made or opened. */
export function sealKinds({ cost, vaultToken = () => undefined }: SealKindOptions = {}): readonly SealKind[] {
  return [passphraseKind(cost), shamirKind, pkcs11Kind, awsKmsKind, azureKeyVaultKind, vaultTransitKind(vaultToken)];
}

/** Throws 'invalid-parameter'. */
export function kindNamed(kinds: readonly SealKind[], name: string): SealKind {
  const kind = kinds.find((known) => known.kind === name);
  if (kind !== undefined) return kind;
  const known = kinds.map((known) => known.kind).join(', ');
  throw new KmsError('invalid-parameter', `There is no kind of seal called "${name}"; there are: ${known}.`);
}
