import type { AclCapability, AclRequest } from '#domain/domain.ts';
import { type AclHolder, type AclPolicy, type AclRule, filledIn, type Scalar } from './acl-policy.ts';

/** What several rules for the same path say together. */
interface Permissions {
  deny: boolean;
  readonly capabilities: Set<AclCapability>;
  readonly allowed: Map<string, readonly Scalar[]>;
  readonly denied: Map<string, readonly Scalar[]>;
  readonly required: Set<string>;
  minWrap: number | undefined;
  maxWrap: number | undefined;
}

interface Pattern {
  /** Without the last `*`. */
  readonly text: string;
  readonly steps: readonly string[];
  readonly isPrefix: boolean;
  readonly permissions: Permissions;
}

/** Paths for which Vault asks for `sudo` beside the capability. */
const rootPaths =
  /^(?:auth\/token\/(?:accessors|create-orphan)|sys\/(?:audit|auth|raw|remount|rotate|seal|step-down|config\/(?:auditing|cors|ui)|leases\/(?:lookup|revoke-prefix|revoke-force)|revoke-prefix|revoke-force|internal\/inspect|policies\/password))(?:\/|$)/;
/** Vault lets these be read without it. */
const readableRootPaths = /^sys\/(?:auth|audit)$/;

/** The policies of one holder, made ready for asking. */
export class Acl {
  readonly #exact = new Map<string, Permissions>();
  /** The most specific first. */
  readonly #patterns: readonly Pattern[];
  readonly #unlimited: boolean;

