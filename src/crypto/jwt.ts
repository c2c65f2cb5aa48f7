import { createPublicKey } from 'node:crypto';
import { compactVerify, importJWK, type JWK } from 'jose';
import { fromBase64Url, fromUtf8, hasTwins, parseJson } from '#encoding/encoding.ts';
import type { KeySet } from './id-token.ts';

/** Signatures of a key pair, by what each asks of its key: a shared secret or no signature at all proves nothing (RFC 8725 section 3.1). */
const algorithms: Readonly<Record<string, { readonly kty: string; readonly crv?: string }>> = {
  RS256: { kty: 'RSA' },
  RS384: { kty: 'RSA' },
  RS512: { kty: 'RSA' },
  PS256: { kty: 'RSA' },
  PS384: { kty: 'RSA' },
  PS512: { kty: 'RSA' },
  ES256: { kty: 'EC', crv: 'P-256' },
  ES384: { kty: 'EC', crv: 'P-384' },
  ES512: { kty: 'EC', crv: 'P-521' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
};

export const jwtAlgorithms: readonly string[] = Object.keys(algorithms);

export type JwtClaims = Readonly<Record<string, unknown>>;

/** `algorithm`: signed in a way that isn't taken. `unknown-key`: none of the keys is the one that the token names. */
export type JwtFault = 'malformed' | 'algorithm' | 'unknown-key' | 'signature';

const maxDepth = 16;

interface ReadJwt {
  readonly alg: string;
  readonly kid: string | undefined;
  readonly claims: JwtClaims;
}

/**
 * What a JSON Web Token in compact form says, once a key of the set has verified its signature; of its claims nothing is checked.
 * Keys come from the set only, whatever the token's header offers, and each is used as its own type alone. Never rejects.
 */
export async function verifyJwt(token: string, keys: KeySet, taken: readonly string[]): Promise<JwtClaims | JwtFault> {
  const read = readJwt(token, taken);
  if (typeof read === 'string') return read;
  const { alg, kid, claims } = read;
  const fitting = keys.keys.filter((key) => fits(key, alg, kid));
  if (fitting.length === 0) return 'unknown-key';
  for (const key of fitting) if (await verifies(token, key, alg)) return claims;
  return 'signature';
}

/** The same, of nobody's word: for who has somebody else verify the signature. */
export function unverifiedJwt(token: string, taken: readonly string[]): JwtClaims | JwtFault {
  const read = readJwt(token, taken);
  return typeof read === 'string' ? read : read.claims;
}

function readJwt(token: string, taken: readonly string[]): ReadJwt | JwtFault {
  const parts = token.split('.');
  const [header, claims] = parts.slice(0, 2).map(objectOf);
  if (parts.length !== 3 || header === undefined || claims === undefined || !fromBase64Url(parts[2]!)?.length) {
    return 'malformed';
  }
  const { alg, kid } = header;
  if (typeof alg !== 'string' || !taken.includes(alg) || !Object.hasOwn(algorithms, alg)) return 'algorithm';
  // Extensions that a header calls critical are none that are understood here (RFC 7515 section 4.1.11).
  if ('crit' in header || (kid !== undefined && typeof kid !== 'string')) return 'malformed';
  return { alg, kid, claims };
}

/** One way to write it, and no two members of one name: else one token would have several texts, or several readings. */
function objectOf(part: string): JwtClaims | undefined {
  const bytes = fromBase64Url(part);
  const text = bytes && fromUtf8(bytes);
  const value = bytes && parseJson(bytes, { depth: maxDepth });
  if (value === undefined || value === null || typeof value !== 'object' || Array.isArray(value)) return undefined;
  return hasTwins(text!) ? undefined : (value as JwtClaims);
}

function fits(key: JWK, alg: string, kid: string | undefined): boolean {
  const { kty, crv } = algorithms[alg]!;
  return (
    key.kty === kty &&
    (crv === undefined || key.crv === crv) &&
    (key.alg === undefined || key.alg === alg || (alg === 'EdDSA' && key.alg === 'Ed25519')) &&
    (kid === undefined || kid === '' || key.kid === undefined || key.kid === kid)
  );
}

async function verifies(token: string, { kid: _, alg: __, ...key }: JWK, alg: string): Promise<boolean> {
  try {
    await compactVerify(token, await importJWK(key, alg), { algorithms: [alg] });
    return true;
  } catch {
    return false;
  }
}

/** A public key in PEM (SPKI, PKCS#1 or an X.509 certificate), as a key of a set; undefined where it is none. */
export function keyOfPem(pem: string): KeySet['keys'][number] | undefined {
  // Of a private key the public one would be made: nobody gives one away knowingly.
  if (/PRIVATE KEY/.test(pem)) return undefined;
  try {
    return createPublicKey(pem).export({ format: 'jwk' }) as KeySet['keys'][number];
  } catch {
    return undefined;
  }
}
