import { digestHex, equalSecrets, hmac, type KeyHandle } from '#crypto/crypto.ts';
import { KmsError } from '#domain/domain.ts';
import { fromHex } from '#encoding/encoding.ts';
import { canonicalRequest, type SigV4Proof } from './canonical-request.ts';

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

const maxAuthorization = 4096;
const authorizationForm =
  /^AWS4-HMAC-SHA256 +Credential=([A-Za-z0-9]{1,64})\/([0-9]{8})\/([a-z0-9-]{1,32})\/([a-z0-9-]{1,32})\/aws4_request *, *SignedHeaders=([a-z0-9!#$%&'*+.^_`|~;-]{1,2048}) *, *Signature=([0-9a-f]{64})$/;

const refuse = (what: string) => new KmsError('invalid-proof', `The signature can't be verified: ${what}.`);

/**
 * Reads the header form of Signature Version 4. Pure, and total over what a carrier may hand over: throws 'unauthenticated'
 * (nothing is signed) or 'invalid-proof'. Signed must be: host, every x-amz-* header that is sent, and the body.
 */
export function parseSigV4(proof: SigV4Proof): SignedRequest {
  const authorization = only(proof.headers, 'authorization');
  if (authorization === undefined) throw new KmsError('unauthenticated', 'The request has no Authorization header.');
  const match = authorization.length > maxAuthorization ? null : authorizationForm.exec(authorization);
  if (match === null) throw refuse('the Authorization header is not of the form AWS4-HMAC-SHA256');
  const [, accessKeyId, date, region, service, names, signature] = match as unknown as [string, ...string[]] & {
    readonly length: 7;
  };
  if (!proof.services.includes(service!)) throw refuse(`it is for the service ${service}, which is not this one`);
  const signedHeaders = names!.split(';');
  checkSignedHeaders(proof.headers, signedHeaders);
  const time = only(proof.headers, 'x-amz-date') ?? '';
  const signedAt = instant(time);
  if (signedAt === undefined || !time.startsWith(date!))
    throw refuse('x-amz-date is not a time on the day of the scope');

  const bodyHash = digestHex('sha256', proof.body);
  const claimed = only(proof.headers, 'x-amz-content-sha256');
  if (claimed !== undefined && claimed !== bodyHash) throw refuse('x-amz-content-sha256 is not the hash of the body');
  const canonicalHash = digestHex('sha256', canonicalRequest(proof, signedHeaders, bodyHash));
  return {
    accessKeyId: accessKeyId!,
    date: date!,
    region: region!,
    service: service!,
    signedAt,
    stringToSign: `AWS4-HMAC-SHA256\n${time}\n${date}/${region}/${service}/aws4_request\n${canonicalHash}`,
    signature: signature!,
    signsUniqueId: signedHeaders.includes('amz-sdk-invocation-id'),
  };
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

function checkSignedHeaders(headers: readonly string[], signed: readonly string[]): void {
  for (let i = 1; i < signed.length; i++) {
    if (signed[i - 1]! >= signed[i]!) throw refuse('SignedHeaders is not sorted');
  }
  if (!signed.includes('host')) throw refuse('host is not signed');
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    if (!name.startsWith('x-amz-')) continue;
    if (name === 'x-amz-security-token') throw refuse('session tokens are not issued here');
    if (!signed.includes(name)) throw refuse(`${name} is not signed`);
  }
}

const timeForm = /^([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z$/;

/** Milliseconds since the epoch of `yyyymmddThhmmssZ`, if there is such a time. */
function instant(text: string): number | undefined {
  const match = timeForm.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const time = Date.UTC(year, month - 1, day, hour, minute, second);
  // Date.UTC takes the 31st of February for the 3rd of March.
  return new Date(time).toISOString().replace(/[-:]|\.000/g, '') === text ? time : undefined;
}
