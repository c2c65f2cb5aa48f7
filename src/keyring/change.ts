import type { Change, Key, Outcome, RecordChange, SecretBytes } from '#domain/domain.ts';
import type { Shelf } from '#store/store.ts';
import { dueRecords } from './due.ts';
import { encodeKey, keyRecordId, nameRecordId } from './key-record.ts';
import type { Keys } from './keys.ts';
import type { OpenVersions } from './open.ts';
import type { RealmKeys } from './realm-keys.ts';
import type { Records } from './records.ts';
import type { Residents } from './resident.ts';
import type { Uses } from './uses.ts';
import type { VersionKeys } from './version-keys.ts';
import type { WrappingKeys } from './wrapping-keys.ts';

/** What the verbs of this room work with. */
export interface Parts {
  readonly records: Records;
  readonly keys: Keys;
  readonly versions: OpenVersions;
  readonly realmKeys: RealmKeys;
  readonly versionKeys: VersionKeys;
  readonly shelf: Shelf | undefined;
  readonly wrappingKeys: WrappingKeys;
  readonly residents: Residents;
  readonly uses: Uses;
  /** Of the root: what fingerprints of imported material are made with. */
  readonly fingerprints: SecretBytes;
  /** Milliseconds since the epoch; never goes back. */
  readonly clock: () => number;
  /** Told when material is gone for good, which what was opened of it may still hold. */
  readonly forgotten: () => void;
}

/** A key as it will be, and the change that makes it so. */
export type Changed = Outcome<{ readonly key: Key }> & { readonly change: Change };

/** A key's next state as one change: its row, the rows that go with it, and memory once all of it is durable. */
export function changeKey(
  parts: Parts,
  before: Key,
  facts: { readonly [K in keyof Key]?: Key[K] | undefined },
  summary: string,
  others: readonly RecordChange[] = [],
): Changed {
  const next: Key = Object.freeze(withoutUndefined({ ...before, ...facts, revision: before.revision + 1 } as Key));
  return {
    result: { key: next },
    change: {
      records: [
        { kind: 'key', id: keyRecordId(before), expect: before.revision, value: encodeKey(next) },
        ...dueRecords(before, next),
        ...others,
      ],
      summary,
      applied: () => {
        const gone = before.names.filter((name) => !next.names.includes(name));
        parts.keys.replace(next, gone);
        if (losesMaterial(before, next)) parts.forgotten();
      },
    },
  };
}

function losesMaterial(before: Key, next: Key): boolean {
  const current = before.current.wrapped !== undefined && next.current.wrapped === undefined;
  return current || next.minAvailableVersion > before.minAvailableVersion;
}

/** A key that wasn't there, with its names, which must be free. */
export function newKey(
  parts: Parts,
  key: Key,
  now: number,
  summary: string,
  others: readonly RecordChange[] = [],
): Changed {
  const names = key.names.map((name): RecordChange => {
    const value = { key: key.id, createdAt: now, updatedAt: now };
    return { kind: 'name', id: nameRecordId(key.realm, name), expect: 0, value };
  });
  return {
    result: { key },
    change: {
      records: [
        { kind: 'key', id: keyRecordId(key), expect: 0, value: encodeKey(key) },
        ...dueRecords(undefined, key),
        ...names,
        ...others,
      ],
      summary,
      applied: () => parts.keys.replace(key, key.names),
    },
  };
}

/** Several keys' changes as one, with the answer and the summary of the first. */
export function together(first: Changed, others: readonly Changed[]): Changed {
  if (others.length === 0) return first;
  const changes = [first, ...others].map(({ change }) => change);
  return {
    result: first.result,
    change: {
      summary: first.change.summary,
      records: changes.flatMap(({ records }) => records),
      applied: () => {
        for (const { applied } of changes) applied?.();
      },
      finish: async () => {
        for (const { finish } of changes) await finish?.();
      },
    },
  };
}

/** A fact set to undefined is a fact taken away. */
function withoutUndefined(key: Key): Key {
  return Object.fromEntries(Object.entries(key).filter(([, value]) => value !== undefined)) as unknown as Key;
}
