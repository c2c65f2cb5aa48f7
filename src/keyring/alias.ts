import { type Change, type Command, type Key, KmsError, type Outcome, type RecordChange } from '#domain/domain.ts';
import { changeKey, type Parts, together } from './change.ts';
import { assertName } from './create.ts';
import { nameRecordId } from './key-record.ts';
import { assertNotEnding } from './state.ts';

interface NameRecord {
  readonly key: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

const maxNames = 50;

type Done = Outcome<Record<never, never>>;

async function nameRecord(
  parts: Parts,
  realm: string,
  name: string,
): Promise<{ revision: number; value: NameRecord } | undefined> {
  return (await parts.records.read('name', nameRecordId(realm, name))) as
    | { revision: number; value: NameRecord }
    | undefined;
}

function assertRoom(key: Key): void {
  if (key.names.length >= maxNames)
    throw new KmsError('limit-exceeded', `A key has at most ${maxNames} aliases.`, key.id);
}

export async function createAlias(
  parts: Parts,
  key: Key,
  command: Command<'create-alias'>,
  now: number,
): Promise<Done> {
  const { name } = command;
  assertName(name);
  assertNotEnding(key);
  if ((await nameRecord(parts, key.realm, name)) !== undefined) {
    throw new KmsError('already-exists', `The alias ${name} already exists.`, name);
  }
  assertRoom(key);
  const value: NameRecord = { key: key.id, createdAt: now, updatedAt: now };
  const record: RecordChange = { kind: 'name', id: nameRecordId(key.realm, name), expect: 0, value };
  const { change } = changeKey(parts, key, { names: [...key.names, name] }, `named ${name}`, [record]);
  return { result: {}, change: forgetting(parts, key.realm, name, change) };
}

/** Points an existing alias at another key, which must be of the same use: what the alias's users do must go on working. */
export async function updateAlias(
  parts: Parts,
  key: Key,
  command: Command<'update-alias'>,
  now: number,
): Promise<Done> {
  const { name } = command;
  assertNotEnding(key);
  const { record, key: former } = await existing(parts, key.realm, name);
  if (former.id === key.id) return { result: {} };
  if (former.usages.join() !== key.usages.join() || former.spec.split('-')[0] !== key.spec.split('-')[0]) {
    throw new KmsError('wrong-usage', 'An alias can only move between keys of the same type and usage.', key.id);
  }
  assertRoom(key);
  const value: NameRecord = { ...record.value, key: key.id, updatedAt: now };
  const left = changeKey(parts, former, { names: former.names.filter((other) => other !== name) }, '');
  const joined = changeKey(parts, key, { names: [...key.names, name] }, `alias ${name} moved here from ${former.id}`, [
    { kind: 'name', id: nameRecordId(key.realm, name), expect: record.revision, value },
  ]);
  return { result: {}, change: forgetting(parts, key.realm, name, together(joined, [left]).change) };
}

export async function deleteAlias(parts: Parts, realm: string, command: Command<'delete-alias'>): Promise<Done> {
  const { name } = command;
  const { record, key } = await existing(parts, realm, name);
  const { change } = changeKey(
    parts,
    key,
    { names: key.names.filter((other) => other !== name) },
    `alias ${name} deleted`,
    [{ kind: 'name', id: nameRecordId(realm, name), expect: record.revision, value: undefined }],
  );
  return { result: {}, change: forgetting(parts, realm, name, change) };
}

async function existing(parts: Parts, realm: string, name: string) {
  const record = await nameRecord(parts, realm, name);
  const key = record && (await parts.keys.find(realm, { by: 'id', id: record.value.key }));
  if (record === undefined || key === undefined) {
    throw new KmsError('alias-not-found', `There is no alias ${name}.`, name);
  }
  return { record, key };
}

function forgetting(parts: Parts, realm: string, name: string, change: Change): Change {
  return {
    ...change,
    applied: () => {
      change.applied?.();
      parts.keys.forgetName(realm, name);
    },
  };
}

export type { NameRecord };
