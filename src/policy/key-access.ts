import type { Command, GrantConstraints, GrantOperation, Key, KeyGrant, KeyGrants } from '#domain/domain.ts';
import { type Arrival, contextPairs, type KeyRequest } from './condition-keys.ts';
import { policyOf, statementsOf } from './key-policy.ts';
import { type KmsAction, kmsNames } from './kms-actions.ts';
import { hear, type Verdict } from './verdict.ts';
import type { Who } from './who.ts';

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
  return verdicts[0] ?? { kind: 'account' };
}

function judgeName(request: KeyRequest, name: KmsAction, grants: KeyGrants | undefined): Verdict {
  const { key } = request;
  const { denying, allowing, account } = hear(statementsOf(key), name, request);
  const action = `kms:${name}`;
  if (denying !== undefined) {
    const why = `on this key with an explicit deny: statement ${denying.label} of the key policy`;
    return { kind: 'refused', action, why };
  }
  if (allowing !== undefined) return { kind: 'allowed', by: `statement ${allowing.label} of the key policy` };
  const grant = grants === undefined ? undefined : grantFor(request, name, grants);
  if (grant !== undefined) return { kind: 'allowed', by: `grant ${grant.id} on the key` };
  if (key.policy === undefined || account !== undefined) return { kind: 'account' };
  return { kind: 'silent', action, why: 'on this key because neither the key policy nor a grant on the key allows it' };
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
