import { type Commands, KmsError, type ProviderTrust, roles } from '#domain/domain.ts';
import {
  type JsonObject,
  optionalArray,
  optionalBoolean,
  optionalObject,
  optionalString,
  requiredString,
} from '../common/common.ts';
import { type Input, oneOf, optionalStrings, present, ttl } from './decode.ts';

export function createRole({ body }: Input): Commands['create-role'] {
  const role = optionalString(body, 'role');
  const externalId = optionalString(body, 'externalId');
  return {
    name: requiredString(body, 'name'),
    trust: {
      identities: optionalStrings(body, 'identities') ?? [],
      groups: optionalStrings(body, 'groups') ?? [],
      providers: (optionalArray(body, 'providers') ?? []).map(providerTrust),
      ...present({ externalId }),
    },
    ...present({
      role: role === undefined ? undefined : oneOf('role', role, roles),
      maxSession: ttl(body, 'maxSessionSeconds'),
      again: optionalBoolean(body, 'again'),
    }),
  };
}

/** `{"issuer": "https://...", "claims": {"sub": ["repo:me/*"]}}`. */
function providerTrust(value: unknown): ProviderTrust {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new KmsError('malformed', '"providers" must be an array of objects.');
  const trusted = value as JsonObject;
  const stranger = Object.keys(trusted).find((name) => name !== 'issuer' && name !== 'claims');
  if (stranger !== undefined) throw new KmsError('invalid-parameter', 'A trusted provider has "issuer" and "claims".');
  const claims = optionalObject(trusted, 'claims') ?? {};
  return {
    issuer: requiredString(trusted, 'issuer'),
    claims: Object.fromEntries(Object.keys(claims).map((name) => [name, optionalStrings(claims, name) ?? []])),
  };
}

export function assumeRole({ path, body }: Input): Commands['assume-role'] {
  return {
    role: path[0]!,
    sessionName: requiredString(body, 'sessionName'),
    ...present({ duration: ttl(body, 'durationSeconds'), externalId: optionalString(body, 'externalId') }),
  };
}

/** `jwks`, the keys themselves, or `url`, where they are published. */
export function registerProvider({ body }: Input): Commands['register-provider'] {
  const jwks = optionalObject(body, 'jwks');
  const url = optionalString(body, 'url');
  if ((jwks === undefined) === (url === undefined))
    throw new KmsError('invalid-parameter', 'A provider is registered with either "jwks" or "url".');
  return {
    issuer: requiredString(body, 'issuer'),
    audiences: optionalStrings(body, 'audiences') ?? [],
    keys: url === undefined ? { jwks: JSON.stringify(jwks) } : { url },
  };
}
