import type { Key, KeyVersion, Outcome } from '#domain/domain.ts';
import type { Parts } from './change.ts';
import { decodeVersion, keyRecordId } from './key-record.ts';
import { versionRows } from './version-rows.ts';

/** What came of a change, with all versions as they are after it, for protocols that answer a change with the whole key. */
export async function shown<R extends { readonly key: Key }>(
  parts: Parts,
  command: { readonly withVersions?: boolean },
  changed: Outcome<R> | Promise<Outcome<R>>,
): Promise<Outcome<R & { readonly versions?: readonly KeyVersion[] }>> {
  const outcome = await changed;
  if (command.withVersions !== true) return outcome;
  const { key } = outcome.result;
  const older = key.current.version > 1 ? await versionRows(parts, key) : [];
  const versions = new Map(older.map(({ value }) => [value.version, value]));
  const own = `${keyRecordId(key)}/`;
  for (const { kind, id, value } of outcome.change?.records ?? []) {
    if (kind !== 'version' || !id.startsWith(own) || value === undefined) continue;
    const version = decodeVersion(value);
    versions.set(version.version, version);
  }
  const sorted = [...versions.values()].sort((a, b) => a.version - b.version);
  return { ...outcome, result: { ...outcome.result, versions: [...sorted, key.current] } };
}
