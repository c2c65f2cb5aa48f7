import { type Action, type Command, type Key, KmsError, type Principal } from '#domain/domain.ts';
import type { KeyRequest } from './condition-keys.ts';
import { type Duty, rules } from './duties.ts';
import { globMatches } from './glob.ts';
import { type PolicyLanguage, readStatements, type Statement } from './policy-text.ts';
import type { Target } from './scope.ts';
import { hear, reachOf, type Verdict } from './verdict.ts';
import { whoIs } from './who.ts';

/** What each command is called in policies on secrets (Service Authorization Reference, "Actions defined by AWS Secrets Manager"). */
const naming = {
  'create-secret': 'CreateSecret',
  'put-secret-value': 'PutSecretValue',
  'update-secret': 'UpdateSecret',
  'get-secret-value': 'GetSecretValue',
  'read-secret-version': 'GetSecretValue',
  'write-secret': 'PutSecretValue',
  'import-secret': 'PutSecretValue',
  'change-secret-versions': 'DeleteSecret',
  'configure-secret': 'DeleteSecret', // fewer versions may be kept
  'move-secret-label': 'UpdateSecretVersionStage',
  'describe-secret': 'DescribeSecret',
  'list-secret-versions': 'ListSecretVersionIds',
  'delete-secret': 'DeleteSecret',
  'restore-secret': 'RestoreSecret',
  'tag-secret': 'TagResource',
  'untag-secret': 'UntagResource',
  'set-secret-policy': 'PutResourcePolicy',
  'get-secret-policy': 'GetResourcePolicy',
  'delete-secret-policy': 'DeleteResourcePolicy',
  'check-secret-policy': 'ValidateResourcePolicy',
  'rotate-secret': 'RotateSecret',
  'cancel-secret-rotation': 'CancelRotateSecret',
  'replicate-secret': 'ReplicateSecretToRegions',
  'remove-secret-replicas': 'RemoveRegionsFromReplication',
  'detach-secret-replica': 'StopReplicationToReplica',
} as const satisfies Partial<Record<Action, string>>;

type Named = keyof typeof naming;
type SecretAction = (typeof naming)[Named];

export type SecretPolicy = readonly Statement<SecretAction>[];

/** What of a secret its policy decides on. */
export interface SecretTarget extends Target {
  readonly tags?: Readonly<Record<string, string>>;
  /** As its owner wrote it. */
  readonly policy?: string;
  /** How keys are asked for its values. */
  readonly via?: NonNullable<KeyRequest['arrival']['via']>;
}

/** Characters. */
const maxPolicy = 20_480;

const language: PolicyLanguage<SecretAction> = {
  carrier: 'secret',
  maxStatements: 100,
  actions: new Map(Object.values(naming).map((name) => [`secretsmanager:${name}`.toLowerCase(), name])),
  // Of the keys that a policy on a key may ask for, those that are not about keys.
  asksFor: (conditionKey) => /^aws:/i.test(conditionKey),
};

/**
 * Reads the policy of a secret: what key policies can say, of the actions of Secrets Manager. Throws 'malformed-policy' for anything
 * that is not understood. `resource` is the secret's own ARN; absent: what a Resource says is not checked.
 */
export function parseSecretPolicy(text: string, realm: string, resource?: string): SecretPolicy {
  if (text.length > maxPolicy) {
    throw new KmsError('malformed-policy', `A policy has at most ${maxPolicy} characters.`);
  }
  const isOwn = (pattern: string) => resource === undefined || globMatches(pattern, resource);
  return readStatements(text, language, { realm, isOwn });
}

/** Whether it lets in whoever has a credential of the account, on no condition. */
export function isPublic(policy: SecretPolicy): boolean {
  return policy.some(
    ({ effect, principals, conditions }) => effect === 'Allow' && principals === 'everyone' && conditions.length === 0,
  );
}

/** What a secret's policy says of a command. Where it says nothing, the account does. */
export function judgeSecret(
  policy: SecretPolicy,
  principal: Principal,
  command: Command,
  secret: SecretTarget,
  arrival: KeyRequest['arrival'],
): Verdict {
  const name = nameOf(command);
  if (name === undefined) return { kind: 'account' };
  // Condition keys read tags from where a key has them.
  const key = { tags: secret.tags ?? {} } as Key;
  const request = { who: whoIs(principal), command, key, index: 0, subjects: [], arrival };
  const { denying, allowing } = hear(policy, name, request);
  if (denying !== undefined) {
    const why = `with an explicit deny: statement ${denying.label} of the resource policy`;
    return { kind: 'refused', action: `secretsmanager:${name}`, why };
  }
  return allowing === undefined ? { kind: 'account' } : { kind: 'allowed', by: `secret policy, ${allowing.label}` };
}

/** Whether it would let somebody do anything of a duty, conditions aside. */
export function policyGivesDuty(policy: SecretPolicy, principal: Principal, duty: Duty): boolean {
  const who = whoIs(principal);
  return policy.some(
    (one) =>
      one.effect === 'Allow' &&
      reachOf(one, who) === 'named' &&
      (Object.keys(naming) as Named[]).some((action) => rules[action][0] === duty && one.actions.has(naming[action])),
  );
}

function nameOf({ kind }: Command): SecretAction | undefined {
  return Object.hasOwn(naming, kind) ? naming[kind as Named] : undefined;
}
