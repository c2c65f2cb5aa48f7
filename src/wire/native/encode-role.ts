import type { AssumableRole, IdentityProvider, Result } from '#domain/domain.ts';
import { fromUtf8 } from '#encoding/encoding.ts';

const time = (ms: number) => new Date(ms).toISOString();
const text = (bytes: Uint8Array) => fromUtf8(bytes) ?? '';

function roleView({ realm, name, id, trust, maxSession, createdAt }: AssumableRole): object {
  return { realm, name, id, ...trust, maxSessionSeconds: maxSession / 1000, createdAt: time(createdAt) };
}

export const role = (result: Result<'create-role'>) => ({ role: roleView(result.role) });

export const roles = (result: Result<'list-roles'>) => ({ roles: result.roles.map(roleView), next: result.next });

function providerView({ realm, issuer, id, audiences, keys, createdAt }: IdentityProvider): object {
  const published = 'url' in keys ? { url: keys.url } : { jwks: JSON.parse(keys.jwks) };
  return { realm, issuer, id, audiences, ...published, createdAt: time(createdAt) };
}

export const provider = (result: Result<'register-provider'>) => ({ provider: providerView(result.provider) });

export const providers = (result: Result<'list-providers'>) => ({
  providers: result.providers.map(providerView),
  next: result.next,
});

/** The only answer that shows secrets of a session: once, when it is made. */
export const assumed = ({ credentials, realm, role: name, roleId, sessionName }: Result<'assume-role'>) => ({
  realm,
  role: name,
  roleId,
  sessionName,
  accessKeyId: credentials.accessKeyId,
  secretAccessKey: text(credentials.secretAccessKey.release()),
  sessionToken: text(credentials.sessionToken.release()),
  expiresAt: time(credentials.expiresAt),
});

export const caller = ({ realm, name, session }: Result<'get-caller-identity'>) => ({
  realm,
  name,
  session: session?.name,
  roleId: session?.roleId,
});
