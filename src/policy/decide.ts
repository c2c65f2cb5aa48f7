import {
  accountOf,
  type Command,
  type Context,
  type Grant,
  type Key,
  type KeyGrants,
  type Principal,
} from '#domain/domain.ts';
import { rules } from './duties.ts';
import { judge, speaks, type Verdict } from './key-access.ts';
import { holdsBothOn } from './key-duties.ts';
import { gives, givesDuty, isLive, type Mode, reaches } from './rights.ts';
import { covers, type Target, wholeRealm } from './scope.ts';
import { judgeSecret, parseSecretPolicy, policyGivesDuty, type SecretTarget } from './secret-policy.ts';
import { whoIs } from './who.ts';

export type { Mode } from './rights.ts';

export interface Facts {
  readonly mode: Mode;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Every grant of the principal and of its groups, the expired ones too. */
  readonly grants: readonly Grant[];
  /** The actions that the asking token is narrowed to; absent: not narrowed. */
  readonly limitedTo?: readonly string[];
  /** Whether the principal's realm is the one that the server was made with. Absent: no. */
  readonly ofFirstRealm?: boolean;
  /** Address and port of who asks; needed for keys that carry a policy. */
  readonly peer?: string;
  /** The grants of each of the command's keys that ever had one, in the order of the keys. */
  readonly keyGrants?: readonly (KeyGrants | undefined)[];
  /** The secret that the command is about. */
  readonly secret?: SecretTarget;
}

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
  const targets = targetsOf(command, subjects, facts.secret);
  if (targets === undefined || subjects.some((key) => accountOf(key.realm) !== accountOf(principal.realm))) {
    return refuse('denied', `${principal.name} may not ${action} here.`);
  }
  if (touch === 'server' && facts.ofFirstRealm !== true) {
    return refuse('denied', `Only the first realm may ${action}: it concerns every realm.`);
  }
  return decideTargets(facts, principal, command, subjects, targets);
}

function decideTargets(
  facts: Facts,
  principal: Principal,
  command: Command,
  subjects: readonly Key[],
  targets: readonly Target[],
): Decision {
  const [duty, touch] = rules[command.kind];
  const separate = facts.mode !== 'development' && (duty === 'administer' || duty === 'use');
  const live = facts.grants.filter((grant) => isLive(grant, facts.now) && reaches(grant, principal));
  const granted = new Set<string>();
  // Which name is asked for is not part of what a cache compares.
  let cacheable = touch !== 'name' && touch !== 'key-and-name' && touch !== 'secret' && touch !== 'secret-or-realm';
  const verdicts = subjects.some(speaks) ? verdictsOf(facts, principal, command, subjects) : undefined;
  for (const [index, verdict] of verdicts?.entries() ?? []) {
    const refusal = refusedByKey(principal, verdict);
    if (refusal !== undefined) return refusal;
    const holder = { who: whoIs(principal), grants: live };
    if (
      separate &&
      verdict !== undefined &&
      holdsBothOn(subjects[index]!, holder, facts.keyGrants?.[index], facts.mode)
    ) {
      return holdsBoth(principal);
    }
    cacheable &&= verdict === undefined;
  }
  const said =
    facts.secret?.policy === undefined ? undefined : saidBySecret(facts, principal, command, facts.secret.policy);
  if (said?.verdict.kind === 'refused') {
    const { name, by } = said.verdict;
    return refuse(
      'denied',
      `${whoIs(principal).arn} is not authorized to perform secretsmanager:${name} with an explicit deny: ${by} of the resource policy.`,
    );
  }
  for (const target of targets) {
    if (target === facts.secret && said !== undefined) {
      const over = live.filter((grant) => covers(grant.scope, target));
      const holds = (duty: 'administer' | 'use') =>
        said.gives(duty) || over.some((grant) => givesDuty(grant, facts.mode, duty));
      if (separate && holds('administer') && holds('use')) return holdsBoth(principal);
      if (said.verdict.kind === 'allowed') {
        granted.add(said.verdict.by);
        continue;
      }
    }
    const verdict = verdicts?.[subjects.indexOf(target as Key)];
    if (verdict?.kind === 'allowed') {
      granted.add(verdict.by);
      continue;
    }
    const grant = allowing(live, facts.mode, command, target);
    if (grant === undefined) return refuse('denied', `No grant lets ${principal.name} ${command.kind} this.`);
    if (separate && verdict === undefined && holdsBothDuties(live, facts.mode, target)) return holdsBoth(principal);
    granted.add(grant.id);
    cacheable &&= isPlain(grant);
  }
  return { allow: true, grant: [...granted].join(','), cacheable };
}

