import { KmsError } from '#domain/domain.ts';
import { awsKmsKind } from './aws-kms/aws-kms.ts';
import type { SealKind } from './contract.ts';
import { type PassphraseCost, passphraseKind } from './passphrase/passphrase.ts';
import { pkcs11Kind } from './pkcs11/pkcs11.ts';
import { shamirKind } from './shamir/shamir.ts';

/**
 * Every kind of seal that this release knows. Its SDK or module is loaded when a seal of it is made or opened. `cost`: of passphrases that
 * are set from now on.
 */
export function sealKinds(cost?: PassphraseCost): readonly SealKind[] {
  return [passphraseKind(cost), shamirKind, pkcs11Kind, awsKmsKind];
}

/** Throws 'invalid-parameter'. */
export function kindNamed(kinds: readonly SealKind[], name: string): SealKind {
  const kind = kinds.find((known) => known.kind === name);
  if (kind !== undefined) return kind;
  const known = kinds.map((known) => known.kind).join(', ');
  throw new KmsError('invalid-parameter', `There is no kind of seal called "${name}"; there are: ${known}.`);
}
