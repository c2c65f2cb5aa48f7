import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AclRequest, aclCapabilities } from '#domain/domain.ts';
import { Acl, parseAclPolicy } from './policy.ts';

/*
 * A second evaluator, written after Vault's documentation ("Policies": capabilities, priority matching, fine-grained control) and from
 * nothing in this room: it never parses, makes a regular expression of each path and compares all rules that match with each other.
 *
 * 100,000 cases run with the other tests; for a million: ACL_CASES=1000000 node --test src/policy/acl-twin.test.ts
 */

interface Written {
  path: string;
  capabilities: string[];
  allowed_parameters?: Record<string, string[]>;
  denied_parameters?: Record<string, string[]>;
  required_parameters?: string[];
  min_wrapping_ttl?: number;
  max_wrapping_ttl?: number;
}

const me = { name: 'me', groups: ['g'] };

function patternOf(path: string): RegExp {
  const isPrefix = path.endsWith('*');
  const source = (isPrefix ? path.slice(0, -1) : path)
    .split('/')
    .map((step) => (step === '+' ? '[^/]*' : step.replace(/[.+$^]/g, '\\$&')))
    .join('/');
  return new RegExp(`^${source}${isPrefix ? '' : '$'}`);
}

const isExact = (path: string) => !path.endsWith('*') && !path.split('/').includes('+');

/** Whether `a` has the lower priority of two different paths with wildcards. */
function lower(a: string, b: string): boolean {
  const wildcard = (path: string) => path.search(/(?:(?<=^|\/)\+(?=$|\/))|\*$/);
  const pluses = (path: string) => (path.match(/(?<=^|\/)\+(?=$|\/|\*)/g) ?? []).length;
  if (wildcard(a) !== wildcard(b)) return wildcard(a) < wildcard(b);
  if (a.endsWith('*') !== b.endsWith('*')) return a.endsWith('*');
  if (pluses(a) !== pluses(b)) return pluses(a) > pluses(b);
  if (a.length !== b.length) return a.length < b.length;
  return a < b;
}

function chosen(rules: readonly Written[], path: string): string | undefined {
  const exact = rules.find((rule) => isExact(rule.path) && rule.path === path);
  if (exact !== undefined) return path;
  const fitting = rules.map((rule) => rule.path).filter((one) => !isExact(one) && patternOf(one).test(path));
  return fitting.reduce<string | undefined>(
    (best, one) => (best === undefined || lower(best, one) ? one : best),
    undefined,
  );
}

function globbed(pattern: string, value: string): boolean {
  const source = pattern.replace(/[.+$^]/g, '\\$&').replace(/^\*|\*$/g, '.*');
  return new RegExp(`^${source}$`).test(value);
}

function naive(rules: readonly Written[], { path, capability, fields, wrapFor }: AclRequest): boolean {
  const tries = capability === 'list' ? [`${path}/`, path] : [path];
  const exact = tries.find((one) => rules.some((rule) => rule.path === one && isExact(one)));
  const winner = exact ?? chosen(rules, tries[0]!) ?? (tries.length > 1 ? chosen(rules, path) : undefined);
  const same = rules.filter((rule) => rule.path === winner);
  if (same.some(({ capabilities }) => capabilities.includes('deny'))) return false;
  if (!same.some(({ capabilities }) => capabilities.includes(capability))) return false;
  if (path === 'sys/seal' && !same.some(({ capabilities }) => capabilities.includes('sudo'))) return false;
  const wraps = same.flatMap((rule) => (rule.min_wrapping_ttl ? [rule.min_wrapping_ttl] : []));
  const tops = same.flatMap((rule) => (rule.max_wrapping_ttl ? [rule.max_wrapping_ttl] : []));
  if (wraps.length > 0 && !(wrapFor !== undefined && wrapFor >= Math.min(...wraps))) return false;
  if (tops.length > 0 && !(wrapFor !== undefined && wrapFor <= Math.min(...tops))) return false;
  if (capability === 'list' || capability === 'delete') return true;
  const given = fields as Record<string, string>;
  if (!same.flatMap((rule) => rule.required_parameters ?? []).every((name) => name in given)) return false;
  const names = Object.keys(given);
  if (names.length === 0) return true;
  const valuesOf = (kind: 'allowed_parameters' | 'denied_parameters', name: string) => {
    const lists = same.flatMap((rule) => (rule[kind]?.[name] === undefined ? [] : [rule[kind][name]]));
    return { there: lists.length > 0, any: lists.some((list) => list.length === 0), values: lists.flat() };
  };
  if (valuesOf('denied_parameters', '*').there) return false;
  for (const name of names) {
    const { there, any, values } = valuesOf('denied_parameters', name);
    if (there && (any || values.some((value) => globbed(value, given[name]!)))) return false;
  }
  if (same.every((rule) => Object.keys(rule.allowed_parameters ?? {}).length === 0)) return true;
  return names.every((name) => {
    const { there, any, values } = valuesOf('allowed_parameters', name);
    if (!there) return valuesOf('allowed_parameters', '*').there;
    return any || values.some((value) => globbed(value, given[name]!));
  });
}

