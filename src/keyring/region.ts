import { equalSecrets } from '#crypto/crypto.ts';
import {
  accountOf,
  type Command,
  type Key,
  type KeyVersion,
  KmsError,
  type Outcome,
  type RecordChange,
  type RegionSet,
  type Result,
} from '#domain/domain.ts';
import { type Changed, changeKey, type Parts, together } from './change.ts';
import { assertDescription, assertTags } from './create.ts';
import { dueRecords } from './due.ts';
import { assertImported, emptied, olderEndsWith } from './imported.ts';
import { encodeKey, encodeVersion, keyRecordId, versionRecordId } from './key-record.ts';
import { rewrapped } from './material.ts';
import { assertAllowed } from './state.ts';
import { versionRows } from './version-rows.ts';

/** What keys of one multi-Region key share, the primary decides. Throws 'unsupported' for a replica. */
export function assertLeads(key: Key): void {
  if (key.multiRegion !== undefined && key.multiRegion.primary !== key.realm) {
    throw new KmsError(
      'unsupported',
      'This is a replica: ask it of the primary key, which all replicas follow.',
      key.id,
    );
  }
}

/**
 * The other keys of a multi-Region key; of any other key, none. A change of them expects them as they are found here, so that the
 * store refuses it whole where one of them has changed meanwhile.
 */
export async function relatedKeys(parts: Parts, key: Key): Promise<readonly Key[]> {
  if (key.multiRegion === undefined) return [];
  const { primary, replicas } = key.multiRegion;
  const others = [primary, ...replicas].filter((realm) => realm !== key.realm);
  return Promise.all(
    others.map(async (realm) => {
      const other = await parts.keys.find(realm, { by: 'id', id: key.id });
      if (other !== undefined) return other;
      // It went after `key` was found, and took itself out of what the newest `key` knows.
      if (!parts.keys.isCurrent(key))
        throw new KmsError('conflict', 'The key changed while this was under way; ask again.');
      throw new KmsError('tampered', `The key ${key.id} is missing in ${realm}.`);
    }),
  );
}

/** A rotation of the primary key reaches all its replicas, whatever their state. */
export async function rotateTogether(parts: Parts, rotated: Changed, replicas: readonly Key[]): Promise<Changed> {
  const { key } = rotated.result;
  const others = replicas.map(async (replica) => {
    const former: RecordChange = {
      kind: 'version',
      id: versionRecordId(replica, replica.current.version),
      expect: 0,
      value: encodeVersion({ ...replica.current, state: 'deactivated' }),
    };
    using versionKey = await parts.versionKeys.of(replica);
    const current = await rewrapped(parts, key, key.current, replica, versionKey);
    return changeKey(parts, replica, { current, ...shared(key) }, '', [former]);
  });
  return together(rotated, await Promise.all(others));
}

/** Throws 'invalid-state' unless each replica waits for the same imported material to become current. */
export function assertSameNext(key: Key, replicas: readonly Key[]): void {
  if (replicas.every((replica) => isSameNext(key, replica))) return;
  throw new KmsError('invalid-state', 'Import the new key material into every replica before the rotation.', key.id);
}

export function isSameNext(key: Key, replica: Key): boolean {
  const [here, there] = [key.next?.fingerprint, replica.next?.fingerprint];
  return here !== undefined && there !== undefined && equalSecrets(here, there);
}

/** The primary of a replica; undefined for any other key. */
export async function primaryOf(parts: Parts, key: Key): Promise<Key | undefined> {
  const { multiRegion } = key;
  if (multiRegion === undefined || multiRegion.primary === key.realm) return undefined;
  return (await relatedKeys(parts, key)).find(({ realm }) => realm === multiRegion.primary);
}

/** What all keys of a multi-Region key have from the primary, besides their material. */
export function shared({ rotation, onDemandRotations }: Key): Pick<Partial<Key>, 'onDemandRotations'> & {
  readonly rotation: Key['rotation'];
} {
  return { rotation, onDemandRotations };
}

/** What becomes of the others when a replica is gone: none knows it any more, and a primary that waited for it may go. */
export function withoutReplica(parts: Parts, others: readonly Key[], gone: string, now: number): readonly Changed[] {
  return others.map((other) => {
    const multiRegion: RegionSet = {
      ...other.multiRegion!,
      replicas: other.multiRegion!.replicas.filter((realm) => realm !== gone),
    };
    const days = multiRegion.replicas.length === 0 ? other.destruction?.days : undefined;
    const destruction = days === undefined ? other.destruction : { ...other.destruction!, ...ending(now, days) };
    return changeKey(parts, other, { multiRegion, destruction }, '');
  });
}