/** What the secret's own policy says. */
function saidBySecret(facts: Facts, principal: Principal, command: Command, text: string) {
  const policy = parseSecretPolicy(text, principal.realm);
  const arrival = { now: facts.now, peer: facts.peer ?? '' };
  return {
    verdict: judgeSecret(policy, principal, command, facts.secret!, arrival),
    gives: (duty: 'administer' | 'use') => policyGivesDuty(policy, principal, duty),
  };
}

const holdsBoth = ({ name }: Principal) =>
  refuse('separation-of-duties', `${name} may both administer and use this key, so may do neither.`);

/** What each key says that says anything of its own. */
function verdictsOf(facts: Facts, principal: Principal, command: Command, subjects: readonly Key[]) {
  const who = whoIs(principal);
  const via = facts.secret?.via;
  const arrival = { now: facts.now, peer: facts.peer ?? '', ...(via !== undefined && { via }) };
  return subjects.map((key, index) =>
    speaks(key) ? judge(who, command, subjects, index, arrival, facts.keyGrants?.[index]) : undefined,
  );
}

function refusedByKey(principal: Principal, verdict: Verdict | undefined): Refusal | undefined {
  if (verdict?.kind !== 'refused' && verdict?.kind !== 'silent') return undefined;
  const why =
    verdict.kind === 'refused'
      ? `with an explicit deny: ${verdict.by} of the key policy`
      : 'because neither the key policy nor a grant on the key allows it';
  return refuse(
    'denied',
    `${whoIs(principal).arn} is not authorized to perform kms:${verdict.name} on this key ${why}.`,
  );
}

/** Each must be allowed. Undefined: the command needs a key and none was handed in. */
function targetsOf(
  command: Command,
  subjects: readonly Key[],
  secret: Target | undefined,
): readonly Target[] | undefined {
  const [, touch] = rules[command.kind];
  switch (touch) {
    case 'key':
      return subjects.length === 0 ? undefined : subjects;
    case 'two-keys':
      return subjects.length === 2 ? subjects : undefined;
    case 'key-and-realm':
      return subjects.length === 0 ? undefined : [...subjects, wholeRealm];
    case 'name':
      return [requestedName(command) ?? wholeRealm];
    case 'key-and-name': {
      // A name in somebody's scope gives rights over the key behind it: giving or taking it needs the right over both.
      const name = requestedName(command);
      return subjects.length === 0 || name === undefined ? undefined : [...subjects, name];
    }
    case 'key-or-realm':
      if (!('key' in command) || command.key === undefined) return [wholeRealm];
      return subjects.length === 0 ? undefined : subjects;
    case 'secret':
      return secret === undefined ? undefined : [secret, ...subjects];
    case 'secret-or-realm':
      return [secret ?? wholeRealm];
    case 'realm':
    case 'server':
    case 'nothing':
      return [wholeRealm];
  }
}

function requestedName(command: Command): Target | undefined {
  return 'name' in command && command.name !== undefined ? { names: [command.name] } : undefined;
}

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

function holdsBothDuties(grants: readonly Grant[], mode: Mode, target: Target): boolean {
  const over = grants.filter((grant) => covers(grant.scope, target));
  return (
    over.some((grant) => givesDuty(grant, mode, 'administer')) && over.some((grant) => givesDuty(grant, mode, 'use'))
  );
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
