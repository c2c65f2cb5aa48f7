import { type Command, type GrantOperation, isSymmetric, type Key, type KeyUsage, KmsError } from '#domain/domain.ts';

const always: readonly GrantOperation[] = ['CreateGrant', 'RetireGrant', 'DescribeKey'];

const symmetric: Partial<Record<KeyUsage, readonly GrantOperation[]>> = {
  encrypt: [
    'Encrypt',
    'Decrypt',
    'ReEncryptFrom',
    'ReEncryptTo',
    'GenerateDataKey',
    'GenerateDataKeyWithoutPlaintext',
    'GenerateDataKeyPair',
    'GenerateDataKeyPairWithoutPlaintext',
  ],
  mac: ['GenerateMac', 'VerifyMac'],
};

const asymmetric: Partial<Record<KeyUsage, readonly GrantOperation[]>> = {
  encrypt: ['Encrypt', 'Decrypt', 'ReEncryptFrom', 'ReEncryptTo', 'GetPublicKey'],
  sign: ['Sign', 'Verify', 'GetPublicKey'],
  agree: ['DeriveSharedSecret', 'GetPublicKey'],
  encapsulate: ['GetPublicKey'],
};

/** What a grant on this key can't be, or undefined: 'invalid-parameter' (CreateGrant, `Operations` and `Constraints`). */
export function checkGrantOperations(
  { spec, usages }: Key,
  { operations, constraints }: Pick<Command<'create-key-grant'>, 'operations' | 'constraints'>,
): KmsError | undefined {
  const table = isSymmetric(spec) ? symmetric : asymmetric;
  const possible = [...always, ...usages.flatMap((usage) => table[usage] ?? [])];
  const impossible = operations.find((operation) => !possible.includes(operation));
  if (impossible !== undefined) {
    return new KmsError('invalid-parameter', `A key of this kind can't ${impossible}, so no grant can allow it.`);
  }
  if (constraints !== undefined && !(isSymmetric(spec) && usages.includes('encrypt'))) {
    return new KmsError(
      'invalid-parameter',
      'Only symmetric encryption keys have an encryption context to be bound to.',
    );
  }
  return undefined;
}
