import type { Action, Grant, Key, KeyGrants } from '#domain/domain.ts';
import { type Duty, rules } from './duties.ts';
import { statementsOf } from './key-policy.ts';
import { administering, type KmsAction, possibleNames, using } from './kms-actions.ts';
import { gives, isLive, type Mode } from './rights.ts';
import { covers } from './scope.ts';
import { reachOf } from './verdict.ts';
import { type Who, whoIs, whoIsRole } from './who.ts';

/** Somebody, and all that the account gives him. */
export interface KeyHolder {
  readonly who: Who;
  /** Live ones only. */
  readonly grants: readonly Grant[];
}

/** Roles that may be taken on count as held. */
export function keyHolder(
  realm: string,
  holder: { readonly name: string; readonly roles: readonly string[]; readonly grants: readonly Grant[] },
  now: number,
): KeyHolder {
  const who = whoIs({ realm, name: holder.name });
  const arns = [...who.arns, ...holder.roles.map((name) => whoIsRole(realm, name).arn)];
  return { who: { ...who, arns }, grants: holder.grants.filter((grant) => isLive(grant, now)) };
}

/**
 * Whether somebody holds both duties on a key, by its policy, its grants and the account's. In doubt, yes: conditions don't separate
 * what they allow, and only a Deny without a condition takes anything away.
 */
export function holdsBothOn(key: Key, holder: KeyHolder, keyGrants: KeyGrants | undefined, mode: Mode): boolean {
  const holds = (names: ReadonlySet<KmsAction>, duties: readonly Duty[]) => {
    const taken = takenFrom(key, holder.who);
    const open = (name: KmsAction) => names.has(name) && !taken.has(name);
    return (
      statementsOf(key).some(
        (statement) =>
          statement.effect === 'Allow' && reachOf(statement, holder.who) === 'named' && some(statement.actions, open),
      ) ||
      grantsAllow(keyGrants, holder.who, open) ||
      duties
        .flatMap((duty) => accountActions(key, holder, mode, duty))
        .some((action) => possibleNames(action).some((name) => !taken.has(name) && handsOver(key, holder.who, name)))
    );
  };
  return holds(administering, ['administer']) && holds(using, ['use', 'export']);
}

function some(actions: ReadonlySet<KmsAction>, test: (name: KmsAction) => boolean): boolean {
  for (const action of actions) if (test(action)) return true;
  return false;
}

/** What a Deny that always holds takes away. */
function takenFrom(key: Key, who: Who): ReadonlySet<KmsAction> {
  const taken = new Set<KmsAction>();
  for (const statement of statementsOf(key)) {
    if (statement.effect === 'Allow' || statement.conditions.length > 0 || reachOf(statement, who) === 'none') continue;
    for (const name of statement.actions) taken.add(name);
  }
  return taken;
}

function grantsAllow(grants: KeyGrants | undefined, who: Who, open: (name: KmsAction) => boolean): boolean {
  if (grants === undefined) return false;
  for (const arn of who.arns) {
    for (const { operations } of grants.byGrantee.get(arn) ?? []) if (operations.some(open)) return true;
  }
  return false;
}

/** Whether the key leaves this to the account, conditions aside. Without a policy it leaves everything. */
export function handsOver(key: Key, who: Who, name: KmsAction): boolean {
  if (key.policy === undefined) return true;
  return statementsOf(key).some(
    (statement) => statement.effect === 'Allow' && statement.actions.has(name) && reachOf(statement, who) === 'account',
  );
}

/** What of a duty the account gives somebody on the key. */
export function accountActions(key: Key, { grants }: KeyHolder, mode: Mode, duty: Duty): readonly Action[] {
  const over = grants.filter((grant) => covers(grant.scope, key));
  return (Object.keys(rules) as Action[]).filter(
    (action) => rules[action][0] === duty && over.some((grant) => gives(grant, mode, action)),
  );
}
