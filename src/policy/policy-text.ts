import { accountOf, KmsError } from '#domain/domain.ts';
import { type Condition, compileCondition, shown } from './conditions.ts';
import { globMatches } from './glob.ts';
import { parsePrincipalArn, rootArn } from './who.ts';

/** One statement, understood whole. */
export interface Statement<A extends string> {
  /** As people find it in the text: its Sid, or its number. */
  readonly label: string;
  readonly effect: 'Allow' | 'Deny';
  /** `everyone`: anybody of the account. Else the ARNs of accounts, users, roles and sessions. */
  readonly principals: 'everyone' | ReadonlySet<string>;
  readonly actions: ReadonlySet<A>;
  readonly conditions: readonly Condition[];
  /** The statement as JSON, to see whether another says the same. */
  readonly text: string;
}

/** What policies on one kind of thing may say. */
export interface PolicyLanguage<A extends string> {
  /** Whom a policy speaks of: 'key' or 'secret'. */
  readonly carrier: string;
  readonly maxStatements: number;
  /** Each action as policies write it, in lower case. */
  readonly actions: ReadonlyMap<string, A>;
  /** Whether it may ask for this condition key. */
  readonly asksFor: (conditionKey: string) => boolean;
}

/** Where a policy is to stand. */
interface Place {
  readonly realm: string;
  /** Whether a Resource other than "*" means the carrier. */
  readonly isOwn: (resource: string) => boolean;
}

const maxDepth = 8;

function refuse(reason: string): never {
  throw new KmsError('malformed-policy', reason);
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type Members = { readonly [name: string]: Json };

/**
 * Reads a policy (IAM user guide, "IAM JSON policy elements reference"). Throws 'malformed-policy' for anything that it does not
 * understand or that can't be held to here.
 */
export function readStatements<A extends string>(
  text: string,
  language: PolicyLanguage<A>,
  place: Place,
): readonly Statement<A>[] {
  const policy = readJson(text);
  if (!isMembers(policy)) refuse('A policy is a JSON object.');
  const { Version, Id, Statement, ...more } = policy;
  refuseOthers(more, 'A policy');
  if (Version !== undefined && Version !== '2012-10-17' && Version !== '2008-10-17') {
    refuse('Version is "2012-10-17" or "2008-10-17".');
  }
  if (Id !== undefined && typeof Id !== 'string') refuse('Id is text.');
  if (Statement === undefined) refuse('A policy has a Statement.');
  const list = listOf(Statement);
  const { maxStatements } = language;
  if (list.length === 0 || list.length > maxStatements) refuse(`A policy has 1 to ${maxStatements} statements.`);
  const hasVariables = Version === '2012-10-17';
  return list.map((one, index) => readStatement(one, index, language, place, hasVariables));
}

function readStatement<A extends string>(
  value: Json,
  index: number,
  language: PolicyLanguage<A>,
  place: Place,
  hasVariables: boolean,
): Statement<A> {
  if (!isMembers(value)) refuse('A statement is a JSON object.');
  const { Sid, Effect, Principal, Action, NotAction, Resource, Condition: given, ...more } = value;
  refuseOthers(more, 'A statement');
  if (Sid !== undefined && typeof Sid !== 'string') refuse('Sid is text.');
  if (Effect !== 'Allow' && Effect !== 'Deny') refuse('Effect is "Allow" or "Deny".');
  if (Principal === undefined) refuse('A statement has a Principal.');
  if ((Action === undefined) === (NotAction === undefined)) refuse('A statement has either Action or NotAction.');
  if (Resource === undefined) refuse('A statement has a Resource.');
  for (const one of texts(Resource, 'Resource')) {
    // What carries the policy is all that it can speak of.
    if (one !== '*' && !place.isOwn(one)) {
      refuse(`Resource is "*" or the ARN of the ${language.carrier} itself, not ${shown(one)}.`);
    }
  }
  return {
    label: Sid === undefined || Sid === '' ? `number ${index + 1}` : shown(Sid),
    effect: Effect,
    principals: readPrincipal(Principal, place.realm),
    actions: Action === undefined ? readActions(NotAction!, language, true) : readActions(Action, language, false),
    conditions: given === undefined ? [] : readConditions(given, Effect, language, hasVariables),
    text: JSON.stringify([Effect, Principal, Action ?? null, NotAction ?? null, given ?? null]),
  };
}

function readPrincipal(value: Json, realm: string): 'everyone' | ReadonlySet<string> {
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
    if (parsed.account !== account) refuse(`${shown(text)} is of another account, whose principals can't ask here.`);
    return text;
  });
  return named.includes('*') ? 'everyone' : new Set(named);
}