const day = 24 * 60 * 60 * 1000;

/** When a key is destroyed that is to wait so long. A primary key's days begin when the last replica is gone. */
export function ending(now: number, days: number): { readonly at: number } {
  return { at: now + days * day };
}

/** Makes the key's replica in `realm`, a region of its account that is there. */
export async function replicateKey(
  parts: Parts,
  key: Key,
  realm: string,
  command: Command<'replicate-key'>,
  now: number,
): Promise<Outcome<Result<'replicate-key'>>> {
  const { description = '', tags = {} } = command;
  assertMultiRegion(key);
  assertLeads(key);
  assertImported(parts, key);
  assertAllowed(key, key.current, 'protect');
  assertDescription(description);
  assertTags(tags);
  if (realm === key.realm || key.multiRegion.replicas.includes(realm)) {
    throw new KmsError('already-exists', `The key ${key.id} is in ${command.region} already.`, key.id);
  }
  if (accountOf(realm) !== accountOf(key.realm)) throw new KmsError('denied', 'A key stays in its account.');
  const multiRegion: RegionSet = { ...key.multiRegion, replicas: [...key.multiRegion.replicas, realm] };
  const place = { realm, id: key.id };
  const former = await parts.records.read('key', keyRecordId(place));
  const expect = former?.revision ?? 0;
  const blank = { ...common(key), realm, description, tags, multiRegion, names: [], enabled: true, createdAt: now };
  const versionKey = await parts.versionKeys.ofNew(place);
  using wrapping = versionKey.key;
  const bring = async (version: KeyVersion): Promise<KeyVersion> => {
    // Whoever brought it here brings it there.
    if (key.origin === 'external' && version.wrapped !== undefined) return emptied(version);
    return rewrapped(parts, key, version, blank, wrapping);
  };
  const older = await Promise.all((await versionRows(parts, key)).map(({ value }) => bring(value)));
  const missing = older.filter(
    ({ version, state }) => version >= key.minAvailableVersion && state === 'pending-import',
  );
  const olderEnds = olderEndsWith(blank, missing);
  const replica: Key = Object.freeze({
    ...blank,
    ...versionKey.own,
    revision: expect + 1,
    current: await bring(key.current),
    ...(olderEnds && { olderEnds }),
    ...(command.policy !== undefined && { policy: command.policy }),
  });
  const traces = await versionRows(parts, place);
  const rows = older.map((version): RecordChange => {
    const trace = traces.find(({ value }) => value.version === version.version);
    const id = versionRecordId(place, version.version);
    return { kind: 'version', id, expect: trace?.revision ?? 0, value: encodeVersion(version) };
  });
  const made: Changed = {
    result: { key: replica },
    change: {
      summary: `replicated ${key.id} to ${command.region}`,
      records: [
        { kind: 'key', id: keyRecordId(place), expect, value: encodeKey(replica) },
        ...dueRecords(undefined, replica),
        ...rows,
        ...versionKey.records,
      ],
      applied: () => {
        versionKey.applied();
        parts.keys.replace(replica);
      },
    },
  };
  const related = [key, ...(await relatedKeys(parts, key))];
  return together(
    made,
    related.map((other) => changeKey(parts, other, { multiRegion }, '')),
  );
}

/** Gives the primary's part to a replica, and takes its part. */
export async function updatePrimaryRegion(
  parts: Parts,
  key: Key,
  replica: Key,
  command: Command<'update-primary-region'>,
): Promise<Outcome<Result<'update-primary-region'>>> {
  assertMultiRegion(key);
  assertLeads(key);
  for (const one of [key, replica]) {
    assertImported(parts, one);
    assertAllowed(one, one.current, 'protect');
  }
  if (replica.realm === key.realm) {
    throw new KmsError('unsupported', `${command.region} is the primary region already.`, key.id);
  }
  const { primary, replicas } = key.multiRegion;
  const multiRegion: RegionSet = {
    primary: replica.realm,
    replicas: [...replicas.filter((realm) => realm !== replica.realm), primary],
  };
  const others = await relatedKeys(parts, key);
  return together(
    changeKey(parts, key, { multiRegion }, `primary region is now ${command.region}`),
    others.map((other) => changeKey(parts, other, { multiRegion }, '')),
  );
}

/** What a replica has from its primary; the rest each key has for itself. */
function common({ next: _, olderEnds: __, policy: ___, grantsRevision: ____, ...shared }: Key) {
  return shared;
}

function assertMultiRegion(key: Key): asserts key is Key & { readonly multiRegion: RegionSet } {
  if (key.multiRegion === undefined) {
    throw new KmsError('unsupported', 'The key is of one region, which is decided when a key is made.', key.id);
  }
}
