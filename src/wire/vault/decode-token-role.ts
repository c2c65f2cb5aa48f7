import { type Command, KmsError, type OlderTokenName, type TokenRolePatch, usualTokenPath } from '#domain/domain.ts';
import type { JsonObject } from '#wire/common/common.ts';
import { noBatchTokens, requestOf } from './decode-token.ts';
import { boolean, integer, refuseOthers, text, words } from './fields.ts';
import { has, length, list, pageSize, present, word } from './login-fields.ts';
import type { Input } from './row.ts';

/** Policies' names are the same in every case. */
function names(body: JsonObject, name: string): readonly string[] | undefined {
  const given = list(body, name);
  return given && [...new Set(given.map((one) => one.toLowerCase()))].sort();
}

/** `root` is beside nothing else. */
function allowed(body: JsonObject, name: string): readonly string[] | undefined {
  const given = names(body, name);
  return given?.includes('root') ? ['root'] : given;
}

/** The members that older clients call otherwise, by their older names. */
const newer = {
  period: 'token_period',
  explicit_max_ttl: 'token_explicit_max_ttl',
  bound_cidrs: 'token_bound_cidrs',
} as const satisfies Record<OlderTokenName, string>;

const older = Object.keys(newer) as readonly OlderTokenName[];

const known: readonly string[] = [
  ...['role_name', 'allowed_policies', 'disallowed_policies', 'allowed_policies_glob', 'disallowed_policies_glob'],
  ...['orphan', 'renewable', 'path_suffix', 'token_no_default_policy', 'token_num_uses', 'token_type'],
  ...older,
  ...Object.values(newer),
];

/** Whichever of two names stands there, the newer before the older. */
function either<T>(body: JsonObject, name: OlderTokenName, read: (name: string) => T | undefined): T | undefined {
  return read(has(body, newer[name]) ? newer[name] : name);
}

function typeOf(body: JsonObject): TokenRolePatch['type'] {
  const type = text(body, 'token_type');
  switch (type) {
    case undefined:
      return undefined;
    case 'default':
    case 'default-service':
      return 'default-service';
    case 'service':
      return 'service';
    case 'batch':
    case 'default-batch':
      throw noBatchTokens();
    default:
      throw new KmsError('invalid-parameter', `invalid 'token_type' value ${JSON.stringify(type.slice(0, 64))}`);
  }
}

export function decodeWriteTokenRole({ path, body }: Input): Command<'write-token-role'> {
  refuseOthers(body, known);
  const uses = has(body, 'token_num_uses') ? (integer(body, 'token_num_uses') ?? 0) : undefined;
  if (uses !== undefined && uses < 0) {
    throw new KmsError('invalid-parameter', "error parsing role fields: 'token_num_uses' cannot be negative");
  }
  const settings = present<TokenRolePatch>({
    allowed: allowed(body, 'allowed_policies'),
    disallowed: names(body, 'disallowed_policies'),
    allowedGlobs: allowed(body, 'allowed_policies_glob'),
    disallowedGlobs: names(body, 'disallowed_policies_glob'),
    orphan: boolean(body, 'orphan'),
    renewable: boolean(body, 'renewable'),
    pathSuffix: word(body, 'path_suffix'),
    noDefaultPolicy: boolean(body, 'token_no_default_policy'),
    period: either(body, 'period', (name) => length(body, name)),
    maxTtl: either(body, 'explicit_max_ttl', (name) => length(body, name)),
    cidrs: either(body, 'bound_cidrs', (name) => list(body, name)),
    uses,
    type: typeOf(body),
    older: older.filter((name) => has(body, name) && !has(body, newer[name])),
  });
  return { kind: 'write-token-role', name: path.name ?? '', settings };
}

export function warnsOfOlderNames({ body }: Input): readonly string[] {
  return older
    .filter((name) => has(body, name) && has(body, newer[name]))
    .map((name) => `Both '${newer[name]}' and deprecated '${name}' value supplied, ignoring the deprecated value`);
}

export const decodeReadTokenRole = ({ path }: Input): Command<'read-token-role'> => ({
  kind: 'read-token-role',
  name: path.name ?? '',
});

export const decodeDeleteTokenRole = ({ path }: Input): Command<'delete-token-role'> => ({
  kind: 'delete-token-role',
  name: path.name ?? '',
});

export const decodeListTokenRoles = (): Command<'list-token-roles'> => ({
  kind: 'list-token-roles',
  after: '',
  limit: pageSize,
});

export function decodeCreateByRole({ path, body }: Input): Command<'create-role-token'> {
  // Which of its tokens are orphans says the role.
  const { no_parent: _, role_name: __, ...rest } = body;
  const { policies, actions, ...request } = requestOf(rest);
  return {
    kind: 'create-role-token',
    role: path.name ?? '',
    ...request,
    names: [...new Set((words(body, 'policies') ?? []).map((name) => name.toLowerCase()))],
    ...(boolean(body, 'no_default_policy') === true && { withoutDefault: true }),
  };
}

export const decodeListTokens = (): Command<'list-tokens'> => ({ kind: 'list-tokens', after: '', limit: pageSize });

/** A lease of a token is called after where it was made and its accessor. */
export function leaseOf(id: string): { readonly path: string; readonly accessor: string } {
  const slash = id.lastIndexOf('/');
  return slash < 0
    ? { path: usualTokenPath, accessor: '' }
    : { path: id.slice(0, slash), accessor: id.slice(slash + 1) };
}
