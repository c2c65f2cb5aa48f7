import { type Action, type Command, KmsError, type TokenRequest } from '#domain/domain.ts';
import type { JsonObject } from '#wire/common/common.ts';
import { boolean, integer, isEmpty, refuseFields, seconds, text, words } from './fields.ts';
import type { Input } from './row.ts';

/** What may be asked of a token's own life; every narrowed token keeps it, as with Vault's policy `default`. */
const ownLife = ['lookup-token', 'renew-token', 'revoke-token'] as const;

/** The members of Vault's request that a Claviger token can't honour, so only their empty values are let through. */
const notHonoured = ['id', 'role_name', 'entity_alias'] as const;

export const noBatchTokens = () =>
  new KmsError(
    'unsupported',
    'Batch tokens are not offered: a token that is not on record could not be revoked. Ask for a service token.',
  );

/** What is asked of a new token, whichever way it is made. */
export function requestOf(body: JsonObject): TokenRequest {
  refuseFields(body, notHonoured);
  const type = text(body, 'type') ?? 'service';
  if (type === 'batch') throw noBatchTokens();
  if (!['service', 'default', 'default-service'].includes(type)) {
    throw new KmsError('invalid-parameter', "invalid 'token_type' value");
  }
  const ttl = seconds(body, 'ttl') ?? seconds(body, 'lease');
  const [maxTtl, period] = [seconds(body, 'explicit_max_ttl'), seconds(body, 'period')];
  const label = text(body, 'display_name');
  const uses = integer(body, 'num_uses');
  if (uses !== undefined && uses < 0) {
    throw new KmsError('invalid-parameter', 'number of uses cannot be negative');
  }
  const meta = metaOf(body);
  return {
    ...(uses ? { uses } : {}),
    ...(maxTtl ? { maxTtl: maxTtl * 1000 } : {}),
    ...(period ? { period: period * 1000 } : {}),
    ...(meta === undefined ? {} : { meta }),
    renewable: boolean(body, 'renewable') ?? true,
    ...(ttl ? { ttl: ttl * 1000 } : {}),
    ...(label === undefined ? {} : { label }),
    ...narrowing(body),
  };
}

export function decodeCreateToken({ body }: Input): Command<'create-token' | 'create-orphan-token'> {
  const orphan = boolean(body, 'no_parent') === true;
  return { kind: orphan ? 'create-orphan-token' : 'create-token', ...requestOf(body) };
}

export function decodeCreateOrphan({ body }: Input): Command<'create-orphan-token'> {
  return { kind: 'create-orphan-token', ...requestOf(body) };
}

function metaOf(body: JsonObject): Readonly<Record<string, string>> | undefined {
  const meta = Object.hasOwn(body, 'meta') ? body.meta : undefined;
  if (meta === undefined || isEmpty(meta)) return undefined;
  if (
    meta === null ||
    typeof meta !== 'object' ||
    Array.isArray(meta) ||
    Object.values(meta).some((it) => typeof it !== 'string')
  ) {
    throw new KmsError('malformed', '"meta" must be an object of strings.');
  }
  return meta as Readonly<Record<string, string>>;
}

/** What a token may be narrowed to: the actions of this door. */
export const narrowable = [
  ...ownLife,
  'create-token',
  'create-orphan-token',
  'create-role-token',
  'write-token-role',
  'read-token-role',
  'delete-token-role',
  'list-token-roles',
  'list-tokens',
  'revoke-tokens',
  'revoke-token-alone',
  'tidy',
  'seal',
  'read-ceremony',
  'start-ceremony',
  'cancel-ceremony',
  'feed-ceremony',
  'read-host',
  'list-audit-sinks',
  'enable-auth-mount',
  'disable-auth-mount',
  'tune-auth-mount',
  'configure-auth-mount',
  'list-auth-mounts',
  'read-auth-mount',
  'write-login',
  'read-login',
  'delete-login',
  'list-logins',
  'write-revocation-list',
  'read-revocation-list',
  'delete-revocation-list',
  'list-revocation-lists',
  'create-secret-id',
  'read-secret-id',
  'list-secret-ids',
  'destroy-secret-id',
  'list-acl-policies',
  'read-acl-policy',
  'write-acl-policy',
  'delete-acl-policy',
  'read-capabilities',
  'create-realm',
  'list-realms',
  'enable-mount',
  'tune-mount',
  'disable-mount',
  'list-mounts',
  'read-mount',
  'create-key',
  'describe-key',
  'list-keys',
  'update-key',
  'disable-key',
  'enable-key',
  'rotate-key',
  'trim-key',
  'destroy-key',
  'read-key-cache',
  'set-key-cache',
  'get-key-rules',
  'set-key-rules',
  'request-certificate',
  'set-certificates',
  'get-wrapping-key',
  'import-key',
  'import-key-version',
  'export-key',
  'export-wrapped-key',
  'backup-key',
  'restore-key',
  'encrypt',
  'decrypt',
  're-encrypt',
  'generate-data-key',
  'generate-random',
  'hash',
  'generate-mac',
  'verify-mac',
  'sign',
  'verify',
  'read-secret-version',
  'write-secret',
  'change-secret-versions',
  'configure-secret',
  'describe-secret',
  'delete-secret',
  'list-secrets',
  'get-secret-rules',
  'set-secret-rules',
] as const satisfies readonly Action[];