/** IAM compares actions without regard to case. */
function readActions<A extends string>(
  value: Json,
  { actions, carrier }: PolicyLanguage<A>,
  negated: boolean,
): ReadonlySet<A> {
  const named = new Set<A>();
  for (const pattern of texts(value, negated ? 'NotAction' : 'Action')) {
    const folded = pattern.toLowerCase();
    const found = [...actions].filter(([name]) => globMatches(folded, name));
    if (found.length === 0) refuse(`${shown(pattern)} names no action on a ${carrier}.`);
    for (const [, action] of found) named.add(action);
  }
  return negated ? new Set([...actions.values()].filter((action) => !named.has(action))) : named;
}

function readConditions(
  value: Json,
  effect: 'Allow' | 'Deny',
  { asksFor, carrier }: PolicyLanguage<string>,
  hasVariables: boolean,
): readonly Condition[] {
  if (!isMembers(value)) refuse('Condition is a JSON object.');
  return Object.entries(value).flatMap(([operator, keys]) => {
    if (!isMembers(keys) || Object.keys(keys).length === 0)
      refuse(`${shown(operator)} compares condition keys with values.`);
    return Object.entries(keys).map(([name, wanted]) => {
      if (!asksFor(name)) refuse(`Conditions on ${shown(name)} are not supported in the policy of a ${carrier}.`);
      const values = conditionValues(wanted);
      // Policy variables: what they would stand for is not worked out here.
      if (hasVariables && values.some((text) => text.includes('${'))) refuse('Policy variables are not supported.');
      return compileCondition(operator, name, values, effect);
    });
  });
}

/** Text, and truth values and numbers as they would be written as text. */
function conditionValues(value: Json): readonly string[] {
  const list = listOf(value);
  if (list.length === 0) refuse('A condition compares with at least one value.');
  return list.map((one) => {
    if (typeof one !== 'string' && typeof one !== 'boolean' && typeof one !== 'number') {
      refuse('The values of a condition are text, numbers or truth values.');
    }
    return String(one);
  });
}

const listOf = (value: Json): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : [value]);

const isMembers = (value: Json): value is Members =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

function texts(value: Json, name: string): readonly string[] {
  const list = listOf(value);
  if (list.length === 0 || !list.every((one) => typeof one === 'string')) refuse(`${name} is text, or a list of it.`);
  return list;
}

function refuseOthers(more: Members, what: string): void {
  const [stranger] = Object.keys(more);
  if (stranger !== undefined) refuse(`${what} can't have ${shown(stranger)} here.`);
}

/** A member that is written twice would be read once: which of the two was meant, nobody can say. */
function readJson(text: string): Json {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return refuse('The policy is not JSON.');
  }
  const written = text.replace(/"(?:[^"\\]|\\.)*"/g, '').split(':').length - 1;
  if (membersOf(value, maxDepth) !== written) refuse('A member of the policy is there twice.');
  return value;
}

function membersOf(value: Json, depth: number): number {
  if (depth === 0) refuse('The policy is nested too deep.');
  if (value === null || typeof value !== 'object') return 0;
  const inner = Array.isArray(value) ? (value as readonly Json[]) : Object.values(value as Members);
  const own = Array.isArray(value) ? 0 : inner.length;
  return inner.reduce<number>((sum, one) => sum + membersOf(one, depth - 1), own);
}
