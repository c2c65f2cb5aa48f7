import { type Action, type Command, type Key, KmsError, type Principal } from '#domain/domain.ts';
import type { KeyRequest } from './condition-keys.ts';
import type { Condition } from './conditions.ts';
import { type Duty, rules } from './duties.ts';
import { globMatches } from './glob.ts';
import { isMembers, type Json, readConditions, readJson, readPrincipal, refuseOthers, texts } from './key-policy.ts';
import type { Target } from './scope.ts';
import { rootArn, type Who, whoIs } from './who.ts';

/** What each command is called in policies on secrets (Service Authorization Reference, "Actions defined by AWS Secrets Manager"). */
const naming = {
  'create-secret': 'CreateSecret',
  'put-secret-value': 'PutSecretValue',
  'update-secret': 'UpdateSecret',
  'get-secret-value': 'GetSecretValue',
  'read-secret-version': 'GetSecretValue',
  'write-secret': 'PutSecretValue',
  'change-secret-versions': 'DeleteSecret',
  'configure-secret': 'UpdateSecret',
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
const secretActions: readonly SecretAction[] = Object.values(naming);

interface Statement {
  readonly label: string;
  readonly effect: 'Allow' | 'Deny';
  readonly principals: 'everyone' | ReadonlySet<string>;
  readonly actions: ReadonlySet<SecretAction>;
  readonly conditions: readonly Condition[];
}

export type SecretPolicy = readonly Statement[];

/** What of a secret its policy decides on. */
export interface SecretTarget extends Target {
  readonly realm?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** As its owner wrote it. */
  readonly policy?: string;
  /** How keys are asked for its values. */
  readonly via?: NonNullable<KeyRequest['arrival']['via']>;
}

const maxPolicy = 20_480;
const maxStatements = 100;

function refuse(reason: string): never {
  throw new KmsError('malformed-policy', reason);
}

/**
 * Reads the policy of a secret: what key policies can say, of the actions of Secrets Manager. Throws 'malformed-policy' for anything
 * that is not understood. `resource` is the secret's own ARN; absent: none is known yet.
 */
export function parseSecretPolicy(text: string, realm: string, resource?: string): SecretPolicy {
  if (text.length > maxPolicy) refuse(`A policy has at most ${maxPolicy} characters.`);
  const policy = readJson(text);
  if (!isMembers(policy)) refuse('A policy is a JSON object.');
  const { Version, Id, Statement, ...more } = policy;
  refuseOthers(more, 'A policy');
  if (Version !== undefined && Version !== '2012-10-17' && Version !== '2008-10-17') {
    refuse('Version is "2012-10-17" or "2008-10-17".');
  }
  if (Id !== undefined && typeof Id !== 'string') refuse('Id is text.');
  const list = Array.isArray(Statement) ? (Statement as readonly Json[]) : Statement === undefined ? [] : [Statement];
  if (list.length === 0 || list.length > maxStatements) refuse(`A policy has 1 to ${maxStatements} statements.`);
  return list.map((one, index) => readStatement(one, index, realm, resource, Version === '2012-10-17'));
}

function readStatement(
  value: Json,
  index: number,
  realm: string,
  resource: string | undefined,
  hasVariables: boolean,
): Statement {
  if (!isMembers(value)) refuse('A statement is a JSON object.');
  const { Sid, Effect, Principal, Action, NotAction, Resource, Condition: given, ...more } = value;
  refuseOthers(more, 'A statement');
  if (Sid !== undefined && typeof Sid !== 'string') refuse('Sid is text.');
  if (Effect !== 'Allow' && Effect !== 'Deny') refuse('Effect is "Allow" or "Deny".');
  if (Principal === undefined) refuse('A statement has a Principal.');
  if ((Action === undefined) === (NotAction === undefined)) refuse('A statement has either Action or NotAction.');
  if (Resource === undefined) refuse('A statement has a Resource.');
  for (const one of texts(Resource, 'Resource')) {
    // The secret that carries the policy is all that it can speak of.
    if (one !== '*' && resource !== undefined && !globMatches(one, resource))
      refuse('Resource is "*" or the secret itself.');
  }
  if (given !== undefined) assertConditionKeys(given);
  return {
    label: Sid === undefined || Sid === '' ? `number ${index + 1}` : `"${Sid}"`,
    effect: Effect,
    principals: readPrincipal(Principal, { realm }),
    actions: Action === undefined ? readActions(NotAction!, true) : readActions(Action, false),
    conditions: given === undefined ? [] : readConditions(given, Effect, hasVariables),
  };
}

/** Of the keys that a policy on a key may ask for, those that are not about keys. */
function assertConditionKeys(value: Json): void {
  if (!isMembers(value)) refuse('Condition is a JSON object.');
  for (const keys of Object.values(value)) {
    const strange = isMembers(keys) ? Object.keys(keys).find((key) => !/^aws:/i.test(key)) : undefined;
    if (strange !== undefined) refuse(`Conditions on ${strange} are not supported in the policy of a secret.`);
  }
}

function readActions(value: Json, negated: boolean): ReadonlySet<SecretAction> {
  const named = new Set<SecretAction>();
  for (const pattern of texts(value, negated ? 'NotAction' : 'Action')) {
    const found = secretActions.filter((action) =>
      globMatches(pattern.toLowerCase(), `secretsmanager:${action}`.toLowerCase()),
    );
    if (found.length === 0) refuse(`"${pattern}" names no action of Secrets Manager on a secret.`);
    for (const action of found) named.add(action);
  }
  return negated ? new Set(secretActions.filter((action) => !named.has(action))) : named;
}

/** Whether it lets in whoever has a credential of the account, on no condition. */
export function isPublic(policy: SecretPolicy): boolean {
  return policy.some(
    ({ effect, principals, conditions }) => effect === 'Allow' && principals === 'everyone' && conditions.length === 0,
  );
}

export type SecretVerdict =
  | { readonly kind: 'refused'; readonly by: string; readonly name: string }
  | { readonly kind: 'allowed'; readonly by: string }
  | { readonly kind: 'silent' };

/** What a secret's policy says of a command; a Deny stands above every Allow. */
export function judgeSecret(
  policy: SecretPolicy,
  principal: Principal,
  command: Command,
  secret: SecretTarget,
  arrival: KeyRequest['arrival'],
): SecretVerdict {
  const name = nameOf(command);
  if (name === undefined) return { kind: 'silent' };
  const who = whoIs(principal);
  const request = requestOf(who, command, secret, arrival);
  const speaking = (effect: Statement['effect']) =>
    policy.find(
      (one) =>
        one.effect === effect &&
        one.actions.has(name) &&
        reachesWho(one, who, principal.realm) &&
        one.conditions.every((condition) => condition.holds(request)),
    );
  const denying = speaking('Deny');
  if (denying !== undefined) return { kind: 'refused', by: `statement ${denying.label}`, name };
  const allowing = speaking('Allow');
  return allowing === undefined ? { kind: 'silent' } : { kind: 'allowed', by: `secret policy, ${allowing.label}` };
}

/** Whether it would let somebody do anything of a duty, conditions aside. */
export function policyGivesDuty(policy: SecretPolicy, principal: Principal, duty: Duty): boolean {
  const who = whoIs(principal);
  return policy.some(
    (one) =>
      one.effect === 'Allow' &&
      reachesWho(one, who, principal.realm) &&
      (Object.keys(naming) as Named[]).some((action) => rules[action][0] === duty && one.actions.has(naming[action])),
  );
}

/** An Allow for the account leaves it to the account's own grants; a Deny for it is for everybody. */
function reachesWho({ principals, effect }: Statement, who: Who, realm: string): boolean {
  if (principals === 'everyone') return true;
  return who.arns.some((arn) => principals.has(arn)) || (effect === 'Deny' && principals.has(rootArn(realm)));
}

function nameOf({ kind }: Command): SecretAction | undefined {
  return Object.hasOwn(naming, kind) ? naming[kind as Named] : undefined;
}

/** Condition keys read tags from where a key has them. */
function requestOf(
  who: Who,
  command: Command,
  { tags = {} }: SecretTarget,
  arrival: KeyRequest['arrival'],
): KeyRequest {
  return { who, command, key: { tags } as Key, index: 0, subjects: [], arrival };
}