/**
 * A token is narrowed to actions where all the policies that it asks for are names of actions, which no ACL policy may have; else to
 * what ACL policies of these names allow, `default` among them unless that isn't wanted.
 */
function narrowing(body: JsonObject): Pick<Command<'create-token'>, 'actions' | 'policies'> {
  const names = words(body, 'policies');
  if (names === undefined || names.length === 0) return {};
  const folded = names.map((name) => name.toLowerCase());
  const others = folded.filter((name) => name !== 'default');
  if (others.length > 0 && others.every((name) => (narrowable as readonly string[]).includes(name))) {
    return { actions: [...new Set([...ownLife, ...others])] };
  }
  const without = boolean(body, 'no_default_policy') === true || folded.includes('root');
  return { policies: [...new Set(without ? folded : ['default', ...folded])].sort() };
}

function accessorOf(body: JsonObject): string {
  const accessor = text(body, 'accessor');
  if (accessor === undefined) throw new KmsError('invalid-parameter', 'missing accessor');
  return accessor;
}

function tokenOf(body: JsonObject): string {
  const token = text(body, 'token');
  if (token === undefined) throw new KmsError('invalid-parameter', 'missing token ID');
  return token;
}

/** Without a token: the asking one. */
export function decodeLookup({ body, query }: Input): Command<'lookup-token'> {
  const token = text(body, 'token') ?? new URLSearchParams(query).get('token') ?? '';
  return token === '' ? { kind: 'lookup-token' } : { kind: 'lookup-token', token };
}

export function decodeRenew({ body, certificates }: Input): Command<'renew-token'> {
  return { kind: 'renew-token', token: tokenOf(body), ...incrementOf(body), ...shown(certificates) };
}

export function decodeRevoke({ body }: Input): Command<'revoke-token'> {
  return { kind: 'revoke-token', token: tokenOf(body), ifThere: true };
}

export function decodeLookupSelf(): Command<'lookup-token'> {
  return { kind: 'lookup-token' };
}

export function decodeLookupAccessor({ body }: Input): Command<'lookup-token'> {
  return { kind: 'lookup-token', accessor: accessorOf(body) };
}

function incrementOf(body: JsonObject): { readonly increment?: number } {
  const increment = seconds(body, 'increment');
  return increment ? { increment: increment * 1000 } : {};
}

export function decodeRenewSelf({ body, certificates }: Input): Command<'renew-token'> {
  return { kind: 'renew-token', ...incrementOf(body), ...shown(certificates) };
}

export function decodeRenewAccessor({ body, certificates }: Input): Command<'renew-token'> {
  return { kind: 'renew-token', accessor: accessorOf(body), ...incrementOf(body), ...shown(certificates) };
}

/** Tokens of logins by certificate are renewed where that is shown again. */
function shown(certificates: Input['certificates']): Pick<Command<'renew-token'>, 'certificates'> {
  return certificates === undefined ? {} : { certificates };
}

export function decodeRevokeSelf(): Command<'revoke-token'> {
  return { kind: 'revoke-token' };
}

export function decodeRevokeAccessor({ body }: Input): Command<'revoke-token'> {
  return { kind: 'revoke-token', accessor: accessorOf(body), ifThere: true };
}

export function decodeRevokeAlone({ body }: Input): Command<'revoke-token-alone'> {
  return { kind: 'revoke-token-alone', token: tokenOf(body) };
}
