import type { Login, Result, SecretId, SecretIdSettings, TokenSettings, Wrapping } from '#domain/domain.ts';
import { fromUtf8 } from '#encoding/encoding.ts';
import { wholeSeconds } from './fields.ts';
import type { Input } from './row.ts';

export function tokenMembers({ policies, ttl, maxTtl, period, uses, cidrs, ...more }: TokenSettings): object {
  return {
    token_bound_cidrs: cidrs,
    token_explicit_max_ttl: wholeSeconds(more.explicitMaxTtl),
    token_max_ttl: wholeSeconds(maxTtl),
    token_no_default_policy: more.withoutDefault === true,
    token_num_uses: uses ?? 0,
    token_period: wholeSeconds(period),
    token_policies: policies,
    token_strictly_bind_ip: more.bindsAddress === true,
    token_ttl: wholeSeconds(ttl),
    token_type: 'default',
  };
}

/** Vault says null of a list that nobody gave. */
export function listed(values: readonly string[]): readonly string[] | null {
  return values.length === 0 ? null : values;
}

function secretIdMembers({ bound, ttl, uses, cidrs }: SecretIdSettings): object {
  return {
    bind_secret_id: bound,
    local_secret_ids: false,
    secret_id_bound_cidrs: listed(cidrs),
    secret_id_num_uses: uses ?? 0,
    secret_id_ttl: wholeSeconds(ttl),
  };
}

export function encodeLogin({ login }: { readonly login: Login }): string {
  return JSON.stringify({
    ...(login.secretId === undefined ? {} : secretIdMembers(login.secretId)),
    ...tokenMembers(login.token),
  });
}

export function encodeRoleId({ login }: Result<'read-login'>): string {
  return JSON.stringify({ role_id: login.roleId });
}

export function encodeNames(_: unknown, __: Input, pages: readonly Result<'list-logins'>[]): string {
  const keys = pages.flatMap(({ names }) => names);
  return keys.length === 0 ? '' : JSON.stringify({ keys });
}

export function encodeAccessors(_: unknown, __: Input, pages: readonly Result<'list-secret-ids'>[]): string {
  const keys = pages.flatMap(({ accessors }) => accessors);
  return keys.length === 0 ? '' : JSON.stringify({ keys });
}

export function encodeSecretId({ secretId, shown }: Result<'create-secret-id'>): string {
  return JSON.stringify({
    secret_id: fromUtf8(secretId.release()) ?? '',
    secret_id_accessor: shown.accessor,
    secret_id_num_uses: shown.uses ?? 0,
    secret_id_ttl: wholeSeconds(shown.ttl),
  });
}

/** Vault's mark of no time. */
const never = '0001-01-01T00:00:00Z';
const time = (ms: number | undefined): string => (ms === undefined ? never : new Date(ms).toISOString());

export function encodeShownSecretId({ shown }: { readonly shown?: SecretId }): string {
  if (shown === undefined) return '';
  return JSON.stringify({
    cidr_list: shown.cidrs,
    creation_time: time(shown.createdAt),
    expiration_time: time(shown.expiresAt),
    last_updated_time: time(shown.updatedAt),
    metadata: shown.meta,
    secret_id_accessor: shown.accessor,
    secret_id_num_uses: shown.left ?? 0,
    secret_id_ttl: wholeSeconds(shown.ttl),
    token_bound_cidrs: shown.tokenCidrs,
  });
}

/** `wrapped` is the accessor of the token in the answer, where there is one. */
export function wrapInfo({ token, accessor, createdAt, ttl, path }: Wrapping, wrapped: string | undefined): string {
  return JSON.stringify({
    token: fromUtf8(token.release()) ?? '',
    accessor,
    ttl: wholeSeconds(ttl),
    creation_time: time(createdAt),
    creation_path: path,
    ...(wrapped !== undefined && { wrapped_accessor: wrapped }),
  });
}

export function encodeWrapping({ createdAt, ttl, path }: Result<'lookup-wrapping'>): string {
  return JSON.stringify({ creation_path: path, creation_time: time(createdAt), creation_ttl: wholeSeconds(ttl) });
}

/** The whole answer, as it was. */
export function encodeUnwrapped({ answer }: Result<'unwrap-answer'>): string {
  return fromUtf8(answer.release()) ?? '';
}
