import { type Command, type Grant, KmsError, type Origin, type Principal, type Result } from '#domain/domain.ts';
import type { Identified, IdentityRoom } from '#identity/identity.ts';
import { checkHeldTogether, checkNewGrant, checkNewRole, type Facts } from '#policy/policy.ts';
import { administers, type SecretSubject } from '#secrets/secrets.ts';
import { assertAsked } from './acl.ts';
import type { Core } from './core.ts';
import { judgedKeys, secretTarget } from './secret-subjects.ts';
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
  origin: Origin,
  secret?: SecretSubject,
): void | Promise<void> {
  const { identity } = core.rooms;
  const { mode, clock } = core.options;
  const judged = secret === undefined ? keys : judgedKeys(keys);
  const absent = secret === undefined ? keys.some(({ missing }) => missing !== undefined) : secret.secret === undefined;
  // To keep an answer that was allowed takes no more than that.
  const wraps = command.kind === 'wrap-answer';
  const byPolicies = wraps ? undefined : assertAsked(identity, principal, origin.asked, keys, absent);
  const grants = identity.grantsOf(principal);
  const first = identity.isFirstRealm(principal.realm);
  const carried =
    command.grantTokens === undefined ? keyGrantsOf(identity, judged) : tokened(identity, principal, command, judged);
  const assertAllowed = (found: readonly Grant[], ofFirstRealm: boolean, keyGrants: Facts['keyGrants']) => {
    const facts = {
      mode,
      now: clock(),
      grants: found,
      ofFirstRealm,
      peer: origin.peer,
      ...(principal.limitedTo === undefined ? {} : { limitedTo: principal.limitedTo }),
      ...(keyGrants === undefined ? {} : { keyGrants }),
      ...(secret === undefined ? {} : { secret: secretTarget(secret) }),
    };
    const decision = core.decisions.decide(facts, principal, command, judged);
    if (!decision.allow) throw new KmsError(decision.code, decision.reason);
    for (const { missing } of keys) if (missing !== undefined) throw missing;
    if (secret?.missing !== undefined) throw secret.missing;
  };
  if (!(grants instanceof Promise || first instanceof Promise || carried instanceof Promise || byPolicies)) {
    assertAllowed(grants, first, carried);
    return;
  }
  return Promise.all([grants, first, carried, byPolicies]).then(([found, ofFirstRealm, keyGrants]) =>
    assertAllowed(found, ofFirstRealm, keyGrants),
  );
}

type KeyGrantsOf = NonNullable<Facts['keyGrants']>;

/** Undefined for keys that never had a grant of their own, which are most. */
function keyGrantsOf(identity: IdentityRoom, keys: readonly Subject[]): undefined | KeyGrantsOf | Promise<KeyGrantsOf> {
  if (keys.every(({ grantsRevision }) => grantsRevision === undefined)) return undefined;
  const found = keys.map((key) => identity.keyGrants.of(key));
  return found.some((grants) => grants instanceof Promise) ? Promise.all(found) : (found as KeyGrantsOf);
}

async function tokened(
  identity: IdentityRoom,
  { realm }: Identified,
  { grantTokens = [] }: Command,
  keys: readonly Subject[],
): Promise<Facts['keyGrants']> {
  await identity.keyGrants.assertTokens(grantTokens, realm, keys);
  return keyGrantsOf(identity, keys);
}

/** What only shows in what a command would do is judged before any of it is written. */
export async function assertOutcome(
  core: Core,
  principal: Identified,
  command: Command,
  result: object,
  origin: Origin,
  secret: SecretSubject | undefined,
): Promise<void> {
  await assertDutiesStaySeparate(core, principal, command, result);
  await assertBringsValues(core, principal, command, result, origin, secret);
}

/** What a command would give to somebody is judged with all that he already holds. */
async function assertDutiesStaySeparate(
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

/** To use a secret is enough to bring values to it. What an import would change beyond that takes the right to administer it. */
async function assertBringsValues(
  core: Core,
  principal: Identified,
  command: Command,
  result: object,
  origin: Origin,
  subject: SecretSubject | undefined,
): Promise<void> {
  if (command.kind !== 'import-secret' || subject?.secret === undefined) return;
  if (!administers(subject.secret, (result as Result<'import-secret'>).secret)) return;
  const changing = { kind: 'change-secret-versions', secret: command.secret, numbers: [], to: 'hidden' } as const;
  await authorize(core, principal, changing, [], origin, subject);
}
