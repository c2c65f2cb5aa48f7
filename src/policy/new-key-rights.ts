import { type Grant, type Key, type KeyGrant, type KeyGrants, KmsError, type Principal } from '#domain/domain.ts';
import { decide } from './decide.ts';
import type { Duty } from './duties.ts';
import type { Facts } from './facts.ts';
import { accountActions, handsOver, holdsBothOn, type KeyHolder } from './key-duties.ts';
import { policyOf, statementsOf } from './key-policy.ts';
import { type KmsAction, kmsActions, possibleNames } from './kms-actions.ts';
import { isLive, reaches } from './rights.ts';
import { reachOf } from './verdict.ts';
import { parsePrincipalArn, whoIs, whoIsRole } from './who.ts';

/** Who gives rights on a key, with all that decisions on him are made by. */
export interface Giver {
  readonly principal: Principal;
  readonly facts: Facts;
}

/**
 * Why `after` may not carry the policy that it has, or undefined. `before` is the key as it is, or as it would be made without a policy.
 * Errors: 'denied', 'malformed-policy' (nobody could change it again), 'grant-to-self', 'separation-of-duties'.
 */
export function checkKeyPolicy(
  giver: Giver,
  before: Key,
  after: Key,
  holders: readonly KeyHolder[],
  bypassLockoutCheck: boolean,
): KmsError | undefined {
  if (policyOf(after as Key & { policy: string }).isDefault) return undefined;
  if (!mayPutPolicy(giver, before)) {
    return new KmsError(
      'denied',
      'A key policy other than the default gives rights: whoever sets one must be allowed to.',
    );
  }
  if (!bypassLockoutCheck && locksOut(giver, after)) {
    return new KmsError(
      'malformed-policy',
      'The new key policy will not allow you to update the key policy in the future.',
    );
  }
  if (giver.facts.mode === 'development') return undefined;
  if (gains(giver, selfOf(giver, holders), before, after))
    return new KmsError('grant-to-self', 'Nobody gives rights on a key to himself.');
  const [keyGrants] = giver.facts.keyGrants ?? [];
  const { mode } = giver.facts;
  const parted = holders.find(
    (holder) => holdsBothOn(after, holder, keyGrants, mode) && !holdsBothOn(before, holder, keyGrants, mode),
  );
  return parted && together(parted);
}

/** Why a grant on a key may not be given, or undefined. Errors: 'grant-to-self', 'separation-of-duties'. */
export function checkKeyGrant(
  giver: Giver,
  key: Key,
  grant: KeyGrant,
  holders: readonly KeyHolder[],
): KmsError | undefined {
  if (giver.facts.mode === 'development') return undefined;
  if (selfOf(giver, holders).who.arns.includes(holderOf(grant.grantee))) {
    return new KmsError('grant-to-self', 'Nobody gives a grant on a key to himself.');
  }
  const [held] = giver.facts.keyGrants ?? [];
  const { mode } = giver.facts;
  const parted = holders.find(
    (holder) => holdsBothOn(key, holder, withGrant(held, holder, grant), mode) && !holdsBothOn(key, holder, held, mode),
  );
  return parted && together(parted);
}

function together({ who }: KeyHolder): KmsError {
  return new KmsError('separation-of-duties', `${who.arn} would both administer and use the key.`);
}

/** A session is its role's: whoever may take that on holds what is given to it. */
function holderOf(grantee: string): string {
  const named = parsePrincipalArn(grantee);
  return named?.kind === 'session' ? whoIsRole(named.account, named.name).arn : grantee;
}

/** Who gives, with the roles that he may take on: what is given to one of them is given to himself. */
function selfOf({ principal, facts }: Giver, holders: readonly KeyHolder[]): KeyHolder {
  const who = whoIs(principal);
  const known = holders.find((holder) => holder.who.username === principal.name);
  const arns = [...new Set([...who.arns, ...(known?.who.arns ?? [])])];
  const live = facts.grants.filter((grant) => isLive(grant, facts.now) && reaches(grant, principal));
  return { who: { ...who, arns }, grants: known?.grants ?? live };
}

