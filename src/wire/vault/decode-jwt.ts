import {
  type ClaimValue,
  type Command,
  type JwtConfig,
  type JwtKeySource,
  type JwtRole,
  KmsError,
  type Proof,
} from '#domain/domain.ts';
import type { Json } from '#encoding/encoding.ts';
import { parseJson, toUtf8 } from '#encoding/encoding.ts';
import type { JsonObject } from '#wire/common/common.ts';
import { boolean, refuseOthers, text, words } from './fields.ts';
import { count, has, list, loginAt, mountOf, present, secret, tokenSettings, word, writing } from './login-fields.ts';
import type { Input } from './row.ts';

const configMembers = [
  'oidc_discovery_url',
  'oidc_discovery_ca_pem',
  'oidc_client_id',
  'oidc_client_secret',
  'oidc_response_mode',
  'oidc_response_types',
  'jwks_url',
  'jwks_ca_pem',
  'default_role',
  'jwt_validation_pubkeys',
  'jwt_supported_algs',
  'bound_issuer',
  'namespace_in_state',
  'skip_jwks_validation',
];

/** In place of all that was configured before, as at Vault's. */
export function decodeConfig({ path, body }: Input): Command<'configure-auth-mount'> {
  refuseOthers(body, configMembers);
  const [id, clientSecret] = [text(body, 'oidc_client_id'), text(body, 'oidc_client_secret')];
  const source = sourceOf(body);
  if ((id === undefined) !== (clientSecret === undefined)) {
    throw new KmsError('invalid-parameter', "both 'oidc_client_id' and 'oidc_client_secret' must be set for OIDC");
  }
  const responseTypes = list(body, 'oidc_response_types') ?? [];
  if (responseTypes.some((type) => type !== 'code')) {
    throw new KmsError('unsupported', 'Of the response types "code" is offered.');
  }
  if (![undefined, 'query'].includes(text(body, 'oidc_response_mode'))) {
    throw new KmsError('unsupported', 'Of the response modes "query" is offered.');
  }
  const config: JwtConfig = {
    kind: 'jwt',
    source,
    algorithms: list(body, 'jwt_supported_algs') ?? [],
    responseTypes,
    namespaceInState: boolean(body, 'namespace_in_state') ?? true,
    ...(has(body, 'oidc_response_mode') && text(body, 'oidc_response_mode') && { responseMode: 'query' as const }),
    ...present<Pick<JwtConfig, 'boundIssuer' | 'defaultRole'>>({
      boundIssuer: text(body, 'bound_issuer'),
      defaultRole: text(body, 'default_role')?.toLowerCase(),
    }),
    ...(id !== undefined && clientSecret !== undefined && { client: { id, secret: secret(clientSecret) } }),
    ...(boolean(body, 'skip_jwks_validation') === true && { unchecked: true as const }),
  };
  return { kind: 'configure-auth-mount', path: mountOf({ path }), config };
}

function sourceOf(body: JsonObject): JwtKeySource {
  const [discovery, jwks] = [text(body, 'oidc_discovery_url'), text(body, 'jwks_url')];
  const keys = pems(body, 'jwt_validation_pubkeys');
  if ([discovery, jwks, keys].filter((one) => one !== undefined).length !== 1) {
    throw new KmsError(
      'invalid-parameter',
      "exactly one of 'jwt_validation_pubkeys', 'jwks_url', 'jwks_pairs', 'oidc_discovery_url', or 'provider_config' must be set",
    );
  }
  if (keys !== undefined) return { kind: 'keys', keys };
  const kind = discovery === undefined ? 'jwks' : 'discovery';
  const ca = text(body, kind === 'jwks' ? 'jwks_ca_pem' : 'oidc_discovery_ca_pem');
  return { kind, url: discovery ?? jwks!, ...(ca !== undefined && { ca }) };
}

/** In an array, or one after the other in one text. */
function pems(body: JsonObject, name: string): readonly string[] | undefined {
  const given = words(body, name);
  return given === undefined || given.length === 0 ? undefined : given;
}

const roleMembers = [
  'name',
  'role_type',
  'expiration_leeway',
  'not_before_leeway',
  'clock_skew_leeway',
  'bound_subject',
  'bound_audiences',
  'bound_claims_type',
  'bound_claims',
  'claim_mappings',
  'user_claim',
  'user_claim_json_pointer',
  'groups_claim',
  'oidc_scopes',
  'allowed_redirect_uris',
  'callback_mode',
  'max_age',
  'num_uses',
  'bound_cidrs',
];

