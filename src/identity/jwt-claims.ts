import type { JwtClaims } from '#crypto/crypto.ts';
import type { ClaimValue, JwtRole } from '#domain/domain.ts';
import { fits } from './claims.ts';
import { wrongLogin } from './login-facts.ts';

/** Seconds, as Vault's. */
const usualLeeway = 150;
const usualSkew = 60;
const maxPattern = 1024;

/** A claim that isn't there has no value; null says as much. */
type Value = string | number | boolean | object | undefined;

/** By its name, or where that begins with a slash by a JSON Pointer (RFC 6901) into the claims. */
function claimOf(claims: JwtClaims, name: string): Value {
  if (!name.startsWith('/')) return Object.hasOwn(claims, name) ? ((claims[name] ?? undefined) as Value) : undefined;
  let value: unknown = claims;
  for (const step of name.slice(1).split('/')) {
    const member = step.replaceAll('~1', '/').replaceAll('~0', '~');
    const found = value !== null && typeof value === 'object' && Object.hasOwn(value, member);
    if (!found || (Array.isArray(value) && !/^(?:0|[1-9]\d*)$/.test(member))) return undefined;
    value = (value as Record<string, unknown>)[member];
  }
  return (value ?? undefined) as Value;
}

/** Throws 'invalid-proof' in Vault's words where issuer, subject, audience or times are not what the mount and the role ask for. */
export function checkRegisteredClaims(claims: JwtClaims, issuer: string | undefined, role: JwtRole, now: number): void {
  const refuse = (words: string) => wrongLogin(`error validating token: ${words}`);
  if (issuer !== undefined && claims.iss !== issuer) throw refuse('invalid issuer (iss) claim');
  if (role.boundSubject !== '' && claims.sub !== role.boundSubject) throw refuse('invalid subject (sub) claim');
  const audiences = audiencesOf(claims);
  if (audiences === undefined) throw refuse('invalid audience (aud) claim');
  if (role.boundAudiences.length === 0 && audiences.length > 0) {
    throw wrongLogin('audience claim found in JWT but no audiences bound to the role');
  }
  if (role.boundAudiences.length > 0 && !role.boundAudiences.some((one) => audiences.includes(one))) {
    throw refuse('invalid audience (aud) claim: audience claim does not match any expected audience');
  }
  const wrongTime = timeFault(claims, role, now / 1000);
  if (wrongTime !== undefined) throw refuse(wrongTime);
}

/** Throws 'invalid-proof' where the token is not the answer to what a client asked its provider for (OpenID Connect Core 1.0 section 3.1.3.7). */
export function checkIdToken(
  claims: JwtClaims,
  expected: { readonly issuer: string; readonly clientId: string; readonly nonce: string },
  role: JwtRole,
  now: number,
): void {
  const refuse = (words: string) => wrongLogin(`Vault login failed. ${words}`);
  const { issuer, clientId, nonce } = expected;
  if (claims.iss !== issuer) throw refuse('invalid issuer (iss) claim');
  if (claims.nonce !== nonce) throw refuse('invalid ID token nonce.');
  const audiences = audiencesOf(claims) ?? [];
  const meant = role.boundAudiences.length === 0 || role.boundAudiences.some((one) => audiences.includes(one));
  if (!audiences.includes(clientId) || !meant) throw refuse('invalid audience (aud) claim');
  if ((audiences.length > 1 || claims.azp !== undefined) && claims.azp !== clientId) {
    throw refuse('invalid authorized party (azp) claim');
  }
  if (typeof claims.exp !== 'number' || typeof claims.sub !== 'string') throw refuse('a claim of the token is missing');
  const wrongTime = timeFault(claims, role, now / 1000);
  if (wrongTime !== undefined) throw refuse(wrongTime);
  if (role.boundSubject !== '' && claims.sub !== role.boundSubject)
    throw refuse('sub claim does not match bound subject');
  const { auth_time: proven } = claims;
  if (role.maxAge > 0 && (typeof proven !== 'number' || proven + role.maxAge + usualSkew < now / 1000)) {
    throw refuse('the user proved himself to the provider too long ago');
  }
}

/** Undefined where `aud` is neither text nor a list of it. */
function audiencesOf({ aud }: JwtClaims): readonly string[] | undefined {
  const given = aud === undefined || aud === null ? [] : [aud].flat();
  return given.every((one): one is string => typeof one === 'string') ? given : undefined;
}

