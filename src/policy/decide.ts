import { accountOf, type Command, type Context, type Grant, type Key, type Principal } from '#domain/domain.ts';
import { type Demand, demandsOf } from './demands.ts';
import { rules, type Touch } from './duties.ts';
import type { Facts } from './facts.ts';
import { gives, isLive, type Mode, reaches } from './rights.ts';
import { covers, type Target } from './scope.ts';
import { whoIs } from './who.ts';

export type Decision =
  | {
      readonly allow: true;
      /** Ids of the grants that allow it, comma-separated; 'self', 'public', 'federated' or 'system' where no grant is needed. */
      readonly grant: string;
      /** Holds for the same principal, action, subjects, grants and narrowing, whatever the time and the rest of the command. */
      readonly cacheable: boolean;
    }
  | {
      readonly allow: false;
      readonly code: 'denied' | 'separation-of-duties' | 'unauthenticated';
      readonly reason: string;
    };

type Refusal = Extract<Decision, { allow: false }>;

const refuse = (code: Refusal['code'], reason: string): Refusal => ({ allow: false, code, reason });
const free = (grant: string): Decision => ({ allow: true, grant, cacheable: true });

/**
 * May this principal do this to these keys? `subjects` are the keys that the command touches, as stored: for 're-encrypt' source
 * and target, for the alias commands every key that gains or loses the name, for 'create-key' none.
 */
export function decide(facts: Facts, principal: Principal, command: Command, subjects: readonly Key[]): Decision {
  const action = command.kind;
  const [duty, touch] = rules[action];
  if (duty === 'public') return free('public');
  if (principal.kind === 'anonymous') return refuse('unauthenticated', 'This needs a credential.');
  if (principal.kind === 'system' || duty === 'system') {
    const both = principal.kind === 'system' && duty === 'system';
    return both ? free('system') : refuse('denied', `${principal.name} may not ${action}.`);
  }
  if (principal.kind === 'federated' || duty === 'federate') {
    const both = principal.kind === 'federated' && duty === 'federate';
    return both ? free('federated') : refuse('denied', `${principal.name} may not ${action}.`);
  }
  if (duty === 'self') return free('self');
  if (facts.limitedTo !== undefined && !facts.limitedTo.includes(action)) {
    return refuse('denied', `The token is narrowed and may not ${action}.`);
  }
  // Whoever may retire a grant may know it.
  if (command.kind === 'list-retirable-key-grants' && whoIs(principal).arns.includes(command.retiring)) {
    return free('self');
  }
  if (subjects.some((key) => accountOf(key.realm) !== accountOf(principal.realm))) {
    return refuse('denied', `${principal.name} may not ${action} here.`);
  }
  const demands = demandsOf(facts, principal, command, subjects);
  if (demands === undefined) return refuse('denied', `${principal.name} may not ${action} here.`);
  if (touch === 'server' && facts.ofFirstRealm !== true) {
    return refuse('denied', `Only the first realm may ${action}: it concerns every realm.`);
  }
  return decideAll(facts, principal, command, demands);
}

/** A no of any of them stands above all else; then each says yes itself, or a grant of the account does. */
function decideAll(facts: Facts, principal: Principal, command: Command, demands: readonly Demand[]): Decision {
  const [duty, touch] = rules[command.kind];
  for (const { verdict } of demands) {
    if (verdict?.kind !== 'refused' && verdict?.kind !== 'silent') continue;
    return refuse('denied', `${whoIs(principal).arn} is not authorized to perform ${verdict.action} ${verdict.why}.`);
  }
  const separate = facts.mode !== 'development' && (duty === 'administer' || duty === 'use' || duty === 'export');
  const live = facts.grants.filter((grant) => isLive(grant, facts.now) && reaches(grant, principal));
  const granted = new Set<string>();
  // Which name is asked for, and what a key or a secret says to what, is not part of what a cache compares.
  let cacheable = !uncached.has(touch) && demands.every(({ verdict }) => verdict === undefined);
  for (const { target, verdict, holdsBoth } of demands) {
    if (verdict?.kind === 'allowed') granted.add(verdict.by);
    else {
      const grant = allowing(live, facts.mode, command, target);
      if (grant === undefined) return refuse('denied', `No grant lets ${principal.name} ${command.kind} this.`);
      granted.add(grant.id);
      cacheable &&= isPlain(grant);
    }
    if (separate && holdsBoth(live)) {
      const why = `${principal.name} may both administer and use this key, so may do neither.`;
      return refuse('separation-of-duties', why);
    }
  }
  return { allow: true, grant: [...granted].join(','), cacheable };
}

const uncached: ReadonlySet<Touch> = new Set<Touch>(['name', 'key-and-name', 'secret', 'secret-or-realm']);

/** The first grant that allows it, one that holds whatever the time and the context if there is one. */
function allowing(grants: readonly Grant[], mode: Mode, command: Command, target: Target): Grant | undefined {
  const touchesNothing = rules[command.kind][1] === 'nothing';
  let found: Grant | undefined;
  for (const grant of grants) {
    if (!gives(grant, mode, command.kind)) continue;
    if (!touchesNothing && !covers(grant.scope, target)) continue;
    if (!conditionHolds(grant.condition, command)) continue;
    if (isPlain(grant)) return grant;
    found ??= grant;
  }
  return found;
}

function isPlain(grant: Grant): boolean {
  return grant.condition === undefined && grant.expiresAt === undefined;
}

/** A conditional grant speaks of context pairs only: without them it allows nothing. */
function conditionHolds(condition: Grant['condition'], command: Command): boolean {
  if (condition === undefined) return true;
  const contexts = contextsOf(command);
  return contexts.length > 0 && contexts.every((context) => contextSatisfies(condition, context));
}

function contextsOf(command: Command): readonly Context[] {
  if (command.kind === 're-encrypt') return [command.sourceContext, command.targetContext];
  return 'context' in command ? [command.context] : [];
}

function contextSatisfies(condition: NonNullable<Grant['condition']>, { pairs = [] }: Context): boolean {
  const wanted = Object.entries(condition.pairs);
  if (pairs.length === 0 || (condition.kind === 'context-equals' && pairs.length !== wanted.length)) return false;
  return wanted.every(([key, value]) => {
    // A key given twice is no answer: which of the two would the cipher bind?
    const found = pairs.filter((pair) => pair[0] === key);
    return found.length === 1 && found[0]![1] === value;
  });
}
