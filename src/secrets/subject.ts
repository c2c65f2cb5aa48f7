import {
  type Command,
  type Key,
  type KeyRef,
  KmsError,
  markOf,
  type RecordReader,
  type Secret,
  type SecretPlace,
  type SecretRef,
  type SecretVersion,
} from '#domain/domain.ts';
import { type Keyring, secretsKeyName } from '#keyring/keyring.ts';
import { freshId } from './fresh-id.ts';
import { secretByName } from './record.ts';
import type { Binding } from './value.ts';
import { chooseVersion, isProtected, versionByNumber } from './versions.ts';

/** What the verbs of this room work with. */
export interface Parts {
  readonly records: RecordReader;
  readonly keyring: Keyring;
  /** What the operator has registered to change secrets. */
  readonly rotators: { has(name: string): boolean };
  /** The realm of the same account in another region. */
  readonly realmIn: (realm: string, region: string) => string;
  /** What ciphertexts of a new secret are bound to. */
  readonly resourceOf: (realm: string, name: string, mark: string) => string;
}

/** The secret that a command is about and the keys that it takes, so that policy can decide on all of them before any is used. */
export interface SecretSubject {
  /** What grants are compared with. */
  readonly target: { readonly id?: string; readonly names: readonly string[] };
  /** Absent: there is none. */
  readonly secret?: Secret;
  /** Why the command can't go on, told to who could have done it. */
  readonly missing?: KmsError;
  /** What the values read or written are protected with; the first is for what is written. */
  readonly keys: readonly Key[];
  /** What the value read or written is bound to. */
  readonly binding?: Binding;
  /** What a secret or version that the command makes will be called. */
  readonly fresh?: { readonly id: string; readonly versionId: string };
  /** The command names a key that isn't there. */
  readonly absentKey?: KeyRef;
  /** The own key for secrets of this realm is needed, and must be made first. */
  readonly lacksOwnKey?: string;
}

export type SecretCommand = Command<
  | 'create-secret'
  | 'put-secret-value'
  | 'update-secret'
  | 'get-secret-value'
  | 'read-secret-version'
  | 'write-secret'
  | 'import-secret'
  | 'change-secret-versions'
  | 'configure-secret'
  | 'move-secret-label'
  | 'describe-secret'
  | 'list-secret-versions'
  | 'delete-secret'
  | 'restore-secret'
  | 'tag-secret'
  | 'untag-secret'
  | 'set-secret-policy'
  | 'get-secret-policy'
  | 'delete-secret-policy'
  | 'check-secret-policy'
  | 'rotate-secret'
  | 'cancel-secret-rotation'
  | 'replicate-secret'
  | 'remove-secret-replicas'
  | 'detach-secret-replica'
>;

export async function findSecret(
  records: RecordReader,
  realm: string,
  { name, mark, realm: named }: SecretRef,
): Promise<Secret | undefined> {
  if (named !== undefined && named !== realm) return undefined;
  const secret = await secretByName(records, realm, name);
  if (mark === undefined || (secret !== undefined && markOf(secret) === mark)) return secret;
  return secretByName(records, realm, `${name}-${mark}`);
}

export async function subjectOf(parts: Parts, realm: string, command: SecretCommand): Promise<SecretSubject> {
  if (command.kind === 'create-secret') {
    const secret = await secretByName(parts.records, realm, command.name);
    const target = { names: [command.name], ...(secret && { id: secret.id }) };
    const own = await keysFor(parts, realm, command.protection, secret, written(secret, command.versionId));
    const keys = own.keys.length === 0 ? own : await replicationKeys(parts, realm, own.keys, command.places ?? []);
    const id = freshId(parts.keyring);
    const fresh = { id, versionId: command.versionId ?? freshId(parts.keyring) };
    const resource = secret?.resource ?? parts.resourceOf(realm, command.name, markOf({ id }));
    return { target, fresh, binding: { resource, versionId: fresh.versionId }, ...(secret && { secret }), ...keys };
  }
  if (command.kind === 'write-secret' || command.kind === 'configure-secret')
    return madeOnTheWay(parts, realm, command);
  if (command.kind === 'import-secret') return arriving(parts, realm, command);
  if (command.secret === undefined) return { target: { names: [] }, keys: [] };
  const secret = await findSecret(parts.records, realm, command.secret);
  if (secret === undefined) {
    const { name, mark } = command.secret;
    const target = { names: mark === undefined ? [name] : [name, `${name}-${mark}`] };
    // What is to be gone at once, and isn't there, is gone.
    if (command.kind === 'delete-secret' && command.days === 0) return { target, keys: [] };
    if (command.kind === 'change-secret-versions') return { target, keys: [] };
    return { target, missing: noSuchSecret(), keys: [] };
  }
  const { resource } = secret;
  const found = { target: { id: secret.id, names: [secret.name] }, secret, binding: { resource } };
  const writing = (asked: string | undefined) => {
    const versionId = asked ?? freshId(parts.keyring);
    return { fresh: { id: secret.id, versionId }, binding: { resource, versionId } };
  };
  switch (command.kind) {
    case 'get-secret-value':
      return { ...found, ...(await readKeys(parts, secret, command)) };
    case 'read-secret-version': {
      const version = versionByNumber(secret.versions, command.number);
      if (version?.keyId === undefined) return { ...found, keys: [] };
      const keys = await keysById(parts, secret.realm, [version.keyId]);
      return { ...found, keys, binding: { resource, versionId: version.id } };
    }
    case 'put-secret-value':
      return {
        ...found,
        ...writing(command.versionId),
        ...(await keysFor(parts, realm, secret.key, secret, written(secret, command.versionId))),
      };
    case 'update-secret': {
      const { protection, value, versionId } = command;
      if (protection === undefined && value === undefined) return { ...found, keys: [] };
      const moved = protection === undefined ? [] : secret.versions.filter(isProtected);
      const same = value === undefined ? [] : written(secret, versionId);
      const key = protection === undefined ? secret.key : (protection ?? undefined);
      // Of those that are moved to another key, each is bound to its own version: which, no one pair can say.
      const bound = value === undefined ? {} : writing(versionId);
      return { ...found, ...bound, ...(await keysFor(parts, realm, key, secret, [...same, ...moved])) };
    }
    case 'replicate-secret':
      return { ...found, ...(await copyKeys(parts, secret, command)) };
    case 'change-secret-versions':
    case 'move-secret-label':
    case 'describe-secret':
    case 'list-secret-versions':
    case 'delete-secret':
    case 'restore-secret':
    case 'tag-secret':
    case 'untag-secret':
    case 'set-secret-policy':
    case 'get-secret-policy':
    case 'delete-secret-policy':
    case 'check-secret-policy':
    case 'rotate-secret':
    case 'cancel-secret-rotation':
    case 'remove-secret-replicas':
    case 'detach-secret-replica':
      return { ...found, keys: [] };
  }
}

