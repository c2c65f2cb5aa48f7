import { type Command, type Key, type KeyVersion, KmsError, move, type RecordChange } from '#domain/domain.ts';
import { type Changed, changeKey, type Parts, together } from './change.ts';
import { isComplete } from './imported.ts';
import { encodeVersion, nameRecordId, versionRecordId } from './key-record.ts';
import { ending, relatedKeys, withoutReplica } from './region.ts';
import { erasing, erasureOf } from './shelf.ts';
import { assertNotEnding, stateOf } from './state.ts';
import { type VersionRow, versionRows } from './version-rows.ts';

const minDays = 7;
const maxDays = 120;

export function scheduleDestruction(
  parts: Parts,
  key: Key,
  command: Command<'schedule-destruction'>,
  now: number,
): Changed {
  assertNotEnding(key);
  const { days } = command;
  if (!Number.isInteger(days) || days < minDays || days > maxDays) {
    throw new KmsError('invalid-parameter', `The waiting period is ${minDays} to ${maxDays} whole days.`, key.id);
  }
  move(stateOf(key, key.current), 'destroy-scheduled');
  const asked = { requestedAt: now, wasEnabled: key.enabled };
  if (hasReplicas(key)) {
    const destruction = { ...asked, days };
    return changeKey(parts, key, { destruction }, `destruction scheduled ${days} days after its replicas are gone`);
  }
  const destruction = { ...asked, ...ending(now, days) };
  return changeKey(parts, key, { destruction }, `destruction scheduled in ${days} days`);
}

/** Back from the waiting period, but disabled: whoever wants to use the key must enable it knowingly. */
export function cancelDestruction(parts: Parts, key: Key): Changed {
  if (key.destruction === undefined) {
    throw new KmsError('not-pending-destruction', 'The key is not pending deletion.', key.id);
  }
  move(stateOf(key, key.current), 'suspended');
  // A key that waits for an import is of no use as it is, and whoever imports must know its material.
  const enabled = key.origin === 'external' && !isComplete(key, parts.clock()) && key.destruction.wasEnabled;
  return changeKey(parts, key, { destruction: undefined, enabled }, 'destruction cancelled');
}

/**
 * Erases all material for good. By the key's own setting, or because its waiting period is over. Rejects with 'unavailable' where it is in
 * an HSM that is out of reach.
 */
export async function destroyKey(parts: Parts, key: Key, now: number): Promise<Changed> {
  if (hasReplicas(key)) {
    throw new KmsError('invalid-state', 'The key is the primary of replicas: destroy them first.', key.id);
  }
  const waited = key.destruction?.at !== undefined && key.destruction.at <= now;
  if (!waited && !key.deletionAllowed) {
    throw new KmsError(
      'destruction-not-allowed',
      'The key does not allow its deletion: allow it first, or schedule it.',
      key.id,
    );
  }
  const related = await relatedKeys(parts, key);
  const older = await olderVersions(parts, key);
  const objects = await parts.residents.destroying(key, [...older.map(({ value }) => value), key.current]);
  const names: RecordChange[] = [];
  for (const name of key.names) {
    const record = await parts.records.read('name', nameRecordId(key.realm, name));
    if (record)
      names.push({ kind: 'name', id: nameRecordId(key.realm, name), expect: record.revision, value: undefined });
  }
  const destroyed = changeKey(
    parts,
    key,
    { ...nothingLeft, current: erased(key.current) },
    `destroyed ${older.length + 1} versions`,
    [...older.map((version) => eraseRecord(key, version)), ...names, ...erasureOf(key), ...objects.records],
  );
  return together(finishing(erasing(parts, key, destroyed), objects), withoutReplica(parts, related, key.realm, now));
}

/** What a destroyed key no longer has. */
const nothingLeft = {
  names: [],
  enabled: false,
  rotation: undefined,
  destruction: undefined,
  multiRegion: undefined,
  next: undefined,
  olderEnds: undefined,
  slot: undefined,
};

function hasReplicas({ realm, multiRegion }: Key): boolean {
  return multiRegion !== undefined && multiRegion.primary === realm && multiRegion.replicas.length > 0;
}

/** Erases the versions below a minimum that neither decrypts nor encrypts any more. */
export async function trimKey(parts: Parts, key: Key, command: Command<'trim-key'>): Promise<Changed> {
  assertNotEnding(key);
  const { minAvailableVersion: minimum } = command;
  const refuse = (reason: string) => {
    throw new KmsError('invalid-parameter', reason, key.id);
  };
  if (key.minEncryptionVersion === 0) refuse('Set the minimum encryption version before trimming.');
  if (minimum < key.minAvailableVersion) refuse('The minimum available version can only grow.');
  if (minimum > Math.min(key.minDecryptionVersion, key.minEncryptionVersion)) {
    refuse('Versions that may still decrypt or encrypt can not be trimmed; raise both minima first.');
  }
  const gone = (await olderVersions(parts, key)).filter(({ value }) => value.version < minimum);
  const objects = await parts.residents.destroying(
    key,
    gone.map(({ value }) => value),
  );
  const olderEnds = key.olderEnds?.filter(({ version }) => version >= minimum);
  const trimmed = changeKey(
    parts,
    key,
    { minAvailableVersion: minimum, olderEnds },
    `destroyed ${gone.length} versions below ${minimum}`,
    [...gone.map((version) => eraseRecord(key, version)), ...objects.records],
  );
  return finishing(trimmed, objects);
}

/** Material in an HSM is deleted before the destruction is acknowledged. */
function finishing(changed: Changed, { finish }: { readonly finish?: () => Promise<void> }): Changed {
  return finish === undefined ? changed : { ...changed, change: { ...changed.change, finish } };
}

/** Versions before the current one that are still of use, oldest first. */
async function olderVersions(parts: Parts, key: Key): Promise<readonly VersionRow[]> {
  return (await versionRows(parts, key)).filter(
    ({ value: { wrapped, resident, publicOnly } }) =>
      wrapped !== undefined || resident !== undefined || publicOnly === true,
  );
}

function erased(version: KeyVersion): KeyVersion {
  const { wrapped: _, wrappedMac: __, resident: ___, expiresAt: ____, publicOnly: _____, ...facts } = version;
  return { ...facts, state: facts.state === 'compromised' ? 'destroyed-compromised' : 'destroyed' };
}

function eraseRecord(key: Key, { revision, value }: VersionRow): RecordChange {
  return {
    kind: 'version',
    id: versionRecordId(key, value.version),
    expect: revision,
    value: encodeVersion(erased(value)),
  };
}
