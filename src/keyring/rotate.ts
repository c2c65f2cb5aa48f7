import {
  type Command,
  firstEnd,
  isSymmetric,
  type Key,
  type KeyVersion,
  KmsError,
  type Outcome,
} from '#domain/domain.ts';
import { type Changed, changeKey, type Parts, together } from './change.ts';
import { rotateToImported } from './import.ts';
import { assertImported } from './imported.ts';
import { encodeVersion, versionRecordId } from './key-record.ts';
import { makeVersion } from './material.ts';
import { assertLeads, assertSameNext, relatedKeys, rotateTogether } from './region.ts';
import { isResident } from './resident.ts';
import { nextRotation } from './rotation-plan.ts';
import { assertAllowed } from './state.ts';

const maxOnDemand = 25;

/** New material becomes the current version; the former one only decrypts and verifies from now on. */
export async function rotateKey(
  parts: Parts,
  key: Key,
  command: Command<'rotate-key'>,
  now: number,
  place?: string,
): Promise<Outcome<{ key: Key }>> {
  if (command.onDemand === true && !(isSymmetric(key.spec) && key.usages.includes('encrypt'))) {
    throw new KmsError('unsupported', 'Only symmetric encryption keys rotate on demand.', key.id);
  }
  assertLeads(key);
  assertImported(parts, key);
  assertAllowed(key, key.current, 'rotate');
  if (command.onDemand === true && key.onDemandRotations >= maxOnDemand) {
    throw new KmsError('limit-exceeded', `A key can be rotated on demand at most ${maxOnDemand} times.`, key.id);
  }
  const onDemandRotations = key.onDemandRotations + (command.onDemand === true ? 1 : 0);
  const rotatedBy: NonNullable<KeyVersion['rotatedBy']> = command.scheduled === true ? 'schedule' : 'request';
  if (key.origin === 'external' && !turnsOwn(key)) {
    const replicas = await relatedKeys(parts, key);
    assertSameNext(key, replicas);
    const rotated = [key, ...replicas].map((one) =>
      rotateToImported(parts, one, { onDemandRotations, rotatedBy }, now),
    );
    return together(rotated[0]!, rotated.slice(1));
  }
  if (isResident(key)) return rotateResident(parts, key, now, place);
  const former = key.current;
  using versionKey = await parts.versionKeys.of(key);
  const made = await makeVersion(versionKey, key, former.version + 1, now);
  const current = Object.freeze({ ...made, rotatedBy });
  const rotated = changeKey(
    parts,
    key,
    {
      current,
      origin: undefined,
      ownRotation: undefined,
      onDemandRotations,
      ...(key.rotation && { rotation: nextRotation(key.rotation.periodDays, now) }),
    },
    `rotated to version ${current.version}`,
    [
      {
        kind: 'version',
        id: versionRecordId(key, former.version),
        expect: 0,
        value: encodeVersion({ ...former, state: 'deactivated' }),
      },
    ],
  );
  return rotateTogether(parts, rotated, await relatedKeys(parts, key));
}

/** Another pair in the token; the one before stays there, and only verifies. */
async function rotateResident(parts: Parts, key: Key, now: number, place: string | undefined): Promise<Changed> {
  const former = key.current;
  const made = await parts.residents.make(key, former.version + 1, now, place);
  const current: KeyVersion = Object.freeze({ ...made.version, rotatedBy: 'request' });
  const rotated = changeKey(parts, key, { current }, `rotated to version ${current.version}`, [
    {
      kind: 'version',
      id: versionRecordId(key, former.version),
      expect: 0,
      value: encodeVersion({ ...former, state: 'deactivated' }),
    },
    ...made.settled.records,
  ]);
  const applied = () => {
    rotated.change.applied?.();
    made.settled.applied?.();
  };
  return { ...rotated, change: { ...rotated.change, applied } };
}

/** Whether an imported key goes on with material of this server. From then on it is a key like any other, whose material never ends. */
function turnsOwn(key: Key): boolean {
  return key.ownRotation === true && key.next === undefined && firstEnd(key) === undefined;
}
