import type { Result, TokenInfo } from '#domain/domain.ts';
import { fromUtf8 } from '#encoding/encoding.ts';
import { text, wholeSeconds } from './fields.ts';
import type { Input } from './row.ts';

/** 0 where the token has no end, as Vault says it. */
function remaining({ credential }: TokenInfo, now: number): number {
  return credential.expiresAt === undefined ? 0 : wholeSeconds(credential.expiresAt - now);
}

export function lookup(info: TokenInfo, id: string, now: number): string {
  const { credential, policies } = info;
  const { createdAt, expiresAt } = credential;
  return JSON.stringify({
    accessor: credential.id,
    creation_time: wholeSeconds(createdAt),
    creation_ttl: wholeSeconds(credential.ttl ?? (expiresAt === undefined ? 0 : expiresAt - createdAt)),
    display_name: credential.label ?? credential.identity,
    entity_id: '',
    expire_time: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
    // What a login's role or mount says isn't explicit to Vault.
    explicit_max_ttl: wholeSeconds(credential.mount === undefined ? credential.maxTtl : credential.explicitMaxTtl),
    id,
    issue_time: new Date(createdAt).toISOString(),
    ...(credential.renewedAt === undefined
      ? {}
      : {
          last_renewal: new Date(credential.renewedAt).toISOString(),
          last_renewal_time: wholeSeconds(credential.renewedAt),
        }),
    meta: { ...credential.meta, identity: credential.identity, realm: credential.realm },
    ...(credential.cidrs === undefined ? {} : { bound_cidrs: credential.cidrs }),
    num_uses: info.usesLeft ?? 0,
    orphan: credential.parent === undefined,
    path: credential.path ?? 'auth/token/create',
    ...(credential.period === undefined ? {} : { period: wholeSeconds(credential.period) }),
    policies,
    renewable: credential.renewable ?? false,
    ...(credential.role === undefined ? {} : { role: credential.role }),
    ttl: remaining(info, now),
    type: 'service',
  });
}

export function encodeLookupSelf(info: Result<'lookup-token'>, { token, clock }: Input): string {
  return lookup(info, token, clock());
}

/** The token that was asked about, which the asking one brought, or the asking one itself. */
export function encodeLookup(info: Result<'lookup-token'>, { body, query, token, clock }: Input): string {
  return lookup(info, text(body, 'token') ?? (new URLSearchParams(query).get('token') || token), clock());
}

export function encodeRenewed(info: Result<'renew-token'>, { body, clock }: Input): string {
  return auth(info, text(body, 'token') ?? '', clock());
}

/** Who knows an accessor learns no token. */
export function encodeLookupAccessor(info: Result<'lookup-token'>, { clock }: Input): string {
  return lookup(info, '', clock());
}

function auth(info: TokenInfo, token: string, now: number): string {
  const { credential, policies } = info;
  return JSON.stringify({
    client_token: token,
    accessor: credential.id,
    policies,
    token_policies: policies,
    metadata: credential.meta ?? null,
    // Of a life that has begun a moment ago nothing is missing yet.
    lease_duration:
      credential.expiresAt === undefined ? 0 : Math.max(0, Math.ceil((credential.expiresAt - now) / 1000)),
    renewable: credential.renewable ?? false,
    entity_id: '',
    token_type: 'service',
    orphan: credential.parent === undefined,
    mfa_requirement: null,
    num_uses: credential.uses ?? 0,
  });
}

export function encodeCreatedToken(result: Result<'create-token'>, { clock }: Input): string {
  return auth(result, fromUtf8(result.token.release()) ?? '', clock());
}

export function encodeRenewedSelf(info: Result<'renew-token'>, { token, clock }: Input): string {
  return auth(info, token, clock());
}

export function encodeRenewedAccessor(info: Result<'renew-token'>, { clock }: Input): string {
  return auth(info, '', clock());
}
