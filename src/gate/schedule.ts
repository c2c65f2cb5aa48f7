import { type Action, type Key, KmsError, type Origin, type Outcome, type Principal } from '#domain/domain.ts';
import type { DueKey } from '#keyring/keyring.ts';
import type { CommitQueue } from './commit-queue.ts';
import { destroyKey } from './key-rights.ts';
import { done, identified, lineOf } from './lines.ts';
import type { Rooms } from './rooms.ts';

const atOnce = 100;

/**
 * Does what the clock asks of keys: each key by a change and a line of its own, as if somebody had asked for it. What fails is
 * recorded and tried again at the next run.
 */
export async function runSchedule(
  rooms: Rooms,
  commits: CommitQueue,
  principal: Principal,
  origin: Origin,
  now: number,
): Promise<{ rotated: number; destroyed: number }> {
  const counts = { rotated: 0, destroyed: 0 };
  // Failed, or no longer planned: not again in this run.
  const passed = new Set<string>();
  const destroyed = new Set<string>();
  for (;;) {
    const due = (await rooms.keyring.due(now, atOnce + passed.size)).filter((one) => !passed.has(placeOf(one)));
    if (due.length === 0) return counts;
    for (const one of due) {
      if (destroyed.has(placeOf(one))) continue;
      const end = await perform(rooms, commits, principal, origin, one, now);
      if (end !== 'done') passed.add(placeOf(one));
      else if (one.what === 'rotation') counts.rotated++;
      else if (one.what === 'destruction') {
        counts.destroyed++;
        destroyed.add(placeOf(one));
      }
    }
  }
}

const placeOf = ({ realm, keyId }: DueKey) => `${realm}/${keyId}`;

/** What the ledger calls it: what somebody who does the same by hand asks for. */
const actions = {
  rotation: 'rotate-key',
  destruction: 'destroy-key',
  'end-of-material': 'delete-imported-material',
} as const satisfies Record<DueKey['what'], Action>;

type Task = (rooms: Rooms, key: Key, now: number) => Outcome<object> | Promise<Outcome<object>>;

const tasks: Readonly<Record<DueKey['what'], Task>> = {
  rotation: ({ keyring }, key, now) =>
    keyring.rotateKey(key, { kind: 'rotate-key', key: { by: 'id', id: key.id }, scheduled: true }, now),
  destruction: (rooms, key, now) => destroyKey(rooms, key, now),
  'end-of-material': ({ keyring }, key, now) => keyring.expireImported(key, now),
};

async function perform(
  rooms: Rooms,
  commits: CommitQueue,
  principal: Principal,
  origin: Origin,
  { what, realm, keyId }: DueKey,
  now: number,
): Promise<'done' | 'failed' | 'not-due'> {
  const line = lineOf(origin, actions[what], now);
  identified(line, principal);
  line.realm = realm;
  line.key = keyId;
  try {
    const { keyring } = rooms;
    const key = await keyring.find(realm, { by: 'id', id: keyId });
    if (key === undefined) throw new KmsError('not-found', 'The key that is due is not there.', keyId);
    // Somebody may have changed the plan since it was listed.
    if (!keyring.isDue(key, what, now)) return 'not-due';
    const outcome = await tasks[what](rooms, key, now);
    await commits.submit(done(line, outcome.result, outcome.change), outcome.change, () => keyring.isCurrent(key));
    return 'done';
  } catch (error) {
    line.outcome = error instanceof KmsError ? error.code : 'internal';
    await commits.submit(line);
    return 'failed';
  }
}
