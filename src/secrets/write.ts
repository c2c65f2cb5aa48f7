import {
  type Command,
  currentLabel,
  type Key,
  KmsError,
  markOf,
  numbered,
  type Outcome,
  type RecordChange,
  type Result,
  type Secret,
  type SecretVersion,
} from '#domain/domain.ts';
import { changeSecret, dropValues, putValue, storedValue } from './record.ts';
import { copiesOf } from './replicas.ts';
import { valueChanged } from './rotation.ts';
import { assertNotDeleted, assertPrimary, assertTags } from './state.ts';
import type { Parts, SecretSubject } from './subject.ts';
import { openValue, openVersion, protectedBy, sameValue, sealValue, unusableKey } from './value.ts';
import { isProtected, moveLabels, trimVersions } from './versions.ts';

const maxName = 512;
const maxDescription = 2048;

export async function createSecret(
  parts: Parts,
  realm: string,
  subject: SecretSubject,
  command: Command<'create-secret'>,
  /** Of the places that the command names, in their order. */
  realms: readonly string[],
  now: number,
): Promise<Outcome<Result<'create-secret'>>> {
  const { name, description = '', tags = {}, protection, value } = command;
  if (subject.secret !== undefined) return sameAsBefore(parts, subject, command);
  assertName(name);
  assertDescription(description);
  assertTags(tags);
  const { id } = subject.fresh!;
  const bare = {
    realm,
    id,
    name,
    resource: parts.resourceOf(realm, name, markOf({ id })),
    description,
    tags,
    ...(protection !== undefined && { key: protection }),
    createdAt: now,
    changedAt: now,
    versions: [],
  };
  if (value === undefined) return create(parts, bare, [], 'created, without a value', command, realms);
  const versionId = versionIdOf(subject);
  const key = protector(subject);
  const sealed = await sealValue(parts.keyring, key, bare, versionId, value);
  const version = { id: versionId, createdAt: now, labels: [currentLabel], ...protectedBy(key) };
  const row = putValue(bare, versionId, sealed);
  const made = { ...bare, versions: [version] };
  const { result, change } = await create(parts, made, [row], `created, with version ${versionId}`, command, realms);
  return { result: { ...result, versionId }, change: change! };
}

async function create(
  parts: Parts,
  facts: Omit<Secret, 'revision'>,
  rows: readonly RecordChange[],
  summary: string,
  { places = [] }: Command<'create-secret'>,
  realms: readonly string[],
): Promise<Outcome<{ readonly secret: Secret }>> {
  if (places.length === 0) return changeSecret(undefined, facts, summary, rows);
  const { replicas, records } = await copiesOf(parts, { ...facts, revision: 0 }, rows, places, realms);
  return changeSecret(undefined, { ...facts, replicas }, summary, [...rows, ...records]);
}

/** The same call again, as after an answer that was lost, is no mistake. */
async function sameAsBefore(
  parts: Parts,
  subject: SecretSubject,
  { name, versionId, value }: Command<'create-secret'>,
): Promise<Outcome<Result<'create-secret'>>> {
  const secret = subject.secret!;
  if (secret.deletion !== undefined) {
    throw new KmsError(
      'secret-deleted',
      "You can't create this secret because a secret with this name is already scheduled for deletion.",
      name,
    );
  }
  const version = secret.versions.find(({ id }) => id === versionId);
  if (value === undefined || version?.keyId === undefined || !(await holds(parts, subject, version, value))) {
    throw new KmsError('secret-exists', `The operation failed because the secret ${name} already exists.`, name);
  }
  return { result: { secret, versionId: version.id } };
}

export async function putSecretValue(
  parts: Parts,
  subject: SecretSubject,
  { versionId: asked, value, labels }: Command<'put-secret-value'>,
  now: number,
): Promise<Outcome<Result<'put-secret-value'>>> {
  const secret = subject.secret!;
  assertNotDeleted(secret);
  assertPrimary(secret);
  for (const label of labels ?? []) assertLabel(label);
  const added = await addVersion(parts, subject, versionIdOf(subject), value, labels ?? [currentLabel], now);
  if (added === undefined) return { result: { secret, versionId: asked! } };
  const { versions, versionId, records } = added;
  const { result, change } = changeSecret(
    secret,
    { ...secret, versions, changedAt: now, ...valueChanged(secret, versions, now) },
    `version ${versionId}`,
    records,
  );
  return { result: { ...result, versionId }, change };
}

export async function updateSecret(
  parts: Parts,
  subject: SecretSubject,
  command: Command<'update-secret'>,
  now: number,
): Promise<Outcome<Result<'update-secret'>>> {
  const secret = subject.secret!;
  const { description, protection, value } = command;
  assertNotDeleted(secret);
  assertPrimary(secret);
  if (description !== undefined) assertDescription(description);
  const { key: former, ...rest } = secret;
  const key = protection === undefined ? former : (protection ?? undefined);
  const facts = {
    ...rest,
    ...(key !== undefined && { key }),
    ...(description !== undefined && { description }),
    changedAt: now,
  };
  const versionId = value === undefined ? undefined : versionIdOf(subject);
  const added =
    value === undefined ? undefined : await addVersion(parts, subject, versionId!, value, [currentLabel], now);
  const left = added?.versions ?? secret.versions;
  const named = versionId === undefined ? {} : { versionId };
  if (value !== undefined && added === undefined && protection === undefined && description === undefined) {
    return { result: { secret, ...named } };
  }
  const { versions, records } =
    protection === undefined ? { versions: left, records: [] } : await moveValues(parts, subject, left);
  const { result, change } = changeSecret(
    secret,
    { ...facts, versions, ...valueChanged(secret, versions, now) },
    added === undefined ? 'updated' : `updated, with version ${versionId}`,
    [...(added?.records ?? []), ...records],
  );
  return { result: { ...result, ...named }, change };
}

