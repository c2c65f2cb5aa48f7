import { randomUuid } from '#crypto/crypto.ts';
import {
  type Command,
  type Key,
  type KeyVersion,
  KmsError,
  type Outcome,
  type RecordChange,
  type Result,
  type SecretBytes,
} from '#domain/domain.ts';
import { type BackedUp, openBackup, sealBackup } from './backup-format.ts';
import { type Changed, changeKey, type Parts, together } from './change.ts';
import { assertName } from './create.ts';
import { dueRecords } from './due.ts';
import { identityOf } from './import.ts';
import { assertImported } from './imported.ts';
import { decodeKey, encodeKey, encodeVersion, keyRecordId, nameRecordId, versionRecordId } from './key-record.ts';
import { rewrapped } from './material.ts';
import { isOwnKey, unreserved } from './reserved.ts';
import { nextRotation } from './rotation-plan.ts';
import { assertAllowed, assertNotEnding } from './state.ts';
import { versionRows } from './version-rows.ts';

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
  const backup = sealBackup(await parts.realmKeys.of(key.realm), await offShelf(parts, key, older));
  return { result: { key, backup } };
}

/** As it is to be kept away from here: whoever takes it away can bring it back, also once it was destroyed. */
async function offShelf(parts: Parts, key: Key, older: readonly KeyVersion[]): Promise<BackedUp> {
  const { slot, ...off } = key;
  if (slot === undefined) return { key, older };
  using wrapping = await parts.versionKeys.of(off);
  return await carried(parts, key, older, off, wrapping);
}

/** All its versions wrapped for another place. */
async function carried(
  parts: Parts,
  from: Key,
  older: readonly KeyVersion[],
  to: Omit<Key, 'current' | 'next'>,
  wrapping: SecretBytes,
): Promise<BackedUp> {
  const carry = (version: KeyVersion) => rewrapped(parts, from, version, to, wrapping);
  const key = {
    ...to,
    current: await carry(from.current),
    ...(from.next && { next: await carry(from.next) }),
  };
  return { key: Object.freeze(key), older: await Promise.all(older.map(carry)) };
}

type Restore = Pick<Command<'restore-key'>, 'backup' | 'name' | 'within' | 'force'>;

/** The keys that a restoration takes something from: the one that it replaces, or the one that loses its name. */
export async function touchedByRestore(parts: Parts, realm: string, command: Restore): Promise<readonly Key[]> {
  const backedUp = await openedHere(parts, realm, command.backup);
  return backedUp === undefined ? [] : givingWay(await placeOf(parts, realm, backedUp, command));
}

/**
 * Puts the key back as it was: under its own id, so that what it encrypted opens again, or, where that key lives on under other
 * names, as a copy with an id of its own. What there is already by its name gives way only where `force` says so. `judged`: what
 * `touchedByRestore` gave. Rejects with 'conflict' where it is another key by now.
 */
export async function restoreKey(
  parts: Parts,
  realm: string,
  judged: readonly Key[],
  command: Command<'restore-key'>,
  now: number,
): Promise<Outcome<Result<'restore-key'>>> {
  const backedUp = await openedHere(parts, realm, command.backup);
  if (backedUp === undefined) {
    throw new KmsError('invalid-parameter', 'The backup is none of this realm, or it was changed.');
  }
  const place = await placeOf(parts, realm, backedUp, command);
  const { name, live, holder } = place;
  if (name !== undefined) assertName(unreserved({ name }).name);
  if (holder?.id !== judged[0]?.id) {
    throw new KmsError('conflict', 'The name went to another key while this was under way; ask again.', name);
  }
  if (holder !== undefined && command.force !== true) {
    throw new KmsError('already-exists', `key ${JSON.stringify(name)} already exists`, name);
  }
  const again = live !== undefined && live.id === holder?.id;
  if (again) assertNotEnding(live);
  return live === undefined || again ? putBack(parts, backedUp, place, now) : copied(parts, backedUp, place, now);
}

interface Place {
  /** Undefined for a key that had none and is given none. */
  readonly name: string | undefined;
  /** What has that name now. */
  readonly holder: Key | undefined;
  /** The key itself, as it is now. */
  readonly live: Key | undefined;
  /** The same, or what its destruction left of it. */
  readonly former: Key | undefined;
}

async function openedHere(parts: Parts, realm: string, backup: Uint8Array): Promise<BackedUp | undefined> {
  const { key } = await parts.realmKeys.ofOrNew(realm);
  return openBackup(key, realm, backup);
}

async function placeOf(parts: Parts, realm: string, { key }: BackedUp, command: Restore): Promise<Place> {
  const { within = '' } = command;
  const name = command.name ?? key.names.find((one) => one.startsWith(within));
  if (name === undefined && within !== '') {
    throw new KmsError('invalid-parameter', `The key had no name that begins with ${within}: say which one it gets.`);
  }
  const named = name === undefined ? undefined : await parts.keys.find(realm, { by: 'name', name });
  const live = await parts.keys.find(realm, { by: 'id', id: key.id });
  const row = live === undefined ? await parts.records.read('key', keyRecordId(key)) : undefined;
  const former = live ?? (row && decodeKey(row.revision, row.value));
  return { name, holder: name === undefined ? live : named, live, former };
}

const givingWay = ({ holder }: Place): readonly Key[] => (holder === undefined ? [] : [holder]);

