import type { Origin, Outcome } from '#domain/domain.ts';
import type { Core } from './core.ts';
import { type DecidedCase, verbOf } from './verbs.ts';

/** Does what was decided. Nothing of it is written yet. */
export function carryOut(
  { options, lastUses, commits }: Core,
  { rooms, principal, command, keys, secret, now }: DecidedCase,
  { peer }: Origin,
): Outcome<object> | Promise<Outcome<object>> {
  const { mode } = options;
  return verbOf(command)({ rooms, principal, command, keys, secret, now, lastUses, mode, peer, ahead: commits });
}
