import { type AclCapability, aclCapabilities } from '#domain/domain.ts';
import { type AclObject, type AclValue, malformed, readAclText } from './acl-text.ts';

export type Scalar = string | number | boolean;
/** Names in lower case. An empty list means any value. */
export type Parameters = ReadonlyMap<string, readonly Scalar[]>;

/** What a policy says of one path. */
export interface AclRule {
  /** As written, without a leading slash: templates, `+` steps and a last `*` are in it. */
  readonly path: string;
  readonly deny: boolean;
  readonly capabilities: ReadonlySet<AclCapability>;
  readonly allowed: Parameters;
  readonly denied: Parameters;
  readonly required: readonly string[];
  /** Seconds that an answer must be wrapped for. */
  readonly minWrap?: number;
  readonly maxWrap?: number;
}

export interface AclPolicy {
  readonly rules: readonly AclRule[];
}

const maxRules = 1000;
const maxPath = 1024;
const maxNames = 200;

/** The words of Vault's first policies. */
const oldWords: ReadonlyMap<string, readonly string[]> = new Map([
  ['deny', ['deny']],
  ['read', ['read', 'list']],
  ['write', ['create', 'read', 'update', 'delete', 'list']],
  ['sudo', ['create', 'read', 'update', 'delete', 'list', 'sudo']],
]);

/**
 * A policy in Vault's language (Vault documentation, "Policies"), as HCL or JSON. Throws 'malformed-policy' for all that is not
 * understood, so that no policy gives or takes something else than its writer meant.
 */
export function parseAclPolicy(text: string): AclPolicy {
  const rules: AclRule[] = [];
  for (const { keys, value } of readAclText(text).items) {
    const [key, label] = keys;
    if (key === 'name' && label === undefined && typeof value === 'string') continue;
    if (key !== 'path') throw malformed(`${JSON.stringify(key)} is not known here; a policy is made of "path" blocks`);
    if (label !== undefined) rules.push(ruleOf(label, value));
    // JSON, and HCL written as a map: {"path": {"a": {...}}} or a list of such maps.
    else for (const object of listOf(value)) rules.push(...itemsOf(object, '"path"').map((it) => ruleOf(...it)));
  }
  if (rules.length > maxRules) throw malformed(`it has more than ${maxRules} paths`);
  return { rules };
}

function ruleOf(written: string, value: AclValue): AclRule {
  const path = checkedPath(written);
  const at = `path ${JSON.stringify(written)}`;
  const capabilities = new Set<AclCapability>();
  let deny = false;
  let allowed: Parameters = new Map();
  let denied: Parameters = new Map();
  let required: readonly string[] = [];
  let minWrap: number | undefined;
  let maxWrap: number | undefined;
  const add = (word: string) => {
    if (word === 'deny') deny = true;
    else if ((aclCapabilities as readonly string[]).includes(word)) capabilities.add(word as AclCapability);
    else throw malformed(`${at}: invalid capability ${JSON.stringify(word)}`);
  };
  for (const [name, member] of itemsOf(value, at)) {
    switch (name) {
      case 'capabilities':
        stringsOf(member, `${at}: "capabilities"`).forEach(add);
        break;
      case 'policy': {
        const words = typeof member === 'string' ? oldWords.get(member) : undefined;
        if (words === undefined) throw malformed(`${at}: invalid policy ${JSON.stringify(member)}`);
        words.forEach(add);
        break;
      }
      case 'allowed_parameters':
        allowed = parametersOf(member, at);
        break;
      case 'denied_parameters':
        denied = parametersOf(member, at);
        break;
      case 'required_parameters':
        required = stringsOf(member, `${at}: "required_parameters"`).map((one) => one.toLowerCase());
        break;
      case 'min_wrapping_ttl':
        minWrap = secondsOf(member, `${at}: "min_wrapping_ttl"`);
        break;
      case 'max_wrapping_ttl':
        maxWrap = secondsOf(member, `${at}: "max_wrapping_ttl"`);
        break;
      case 'comment':
        if (typeof member !== 'string') throw malformed(`${at}: "comment" is not a string`);
        break;
      default:
        throw malformed(`${at}: ${JSON.stringify(name)} is not offered here`);
    }
  }
  if (minWrap !== undefined && maxWrap !== undefined && maxWrap < minWrap) {
    throw malformed('max_wrapping_ttl cannot be less than min_wrapping_ttl');
  }
  return {
    path,
    deny,
    capabilities: deny ? new Set() : capabilities,
    allowed,
    denied,
    required,
    ...(minWrap ? { minWrap } : {}),
    ...(maxWrap ? { maxWrap } : {}),
  };
}

