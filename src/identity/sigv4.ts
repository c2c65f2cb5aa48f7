import { digestHex, equalSecrets, hmac, type KeyHandle } from '#crypto/crypto.ts';
import { KmsError } from '#domain/domain.ts';
import { fromHex } from '#encoding/encoding.ts';
import { authorityField, canonicalRequest, type SigV4Proof } from './canonical-request.ts';
import { Recent } from './recent.ts';

/** A request's own claims, well-formed but unverified. */
export interface SignedRequest {
  readonly accessKeyId: string;
  /** `yyyymmdd`, the day of `signedAt`. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  /** Milliseconds since the epoch. */
  readonly signedAt: number;
  readonly stringToSign: string;
  /** 64 hexadecimal digits. */
  readonly signature: string;
  /** Whether the client signed an id that it uses for one invocation only. */
  readonly signsUniqueId: boolean;
}

/** What an Authorization header says before its signature: the same for a client's every request of one day and one kind. */
interface Head {
  readonly accessKeyId: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
  /** Sorted, each once, with host among them. */
  readonly signedHeaders: readonly string[];
  readonly signsUniqueId: boolean;
}

const maxAuthorization = 4096;
const signatureLength = 64;
const headForm =
  /^AWS4-HMAC-SHA256 +Credential=([A-Za-z0-9]{1,64})\/([0-9]{8})\/([a-z0-9-]{1,32})\/([a-z0-9-]{1,32})\/aws4_request *, *SignedHeaders=((?::authority;)?[a-z0-9!#$%&'*+.^_`|~;-]{1,2048}) *, *Signature=$/;
// Lower case only: in two spellings one signature would have two digests, and a replay would pass for another call.
const signatureForm = /^[0-9a-f]{64}$/;

const refuse = (what: string) => new KmsError('invalid-proof', `The signature can't be verified: ${what}.`);

/**
 * Reads the header form of Signature Version 4. Pure, and total over what a carrier may hand over: throws 'unauthenticated'
 * (nothing is signed) or 'invalid-proof'. Signed must be: host, every x-amz-* header that is sent, and the body.
 */
export function parseSigV4(proof: SigV4Proof): SignedRequest {
  const { headers } = proof;
  const authorization = only(headers, 'authorization');
  if (authorization === undefined) throw new KmsError('unauthenticated', 'The request has no Authorization header.');
  const signature = authorization.slice(-signatureLength);
  const { accessKeyId, date, region, service, signedHeaders, signsUniqueId } = headOf(authorization);
  if (!signatureForm.test(signature)) throw refuse('the signature is not 64 hexadecimal digits');
  if (!proof.services.includes(service)) throw refuse(`it is for the service ${service}, which is not this one`);
  checkAmzHeaders(headers, signedHeaders);
  const time = only(headers, 'x-amz-date') ?? '';
  const signedAt = instant(time);
  if (signedAt === undefined || !time.startsWith(date))
    throw refuse('x-amz-date is not a time on the day of the scope');

  const bodyHash = digestHex('sha256', proof.body);
  const claimed = only(headers, 'x-amz-content-sha256');
  if (claimed !== undefined && claimed !== bodyHash) throw refuse('x-amz-content-sha256 is not the hash of the body');
  const canonicalHash = digestHex('sha256', canonicalRequest(proof, signedHeaders, bodyHash));
  return {
    accessKeyId,
    date,
    region,
    service,
    signedAt,
    stringToSign: `AWS4-HMAC-SHA256\n${time}\n${date}/${region}/${service}/aws4_request\n${canonicalHash}`,
    signature,
    signsUniqueId,
  };
}

const heads = new Recent<Head>(256);

function headOf(authorization: string): Head {
  if (authorization.length > maxAuthorization) throw refuse('the Authorization header is too long');
  const text = authorization.slice(0, -signatureLength);
  const known = heads.get(text);
  if (known !== undefined) return known;
  const [, accessKeyId, date, region, service, names] = headForm.exec(text) ?? [];
  if (
    accessKeyId === undefined ||
    date === undefined ||
    region === undefined ||
    service === undefined ||
    names === undefined
  ) {
    throw refuse('the Authorization header is not of the form AWS4-HMAC-SHA256');
  }
  const signedHeaders = names.split(';');
  for (let i = 1; i < signedHeaders.length; i++) {
    if (signedHeaders[i - 1]! >= signedHeaders[i]!) throw refuse('SignedHeaders is not sorted');
  }
  if (!signedHeaders.includes('host') && signedHeaders[0] !== authorityField) throw refuse('host is not signed');
  const signsUniqueId = signedHeaders.includes('amz-sdk-invocation-id');
  const head: Head = { accessKeyId, date, region, service, signedHeaders, signsUniqueId };
  heads.set(text, head);
  return head;
}

/** Whether the holder of the key signed this. Constant time. */
export function isSignedBy(key: KeyHandle, { stringToSign, signature }: SignedRequest): boolean {
  return equalSecrets(hmac('sha256', key, stringToSign), fromHex(signature)!);
}

function only(headers: readonly string[], name: string): string | undefined {
  let found: string | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== name) continue;
    if (found !== undefined) throw refuse(`${name} is sent twice`);
    found = headers[i + 1];
  }
  return found;
}

function checkAmzHeaders(headers: readonly string[], signed: readonly string[]): void {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    if (!name.startsWith('x-amz-')) continue;
    if (name === 'x-amz-security-token') throw refuse('session tokens are not issued here');
    if (!signed.includes(name)) throw refuse(`${name} is not signed`);
  }
}

const timeForm = /^[0-9]{8}T[0-9]{6}Z$/;

/** Milliseconds since the epoch of `yyyymmddThhmmssZ`, if there is such a time. */
function instant(text: string): number | undefined {
  if (!timeForm.test(text)) return undefined;
  const part = (from: number, to: number) => Number(text.slice(from, to));
  const [month, day, hour, minute, second] = [part(4, 6), part(6, 8), part(9, 11), part(11, 13), part(13, 15)];
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const time = Date.UTC(part(0, 4), month - 1, day, hour, minute, second);
  // Date.UTC takes the 31st of February for the 3rd of March.
  return new Date(time).getUTCDate() === day && month >= 1 && month <= 12 ? time : undefined;
}
