import type { Command, GrantConstraints, GrantOperation, Key, KeyGrant, KeyGrants } from '#domain/domain.ts';
import { type Arrival, contextPairs, type KeyRequest } from './condition-keys.ts';
import { policyOf, type Statement } from './key-policy.ts';
import { type KmsAction, kmsNames } from './kms-actions.ts';
import { rootArn, type Who } from './who.ts';

/** What a key itself says of a call: its policy and its own grants. */
export type Verdict =
  /** A statement says no, whatever else says yes. */
  | { readonly kind: 'refused'; readonly by: string; readonly name: KmsAction }
  | { readonly kind: 'allowed'; readonly by: string }
  /** It leaves the answer to the grants of the account. */
  | { readonly kind: 'account'; readonly by: string }
  | { readonly kind: 'silent'; readonly name: KmsAction };

/** Whether the key says anything of its own. A policy that only says what holds without one is none. */
export function speaks(key: Pick<Key, 'policy' | 'grantsRevision'>): boolean {
  return key.grantsRevision !== undefined || (key.policy !== undefined && !policyOf(key as Carrying).isDefault);
}

type Carrying = Key & { readonly policy: string };

/**
 * A refusal first, then a statement that names the caller, then a grant on the key, then the account. The command may amount to
 * several actions: each of them must be allowed, and the weakest answer stands for all.
 */
export function judge(
  who: Who,
  command: Command,
  subjects: readonly Key[],
  index: number,
  arrival: Arrival,
  grants: KeyGrants | undefined,
): Verdict {
  const key = subjects[index]!;
  const request = { who, command, key, index, subjects, arrival };
  const verdicts = kmsNames(command, index).map((name) => judgeName(request, name, grants));
  for (const kind of ['refused', 'silent', 'account'] as const) {
    const found = verdicts.find((verdict) => verdict.kind === kind);
    if (found !== undefined) return found;
  }
  return verdicts[0] ?? { kind: 'account', by: 'no policy of a key is asked' };
}

function judgeName(request: KeyRequest, name: KmsAction, grants: KeyGrants | undefined): Verdict {
  const { key, who } = request;
  let allowed: Statement | undefined;
  let account: Statement | undefined;
  for (const statement of key.policy === undefined ? [] : policyOf(key as Carrying).statements) {
    const reach = reachOf(statement, who);
    if (reach === 'none' || !statement.actions.has(name)) continue;
    if (!statement.conditions.every((condition) => condition.holds(request))) continue;
    if (statement.effect === 'Deny') return { kind: 'refused', by: `statement ${statement.label}`, name };
    if (reach === 'named') allowed ??= statement;
    else account ??= statement;
  }
  if (allowed !== undefined) return { kind: 'allowed', by: `statement ${allowed.label} of the key policy` };
  const grant = grants === undefined ? undefined : grantFor(request, name, grants);
  if (grant !== undefined) return { kind: 'allowed', by: `grant ${grant.id} on the key` };
  if (key.policy === undefined) return { kind: 'account', by: 'the default key policy' };
  if (account !== undefined) return { kind: 'account', by: `statement ${account.label} of the key policy` };
  return { kind: 'silent', name };
}

/** By name, or as one of the account: what is allowed to the account is for the account to give, what is denied is denied to all. */
export function reachOf({ principals, effect }: Statement, who: Who): 'named' | 'account' | 'none' {
  if (principals === 'everyone' || who.arns.some((arn) => principals.has(arn))) return 'named';
  if (!principals.has(rootArn(who.account))) return 'none';
  return effect === 'Deny' ? 'named' : 'account';
}

/** A right to retire comes from the grant that is to go; any other from a grant of which the caller is the grantee. */
function grantFor(request: KeyRequest, name: KmsAction, grants: KeyGrants): KeyGrant | undefined {
  const { who, command } = request;
  if (command.kind === 'retire-key-grant') {
    const grant = grants.byId.get(command.grant);
    return grant !== undefined && mayRetire(grant, who) ? grant : undefined;
  }
  for (const arn of who.arns) {
    for (const grant of grants.byGrantee.get(arn) ?? []) {
      if (grant.operations.includes(name as GrantOperation) && constraintsHold(grant, request, name)) return grant;
    }
  }
  return undefined;
}

function mayRetire({ retiring, grantee, operations }: KeyGrant, { arns }: Who): boolean {
  if (retiring !== undefined && arns.includes(retiring)) return true;
  return operations.includes('RetireGrant') && arns.includes(grantee);
}

const unconstrained: ReadonlySet<KmsAction> = new Set(['DescribeKey', 'RetireGrant']);

function constraintsHold(grant: KeyGrant, request: KeyRequest, name: KmsAction): boolean {
  const { command } = request;
  if (command.kind === 'create-key-grant') return isNoWider(command, grant);
  const { equals, subset } = grant.constraints ?? {};
  if ((equals === undefined && subset === undefined) || unconstrained.has(name)) return true;
  const given = new Map<string, string>();
  for (const [key, value] of contextPairs(request)) {
    // A key given twice is no answer: which of the two would the cipher bind?
    if (given.has(key)) return false;
    given.set(key, value);
  }
  const has = (pairs: Readonly<Record<string, string>>) =>
    Object.entries(pairs).every(([key, value]) => given.get(key) === value);
  if (subset !== undefined && !has(subset)) return false;
  return equals === undefined || (has(equals) && given.size === Object.keys(equals).length);
}

/** Who may make grants by a grant makes none that allows more (KMS developer guide, "Granting CreateGrant permission"). */
function isNoWider(
  child: { readonly operations: readonly GrantOperation[]; readonly constraints?: GrantConstraints },
  parent: KeyGrant,
): boolean {
  if (!child.operations.every((operation) => parent.operations.includes(operation))) return false;
  const { equals, subset } = parent.constraints ?? {};
  const bound = { ...child.constraints?.subset, ...child.constraints?.equals };
  const includes = (pairs: Readonly<Record<string, string>>) =>
    Object.entries(pairs).every(([key, value]) => Object.hasOwn(bound, key) && bound[key] === value);
  if (subset !== undefined && !includes(subset)) return false;
  if (equals === undefined) return true;
  const own = child.constraints?.equals;
  return own !== undefined && includes(equals) && Object.keys(own).length === Object.keys(equals).length;
}
