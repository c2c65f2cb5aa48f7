import { type Command, type Grant, KmsError, type Principal } from '#domain/domain.ts';
import type { Identified } from '#identity/identity.ts';
import { checkHeldTogether, checkNewGrant, checkNewRole } from '#policy/policy.ts';
import type { Core } from './core.ts';
import type { Subject } from './subjects.ts';

/**
 * Throws or rejects unless policy allows the command. A key that isn't there is judged by its name first, so that 'not-found' is
 * told only to who could have used it.
 */
export function authorize(
  core: Core,
  principal: Identified,
  command: Command,
  keys: readonly Subject[],
): void | Promise<void> {
  const { identity } = core.rooms;
  const grants = identity.grantsOf(principal);
  const first = identity.isFirstRealm(principal.realm);
  if (!(grants instanceof Promise || first instanceof Promise)) {
    assertAllowed(core, grants, first, principal, command, keys);
    return;
  }
  return Promise.all([grants, first]).then(([found, isFirst]) =>
    assertAllowed(core, found, isFirst, principal, command, keys),
  );
}

function assertAllowed(
  core: Core,
  grants: readonly Grant[],
  ofFirstRealm: boolean,
  principal: Identified,
  command: Command,
  keys: readonly Subject[],
): void {
  const { mode, clock } = core.options;
  const narrowed = principal.limitedTo === undefined ? {} : { limitedTo: principal.limitedTo };
  const facts = { mode, now: clock(), grants, ofFirstRealm, ...narrowed };
  const decision = core.decisions.decide(facts, principal, command, keys);
  if (!decision.allow) throw new KmsError(decision.code, decision.reason);
  for (const { missing } of keys) if (missing !== undefined) throw missing;
}

/** What a command would give to somebody is judged with all that he already holds, before any of it is written. */
export async function assertDutiesStaySeparate(
  core: Core,
  granter: Principal,
  command: Command,
  result: object,
): Promise<void> {
  const { mode, clock } = core.options;
  const { identity } = core.rooms;
  const now = clock();
  let refusal: KmsError | undefined;
  if (command.kind === 'create-grant') {
    const { grant } = result as { grant: Grant };
    const holders = await identity.holdersOf(grant.realm, grant.grantee);
    refusal = checkNewGrant({ mode, now, holders }, granter, grant);
  } else if (command.kind === 'create-role') {
    const holders = await identity.takersOf(granter, command);
    refusal = checkNewRole({ mode, now, holders }, granter, command);
  } else if (command.kind === 'create-identity') {
    refusal = checkHeldTogether({ mode, now }, await identity.prospect(granter, command));
  }
  if (refusal !== undefined) throw refusal;
}