export interface Added {
  readonly versionId: string;
  readonly versions: readonly SecretVersion[];
  readonly records: readonly RecordChange[];
}

/** Undefined where that version holds that value already. Throws 'secret-exists' where it holds another. */
export async function addVersion(
  parts: Parts,
  subject: SecretSubject,
  versionId: string,
  value: Command<'put-secret-value'>['value'],
  labels: readonly string[],
  now: number,
): Promise<Added | undefined> {
  const secret = subject.secret!;
  const former = numbered(secret.versions);
  const known = former.find(({ id }) => id === versionId);
  if (known?.number !== undefined) {
    if (known.keyId !== undefined && (await holds(parts, subject, known, value))) return undefined;
    throw new KmsError(
      'secret-exists',
      "You can't change a version that has a value; write a new one under another version id.",
      versionId,
    );
  }
  const key = protector(subject);
  const sealed = await sealValue(parts.keyring, key, secret, versionId, value);
  const first = former.every(({ keyId }) => keyId === undefined);
  const number = former.reduce((most, one) => Math.max(most, one.number ?? 0), 0) + 1;
  const labelled = known?.labels ?? [];
  const filled: SecretVersion = { id: versionId, number, createdAt: now, labels: labelled, ...protectedBy(key) };
  const all = [...former.filter(({ id }) => id !== versionId), filled];
  const { kept, dropped } = trimVersions(moveLabels(all, first ? [...labels, currentLabel] : labels, versionId), now);
  const records = [...(await dropValues(parts.records, secret, dropped)), putValue(secret, versionId, sealed)];
  return { versionId, versions: kept, records };
}

/** The values that are in use, under the key that the secret has from now on; one that can't be opened any more stays what it is. */
async function moveValues(parts: Parts, subject: SecretSubject, former: readonly SecretVersion[]) {
  const secret = subject.secret!;
  const key = protector(subject);
  const records: RecordChange[] = [];
  const versions: SecretVersion[] = [];
  for (const version of former) {
    const moves = isProtected(version) && version.keyId !== undefined && version.keyId !== key.id;
    const stored = moves ? await storedValue(parts.records, secret, version.id) : undefined;
    const value = stored && (await openedOrLeft(parts, subject, version, stored));
    if (value === undefined) {
      versions.push(version);
      continue;
    }
    const sealed = await sealValue(parts.keyring, key, secret, version.id, value);
    records.push(putValue(secret, version.id, sealed, stored!.revision));
    const { ownKey: _, ...kept } = version;
    versions.push({ ...kept, ...protectedBy(key) });
  }
  return { versions, records };
}

async function openedOrLeft(
  parts: Parts,
  subject: SecretSubject,
  version: SecretVersion,
  stored: NonNullable<Awaited<ReturnType<typeof storedValue>>>,
) {
  try {
    return await openValue(parts.keyring, keyOf(subject, version), subject.secret!, version.id, stored);
  } catch (error) {
    if (error instanceof KmsError && error.code === 'secret-undecryptable') return undefined;
    throw error;
  }
}

async function holds(
  parts: Parts,
  subject: SecretSubject,
  version: SecretVersion,
  value: Command<'put-secret-value'>['value'],
): Promise<boolean> {
  const secret = subject.secret!;
  return sameValue(value, await openVersion(parts, keyOf(subject, version), secret, version));
}

export function keyOf({ keys }: SecretSubject, { keyId }: SecretVersion): Key | undefined {
  return keys.find(({ id }) => id === keyId);
}

export function protector({ keys: [key] }: SecretSubject): Key {
  if (key === undefined) throw unusableKey('protect', 'it is not there.');
  return key;
}

function versionIdOf({ fresh }: SecretSubject): string {
  const { versionId } = fresh!;
  if (!/^[\x20-\x7e]{1,64}$/.test(versionId)) {
    throw new KmsError('invalid-parameter', 'A version id has 1 to 64 printable ASCII characters.');
  }
  return versionId;
}

export function assertLabel(label: string): void {
  if (label.length < 1 || label.length > 256 || !label.isWellFormed()) {
    throw new KmsError('invalid-parameter', 'A label has 1 to 256 characters.');
  }
}

export function assertName(name: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
  if (name.length < 1 || name.length > maxName || !name.isWellFormed() || /[\x00-\x1f\x7f]/.test(name)) {
    throw new KmsError(
      'invalid-parameter',
      `A secret's name has 1 to ${maxName} characters, none of them a control character.`,
    );
  }
}

function assertDescription(description: string): void {
  if (description.length > maxDescription) {
    throw new KmsError('invalid-parameter', `A secret's description has at most ${maxDescription} characters.`);
  }
}