/** The facts that come back. Who may do what with a key, which tags decide too, is as it is now, or as it was at its end. */
function comingBack(key: Key, now: Key | undefined, at: number) {
  const { policy: _, grantsRevision: __, ...facts } = key;
  const { policy, tags } = now ?? key;
  return {
    ...facts,
    tags,
    ...(policy !== undefined && { policy }),
    // Its rotation begins anew.
    ...(facts.rotation && { rotation: nextRotation(facts.rotation.periodDays, at) }),
  };
}

/** Under its own id: over what is there of it, or over what its destruction left. */
async function putBack(
  parts: Parts,
  backedUp: BackedUp,
  place: Place,
  now: number,
): Promise<Outcome<Result<'restore-key'>>> {
  const { name, live, former } = place;
  const versionKey = await parts.versionKeys.ofNew(backedUp.key, live);
  using wrapping = versionKey.key;
  const to = { ...backedUp.key, ...versionKey.own };
  const { key, older } = await carried(parts, backedUp.key, backedUp.older, to, wrapping);
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
  const known = [key.current, ...older, ...rows.map(({ value }) => value), ...(former ? [former.current] : [])];
  const uses = Math.max(...known.map(({ reservedUses = 0 }) => reservedUses));
  const next: Key = Object.freeze({
    ...comingBack(key, former, now),
    // Raw keys: as many as any of its versions had, since the counts of those that go must not be lost with them.
    ...(uses > 0 && { current: Object.freeze({ ...key.current, reservedUses: uses }) }),
    ...(former?.grantsRevision !== undefined && { grantsRevision: former.grantsRevision }),
    names: live?.names ?? (name === undefined ? [] : [name]),
    revision: (former?.revision ?? 0) + 1,
  });
  const { result, change } = await placed(parts, next, { ...place, now, before: live, records, what: 'restored' });
  const applied = () => {
    change?.applied?.();
    // The numbers of versions that went are given again, and what was reserved for them is not for others.
    if (key.class === 'raw') for (const { version } of known) parts.uses.put(versionRecordId(key, version), 0);
  };
  return { result, change: { ...change, applied } };
}

/** Beside the key that it was, with the same material. */
async function copied(
  parts: Parts,
  { key, older }: BackedUp,
  place: Place,
  now: number,
): Promise<Outcome<Result<'restore-key'>>> {
  // Its uses are counted where it is used: from a copy they could be done again.
  if (key.class === 'raw')
    throw new KmsError('unsupported', 'A raw key is restored as itself, not beside itself.', key.id);
  const id = randomUuid();
  const versionKey = await parts.versionKeys.ofNew({ realm: key.realm, id });
  using wrapping = versionKey.key;
  const to = {
    ...comingBack(key, place.live, now),
    ...{ id, copyOf: [...(key.copyOf ?? []), key.id] },
    ...versionKey.own,
  };
  const copy = async (version: KeyVersion): Promise<KeyVersion> => {
    const moved = await rewrapped(parts, key, version, to, wrapping);
    if (version.fingerprint === undefined) return moved;
    using material = version.wrapped && (await parts.versions.material(key, version));
    // Destroyed material is recognised by nothing but what there is of it.
    if (material === undefined && version.publicKey === undefined) return moved;
    return Object.freeze({ ...moved, ...identityOf(parts, to, version.publicKey, material) });
  };
  const records: RecordChange[] = [];
  for (const version of older) {
    const value = encodeVersion(await copy(version));
    records.push({ kind: 'version', id: versionRecordId(to, version.version), expect: 0, value });
  }
  const next: Key = Object.freeze({
    ...to,
    current: await copy(key.current),
    ...(key.next && { next: await copy(key.next) }),
    names: place.name === undefined ? [] : [place.name],
    revision: 1,
  });
  const what = `restored a copy of ${key.id}`;
  return placed(parts, next, { ...place, now, before: undefined, records, what });
}

interface Placed extends Place {
  readonly now: number;
  readonly before: Key | undefined;
  readonly records: readonly RecordChange[];
  readonly what: string;
}

/** The key, its rows and its name, which the holder of it loses. */
async function placed(parts: Parts, key: Key, { name, holder, now, before, records, what }: Placed): Promise<Changed> {
  const loser = holder !== undefined && holder.id !== key.id ? holder : undefined;
  const left = loser && changeKey(parts, loser, { names: loser.names.filter((one) => one !== name) }, '');
  const naming: RecordChange[] = [];
  if (name !== undefined && !before?.names.includes(name)) {
    const id = nameRecordId(key.realm, name);
    // Whoever takes a name that nobody had is first, or decided anew.
    const expect = loser === undefined ? 0 : ((await parts.records.read('name', id))?.revision ?? 0);
    naming.push({ kind: 'name', id, expect, value: { key: key.id, createdAt: now, updatedAt: now } });
  }
  const restored: Changed = {
    result: { key },
    change: {
      records: [
        { kind: 'key', id: keyRecordId(key), expect: key.revision - 1, value: encodeKey(key) },
        ...dueRecords(before, key),
        ...records,
        ...naming,
      ],
      // The line that tells of it is the loser's.
      summary: loser === undefined ? what : `${what} as ${key.id} in place of ${loser.id}`,
      applied: () => parts.keys.replace(key, name === undefined ? [] : [name]),
    },
  };
  return together(restored, left === undefined ? [] : [left]);
}
