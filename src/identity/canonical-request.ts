import { KmsError, type Proof } from '#domain/domain.ts';

export type SigV4Proof = Extract<Proof, { kind: 'sigv4' }>;

/** Bytes of the longest path, query or header value that is put in canonical form; longer ones are refused before work is spent. */
const maxPart = 8192;

/**
 * The canonical request of Signature Version 4 for services other than S3: the path is normalised and each of its segments
 * encoded once more (AWS, "Create a signed API request", steps 1 and 2). `signedHeaders` as the request names them, checked.
 * `unsigned` is the member of the query that can't be signed: the signature. Throws 'invalid-proof'.
 */
export function canonicalRequest(
  proof: SigV4Proof,
  signedHeaders: readonly string[],
  bodyHash: string,
  unsigned?: string,
): string {
  const path = proof.path === '/' ? '/' : canonicalPath(proof.path);
  const query = proof.query === '' ? '' : canonicalQuery(proof.query, unsigned);
  let headers = '';
  for (const name of signedHeaders) {
    headers += `${name}:${canonicalValue(proof.headers, name === authorityField ? 'host' : name)}\n`;
  }
  return `${proof.method}\n${path}\n${query}\n${headers}\n${signedHeaders.join(';')}\n${bodyHash}`;
}

const wrong = (what: string) => new KmsError('invalid-proof', `The request can't be verified: ${what}.`);

/** What HTTP/2 calls the host (RFC 9113 section 8.3.1): its clients sign it by this name, and it reaches us as `host`. */
export const authorityField = ':authority';

/** Every value of the name, in the order sent; a header that decides something may be sent once only. */
function canonicalValue(headers: readonly string[], name: string): string {
  let joined: string | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== name) continue;
    const value = collapse(headers[i + 1]!);
    if (joined !== undefined && (name === 'host' || name === 'content-type' || name.startsWith('x-amz-'))) {
      throw wrong(`${name} is sent twice`);
    }
    joined = joined === undefined ? value : `${joined},${value}`;
  }
  if (joined === undefined) throw wrong(`${name} is signed but not sent`);
  return joined;
}

const singleSpaced = /^(?:[!-~]+(?: [!-~]+)*)?$/;

function collapse(value: string): string {
  if (value.length > maxPart) throw wrong('a header is too long');
  return singleSpaced.test(value) ? value : value.trim().replace(/\s+/g, ' ');
}

/** Without `.`, `..` and empty segments (RFC 3986 section 5.2.4), then percent-encoded. A last slash stays, as AWS's clients do. */
export function canonicalPath(path: string): string {
  if (path.length > maxPart || !path.startsWith('/')) throw wrong('the path is too long or not absolute');
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '.' && segment !== '') kept.push(encode(segment));
  }
  return `/${kept.join('/')}${kept.length > 0 && path.endsWith('/') ? '/' : ''}`;
}

/** Decoded, encoded again, and sorted by name and then value. */
function canonicalQuery(query: string, unsigned?: string): string {
  const pairs: [string, string][] = [];
  for (const [name, value] of queryMembers(query)) {
    if (name !== unsigned) pairs.push([encode(name), encode(value)]);
  }
  // Encoded text is ASCII, where JavaScript's order is the order of bytes.
  pairs.sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0));
  return pairs.map(([name, value]) => `${name}=${value}`).join('&');
}

/** Names and values of a query, decoded, in the order sent. Throws 'invalid-proof'. */
export function queryMembers(query: string): ReadonlyArray<readonly [name: string, value: string]> {
  if (query.length > maxPart) throw wrong('the query is too long');
  const members: [string, string][] = [];
  for (const part of query.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const [name, value] = equals < 0 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)];
    members.push([decode(name), decode(value)]);
  }
  return members;
}

function decode(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw wrong('the query is not valid percent-encoding');
  }
}

/** All but the unreserved characters of RFC 3986 section 2.3. */
function encode(text: string): string {
  if (/^[A-Za-z0-9_.~-]*$/.test(text)) return text;
  if (!text.isWellFormed()) throw wrong('the path or query is not valid text');
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