let seed = 20_261_125;
function next(below: number): number {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
  return Math.floor((seed / 2 ** 32) * below);
}
const pick = <T>(list: readonly T[]): T => list[next(list.length)]!;
const some = <T>(most: number, make: () => T): T[] => Array.from({ length: next(most + 1) }, make);
const maybe = <T extends object>(one: number, make: () => T): T | undefined => (next(one) === 0 ? make() : undefined);

const steps = ['a', 'b', 'ab', 'a+b', 'c.d'];
const words = [...aclCapabilities, 'deny', 'read', 'update', 'update'];
const values = ['x', 'y', 'xy', 'yx', 'xyx'];
const patterns = [...values, 'x*', '*x', '*y*'];

function path(wild: boolean): string {
  if (next(12) === 0) return 'sys/seal';
  const list = Array.from({ length: 1 + next(3) }, () => (wild && next(4) === 0 ? '+' : pick(steps)));
  const end = !wild ? '' : pick(['', '', '', '*', '/*', '/']);
  return `${list.join('/')}${end === '*' && list.at(-1) === '+' ? '' : end}`;
}

const parameters = () =>
  Object.fromEntries(
    some(2, () => [pick(['p', 'q', '*']), some(2, () => pick(patterns))] as const).map(([name, list]) => [
      name,
      name === '*' ? [] : list,
    ]),
  );

const written = (): Written => ({
  path: path(true),
  capabilities: some(4, () => pick(words)),
  ...maybe(4, () => ({ allowed_parameters: parameters() })),
  ...maybe(4, () => ({ denied_parameters: parameters() })),
  ...maybe(8, () => ({ required_parameters: [pick(['p', 'q'])] })),
  ...maybe(12, () => ({ min_wrapping_ttl: 10 + next(5) })),
  ...maybe(12, () => ({ max_wrapping_ttl: 14 + next(5) })),
});

const gap = () => pick([' ', '\n', '\t', ' # so\n', ' /* so */ ']);

function asHcl(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(asHcl).join(`,${gap()}`)}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value).map(([name, one]) => `${gap()}"${name}"${gap()}=${gap()}${asHcl(one)}`)}${gap()}}`;
}

function textOf(rules: readonly Written[]): string {
  if (next(2) === 0) return JSON.stringify({ path: rules.map(({ path, ...rule }) => ({ [path]: rule })) });
  return rules.map(({ path, ...rule }) => `path${gap()}"${pick(['', '/'])}${path}"${gap()}${asHcl(rule)}`).join(gap());
}

test('two evaluators agree about generated policies and requests', () => {
  const cases = Number(process.env.ACL_CASES ?? 100_000);
  let allowed = 0;
  for (let made = 0; made < cases; ) {
    const policies = Array.from({ length: 1 + next(3) }, () => Array.from({ length: 1 + next(4) }, written));
    const acl = new Acl(
      policies.map((rules) => parseAclPolicy(textOf(rules))),
      me,
    );
    for (let i = 0; i < 10; i++, made++) {
      const fields = Object.fromEntries(some(2, () => [pick(['p', 'q']), pick(values)]));
      const request: AclRequest = {
        path: path(false),
        capability: pick(['read', 'update', 'list', 'create', 'delete', 'patch']),
        fields,
        ...maybe(2, () => ({ wrapFor: 8 + next(12) })),
      };
      const expected = naive(policies.flat(), request);
      if (expected) {
        allowed++;
        assert.ok(acl.reaches(`${request.path.split('/')[0]}/`), JSON.stringify({ policies, request }, undefined, 1));
      }
      assert.equal(acl.allows(request), expected, JSON.stringify({ policies, request }, undefined, 1));
    }
  }
  assert.ok(allowed > cases / 50 && allowed < cases / 2, `${allowed} of ${cases} were allowed`);
});
