import type { OlderTokenName, Result } from '#domain/domain.ts';
import { leaseOf } from './decode-token-role.ts';
import { PlacedError } from './errors.ts';
import { text, wholeSeconds } from './fields.ts';
import type { Input } from './row.ts';

export function encodeTokenRole({ role }: Result<'read-token-role'>): string {
  const isOlder = (name: OlderTokenName) => role.older.includes(name);
  return JSON.stringify({
    allowed_entity_aliases: null,
    allowed_policies: role.allowed,
    allowed_policies_glob: role.allowedGlobs,
    ...(isOlder('bound_cidrs') && role.cidrs.length > 0 && { bound_cidrs: role.cidrs }),
    disallowed_policies: role.disallowed,
    disallowed_policies_glob: role.disallowedGlobs,
    explicit_max_ttl: isOlder('explicit_max_ttl') ? wholeSeconds(role.maxTtl) : 0,
    name: role.name,
    orphan: role.orphan,
    path_suffix: role.pathSuffix,
    period: isOlder('period') ? wholeSeconds(role.period) : 0,
    renewable: role.renewable,
    ...(role.cidrs.length > 0 && { token_bound_cidrs: role.cidrs }),
    token_explicit_max_ttl: wholeSeconds(role.maxTtl),
    token_no_default_policy: role.noDefaultPolicy,
    ...(role.uses !== undefined && { token_num_uses: role.uses }),
    token_period: wholeSeconds(role.period),
    token_type: role.type,
  });
}

export function encodeTokenRoles(
  _: Result<'list-token-roles'>,
  __: Input,
  pages: readonly Result<'list-token-roles'>[],
): string {
  const keys = pages.flatMap(({ names }) => names);
  return keys.length === 0 ? '' : JSON.stringify({ keys });
}

export function encodeAccessors(_: Result<'list-tokens'>, __: Input, pages: readonly Result<'list-tokens'>[]): string {
  return JSON.stringify({ keys: pages.flatMap(({ tokens }) => tokens.map(({ accessor }) => accessor)) });
}

/** What stands at one level below a prefix: leases, and steps further down with a slash behind them. */
export function encodeLeases(
  _: Result<'list-tokens'>,
  { path: { rest = '' } }: Input,
  pages: readonly Result<'list-tokens'>[],
): string {
  const prefix = rest === '' || rest.endsWith('/') ? rest : `${rest}/`;
  const keys = new Set<string>();
  for (const { tokens } of pages) {
    for (const { accessor, path } of tokens) {
      const lease = `${path}/${accessor}`;
      if (!lease.startsWith(prefix)) continue;
      const below = lease.slice(prefix.length);
      const slash = below.indexOf('/');
      keys.add(slash < 0 ? below : below.slice(0, slash + 1));
    }
  }
  return keys.size === 0 ? '' : JSON.stringify({ keys: [...keys].sort() });
}

/** Whichever way the id was given. */
export function leaseIdOf({ path, body }: Input): string {
  return path.rest || text(body, 'lease_id') || '';
}

export function encodeLease({ credential }: Result<'lookup-token'>, input: Input): string {
  const { createdAt, expiresAt, renewable, renewedAt } = credential;
  const id = leaseIdOf(input);
  return JSON.stringify({
    expire_time: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
    id,
    issue_time: new Date(createdAt).toISOString(),
    last_renewal: renewedAt === undefined ? null : new Date(renewedAt).toISOString(),
    path: leaseOf(id).path,
    renewable: renewable ?? false,
    ttl: expiresAt === undefined ? 0 : wholeSeconds(expiresAt - input.clock()),
  });
}

/** As in Vault: a token is renewed as a token. */
export function refuseRenewal(): never {
  throw new PlacedError(400, 'unsupported', 'tokens cannot be renewed through this endpoint');
}

/** There is nothing whose end could fail: each lease is a token, whose end is a change of its record. */
export const encodeNoIrrevocable = (): string => JSON.stringify({ lease_count: 0, leases: [] });
export const encodeNoneCounted = (): string => JSON.stringify({ counts: {}, lease_count: 0 });