function withGrant(held: KeyGrants | undefined, { who }: KeyHolder, grant: KeyGrant): KeyGrants {
  const byGrantee = new Map(who.arns.map((arn) => [arn, new Set(held?.byGrantee.get(arn) ?? [])]));
  byGrantee.get(holderOf(grant.grantee))?.add(grant);
  return { byId: new Map(), byGrantee };
}

function mayPutPolicy({ principal, facts }: Giver, key: Key): boolean {
  const ref = { by: 'id', id: key.id } as const;
  return decide(facts, principal, { kind: 'put-key-policy', key: ref, policy: '' }, [key]).allow;
}

/** Neither who asks nor, whatever the conditions, the account could put another policy. */
function locksOut(giver: Giver, after: Key): boolean {
  const who = whoIs(giver.principal);
  const accountMay = statementsOf(after).some(
    (statement) =>
      statement.effect === 'Allow' &&
      statement.conditions.length === 0 &&
      statement.actions.has('PutKeyPolicy') &&
      reachOf(statement, who) === 'account',
  );
  const nobodyMay = statementsOf(after).some(
    (statement) =>
      statement.effect === 'Deny' && statement.actions.has('PutKeyPolicy') && reachOf(statement, who) !== 'none',
  );
  return !(accountMay && !nobodyMay) && !mayPutPolicy(giver, after);
}

const duties: readonly Duty[] = ['administer', 'use', 'export', 'read', 'govern', 'read-rights'];

/** Whether the new policy lets the giver do what the old one did not, or lets him more often. */
function gains({ facts }: Giver, holder: KeyHolder, before: Key, after: Key): boolean {
  const ways = (key: Key, name: KmsAction) => waysTo(key, holder, facts, name);
  return kmsActions.some((name) => {
    const next = ways(after, name);
    if (next.allows.size === 0) return false;
    const former = ways(before, name);
    if (former.always && former.denies.size === 0) return false;
    return !next.allows.isSubsetOf(former.allows) || !former.denies.isSubsetOf(next.denies);
  });
}

interface Ways {
  /** Each way by which it is allowed, as text that is the same for the same way. */
  readonly allows: ReadonlySet<string>;
  readonly denies: ReadonlySet<string>;
  /** One of the ways has no condition. */
  readonly always: boolean;
}

function waysTo(key: Key, holder: KeyHolder, { mode }: Facts, name: KmsAction): Ways {
  const allows = new Set<string>();
  const denies = new Set<string>();
  let always = false;
  const byAccount = accountGrantsFor(key, holder, mode, name);
  for (const statement of statementsOf(key)) {
    const { effect, actions, conditions, text } = statement;
    const reach = reachOf(statement, holder.who);
    if (reach === 'none' || !actions.has(name)) continue;
    if (effect === 'Deny') denies.add(text);
    else if (reach === 'named') {
      allows.add(text);
      always ||= conditions.length === 0;
    } else if (byAccount !== 'none') {
      allows.add(conditions.length === 0 ? 'account' : text);
      always ||= conditions.length === 0 && byAccount === 'always';
    }
  }
  if (key.policy === undefined && byAccount !== 'none') {
    allows.add('account');
    always = byAccount === 'always';
  }
  return { allows, denies, always };
}

function accountGrantsFor(
  key: Key,
  holder: KeyHolder,
  mode: Facts['mode'],
  name: KmsAction,
): 'always' | 'some' | 'none' {
  if (!handsOver(key, holder.who, name)) return 'none';
  const gives = (grants: readonly Grant[]) =>
    duties.some((duty) =>
      accountActions(key, { ...holder, grants }, mode, duty).some((action) => possibleNames(action).includes(name)),
    );
  if (!gives(holder.grants)) return 'none';
  return gives(holder.grants.filter(({ condition }) => condition === undefined)) ? 'always' : 'some';
}
