import { digestHex, equalSecrets, hmac, type KeyHandle } from '#crypto/crypto.ts';
import { KmsError } from '#domain/domain.ts';
import { fromHex } from '#encoding/encoding.ts';
import { canonicalRequest, type SigV4Proof } from './canonical-request.ts';
import { isPresigned, parsePresigned } from './presigned.ts';
import { Recent } from './recent.ts';
import {
  type Algorithm,
  assertSignatureForm,
  checkAmzHeaders,
  incomplete,
  only,
  refuse,
  regionSet,
  type Scope,
  type SignedRequest,
  scopeOf,
  signatureWindow,
  signedNames,
  timeOn,
} from './signed-request.ts';

/** What an Authorization header says before its signature: the same for a client's every request of one day and one kind. */
interface Head extends Scope {
  readonly algorithm: Algorithm;
  readonly signedHeaders: readonly string[];
  readonly signsUniqueId: boolean;
}

const maxAuthorization = 4096;
const headForm =
  /^(AWS4-HMAC-SHA256|AWS4-ECDSA-P256-SHA256) +Credential=([^ ,=]{1,256}) *, *SignedHeaders=([^ ,=]{1,2100}) *, *Signature=$/;

/**
 * Reads Signature Version 4 or 4A, in a header or in the query. Pure, and total over what a carrier may hand over: throws 'unauthenticated'
 * (nothing is signed), 'incomplete-proof' or 'invalid-proof'. Signed must be: host, every x-amz-* header that is sent, and the body.
 */
export function parseSigV4(proof: SigV4Proof): SignedRequest {
  const authorization = only(proof.headers, 'authorization');
  const presigned = proof.query !== '' && isPresigned(proof);
  if (authorization === undefined) {
    if (!presigned) throw new KmsError('unauthenticated', 'The request has no Authorization header.');
    return parsePresigned(proof);
  }
  // Which of the two would count is nothing that both ends could be sure of.
  if (presigned) throw refuse('it is in a header and in the query');
  return parseHeaders(proof, authorization);
}

function parseHeaders(proof: SigV4Proof, authorization: string): SignedRequest {
  const { headers } = proof;
  const end = authorization.lastIndexOf('=') + 1;
  const signature = authorization.slice(end);
  const { algorithm, accessKeyId, date, region, service, signedHeaders, signsUniqueId } = headOf(
    authorization,
    authorization.slice(0, end),
  );
  assertSignatureForm(algorithm, signature);
  if (!proof.services.includes(service)) throw refuse(`it is for the service ${service}, which is not this one`);
  checkAmzHeaders(proof, signedHeaders);
  const time = only(headers, 'x-amz-date');
  if (time === undefined) throw incomplete('The request has an Authorization header, and no X-Amz-Date.');
  const signedAt = timeOn(date, time);

  const bodyHash = digestHex('sha256', proof.body);
  const claimed = only(headers, 'x-amz-content-sha256');
  if (claimed !== undefined && claimed !== bodyHash) throw refuse('x-amz-content-sha256 is not the hash of the body');
  const canonicalHash = digestHex('sha256', canonicalRequest(proof, signedHeaders, bodyHash));
  const place = region === undefined ? service : `${region}/${service}`;
  return {
    algorithm,
    accessKeyId,
    date,
    region: region ?? regionSet(only(headers, 'x-amz-region-set')),
    service,
    signedAt,
    lifetime: signatureWindow,
    sessionToken: only(headers, 'x-amz-security-token'),
    stringToSign: `${algorithm}\n${time}\n${date}/${place}/aws4_request\n${canonicalHash}`,
    signature,
    signsUniqueId,
  };
}

const heads = new Recent<Head>(256);

/** `text` is the header up to its signature. */
function headOf(authorization: string, text: string): Head {
  if (authorization.length > maxAuthorization) throw refuse('the Authorization header is too long');
  const known = heads.get(text);
  if (known !== undefined) return known;
  const [, algorithm, credential, names] = headForm.exec(text) ?? [];
  if (algorithm === undefined || credential === undefined || names === undefined) {
    const absent = ['Credential', 'SignedHeaders', 'Signature'].filter((name) => !authorization.includes(`${name}=`));
    if (absent.length > 0 && authorization.startsWith('AWS4-'))
      throw incomplete(`The Authorization header needs ${absent.join(', ')} too.`);
    throw refuse('the Authorization header is not of the form AWS4-HMAC-SHA256 or AWS4-ECDSA-P256-SHA256');
  }
  const signedHeaders = signedNames(names);
  const head: Head = {
    algorithm: algorithm as Algorithm,
    ...scopeOf(algorithm as Algorithm, credential),
    signedHeaders,
    signsUniqueId: signedHeaders.includes('amz-sdk-invocation-id'),
  };
  heads.set(text, head);
  return head;
}

/** Whether the holder of the key signed this. Constant time. */
export function isSignedBy(key: KeyHandle, { stringToSign, signature }: SignedRequest): boolean {
  return equalSecrets(hmac('sha256', key, stringToSign), fromHex(signature)!);
}
