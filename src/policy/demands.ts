import type { Command, Grant, Key, Principal } from '#domain/domain.ts';
import { rules } from './duties.ts';
import type { Facts } from './facts.ts';
import { judge, speaks } from './key-access.ts';
import { holdsBothOn } from './key-duties.ts';
import { givesDuty, givesUse } from './rights.ts';
import { covers, type Target, wholeRealm } from './scope.ts';
import { judgeSecret, parseSecretPolicy, policyGivesDuty } from './secret-policy.ts';
import type { Verdict } from './verdict.ts';
import { whoIs } from './who.ts';

/** One thing that a right is needed over. */
export interface Demand {
  readonly target: Target;
  /** What it says itself of this call; absent: nothing, so all is for the account's grants. */
  readonly verdict?: Verdict;
  /** Whether the principal, with these live grants of the account, could both administer and use it. */
  readonly holdsBoth: (live: readonly Grant[]) => boolean;
}

/** Each must be allowed. Undefined: the command needs a key and none was handed in. */
export function demandsOf(
  facts: Facts,
  principal: Principal,
  command: Command,
  subjects: readonly Key[],
): readonly Demand[] | undefined {
  const keys = subjects.map((_, index) => onKey(facts, principal, command, subjects, index));
  const onRealm = plain(facts, wholeRealm);
  const onSecret = secretDemand(facts, principal, command);
  const name = requestedName(command);
  switch (rules[command.kind][1]) {
    case 'key':
      return keys.length === 0 ? undefined : keys;
    case 'two-keys':
      return keys.length === 2 ? keys : undefined;
    case 'key-and-realm':
      return keys.length === 0 ? undefined : [...keys, onRealm];
    case 'realm-and-replaced':
      return [...keys, onRealm];
    case 'name':
      return [name === undefined ? onRealm : plain(facts, name)];
    case 'name-and-holder':
      return name === undefined ? undefined : [...keys, plain(facts, name)];
    case 'key-and-name':
      // A name in somebody's scope gives rights over the key behind it: giving or taking it needs the right over both.
      return keys.length === 0 || name === undefined ? undefined : [...keys, plain(facts, name)];
    case 'key-or-realm':
      if (!('key' in command) || command.key === undefined) return [onRealm];
      return keys.length === 0 ? undefined : keys;
    case 'secret':
      return onSecret === undefined ? undefined : [onSecret, ...keys];
    case 'secret-or-realm':
      return [onSecret ?? onRealm];
    case 'realm':
    case 'server':
    case 'nothing':
      return [onRealm];
  }
}

function requestedName(command: Command): Target | undefined {
  return 'name' in command && command.name !== undefined ? { names: [command.name] } : undefined;
}

/** What says nothing of its own. */
function plain({ mode }: Facts, target: Target): Demand {
  return {
    target,
    holdsBoth(live) {
      const over = live.filter((grant) => covers(grant.scope, target));
      return over.some((grant) => givesDuty(grant, mode, 'administer')) && over.some((grant) => givesUse(grant, mode));
    },
  };
}

/** A key with a policy or grants of its own says something itself. */
function onKey(facts: Facts, principal: Principal, command: Command, subjects: readonly Key[], index: number): Demand {
  const key = subjects[index]!;
  if (!speaks(key)) return plain(facts, key);
  const { mode, now, peer = '', secret } = facts;
  const who = whoIs(principal);
  const grants = facts.keyGrants?.[index];
  const arrival = { now, peer, ...(secret?.via !== undefined && { via: secret.via }) };
  return {
    target: key,
    verdict: heard(command, judge(who, command, subjects, index, arrival, grants)),
    holdsBoth: (live) => holdsBothOn(key, { who, grants: live }, grants, mode),
  };
}

/** A key may say that it doesn't leave. That it may is for the account to say, who know no such thing as AWS. */
function heard({ kind }: Command, verdict: Verdict): Verdict {
  return rules[kind][0] === 'export' && verdict.kind === 'allowed' ? { kind: 'account' } : verdict;
}

function secretDemand(facts: Facts, principal: Principal, command: Command): Demand | undefined {
  const { mode, now, peer = '', secret } = facts;
  if (secret?.policy === undefined) return secret && plain(facts, secret);
  const policy = parseSecretPolicy(secret.policy, principal.realm);
  return {
    target: secret,
    verdict: judgeSecret(policy, principal, command, secret, { now, peer }),
    holdsBoth(live) {
      const over = live.filter((grant) => covers(grant.scope, secret));
      const holds = (duty: 'administer' | 'use') =>
        policyGivesDuty(policy, principal, duty) || over.some((grant) => givesDuty(grant, mode, duty));
      return holds('administer') && holds('use');
    },
  };
}
