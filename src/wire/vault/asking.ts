import { KmsError, type Proof } from '#domain/domain.ts';
import { PlacedError } from './errors.ts';
import { seconds } from './fields.ts';
import { withoutOuterSlashes } from './names.ts';

/** What a request says of itself in its headers. */
export interface Asking {
  readonly proof: Proof;
  /** What the request asks for by header and doesn't get. */
  readonly trouble: KmsError | undefined;
  /** The realm that is meant; undefined: that of the token, or the first one. */
  readonly namespace: string | undefined;
  /** Milliseconds for which the answer is kept for whoever holds its token; 0: it is given at once. */
  readonly wrapTtl: number;
}

const noProof: Proof = Object.freeze({ kind: 'none' });

/** X-Vault-Token, else a bearer token. Of a header sent twice the first counts. */
export function readHeaders(headers: readonly string[]): Asking {
  let token: string | undefined;
  let bearer: string | undefined;
  let trouble: KmsError | undefined;
  let namespace: string | undefined;
  let wrapTtl: number | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    const value = headers[i + 1] ?? '';
    switch (headers[i]) {
      case 'x-vault-token':
        token ??= value;
        break;
      case 'authorization':
        if (/^bearer /i.test(value)) bearer ??= value.slice(7).trim();
        break;
      case 'x-vault-namespace':
        namespace ??= withoutOuterSlashes(value);
        break;
      case 'x-vault-wrap-ttl':
        if (wrapTtl !== undefined) break;
        wrapTtl = wrapTtlOf(value);
        if (wrapTtl === undefined) trouble = badWrapping();
        wrapTtl ??= 0;
        break;
    }
  }
  const given = token || bearer;
  // Vault's words for where no namespace is meant.
  const realm = namespace === '' || namespace === 'root' ? undefined : namespace;
  const proof = given ? tokenProof(given, realm) : noProof;
  return { proof, trouble, namespace: realm, wrapTtl: wrapTtl ?? 0 };
}

/** A token, which must be of the realm where one is meant. */
export function tokenProof(token: string, realm: string | undefined): Proof {
  return realm === undefined ? { kind: 'token', token } : { kind: 'token', token, realm };
}

const patchType = 'application/merge-patch+json';

/** A patch says what it is (RFC 7396), so that no other kind is taken for one. */
export function troubleOfPatch(headers: readonly string[]): KmsError | undefined {
  const at = headers.findIndex((name, i) => i % 2 === 0 && name === 'content-type');
  const type = at < 0 ? '' : headers[at + 1]!.split(';')[0]!.trim().toLowerCase();
  if (type === patchType) return undefined;
  return new PlacedError(415, 'malformed', `PATCH requires Content-Type of ${patchType}`);
}

/** 100 years, as of any token: more is refused before there is an answer to lose. */
const longestWrap = 100 * 366 * 24 * 3600;

/** Milliseconds; undefined: it is no duration that an answer is kept for. */
function wrapTtlOf(value: string): number | undefined {
  try {
    const given = seconds({ ttl: value }, 'ttl') ?? 0;
    return given <= longestWrap ? given * 1000 : undefined;
  } catch {
    return undefined;
  }
}

const badWrapping = () => new KmsError('malformed', 'X-Vault-Wrap-TTL must be a duration such as 60, "5m" or "1h".');
