import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from 'jose';
import { fromBase64Url, fromUtf8, hasTwins } from '#encoding/encoding.ts';

/** Public keys of an identity provider (RFC 7517), as they were published. */
export type KeySet = JSONWebKeySet;

/** What an id token says, once it is known to be genuine. */
export interface IdTokenClaims {
  readonly [name: string]: unknown;
  readonly iss: string;
  readonly sub: string;
  readonly aud: string | readonly string[];
  /** Seconds since the epoch. */
  readonly exp: number;
}

export interface ExpectedToken {
  readonly keys: KeySet;
  readonly issuer: string;
  /** One of these the token must be for. */
  readonly audiences: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** `unknown-key`: none of the keys is the one that the token names. `claim`: what it says of itself does not hold. */
export type TokenFault = 'malformed' | 'unknown-key' | 'audience' | 'claim' | 'expired';

/** Signatures of a key pair only: a shared secret or no signature at all proves nothing (RFC 8725 section 3.1). */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
/** Seconds by which the provider's clock may differ from ours. */
const skew = 60;

/** Checks signature, issuer, audience and times of an OpenID Connect id token (Core 1.0 section 3.1.3.7). Never rejects. */
export async function verifyIdToken(token: string, expected: ExpectedToken): Promise<IdTokenClaims | TokenFault> {
  const { keys, issuer, audiences, now } = expected;
  try {
    if (!isCanonical(token)) return 'malformed';
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
      algorithms,
      issuer,
      audience: [...audiences],
      clockTolerance: skew,
      currentDate: new Date(now),
      requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat'],
    });
    const { sub, iat } = payload;
    if (typeof sub !== 'string' || sub === '' || iat! * 1000 > now + skew * 1000) return 'claim';
    return payload as unknown as IdTokenClaims;
  } catch (error) {
    return faultOf(error);
  }
}

/** Whether each part is the one way to write what it says, in one reading: else one token would have several texts, or several meanings. */
function isCanonical(token: string): boolean {
  const parts = token.split('.').map(fromBase64Url);
  const texts = parts.slice(0, 2).map((bytes) => bytes && fromUtf8(bytes));
  return parts.every((bytes) => bytes !== undefined) && texts.every((text) => text !== undefined && !hasTwins(text));
}

function faultOf(error: unknown): TokenFault {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed) return error.claim === 'aud' ? 'audience' : 'claim';
  return error instanceof errors.JWKSNoMatchingKey ? 'unknown-key' : 'malformed';
}

/** The issuer that a token names, unverified: it only says whose keys to try. */
export function issuerNamedBy(token: string): string | undefined {
  const [, payload] = token.split('.', 2);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(
      Uint8Array.fromBase64(payload ?? '', { alphabet: 'base64url' }),
    );
    const { iss } = JSON.parse(text) as { readonly iss?: unknown };
    return typeof iss === 'string' ? iss : undefined;
  } catch {
    return undefined;
  }
}

const publicMembers: Readonly<Record<string, readonly string[]>> = {
  RSA: ['n', 'e'],
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
};
const described = ['kid', 'alg', 'use'];
const maxKeys = 100;

/**
 * The signature keys in a published set, with their public members only; undefined where it is no key set, holds none, or
 * holds a secret, which nobody publishes knowingly.
 */
export function readKeySet(text: string): KeySet | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  const published = (parsed as { readonly keys?: unknown } | null)?.keys;
  if (!Array.isArray(published) || published.length > maxKeys) return undefined;
  const keys: JSONWebKeySet['keys'] = [];
  for (const key of published as readonly unknown[]) {
    if (key === null || typeof key !== 'object' || 'd' in key || 'k' in key) return undefined;
    const { kty, use } = key as { readonly kty?: unknown; readonly use?: unknown };
    const members = typeof kty === 'string' && Object.hasOwn(publicMembers, kty) ? publicMembers[kty]! : undefined;
    if (members === undefined || (use !== undefined && use !== 'sig')) continue;
    const given = key as Readonly<Record<string, unknown>>;
    if (members.some((name) => typeof given[name] !== 'string')) return undefined;
    const kept = [...members, ...described].filter((name) => typeof given[name] === 'string');
    keys.push({ kty: kty as string, ...Object.fromEntries(kept.map((name) => [name, given[name]])) } as never);
  }
  return keys.length === 0 ? undefined : { keys };
}
