import type { Command, Origin, Proof, Result } from '#domain/domain.ts';
import type { Identified } from '#identity/identity.ts';
import { authorize } from './authorize.ts';
import { carryOut } from './carry-out.ts';
import { changesState } from './changing.ts';
import type { Core } from './core.ts';
import { about, done, identified, type Line, lineOf } from './lines.ts';
import type { Unsealed } from './rooms.ts';
import { isSecretCommand } from './secret-subjects.ts';
import { type Subject, subjectsOf } from './subjects.ts';
import { assertPlace } from './token-uses.ts';
import { isRoomAction, type RoomAction } from './verbs.ts';

/** What was done of a request, and is to be recorded. */
export interface Together {
  /** In the order of the commands; undefined, or missing at the end, for those that go their own way. */
  readonly results: readonly (Result | undefined)[];
  readonly lines: readonly Line[];
  /** So many of the first are counted in the principal's share, whatever came of them. */
  readonly admitted: number;
  /** Whether all of it would be decided so again. */
  readonly holds: () => boolean;
}

interface Asker {
  readonly core: Core;
  readonly rooms: Unsealed;
  readonly principal: Identified;
  readonly origin: Origin;
  /** The keys that were decided on. */
  readonly keys: Set<Subject>;
}

/**
 * Does the commands of one request one by one, each judged as if it came alone, as long as nothing has to be waited for, so that a batch
 * waits once for all its lines. Commands that fail are left aside, and so is everything from the first one on that waits or changes
 * something: the gate does these alone, and whatever comes of them is recorded there.
 */
export function doTogether(core: Core, proof: Proof, commands: readonly Command[], origin: Origin): Together {
  const results: (Result | undefined)[] = [];
  const lines: Line[] = [];
  let admitted = 0;
  const access = core.commits.accessGeneration;
  const asker = askerOf(core, proof, origin);
  if (asker === undefined) return { results, lines, admitted, holds: () => false };
  const { rooms, principal, keys } = asker;
  const time = core.options.clock();
  for (const command of commands) {
    if (!isRoomAction(command) || isSecretCommand(command)) break;
    if (changesState(command.kind) || command.dryRun === true || !admits(asker, time)) break;
    admitted++;
    const line = lineOf(origin, command.kind, time);
    identified(line, principal);
    const result = attempt(asker, command, line);
    if (result === waiting) break;
    results.push(result);
    if (result === undefined) continue;
    const last = lines.at(-1);
    // Most lines of a batch say the same: one object, which is written so often, costs a fraction of so many.
    lines.push(last !== undefined && saysTheSame(last, line) ? last : line);
  }
  return { results, lines, admitted, holds: () => core.stillHolds(rooms, access, keys) };
}

/** Who asks, where that is known at once and the request is not one of those that are counted or answered once only. */
function askerOf(core: Core, proof: Proof, origin: Origin): Asker | undefined {
  try {
    const { rooms } = core;
    const principal = rooms.identity.identify(proof, false);
    if (principal instanceof Promise) {
      // Found again, or refused, by each of the commands.
      principal.catch(() => {});
      return undefined;
    }
    if (principal.counted === true || principal.replayDigest !== undefined) return undefined;
    assertPlace(principal, origin);
    return { core, rooms, principal, origin, keys: new Set() };
  } catch {
    return undefined;
  }
}

/** Who is held up is refused as he comes alone. */
function admits({ core, principal }: Asker, time: number): boolean {
  try {
    core.throttle.admit(principal, time);
    return true;
  } catch {
    return false;
  }
}

const waiting = Symbol('waiting');

/** Undefined where it fails: it will again. */
function attempt(
  { core, rooms, principal, origin, keys }: Asker,
  command: Command<RoomAction>,
  line: Line,
): Result | typeof waiting | undefined {
  try {
    const found = subjectsOf(rooms, principal.realm, command);
    if (waits(found)) return waiting;
    about(line, found);
    const authorized = authorize(core, principal, command, found, origin);
    if (waits(authorized)) return waiting;
    const doing = carryOut(core, { rooms, principal, command, keys: found, secret: undefined, now: line.time }, origin);
    if (waits(doing) || doing.change !== undefined) return waiting;
    done(line, doing.result, undefined);
    for (const one of found) keys.add(one);
    return doing.result as Result;
  } catch {
    return undefined;
  }
}

/** Of two lines of one request. */
function saysTheSame(a: Line, b: Line): boolean {
  return a.key === b.key && a.version === b.version && a.action === b.action && a.summary === b.summary;
}

function waits<T>(value: T | Promise<T>): value is Promise<T> {
  if (!(value instanceof Promise)) return false;
  value.catch(() => {});
  return true;
}
