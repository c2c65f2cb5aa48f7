import { randomUuid } from '#crypto/crypto.ts';
import {
  type Command,
  type Key,
  type KeyVersion,
  KmsError,
  type Outcome,
  type RecordChange,
  type Result,
} from '#domain/domain.ts';
import { type BackedUp, openBackup, sealBackup } from './backup-format.ts';
import type { Parts } from './change.ts';
import { assertName } from './create.ts';
import { dueRecords } from './due.ts';
import { identityOf } from './import.ts';
import { assertImported } from './imported.ts';
import { decodeKey, encodeKey, encodeVersion, keyRecordId, nameRecordId, versionRecordId } from './key-record.ts';
import { bindingOf, macBindingOf } from './open.ts';
import { isOwnKey, unreserved } from './reserved.ts';
import { wrapMaterial } from './root.ts';
import { nextRotation } from './rotation-plan.ts';
import { assertAllowed, assertNotEnding } from './state.ts';
import { type VersionRow, versionRows } from './version-rows.ts';

/** The key as one piece that only this realm opens. */
export async function backupKey(parts: Parts, key: Key): Promise<Outcome<Result<'backup-key'>>> {
  if (!key.exportable || isOwnKey(key))
    throw new KmsError('unsupported', 'exporting is disallowed on the policy', key.id);
  if (key.backupAllowed !== true) {
    throw new KmsError('unsupported', 'plaintext backup is disallowed on the policy', key.id);
  }
  if (key.multiRegion !== undefined) {
    throw new KmsError('unsupported', 'A multi-Region key is kept safe by its replicas.', key.id);
  }
  assertNotEnding(key);
  assertImported(parts, key);
  assertAllowed(key, key.current, 'export');
  const older = (await versionRows(parts, key)).map(({ value }) => value);
  const backup = sealBackup(await parts.realmKeys.of(key.realm), { key, older });
  return { result: { key, backup } };
}

type Restore = Pick<Command<'restore-key'>, 'backup' | 'name' | 'within' | 'force'>;

/** The keys that a restoration takes something from: the one that it replaces, and the one that has its name. */
export async function touchedByRestore(parts: Parts, realm: string, command: Restore): Promise<readonly Key[]> {
  const backedUp = await openedHere(parts, realm, command.backup);
  if (backedUp === undefined) return [];
  const { live, holder } = await placeOf(parts, realm, backedUp, command);
  const replaced = live !== undefined && live.id === holder?.id ? [live] : [];
  return [...replaced, ...(holder === undefined || holder.id === live?.id ? [] : [holder])];
}

/**
 * Puts the key back as it was: under its own id, so that what it encrypted opens again, or, where that key lives on under other
 * names, as a copy with an id of its own. What there is already by its name gives way only where `force` says so.
 */
export async function restoreKey(
  parts: Parts,
  realm: string,
  command: Command<'restore-key'>,
  now: number,
): Promise<Outcome<Result<'restore-key'>>> {
  const backedUp = await openedHere(parts, realm, command.backup);
  if (backedUp === undefined) {
    throw new KmsError('invalid-parameter', 'The backup is none of this realm, or it was changed.');
  }
  const { name, live, holder } = await placeOf(parts, realm, backedUp, command);
  if (name !== undefined) assertName(unreserved({ name }).name);
  if (holder !== undefined && command.force !== true) {
    throw new KmsError('already-exists', `key ${JSON.stringify(name)} already exists`, name);
  }
  const again = live !== undefined && live.id === holder?.id;
  if (again) assertNotEnding(live);
  return live === undefined || again
    ? putBack(parts, backedUp, { name, holder, live, now })
    : copied(parts, backedUp, { name, holder, now });
}

interface Placing {
  /** Undefined for a key that had none and is given none. */
  readonly name: string | undefined;
  /** What has that name now. */
  readonly holder: Key | undefined;
  readonly now: number;
}

async function openedHere(parts: Parts, realm: string, backup: Uint8Array): Promise<BackedUp | undefined> {
  const { key } = await parts.realmKeys.ofOrNew(realm);
  return openBackup(key, realm, backup);
}

async function placeOf(parts: Parts, realm: string, { key }: BackedUp, command: Restore) {
  const { within = '' } = command;
  const name = command.name ?? key.names.find((one) => one.startsWith(within));
  if (name === undefined && within !== '') {
    throw new KmsError('invalid-parameter', `The key had no name that begins with ${within}: say which one it gets.`);
  }
  const holder = name === undefined ? undefined : await parts.keys.find(realm, { by: 'name', name });
  const live = await parts.keys.find(realm, { by: 'id', id: key.id });
  return { name, holder: name === undefined ? live : holder, live };
}