/** What makes the secret where there is none. */
async function madeOnTheWay(
  parts: Parts,
  realm: string,
  command: Command<'write-secret' | 'configure-secret'>,
): Promise<SecretSubject> {
  const { name } = command.secret;
  const secret = await secretByName(parts.records, realm, name);
  const fresh = { id: freshId(parts.keyring), versionId: freshId(parts.keyring) };
  const target = { names: [name], ...(secret && { id: secret.id }) };
  const resource = secret?.resource ?? parts.resourceOf(realm, name, markOf(fresh));
  const subject = { target, fresh, ...(secret && { secret }) };
  const mustBeThere = command.merge === true;
  if (secret === undefined && mustBeThere) return { ...subject, keys: [], missing: noSuchSecret() };
  if (command.kind === 'configure-secret') return { ...subject, binding: { resource }, keys: [] };
  const merged = mustBeThere ? versionByNumber(secret!.versions, 0) : undefined;
  const binding = { resource, versionId: fresh.versionId };
  return { ...subject, binding, ...(await keysFor(parts, realm, secret?.key, secret, merged ? [merged] : [])) };
}

/** All its values are read, to see whether they are what comes. */
async function arriving(parts: Parts, realm: string, command: Command<'import-secret'>): Promise<SecretSubject> {
  const { name } = command.secret;
  const secret = await secretByName(parts.records, realm, name);
  const fresh = { id: secret?.id ?? freshId(parts.keyring), versionId: '' };
  const target = { names: [name], ...(secret && { id: secret.id }) };
  const resource = secret?.resource ?? parts.resourceOf(realm, name, markOf(fresh));
  const keys = await keysFor(parts, realm, secret?.key, secret, secret?.versions ?? []);
  return { target, fresh, binding: { resource }, ...(secret && { secret }), ...keys };
}

const noSuchSecret = () => new KmsError('secret-not-found', 'There is no such secret.', 'secret');

/** A version that is there already is read, to see whether it is what is to be written. */
function written(secret: Secret | undefined, id: string | undefined): readonly SecretVersion[] {
  return secret?.versions.filter((version) => version.id === id) ?? [];
}

async function readKeys(
  parts: Parts,
  secret: Secret,
  { versionId, label }: Command<'get-secret-value'>,
): Promise<Pick<SecretSubject, 'keys' | 'binding' | 'missing'>> {
  try {
    const { id, keyId } = chooseVersion(secret.versions, versionId, label);
    const keys = await keysById(parts, secret.realm, [keyId]);
    return { keys, binding: { resource: secret.resource, versionId: id } };
  } catch (error) {
    if (error instanceof KmsError) return { keys: [], missing: error };
    throw error;
  }
}

/** The key for what is written, then those of versions that are read. */
async function keysFor(
  parts: Parts,
  realm: string,
  ref: KeyRef | undefined,
  secret: Secret | undefined,
  read: readonly SecretVersion[],
): Promise<Pick<SecretSubject, 'keys' | 'absentKey' | 'lacksOwnKey'>> {
  const key = await parts.keyring.find(realm, ref ?? { by: 'name', name: secretsKeyName });
  if (key === undefined) return ref === undefined ? { keys: [], lacksOwnKey: realm } : { keys: [], absentKey: ref };
  const others = await keysById(
    parts,
    secret?.realm ?? realm,
    read.map(({ keyId }) => keyId).filter((id) => id !== key.id),
  );
  return { keys: [key, ...others] };
}

async function copyKeys(parts: Parts, secret: Secret, { places }: Command<'replicate-secret'>) {
  const ids = secret.versions.map(({ keyId }) => keyId);
  return replicationKeys(parts, secret.realm, await keysById(parts, secret.realm, ids), places);
}

/** Those of the values, and that of each copy. */
async function replicationKeys(
  parts: Parts,
  realm: string,
  own: readonly Key[],
  places: readonly SecretPlace[],
): Promise<Pick<SecretSubject, 'keys' | 'absentKey' | 'lacksOwnKey'>> {
  const keys = [...own];
  for (const { region, protection } of places) {
    const found = await keysFor(parts, parts.realmIn(realm, region), protection, undefined, []);
    if (found.keys.length === 0) return found;
    keys.push(...found.keys);
  }
  return { keys };
}

async function keysById({ keyring }: Parts, realm: string, ids: ReadonlyArray<string | undefined>): Promise<Key[]> {
  const keys: Key[] = [];
  for (const id of new Set(ids)) {
    const key = id === undefined ? undefined : await keyring.find(realm, { by: 'id', id });
    if (key !== undefined) keys.push(key);
  }
  return keys;
}
