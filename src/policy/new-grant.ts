import { accountOf, type Command, type Grant, type GrantScope, KmsError, type Principal } from '#domain/domain.ts';
import { isAction, roleActions } from './duties.ts';
import { givesDuty, givesUse, isLive, type Mode } from './rights.ts';
import { mayOverlap } from './scope.ts';

/** A principal and all that it holds today, by itself, by its groups and by the roles that it may take on. */
export interface Holder {
  readonly name: string;
  readonly grants: readonly Grant[];
}

export interface GrantFacts {
  readonly mode: Mode;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Whom the new grant or role would reach: the grantee, every member of the group, and whoever may take on such a role. */
  readonly holders: readonly Holder[];
}

/**
 * Why `grant` may not be given by `granter`, or undefined. Errors: 'invalid-parameter', 'denied' (developer outside development
 * mode), 'grant-to-self', 'separation-of-duties'. In which realms he may give anything is for `identity/` to say.
 */
export function checkNewGrant(facts: GrantFacts, granter: Principal, grant: Grant): KmsError | undefined {
  const malformed = malformation(grant);
  if (malformed !== undefined) return new KmsError('invalid-parameter', malformed);
  if (grant.role === 'developer' && facts.mode !== 'development') {
    return new KmsError('denied', 'The role developer exists in development mode only.');
  }
  if (reachesGranter(grant, granter) || reachesByRole(facts, granter)) return toSelf();
  for (const holder of facts.holders) {
    const breach = breachBetween(facts, grant, holder.grants);
    if (breach !== undefined) return together(holder.name, breach);
  }
  return undefined;
}

/** Why `granter` may not make a role that is trusted so: 'grant-to-self', 'separation-of-duties', or undefined. */
export function checkNewRole(
  facts: GrantFacts,
  granter: Principal,
  { role }: Command<'create-role'>,
): KmsError | undefined {
  if (role !== undefined && reachesByRole(facts, granter)) return toSelf();
  for (const holder of facts.holders) {
    const breach = checkHeldTogether(facts, holder);
    if (breach !== undefined) return breach;
  }
  return undefined;
}

const toSelf = () =>
  new KmsError('grant-to-self', 'Nobody grants to himself, nor to a group he is in or a role he may take on.');

/** In development mode one identity is everybody, who tries out roles too. */
function reachesByRole({ mode, holders }: GrantFacts, granter: Principal): boolean {
  return mode !== 'development' && holders.some(({ name }) => name === granter.name);
}

/** Whether one principal may hold all of these grants: 'separation-of-duties', or undefined. For a new member of groups. */
export function checkHeldTogether(
  facts: Pick<GrantFacts, 'mode' | 'now'>,
  { name, grants }: Holder,
): KmsError | undefined {
  for (const [index, grant] of grants.entries()) {
    const breach = breachBetween(facts, grant, grants.slice(index + 1));
    if (breach !== undefined) return together(name, breach);
  }
  return undefined;
}

function together(name: string, other: Grant): KmsError {
  return new KmsError(
    'separation-of-duties',
    `With the grant ${other.id}, ${name} would both administer and use a key.`,
    other.id,
  );
}

/** The grant among `held` that together with `grant` gives both duties on what may be one key. Conditions don't separate. */
function breachBetween(
  { mode, now }: Pick<GrantFacts, 'mode' | 'now'>,
  grant: Grant,
  held: readonly Grant[],
): Grant | undefined {
  if (mode === 'development' || !isLive(grant, now)) return undefined;
  return held.find(
    (other) =>
      isLive(other, now) &&
      mayOverlap(grant.scope, other.scope) &&
      ((givesDuty(grant, mode, 'administer') && givesUse(other, mode)) ||
        (givesUse(grant, mode) && givesDuty(other, mode, 'administer'))),
  );
}

function reachesGranter({ realm, grantee }: Grant, granter: Principal): boolean {
  if (realm !== accountOf(granter.realm)) return false;
  return grantee.kind === 'group' ? granter.groups.includes(grantee.name) : grantee.name === granter.name;
}

function malformation({ role, actions, scope, condition }: Grant): string | undefined {
  if (!Object.hasOwn(roleActions, role)) return `There is no role "${role}".`;
  if (actions !== undefined) {
    if (actions.length === 0) return 'A grant narrowed to no action allows nothing.';
    const unknown = actions.find((action) => !isAction(action) || !roleActions[role].has(action));
    if (unknown !== undefined) return `"${unknown}" is no action of the role ${role}.`;
  }
  if (condition !== undefined && Object.keys(condition.pairs).length === 0)
    return 'A condition names at least one pair.';
  return scopeMalformation(scope);
}

function scopeMalformation(scope: GrantScope): string | undefined {
  if (scope.kind === 'realm') return undefined;
  if (scope.kind === 'key') return scope.id === '' ? 'A grant on a key names its id.' : undefined;
  const star = scope.pattern.indexOf('*');
  if (scope.pattern === '' || scope.pattern.length > 256) return 'A name pattern has 1 to 256 characters.';
  return star >= 0 && star < scope.pattern.length - 1 ? 'A name pattern may have one "*", at its end.' : undefined;
}