/** At least one of the three times must be there; what is missing follows from the others, as at Vault's. `now` in seconds. */
function timeFault(claims: JwtClaims, role: JwtRole, now: number): string | undefined {
  const times = [claims.exp, claims.nbf, claims.iat].map((time) => time ?? 0);
  if (!times.every((time): time is number => typeof time === 'number' && Number.isFinite(time) && time >= 0)) {
    return 'a time of the token is no number';
  }
  const [exp = 0, nbf = 0, iat = 0] = times;
  if (exp === 0 && nbf === 0 && iat === 0) {
    return 'no issued at (iat), not before (nbf), or expiration time (exp) claims in token';
  }
  const skew = leeway(role.clockSkewLeeway, usualSkew);
  const end = exp === 0 ? Math.max(iat, nbf) + leeway(role.expirationLeeway, usualLeeway) : exp;
  const start = nbf || iat || end - leeway(role.notBeforeLeeway, usualLeeway);
  if (now + skew < start) return 'invalid not before (nbf) claim: token not yet valid';
  if (now - skew > end) return 'invalid expiration time (exp) claim: token is expired';
  if (now + skew < iat) return 'invalid issued at (iat) claim: token issued in the future';
  return undefined;
}

function leeway(given: number, usual: number): number {
  return given === 0 ? usual : Math.max(0, given);
}

/** Throws 'invalid-proof' unless each claim that the role binds has one of the values that it is bound to. */
export function checkBoundClaims(claims: JwtClaims, { boundClaims, boundClaimsType }: JwtRole): void {
  for (const [name, expected] of Object.entries(boundClaims)) {
    const given = claimOf(claims, name);
    if (given === undefined) throw wrongLogin(`error validating claims: claim "${name}" is missing`);
    const values = listOf(given);
    if (values === undefined)
      throw wrongLogin('error validating claims: received claim is not a string, bool, int or list');
    const fit = ([expected].flat() as readonly ClaimValue[]).some((one) =>
      values.some((value) => (boundClaimsType === 'glob' ? fitsGlob(one, value) : equal(one, value))),
    );
    if (!fit)
      throw wrongLogin(`error validating claims: claim "${name}" does not match any associated bound claim values`);
  }
}

/** Where many are expected, providers give a single one by itself. */
function listOf(value: NonNullable<Value>): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  return typeof value === 'object' ? undefined : [value];
}

/** Of numbers the whole part counts, and no type is taken for another. */
function equal(one: ClaimValue, value: unknown): boolean {
  return typeof one === 'number' && typeof value === 'number' ? Math.trunc(one) === Math.trunc(value) : one === value;
}

function fitsGlob(pattern: ClaimValue, value: unknown): boolean {
  return (
    typeof pattern === 'string' && typeof value === 'string' && value.length <= 16 * maxPattern && fits(pattern, value)
  );
}

export interface Who {
  readonly name: string;
  readonly meta: Readonly<Record<string, string>>;
}

/** Whom the claims name, and what of them the token is to say. Throws 'invalid-proof' where they don't say it. */
export function whoOf(claims: JwtClaims, role: JwtRole): Who {
  const { userClaim, userClaimIsPointer, groupsClaim, claimMappings } = role;
  const user = userClaimIsPointer || !userClaim.startsWith('/') ? claimOf(claims, userClaim) : claims[userClaim];
  if (user === undefined || user === null) throw wrongLogin(`claim "${userClaim}" not found in token`);
  if (typeof user !== 'string') throw wrongLogin(`claim "${userClaim}" could not be converted to string`);
  const meta: Record<string, string> = {};
  for (const [source, target] of Object.entries(claimMappings)) {
    const value = claimOf(claims, source);
    if (value === undefined) continue;
    if (typeof value !== 'string') throw wrongLogin(`error converting claim '${source}' to string`);
    meta[target] = value;
  }
  if (groupsClaim !== '') checkGroups(claimOf(claims, groupsClaim), groupsClaim);
  return { name: user, meta };
}

/** There are no groups that an identity provider fills; what Vault would refuse is refused. */
function checkGroups(given: Value, name: string): void {
  if (given === undefined) throw wrongLogin(`failed to fetch groups: "${name}" claim not found in token`);
  const groups = listOf(given);
  if (groups === undefined) throw wrongLogin(`"${name}" claim could not be converted to string list`);
  if (!groups.every((group) => typeof group === 'string')) {
    throw wrongLogin('a value in groups claim could not be parsed as string');
  }
}