/** Under its own id: over what is there of it, or over what its destruction left. */
async function putBack(
  parts: Parts,
  { key, older }: BackedUp,
  { name, holder, live, now }: Placing & { readonly live: Key | undefined },
): Promise<Outcome<Result<'restore-key'>>> {
  const former = live ?? (await parts.records.read('key', keyRecordId(key)));
  const rows = await versionRows(parts, key);
  const places = new Map(rows.map(({ revision, value }) => [value.version, revision]));
  const records = older.map((version): RecordChange => {
    const expect = places.get(version.version) ?? 0;
    places.delete(version.version);
    return { kind: 'version', id: versionRecordId(key, version.version), expect, value: encodeVersion(version) };
  });
  // What came after the backup goes.
  for (const [version, expect] of places) {
    records.push({ kind: 'version', id: versionRecordId(key, version), expect, value: undefined });
  }
  const { policy: _, grantsRevision: __, ...facts } = key;
  const rights = live ?? key;
  const uses = await usesOf(parts, key, live, rows);
  const next: Key = Object.freeze({
    ...facts,
    ...planned(key, now),
    ...(uses > 0 && { current: Object.freeze({ ...key.current, reservedUses: uses }) }),
    // Who may do what with it is not what was backed up.
    ...(rights.policy !== undefined && { policy: rights.policy }),
    ...(live?.grantsRevision !== undefined && { grantsRevision: live.grantsRevision }),
    names: live?.names ?? (name === undefined ? [] : [name]),
    revision: (former?.revision ?? 0) + 1,
  });
  return placed(parts, next, { name, holder, now, before: live, records, what: 'restored' });
}

/** Of a raw key: what its current version may have done, before the backup or since. 0: nothing is counted. */
async function usesOf(
  parts: Parts,
  { current, realm, id }: Key,
  live: Key | undefined,
  rows: readonly VersionRow[],
): Promise<number> {
  const stored = await parts.records.read('key', keyRecordId({ realm, id }));
  const former = live ?? (stored && decodeKey(stored.revision, stored.value));
  const known = [former?.current, ...rows.map(({ value }) => value), current];
  const same = known.filter((version) => version?.version === current.version);
  return Math.max(0, ...same.map((version) => version?.reservedUses ?? 0));
}

/** Beside the key that it was, with the same material. */
async function copied(
  parts: Parts,
  { key, older }: BackedUp,
  { name, holder, now }: Placing,
): Promise<Outcome<Result<'restore-key'>>> {
  const { grantsRevision: _, ...facts } = key;
  const to = { ...facts, id: randomUuid(), copyOf: [...(key.copyOf ?? []), key.id] };
  // Its uses are counted where it is used: from a copy they could be done again.
  if (key.class === 'raw')
    throw new KmsError('unsupported', 'A raw key is restored as itself, not beside itself.', key.id);
  const realmKey = await parts.realmKeys.of(key.realm);
  const carried = async (version: KeyVersion): Promise<KeyVersion> => {
    const known = version.fingerprint !== undefined;
    if (version.wrapped === undefined) {
      return known && version.publicKey !== undefined
        ? { ...version, ...identityOf(parts, to, version.publicKey, undefined) }
        : version;
    }
    using material = await parts.versions.material(key, version);
    using mac = await parts.versions.macKey(key, version);
    return Object.freeze({
      ...version,
      ...(mac && { wrappedMac: wrapMaterial(realmKey, macBindingOf(to, version.version), mac) }),
      ...(known && identityOf(parts, to, version.publicKey, material)),
      wrapped: wrapMaterial(realmKey, bindingOf(to, version.version), material),
    });
  };
  const records: RecordChange[] = [];
  for (const version of older) {
    const value = encodeVersion(await carried(version));
    records.push({ kind: 'version', id: versionRecordId(to, version.version), expect: 0, value });
  }
  const next: Key = Object.freeze({
    ...to,
    ...planned(key, now),
    current: await carried(key.current),
    ...(key.next && { next: await carried(key.next) }),
    names: name === undefined ? [] : [name],
    revision: 1,
  });
  const what = `restored a copy of ${key.id}`;
  return placed(parts, next, { name, holder, now, before: undefined, records, what });
}

/** Its rotation begins anew. */
function planned({ rotation }: Key, now: number): Pick<Partial<Key>, 'rotation'> {
  return rotation === undefined ? {} : { rotation: nextRotation(rotation.periodDays, now) };
}

interface Placed extends Placing {
  readonly before: Key | undefined;
  readonly records: readonly RecordChange[];
  readonly what: string;
}

/** The key, its rows and its name, which the holder of it loses. */
async function placed(
  parts: Parts,
  key: Key,
  { name, holder, now, before, records, what }: Placed,
): Promise<Outcome<Result<'restore-key'>>> {
  const loser = holder !== undefined && holder.id !== key.id ? holder : undefined;
  const others: RecordChange[] = [];
  const left: Key | undefined = loser && {
    ...loser,
    revision: loser.revision + 1,
    names: loser.names.filter((one) => one !== name),
  };
  if (left !== undefined) {
    others.push({ kind: 'key', id: keyRecordId(left), expect: left.revision - 1, value: encodeKey(left) });
  }
  if (name !== undefined && !before?.names.includes(name)) {
    const id = nameRecordId(key.realm, name);
    const taken = await parts.records.read('name', id);
    const value = { key: key.id, createdAt: now, updatedAt: now };
    others.push({ kind: 'name', id, expect: taken?.revision ?? 0, value });
  }
  const summary = loser === undefined ? what : `${what} in place of ${loser.id}`;
  return {
    result: { key },
    change: {
      records: [
        { kind: 'key', id: keyRecordId(key), expect: key.revision - 1, value: encodeKey(key) },
        ...dueRecords(before, key),
        ...records,
        ...others,
      ],
      summary,
      applied: () => {
        if (left !== undefined) parts.keys.replace(Object.freeze(left));
        parts.keys.replace(key, name === undefined ? [] : [name]);
      },
    },
  };
}