  /** `unlimited`: the policy `root` is among them. */
  constructor(policies: readonly AclPolicy[], holder: AclHolder, unlimited = false) {
    this.#unlimited = unlimited;
    const patterns = new Map<string, Pattern>();
    for (const rule of policies.flatMap(({ rules }) => rules)) {
      const path = filledIn(rule.path, holder);
      if (path === undefined) continue;
      const isPrefix = path.endsWith('*');
      const text = isPrefix ? path.slice(0, -1) : path;
      const steps = text.split('/');
      if (!isPrefix && !steps.includes('+')) add(this.#exact, path, rule);
      else {
        const known = patterns.get(path);
        if (known === undefined) patterns.set(path, { text, steps, isPrefix, permissions: combined(undefined, rule) });
        else combined(known.permissions, rule);
      }
    }
    this.#patterns = [...patterns.values()].sort((a, b) => -order(a, b));
  }

  allows(request: AclRequest): boolean {
    if (this.#unlimited) return true;
    const found = this.#find(request.path, request.capability === 'list');
    if (found === undefined || found.deny || !found.capabilities.has(request.capability)) return false;
    if (needsSudo(request) && !found.capabilities.has('sudo')) return false;
    return wrapsAsAsked(found, request.wrapFor) && takesFields(found, request);
  }

  /** As `sys/capabilities` answers it; empty: denied. */
  capabilities(path: string): ReadonlySet<AclCapability> | 'root' {
    if (this.#unlimited) return 'root';
    const found = this.#find(path.replace(/\/$/, ''), true);
    return found === undefined || found.deny ? new Set() : found.capabilities;
  }

  /** Whether something below a folder, which ends in a slash, might be allowed. */
  reaches(folder: string): boolean {
    if (this.#unlimited) return true;
    const gives = ({ deny, capabilities }: Permissions) => !deny && capabilities.size > 0;
    for (const [path, permissions] of this.#exact) {
      if (`${path}/`.startsWith(folder) && gives(permissions)) return true;
    }
    const steps = folder.slice(0, -1).split('/');
    return this.#patterns.some((pattern) => gives(pattern.permissions) && leadsInto(pattern, steps));
  }

  /** A list is asked for with a slash behind its path; rules without one count for it too, after those with one. */
  #find(path: string, listing: boolean): Permissions | undefined {
    if (!listing) return this.#exact.get(path) ?? this.#match(path);
    const slashed = `${path}/`;
    return this.#exact.get(slashed) ?? this.#exact.get(path) ?? this.#match(slashed) ?? this.#match(path);
  }

  #match(path: string): Permissions | undefined {
    const steps = path.split('/');
    return this.#patterns.find((pattern) => matches(pattern, path, steps))?.permissions;
  }
}

function matches({ text, steps: wanted, isPrefix }: Pattern, path: string, steps: readonly string[]): boolean {
  if (!wanted.includes('+')) return path.startsWith(text);
  if (isPrefix ? steps.length < wanted.length : steps.length !== wanted.length) return false;
  return wanted.every((step, i) => {
    if (step === '+') return true;
    return isPrefix && i === wanted.length - 1 ? steps[i]!.startsWith(step) : step === steps[i];
  });
}

/** Whether a path with these first steps can match. */
function leadsInto({ steps: wanted, isPrefix }: Pattern, steps: readonly string[]): boolean {
  if (!isPrefix && wanted.length < steps.length) return false;
  return steps.every((step, i) => {
    const want = wanted[i];
    if (want === undefined || want === '+' || want === step) return true;
    return isPrefix && i === wanted.length - 1 && step.startsWith(want);
  });
}

/**
 * Negative where `a` is less specific (Vault documentation, "Policies", priority matching): its first wildcard comes earlier; it
 * ends in `*`; it has more `+` steps; it is shorter; it comes first in the alphabet.
 */
function order(a: Pattern, b: Pattern): number {
  const pluses = (steps: readonly string[]) => steps.filter((step) => step === '+').length;
  return (
    firstWildcard(a) - firstWildcard(b) ||
    Number(b.isPrefix) - Number(a.isPrefix) ||
    pluses(b.steps) - pluses(a.steps) ||
    a.text.length - b.text.length ||
    (a.text < b.text ? -1 : 1)
  );
}

function firstWildcard({ text, steps }: Pattern): number {
  const at = steps.indexOf('+');
  return at < 0 ? text.length : steps.slice(0, at).join('/').length + (at === 0 ? 0 : 1);
}

function add(into: Map<string, Permissions>, path: string, rule: AclRule): void {
  into.set(path, combined(into.get(path), rule));
}

/** Rules for the same path add up; a `deny` among them is all there is. */
function combined(known: Permissions | undefined, rule: AclRule): Permissions {
  const sum = known ?? {
    deny: false,
    capabilities: new Set(),
    allowed: new Map(),
    denied: new Map(),
    required: new Set(),
    minWrap: undefined,
    maxWrap: undefined,
  };
  sum.deny ||= rule.deny;
  for (const capability of rule.capabilities) sum.capabilities.add(capability);
  for (const name of rule.required) sum.required.add(name);
  merge(sum.allowed, rule.allowed);
  merge(sum.denied, rule.denied);
  sum.minWrap = lesser(sum.minWrap, rule.minWrap);
  sum.maxWrap = lesser(sum.maxWrap, rule.maxWrap);
  return sum;
}

function merge(into: Map<string, readonly Scalar[]>, from: AclRule['allowed']): void {
  for (const [name, values] of from) {
    const known = into.get(name);
    const any = values.length === 0 || known?.length === 0;
    into.set(name, any ? [] : [...(known ?? []), ...values]);
  }
}

function lesser(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

function needsSudo({ path, capability }: AclRequest): boolean {
  return rootPaths.test(path) && !(capability === 'read' && readableRootPaths.test(path));
}

function wrapsAsAsked({ minWrap, maxWrap }: Permissions, wrapFor: number | undefined): boolean {
  if (minWrap === undefined && maxWrap === undefined) return true;
  return wrapFor !== undefined && wrapFor >= (minWrap ?? 0) && wrapFor <= (maxWrap ?? wrapFor);
}

/** Lists and deletions have no fields that count. */
function takesFields({ allowed, denied, required }: Permissions, { capability, fields }: AclRequest): boolean {
  if (capability === 'list' || capability === 'delete') return true;
  if (allowed.size === 0 && denied.size === 0 && required.size === 0) return true;
  const given = Object.entries(fields).map(([name, value]) => [name.toLowerCase(), value] as const);
  for (const name of required) if (!Object.hasOwn(fields, name)) return false;
  if (given.length === 0) return true;
  if (denied.has('*')) return false;
  for (const [name, value] of given) {
    const values = denied.get(name);
    if (values !== undefined && (values.length === 0 || values.some((one) => couldBe(one, value)))) return false;
  }
  if (allowed.size === 0) return true;
  return given.every(([name, value]) => {
    const values = allowed.get(name);
    if (values === undefined) return allowed.has('*');
    return values.length === 0 || values.some((one) => isOf(one, value));
  });
}

/** Strings may begin or end in `*`. Clients send numbers and booleans as strings too. */
function isOf(listed: Scalar, value: unknown): boolean {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return false;
  const text = String(value);
  if (typeof listed !== 'string') return String(listed) === text;
  const open = listed.length > 1 && listed.startsWith('*');
  const ends = listed.length > 1 && listed.endsWith('*');
  if (open && ends) return text.includes(listed.slice(1, -1));
  if (open) return text.endsWith(listed.slice(1));
  return ends ? text.startsWith(listed.slice(0, -1)) : text === listed;
}

/**
 * Whether a denied value could be meant: doors read lists from arrays and from words with commas between them, and take more than
 * one spelling of numbers and booleans, so what isn't of the listed type is taken for it.
 */
function couldBe(listed: Scalar, value: unknown): boolean {
  if (Array.isArray(value)) return value.some((one) => couldBe(listed, one));
  if (typeof value === 'object' && value !== null) return true;
  if (typeof listed !== 'string' && typeof value !== typeof listed) return value !== null;
  if (isOf(listed, value)) return true;
  return typeof value === 'string' && value.split(',').some((part) => isOf(listed, part.trim()));
}