/** What is left out stays as it is, except the type of the role and how its claims are bound, as at Vault's. */
export function decodeWriteJwtRole(input: Input): Command<'write-login'> {
  const { body } = input;
  const token = tokenSettings(body, roleMembers);
  const type = text(body, 'role_type') ?? 'oidc';
  if (type !== 'jwt' && type !== 'oidc') {
    throw new KmsError('invalid-parameter', `invalid 'role_type': ${type.slice(0, 32)}`);
  }
  const boundClaimsType = text(body, 'bound_claims_type') ?? 'string';
  if (boundClaimsType !== 'string' && boundClaimsType !== 'glob') {
    throw new KmsError('invalid-parameter', `invalid 'bound_claims_type': ${boundClaimsType.slice(0, 32)}`);
  }
  if ((text(body, 'callback_mode') ?? 'client') !== 'client') {
    throw new KmsError('unsupported', 'Of the callback modes "client" is offered.');
  }
  return {
    ...writing('jwt', input),
    token,
    jwt: {
      type,
      boundClaimsType,
      ...present<Omit<JwtRole, 'type' | 'boundClaimsType'>>({
        userClaim: word(body, 'user_claim'),
        userClaimIsPointer: boolean(body, 'user_claim_json_pointer'),
        groupsClaim: word(body, 'groups_claim'),
        boundAudiences: list(body, 'bound_audiences'),
        boundSubject: word(body, 'bound_subject'),
        boundClaims: boundClaims(body),
        claimMappings: mappings(body),
        expirationLeeway: leeway(body, 'expiration_leeway'),
        notBeforeLeeway: leeway(body, 'not_before_leeway'),
        clockSkewLeeway: leeway(body, 'clock_skew_leeway'),
        maxAge: leeway(body, 'max_age'),
        scopes: list(body, 'oidc_scopes'),
        redirects: list(body, 'allowed_redirect_uris'),
      }),
    },
  };
}

/** Seconds; -1: none. */
function leeway(body: JsonObject, name: string): number | undefined {
  if (!has(body, name)) return undefined;
  const value = body[name];
  if (value === -1 || value === '-1' || value === '-1s') return -1;
  return count({ [name]: durationOf(value) }, name);
}

/** A number, or words such as `5m`. */
function durationOf(value: Json | undefined): number {
  if (typeof value === 'number') return value;
  const match = typeof value === 'string' ? /^(-?\d{1,9})([smhd]?)$/.exec(value) : null;
  if (match === null) throw new KmsError('malformed', 'A leeway is a duration such as 60, "90s" or "5m".');
  return Number(match[1]) * { '': 1, s: 1, m: 60, h: 3600, d: 86_400 }[match[2] as 's']!;
}

/** An object, or as `vault write` sends it its JSON text. */
function objectOf(body: JsonObject, name: string): JsonObject | undefined {
  if (!has(body, name)) return undefined;
  const value = body[name];
  const read = typeof value !== 'string' ? value : value === '' ? {} : parseJson(toUtf8(value));
  if (read === undefined || read === null || typeof read !== 'object' || Array.isArray(read)) {
    throw new KmsError('malformed', `"${name}" must be an object.`);
  }
  return read as JsonObject;
}

function boundClaims(body: JsonObject): JwtRole['boundClaims'] | undefined {
  const read = objectOf(body, 'bound_claims');
  for (const value of Object.values(read ?? {})) {
    const sound = [value].flat().every((one) => ['string', 'number', 'boolean'].includes(typeof one));
    if (!sound) throw new KmsError('invalid-parameter', 'bound claim is not a string, bool, int or list');
  }
  return read as Readonly<Record<string, ClaimValue | readonly ClaimValue[]>> | undefined;
}

/** An object, or pairs such as `email=mail`. */
function mappings(body: JsonObject): Readonly<Record<string, string>> | undefined {
  const given = has(body, 'claim_mappings') ? body.claim_mappings : undefined;
  const inPairs = Array.isArray(given) || (typeof given === 'string' && !/^\s*(?:\{|$)/.test(given));
  if (inPairs) {
    const pairs = (words(body, 'claim_mappings') ?? []).map((pair) => /^([^=]+)=(.+)$/.exec(pair));
    if (pairs.includes(null)) throw new KmsError('malformed', '"claim_mappings" must be pairs such as email=mail.');
    return Object.fromEntries(pairs.map((pair) => [pair![1]!.trim(), pair![2]!.trim()]));
  }
  const read = objectOf(body, 'claim_mappings');
  if (read !== undefined && !Object.values(read).every((value) => typeof value === 'string')) {
    throw new KmsError('malformed', '"claim_mappings" must be an object of strings.');
  }
  return read as Readonly<Record<string, string>> | undefined;
}

export function jwtProof(input: Input, peer: string): Proof {
  const { body } = input;
  refuseOthers(body, ['role', 'jwt']);
  const role = text(body, 'role');
  return { kind: 'jwt', ...loginAt(input), token: text(body, 'jwt') ?? '', peer, ...(role !== undefined && { role }) };
}
