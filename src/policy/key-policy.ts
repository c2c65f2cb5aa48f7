import { accountOf, type Key, KmsError } from '#domain/domain.ts';
import { type Condition, compileCondition, shown } from './conditions.ts';
import { globMatches } from './glob.ts';
import { type KmsAction, kmsActions } from './kms-actions.ts';
import { parsePrincipalArn, rootArn } from './who.ts';

/** One statement, understood whole. */
export interface Statement {
  /** As people find it in the text: its Sid, or its number. */
  readonly label: string;
  readonly effect: 'Allow' | 'Deny';
  /** `everyone`: anybody of the account. Else the ARNs of accounts, users, roles and sessions. */
  readonly principals: 'everyone' | ReadonlySet<string>;
  readonly actions: ReadonlySet<KmsAction>;
  readonly conditions: readonly Condition[];
  /** The statement as JSON, to see whether another says the same. */
  readonly text: string;
}

export interface KeyPolicy {
  readonly statements: readonly Statement[];
  /** It says no more than AWS' default one: the account may do everything, as it may without a policy. */
  readonly isDefault: boolean;
}

/** Where a policy is to stand. */
export interface PolicyPlace {
  readonly realm: string;
  /** Absent for a key that is yet to be made. */
  readonly keyId?: string;
  /** Whether it is the key's. Absent: what a Resource says was checked when the policy was put. */
  readonly isRegion?: (region: string) => boolean;
}

/** Bytes. */
export const maxPolicy = 32 * 1024;

const maxStatements = 500;
const maxDepth = 8;

function refuse(reason: string): never {
  throw new KmsError('malformed-policy', reason);
}

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type Members = { readonly [name: string]: Json };

/**
 * Reads a key policy (IAM user guide, "IAM JSON policy elements reference"; KMS developer guide, "Key policies in AWS KMS"). Throws
 * 'malformed-policy' for anything that it does not understand or that can't be held to here, 'limit-exceeded' for too much.
 */
export function parseKeyPolicy(text: string, place: PolicyPlace): KeyPolicy {
  if (text.length > maxPolicy) throw new KmsError('limit-exceeded', `A key policy has at most ${maxPolicy} bytes.`);
  if (!/^[\t\n\r -\u{ff}]*$/u.test(text)) refuse('A key policy is written in Latin characters.');
  const policy = readJson(text);
  if (!isMembers(policy)) refuse('A key policy is a JSON object.');
  const { Version, Id, Statement, ...more } = policy;
  refuseOthers(more, 'A policy');
  if (Version !== undefined && Version !== '2012-10-17' && Version !== '2008-10-17') {
    refuse('Version is "2012-10-17" or "2008-10-17".');
  }
  if (Id !== undefined && typeof Id !== 'string') refuse('Id is text.');
  if (Statement === undefined) refuse('A policy has a Statement.');
  const list = Array.isArray(Statement) ? (Statement as readonly Json[]) : [Statement];
  if (list.length === 0 || list.length > maxStatements) refuse(`A policy has 1 to ${maxStatements} statements.`);
  const hasVariables = Version === '2012-10-17';
  const statements = list.map((one, index) => readStatement(one, index, place, hasVariables));
  return { statements, isDefault: saysTheDefault(statements, place) };
}

function readStatement(value: Json, index: number, place: PolicyPlace, hasVariables: boolean): Statement {
  if (!isMembers(value)) refuse('A statement is a JSON object.');
  const { Sid, Effect, Principal, Action, NotAction, Resource, Condition: given, ...more } = value;
  refuseOthers(more, 'A statement');
  if (Sid !== undefined && typeof Sid !== 'string') refuse('Sid is text.');
  if (Effect !== 'Allow' && Effect !== 'Deny') refuse('Effect is "Allow" or "Deny".');
  if (Principal === undefined) refuse('A statement of a key policy has a Principal.');
  if ((Action === undefined) === (NotAction === undefined)) refuse('A statement has either Action or NotAction.');
  if (Resource === undefined) refuse('A statement has a Resource.');
  readResource(Resource, place);
  return {
    label: Sid === undefined || Sid === '' ? `number ${index + 1}` : shown(Sid),
    effect: Effect,
    principals: readPrincipal(Principal, place),
    actions: Action === undefined ? readActions(NotAction!, true) : readActions(Action, false),
    conditions: given === undefined ? [] : readConditions(given, Effect, hasVariables),
    text: JSON.stringify([Effect, Principal, Action ?? null, NotAction ?? null, given ?? null]),
  };
}

/** The key that carries the policy is all that it can speak of. */
function readResource(value: Json, { realm, keyId, isRegion }: PolicyPlace): void {
  for (const resource of texts(value, 'Resource')) {
    if (resource === '*') continue;
    const [, place, account, id] = /^arn:aws:kms:([a-z0-9-]+):([0-9]{12}):key\/([a-z0-9-]+)$/.exec(resource) ?? [];
    const isOwn = keyId !== undefined && id === keyId && account === accountOf(realm) && isRegion?.(place!) !== false;
    if (!isOwn) refuse(`Resource is "*" or the ARN of the key itself, not ${shown(resource)}.`);
  }
}

