import { digestHex } from '#crypto/crypto.ts';
import { canonicalRequest, queryMembers, type SigV4Proof } from './canonical-request.ts';
import {
  type Algorithm,
  assertSignatureForm,
  checkAmzHeaders,
  incomplete,
  only,
  refuse,
  regionSet,
  type SignedRequest,
  scopeOf,
  signedNames,
  timeOn,
} from './signed-request.ts';

const members = [
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Date',
  'X-Amz-Expires',
  'X-Amz-SignedHeaders',
  'X-Amz-Signature',
  'X-Amz-Security-Token',
  'X-Amz-Region-Set',
  'X-Amz-Content-Sha256',
] as const;

type Member = (typeof members)[number];
const required: readonly Member[] = members.slice(0, 6);
/** A week, in seconds. */
const longest = 604_800;

/** Whether the query claims to sign the request. */
export function isPresigned({ query }: SigV4Proof): boolean {
  return queryMembers(query).some(([name]) => required.includes(name as Member));
}

/**
 * Reads the query form of Signature Version 4 and 4A (AWS, "Authenticating requests: using query parameters"). The body is signed as in the
 * header form, by its hash. Throws 'incomplete-proof' or 'invalid-proof'.
 */
export function parsePresigned(proof: SigV4Proof): SignedRequest {
  const given = readMembers(proof.query);
  const absent = required.filter((name) => !given.has(name));
  if (absent.length > 0) throw incomplete(`A signature in the query needs ${absent.join(', ')} too.`);
  const text = (name: Member) => given.get(name)!;

  const algorithm = text('X-Amz-Algorithm');
  if (algorithm !== 'AWS4-HMAC-SHA256' && algorithm !== 'AWS4-ECDSA-P256-SHA256')
    throw refuse('X-Amz-Algorithm is not one that is known here');
  const scope = scopeOf(algorithm, text('X-Amz-Credential'));
  const signature = text('X-Amz-Signature');
  assertSignatureForm(algorithm, signature);
  if (!proof.services.includes(scope.service))
    throw refuse(`it is for the service ${scope.service}, which is not this one`);

  const signedHeaders = signedNames(text('X-Amz-SignedHeaders'));
  checkAmzHeaders(proof, signedHeaders);
  for (const name of ['x-amz-date', 'x-amz-security-token', 'x-amz-region-set', 'x-amz-content-sha256']) {
    if (only(proof.headers, name) !== undefined) throw refuse(`${name} belongs in the query of a presigned request`);
  }
  const signedAt = timeOn(scope.date, text('X-Amz-Date'));
  const bodyHash = digestHex('sha256', proof.body);
  const claimed = given.get('X-Amz-Content-Sha256');
  if (claimed !== undefined && claimed !== bodyHash) throw refuse('X-Amz-Content-Sha256 is not the hash of the body');

  const { accessKeyId, date, service } = scope;
  return {
    algorithm,
    accessKeyId,
    date,
    region: scope.region ?? regionSet(given.get('X-Amz-Region-Set')),
    service,
    signedAt,
    lifetime: lifetimeOf(text('X-Amz-Expires')),
    sessionToken: given.get('X-Amz-Security-Token'),
    stringToSign: stringToSign(proof, algorithm, text('X-Amz-Date'), scope, signedHeaders, bodyHash),
    signature,
    signsUniqueId: signedHeaders.includes('amz-sdk-invocation-id'),
  };
}

function stringToSign(
  proof: SigV4Proof,
  algorithm: Algorithm,
  time: string,
  { date, region, service }: ReturnType<typeof scopeOf>,
  signedHeaders: readonly string[],
  bodyHash: string,
): string {
  const hash = digestHex('sha256', canonicalRequest(proof, signedHeaders, bodyHash, 'X-Amz-Signature'));
  return `${algorithm}\n${time}\n${date}/${region === undefined ? '' : `${region}/`}${service}/aws4_request\n${hash}`;
}

/** What concerns the signature, each at most once. */
function readMembers(query: string): ReadonlyMap<Member, string> {
  const found = new Map<Member, string>();
  for (const [name, value] of queryMembers(query)) {
    if (!members.includes(name as Member)) continue;
    if (found.has(name as Member)) throw refuse(`${name} is in the query twice`);
    found.set(name as Member, value);
  }
  return found;
}

/** Milliseconds. */
function lifetimeOf(text: string): number {
  const seconds = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0;
  if (seconds < 1 || seconds > longest) throw refuse(`X-Amz-Expires is not a number of seconds from 1 to ${longest}`);
  return seconds * 1000;
}
