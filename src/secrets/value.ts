import {
  type ErrorCode,
  type Key,
  KmsError,
  type RecordReader,
  type Secret,
  type SecretValue,
  type SecretVersion,
} from '#domain/domain.ts';
import { isOwnKey, type Keyring } from '#keyring/keyring.ts';
import { type SealedValue, storedValue, wasChanged } from './record.ts';

/** Bytes. */
export const maxValue = 1_048_576;

/** What a ciphertext is bound to, so that no value can be put in another's place. */
export interface Binding {
  readonly resource: string;
  readonly versionId?: string;
}

/** The binding as the context of AWS, which is what policies on keys ask for. */
export function pairsOf({ resource, versionId }: Binding): ReadonlyArray<readonly [key: string, value: string]> {
  const pairs = [['SecretARN', resource]] as const;
  return versionId === undefined ? pairs : [...pairs, ['SecretVersionId', versionId]];
}

const contextOf = ({ resource }: Pick<Secret, 'resource'>, versionId: string) => ({
  pairs: pairsOf({ resource, versionId }),
});

export async function sealValue(
  keyring: Keyring,
  key: Key,
  secret: Pick<Secret, 'resource'>,
  version: string,
  { form, bytes }: SecretValue,
): Promise<SealedValue> {
  if (bytes.length > maxValue) throw new KmsError('invalid-parameter', `A secret value has at most ${maxValue} bytes.`);
  return orUnusable('protect', async () => {
    const { result } = await keyring.encrypt(key, {
      kind: 'encrypt',
      key: { by: 'id', id: key.id },
      plaintext: bytes,
      context: contextOf(secret, version),
      scheme: 'envelope',
    });
    return { form, ciphertext: result.ciphertext };
  });
}

export async function openValue(
  keyring: Keyring,
  key: Key | undefined,
  secret: Secret,
  version: string,
  { form, ciphertext }: SealedValue,
): Promise<SecretValue> {
  return orUnusable('open', async () => {
    if (key === undefined) throw new KmsError('not-found', 'The key that protects the secret is gone.');
    const { result } = await keyring.decrypt(key, {
      kind: 'decrypt',
      key: { by: 'id', id: key.id },
      ciphertext,
      context: contextOf(secret, version),
      scheme: 'envelope',
    });
    return { form, bytes: result.plaintext };
  });
}

/**
 * The value of a version of the secret as it was read. Rejects with 'conflict' where a change took it away, or put it under another key,
 * since then; with 'tampered' where it is missing.
 */
export async function openVersion(
  { keyring, records }: { readonly keyring: Keyring; readonly records: RecordReader },
  key: Key | undefined,
  secret: Secret,
  version: SecretVersion,
): Promise<SecretValue> {
  try {
    const stored = await storedValue(records, secret, version.id);
    if (stored === undefined)
      throw new KmsError('tampered', `The value of ${secret.name} is missing from the database.`);
    return await openValue(keyring, key, secret, version.id, stored);
  } catch (error) {
    if (await wasChanged(records, secret))
      throw new KmsError('conflict', 'The secret was changed meanwhile; ask again.');
    throw error;
  }
}

/** What says that it is the key, and not the server, that can't. */
const unusable: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'not-found',
  'alias-not-found',
  'disabled',
  'pending-destruction',
  'invalid-state',
  'invalid-parameter', // a key that is derived per context
  'wrong-usage',
  'wrong-algorithm',
  'version-not-found',
  'version-too-old',
  'invalid-ciphertext',
  'wrong-key',
]);

/** The key's own refusal becomes that of the secret; its subject says which way was closed. */
async function orUnusable<T>(way: 'protect' | 'open', act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof KmsError) || !unusable.has(error.code)) throw error;
    throw unusableKey(way, error.message);
  }
}

export function unusableKey(way: 'protect' | 'open', why: string): KmsError {
  return new KmsError('secret-undecryptable', `The key that protects the secret can't be used: ${why}`, way);
}

/** Looks at every byte whatever it finds: who may write a value learns nothing of the one that is there by how long this takes. */
export function sameValue(a: SecretValue, b: SecretValue): boolean {
  const [one, other] = [a.bytes.release(), b.bytes.release()];
  let difference = one.length ^ other.length;
  for (let i = 0; i < one.length && i < other.length; i++) difference |= one[i]! ^ other[i]!;
  return difference === 0 && a.form === b.form;
}

/** What a version says of the key that its value is under. */
export function protectedBy(key: Key): { readonly keyId: string; readonly ownKey?: true } {
  return isOwnKey(key) ? { keyId: key.id, ownKey: true } : { keyId: key.id };
}