const template = /\{\{\s*([^{}]*?)\s*\}\}/g;
const groupName = /^identity\.groups\.names\.([A-Za-z0-9._@-]{1,64})\.name$/;

/** Whom a policy's templates are filled in for. */
export interface AclHolder {
  readonly name: string;
  readonly groups: readonly string[];
}

/** Undefined where a template speaks of a group that the holder isn't in: the rule is not for him. */
export function filledIn(path: string, { name, groups }: AclHolder): string | undefined {
  if (!path.includes('{{')) return path;
  let lacks = false;
  const filled = path.replace(template, (_, inner: string) => {
    if (inner === 'identity.entity.name') return name;
    const group = groupName.exec(inner)![1]!;
    lacks ||= !groups.includes(group);
    return group;
  });
  return lacks ? undefined : filled;
}

function checkedPath(written: string): string {
  const path = written.startsWith('/') ? written.slice(1) : written;
  const at = `path ${JSON.stringify(written.slice(0, 200))}`;
  if (path.length > maxPath) throw malformed(`${at}: it has more than ${maxPath} characters`);
  for (const [, inner] of path.matchAll(template)) {
    if (inner === 'identity.entity.name' || groupName.test(inner!)) continue;
    throw malformed(`${at}: the template ${JSON.stringify(inner)} is not offered; identity.entity.name is`);
  }
  const plain = path.replace(template, 'x');
  if (/\{\{|\}\}/.test(plain)) throw malformed(`${at}: a template is not closed`);
  if (plain.includes('+*')) throw malformed(`${at}: invalid use of wildcards ('+*' is forbidden)`);
  if (plain.slice(0, -1).includes('*')) throw malformed(`${at}: "*" stands at the end only`);
  const steps = plain.split('/');
  if (steps.some((step, i) => step === '.' || step === '..' || (step === '' && i < steps.length - 1))) {
    throw malformed(`${at}: it has an empty or dotted step, and no request's path has`);
  }
  return path;
}

function itemsOf(value: AclValue, what: string): ReadonlyArray<readonly [string, AclValue]> {
  if (typeof value !== 'object' || Array.isArray(value)) throw malformed(`${what} is not an object`);
  return (value as AclObject).items.map(({ keys, value: member }) => {
    if (keys.length !== 1) throw malformed(`${what}: ${JSON.stringify(keys[0])} takes no label`);
    return [keys[0]!, member];
  });
}

const listOf = (value: AclValue): readonly AclValue[] => (Array.isArray(value) ? value : [value]);

function stringsOf(value: AclValue, what: string): readonly string[] {
  const list = listOf(value);
  if (!list.every((one) => typeof one === 'string')) throw malformed(`${what} is not a list of strings`);
  if (list.length > maxNames) throw malformed(`${what} has more than ${maxNames} entries`);
  return list as readonly string[];
}

function parametersOf(value: AclValue, at: string): Parameters {
  const parameters = new Map<string, readonly Scalar[]>();
  for (const [name, member] of itemsOf(value, at)) {
    const list = listOf(member);
    const what = `${at}: the parameter ${JSON.stringify(name)}`;
    if (list.some((one) => typeof one === 'object')) throw malformed(`${what} takes a list of plain values`);
    if (list.includes('*')) throw malformed(`${what}: for any value write []`);
    if (name === '*' && list.length > 0) throw malformed(`${what} takes no values`);
    if (parameters.has(name.toLowerCase())) throw malformed(`${what} is there twice`);
    parameters.set(name.toLowerCase(), list as readonly Scalar[]);
  }
  if (parameters.size > maxNames) throw malformed(`${at}: more than ${maxNames} parameters`);
  return parameters;
}

const unitSeconds = { d: 86_400, h: 3_600, m: 60, s: 1 } as const;

function secondsOf(value: AclValue, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  if (typeof value !== 'string' || !/^(?:\d{1,9}|(?:\d{1,9}[dhms]){1,4})$/.test(value)) {
    throw malformed(`${what} is no duration such as 60, "90s" or "1h"`);
  }
  let sum = 0;
  for (const [, count, unit = 's'] of value.matchAll(/(\d+)([dhms])?/g)) {
    sum += Number(count) * unitSeconds[unit as keyof typeof unitSeconds];
  }
  return sum;
}