export function readPrincipal(value: Json, { realm }: Pick<PolicyPlace, 'realm'>): Statement['principals'] {
  if (value === '*') return 'everyone';
  if (!isMembers(value) || Object.keys(value).length !== 1 || value.AWS === undefined) {
    refuse('Principal is "*" or {"AWS": ...}; no other kind of principal can ask here.');
  }
  const account = accountOf(realm);
  const named = texts(value.AWS, 'Principal').map((text) => {
    if (text === '*') return text;
    if (text === account) return rootArn(realm);
    const parsed = parsePrincipalArn(text);
    if (parsed === undefined) refuse(`${shown(text)} is no principal that can ask here.`);
    if (parsed.account !== account)
      refuse(`${shown(text)} is of another account, whose principals can't use this key.`);
    return text;
  });
  return named.includes('*') ? 'everyone' : new Set(named);
}

const byFoldedName: ReadonlyMap<string, KmsAction> = new Map(
  kmsActions.map((name) => [`kms:${name}`.toLowerCase(), name]),
);

/** IAM compares actions without regard to case. */
function readActions(value: Json, negated: boolean): ReadonlySet<KmsAction> {
  const named = new Set<KmsAction>();
  for (const pattern of texts(value, negated ? 'NotAction' : 'Action')) {
    const folded = pattern.toLowerCase();
    const before = named.size;
    for (const [name, action] of byFoldedName) if (globMatches(folded, name)) named.add(action);
    const isKnown = named.size > before || [...byFoldedName.keys()].some((name) => globMatches(folded, name));
    if (!isKnown) refuse(`${shown(pattern)} names no action of KMS.`);
  }
  return negated ? new Set(kmsActions.filter((action) => !named.has(action))) : named;
}

export function readConditions(value: Json, effect: 'Allow' | 'Deny', hasVariables: boolean): readonly Condition[] {
  if (!isMembers(value)) refuse('Condition is a JSON object.');
  return Object.entries(value).flatMap(([operator, keys]) => {
    if (!isMembers(keys) || Object.keys(keys).length === 0)
      refuse(`${shown(operator)} compares condition keys with values.`);
    return Object.entries(keys).map(([name, wanted]) => {
      const values = conditionValues(wanted);
      // Policy variables: what they would stand for is not worked out here.
      if (hasVariables && values.some((text) => text.includes('${'))) refuse('Policy variables are not supported.');
      return compileCondition(operator, name, values, effect);
    });
  });
}

/** Text, and truth values and numbers as they would be written as text. */
function conditionValues(value: Json): readonly string[] {
  const list = Array.isArray(value) ? (value as readonly Json[]) : [value];
  if (list.length === 0) refuse('A condition compares with at least one value.');
  return list.map((one) => {
    if (typeof one !== 'string' && typeof one !== 'boolean' && typeof one !== 'number') {
      refuse('The values of a condition are text, numbers or truth values.');
    }
    return String(one);
  });
}

function saysTheDefault(statements: readonly Statement[], { realm }: PolicyPlace): boolean {
  const [only, ...others] = statements;
  if (only === undefined || others.length > 0 || only.effect !== 'Allow' || only.principals === 'everyone')
    return false;
  const { principals, actions, conditions } = only;
  return (
    conditions.length === 0 &&
    actions.size === kmsActions.length &&
    principals.size === 1 &&
    principals.has(rootArn(realm))
  );
}

export const isMembers = (value: Json | undefined): value is Members =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

export function texts(value: Json, name: string): readonly string[] {
  const list = Array.isArray(value) ? (value as readonly Json[]) : [value];
  if (list.length === 0 || !list.every((one) => typeof one === 'string')) refuse(`${name} is text, or a list of it.`);
  return list;
}

export function refuseOthers(more: Members, what: string): void {
  const [stranger] = Object.keys(more);
  if (stranger !== undefined) refuse(`${what} can't have ${shown(stranger)} here.`);
}

/** A member that is written twice would be read once: which of the two was meant, nobody can say. */
export function readJson(text: string): Json {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return refuse('The key policy is not JSON.');
  }
  const written = text.replace(/"(?:[^"\\]|\\.)*"/g, '').split(':').length - 1;
  if (membersOf(value, maxDepth) !== written) refuse('A member of the key policy is there twice.');
  return value;
}

function membersOf(value: Json, depth: number): number {
  if (depth === 0) refuse('The key policy is nested too deep.');
  if (value === null || typeof value !== 'object') return 0;
  const inner = Array.isArray(value) ? (value as readonly Json[]) : Object.values(value as Members);
  const own = Array.isArray(value) ? 0 : inner.length;
  return inner.reduce<number>((sum, one) => sum + membersOf(one, depth - 1), own);
}

const parsed = new WeakMap<Key, KeyPolicy>();

/** The policy of a key that has one. It was read when it was put there: what can't be read now lets nobody in. */
export function policyOf(key: Key & { readonly policy: string }): KeyPolicy {
  let policy = parsed.get(key);
  if (policy === undefined) {
    policy = parseKeyPolicy(key.policy, { realm: key.realm, keyId: key.id });
    parsed.set(key, policy);
  }
  return policy;
}

/** Everybody whom it names. */
export function principalsOf({ statements }: KeyPolicy): ReadonlySet<string> {
  return new Set(statements.flatMap(({ principals }) => (principals === 'everyone' ? [] : [...principals])));
}
