import { type Command, isSymmetric, type Key, type KeyPatch, KmsError, move, type Outcome } from '#domain/domain.ts';
import { type Changed, changeKey, type Parts, together } from './change.ts';
import { assertDescription, assertTags } from './create.ts';
import { assertImported } from './imported.ts';
import { assertLeads, relatedKeys } from './region.ts';
import { assertNotResident } from './resident.ts';
import { nextRotation } from './rotation-plan.ts';
import { assertNotEnding, stateOf } from './state.ts';

type Switched = Outcome<{ readonly key: Key; readonly already?: true }>;

export function enableKey(parts: Parts, key: Key): Switched {
  assertNotEnding(key);
  assertImported(parts, key);
  if (key.enabled) return { result: { key, already: true } };
  move(stateOf(key, key.current), 'active');
  return changeKey(parts, key, { enabled: true }, 'enabled');
}

export function disableKey(parts: Parts, key: Key): Switched {
  assertNotEnding(key);
  assertImported(parts, key);
  if (!key.enabled) return { result: { key, already: true } };
  move(stateOf(key, key.current), 'suspended');
  return changeKey(parts, key, { enabled: false }, 'disabled');
}

export function updateKey(
  parts: Parts,
  key: Key,
  command: Command<'update-key'>,
  now: number,
): Changed | Promise<Changed> {
  assertNotEnding(key);
  const { rotationPeriodDays, ...plain } = command.patch;
  assertPatch(key, command.patch, command.pairsRotate === true);
  const facts = {
    ...plain,
    ...(rotationPeriodDays !== undefined && {
      rotation: rotationPeriodDays === null ? undefined : nextRotation(rotationPeriodDays, now),
    }),
  };
  const named = Object.keys(command.patch).join(', ');
  const updated = changeKey(parts, key, facts, `updated ${named}`);
  if (rotationPeriodDays === undefined || key.multiRegion === undefined) return updated;
  const { rotation } = updated.result.key;
  return relatedKeys(parts, key).then((replicas) =>
    together(
      updated,
      replicas.map((replica) => changeKey(parts, replica, { rotation }, '')),
    ),
  );
}

function assertPatch(key: Key, patch: KeyPatch, pairsRotate: boolean): void {
  const refuse = (reason: string) => {
    throw new KmsError('invalid-parameter', reason, key.id);
  };
  if (patch.description !== undefined) assertDescription(patch.description);
  const minDecryption = patch.minDecryptionVersion ?? key.minDecryptionVersion;
  const minEncryption = patch.minEncryptionVersion ?? key.minEncryptionVersion;
  if (!(Number.isInteger(minDecryption) && Number.isInteger(minEncryption))) refuse('A minimum is a whole number.');
  if (minDecryption < Math.max(1, key.minAvailableVersion) || minDecryption > key.current.version) {
    refuse(
      `The minimum decryption version must be from ${Math.max(1, key.minAvailableVersion)} to ${key.current.version}.`,
    );
  }
  if (minEncryption < 0 || minEncryption > key.current.version) {
    refuse(`The minimum encryption version must be from 0 to ${key.current.version}.`);
  }
  if (minEncryption > 0 && minEncryption < minDecryption) {
    refuse('The minimum encryption version must not be below the minimum decryption version.');
  }
  if (patch.exportable === true || patch.backupAllowed === true) assertNotResident(key, 'exported');
  if (patch.rotationPeriodDays !== undefined) {
    if (patch.rotationPeriodDays !== null) assertNotResident(key, 'rotated without being asked to');
    assertLeads(key);
    if (key.origin === 'external' && key.ownRotation !== true) {
      throw new KmsError('unsupported', 'A key with imported material does not rotate by itself.', key.id);
    }
    if (!isSymmetric(key.spec) && !pairsRotate) {
      throw new KmsError('unsupported', 'Only symmetric keys rotate by themselves.', key.id);
    }
    if (!key.enabled) throw new KmsError('disabled', 'The key is disabled; enable it first.', key.id);
  }
}

export function tagKey(parts: Parts, key: Key, command: Command<'tag-key'>): Changed {
  assertNotEnding(key);
  const tags = { ...key.tags, ...command.tags };
  assertTags(tags);
  return changeKey(parts, key, { tags }, `tagged ${Object.keys(command.tags).join(', ')}`);
}

export function untagKey(parts: Parts, key: Key, command: Command<'untag-key'>): Changed {
  assertNotEnding(key);
  const tags = Object.fromEntries(Object.entries(key.tags).filter(([name]) => !command.names.includes(name)));
  return changeKey(parts, key, { tags }, `untagged ${command.names.join(', ')}`);
}

/** The text is understood and checked before it comes here. Any state but the last takes one. */
export function setPolicy(parts: Parts, key: Key, policy: string): Changed {
  return changeKey(parts, key, { policy }, 'set the key policy');
}

/** Of a key of no use nobody can be given the use. Throws 'disabled', 'pending-destruction', 'invalid-state'. */
export function assertGrantable(parts: Parts, key: Key): void {
  assertNotEnding(key);
  assertImported(parts, key);
  if (!key.enabled) throw new KmsError('disabled', 'The key is disabled; enable it first.', key.id);
}

/** Says that the key's own grants are others than before. */
export function raiseGrants(parts: Parts, key: Key): Changed {
  return changeKey(parts, key, { grantsRevision: (key.grantsRevision ?? 0) + 1 }, 'changed its grants');
}
