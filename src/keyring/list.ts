import type { Command, Key, Outcome, Result } from '#domain/domain.ts';
import type { NameRecord } from './alias.ts';
import type { Parts } from './change.ts';
import { asOf, withoutEnded } from './imported.ts';
import { decodeKey, nameRecordId } from './key-record.ts';
import { isGone } from './keys.ts';
import { isSameNext, relatedKeys } from './region.ts';
import { versionRows } from './version-rows.ts';

/** As the key is by the clock: without imported material that has ended. */
export async function describeKey(
  parts: Parts,
  key: Key,
  command: Command<'describe-key'>,
): Promise<Outcome<Result<'describe-key'>>> {
  const now = parts.clock();
  const older = command.withVersions === true && key.current.version > 1 ? await versionRows(parts, key) : [];
  const versions = [...older.map(({ value }) => value), key.current].map((version) => withoutEnded(version, now));
  const result = { key: asOf(key, now), versions };
  if (command.withVersions !== true || key.next === undefined || key.multiRegion === undefined) return { result };
  // Of a replica: that the primary's is here is all that it knows.
  const replicas = key.multiRegion.primary === key.realm ? await relatedKeys(parts, key) : [];
  const awaits = replicas.some((replica) => !isSameNext(key, replica));
  return { result: awaits ? { ...result, nextAwaitsReplicas: true } : result };
}

export async function listKeys(
  parts: Parts,
  realm: string,
  { after, limit }: Command<'list-keys'>,
): Promise<Outcome<Result<'list-keys'>>> {
  const prefix = `${realm}/`;
  const keys: Array<{ id: string; names: readonly string[] }> = [];
  for (let from = after === '' ? '' : prefix + after; ; ) {
    const rows = await parts.records.list('key', prefix, from, limit + 1);
    for (const { revision, value } of rows) {
      const key = decodeKey(revision, value);
      if (isGone(key)) continue;
      if (keys.length === limit) return { result: { realm, keys, next: keys.at(-1)!.id } };
      keys.push({ id: key.id, names: key.names });
    }
    if (rows.length <= limit) return { result: { realm, keys } };
    from = rows.at(-1)!.id;
  }
}

/** `key` is the one that the command names, if it names one. */
export async function listAliases(
  parts: Parts,
  realm: string,
  { after, limit }: Command<'list-aliases'>,
  key: Key | undefined,
): Promise<Outcome<Result<'list-aliases'>>> {
  if (key !== undefined) return { result: pageOf(realm, await namesOf(parts, key, after), limit) };
  const prefix = nameRecordId(realm, '');
  const rows = await parts.records.list('name', prefix, after === '' ? '' : prefix + after, limit + 1);
  return {
    result: pageOf(
      realm,
      rows.map(({ id, value }) => alias(id.slice(prefix.length), value as NameRecord)),
      limit,
    ),
  };
}

async function namesOf(parts: Parts, key: Key, after: string) {
  const names = key.names.filter((name) => name > after).sort();
  const records = await Promise.all(names.map((name) => parts.records.read('name', nameRecordId(key.realm, name))));
  return names.flatMap((name, index) => {
    const record = records[index];
    return record === undefined ? [] : [alias(name, record.value as NameRecord)];
  });
}

function alias(name: string, { key, createdAt, updatedAt }: NameRecord) {
  return { name, keyId: key, createdAt, updatedAt };
}

function pageOf(realm: string, found: ReturnType<typeof alias>[], limit: number): Result<'list-aliases'> {
  const aliases = found.slice(0, limit);
  return found.length > limit ? { realm, aliases, next: aliases.at(-1)!.name } : { realm, aliases };
}
