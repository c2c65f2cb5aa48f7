import { KmsError } from '#domain/domain.ts';
import { authorityField, type SigV4Proof } from './canonical-request.ts';

/** A request's own claims, well-formed but unverified. */
export interface SignedRequest {
  readonly algorithm: Algorithm;
  readonly accessKeyId: string;
  /** `yyyymmdd`, the day of `signedAt`. */
  readonly date: string;
  /** Of the scope; of Signature Version 4A the set of regions as sent, such as `eu-central-1,eu-west-*`. */
  readonly region: string;
  readonly service: string;
  /** Milliseconds since the epoch. */
  readonly signedAt: number;
  /** Milliseconds that it holds after `signedAt`. */
  readonly lifetime: number;
  /** What a session's access key must be accompanied by. */
  readonly sessionToken: string | undefined;
  readonly stringToSign: string;
  /** Hexadecimal, lower case: 32 bytes, or an ECDSA signature in DER. */
  readonly signature: string;
  /** Whether the client signed an id that it uses for one invocation only. */
  readonly signsUniqueId: boolean;
}

/** Signature Version 4 is a MAC, version 4A an ECDSA signature. */
export type Algorithm = 'AWS4-HMAC-SHA256' | 'AWS4-ECDSA-P256-SHA256';

/** How far a signature's time may be from ours: 5 minutes, as AWS. */
export const signatureWindow = 5 * 60 * 1000;

export const refuse = (what: string) => new KmsError('invalid-proof', `The signature can't be verified: ${what}.`);
export const incomplete = (what: string) => new KmsError('incomplete-proof', what);

/** The parts of `Credential=`: version 4A has no region in it. */
export interface Scope {
  readonly accessKeyId: string;
  readonly date: string;
  readonly region: string | undefined;
  readonly service: string;
}

const scopeForm = /^([A-Za-z0-9]{1,64})\/([0-9]{8})\/(?:([a-z0-9-]{1,32})\/)?([a-z0-9-]{1,32})\/aws4_request$/;
const namesForm = /^(?::authority;)?[a-z0-9!#$%&'*+.^_`|~;-]{1,2048}$/;

/** Throws 'incomplete-proof'. */
export function scopeOf(algorithm: Algorithm, credential: string): Scope {
  const [, accessKeyId, date, region, service] = scopeForm.exec(credential) ?? [];
  const takesRegion = algorithm === 'AWS4-HMAC-SHA256';
  if (
    accessKeyId === undefined ||
    date === undefined ||
    service === undefined ||
    (region !== undefined) !== takesRegion
  ) {
    throw incomplete(
      `The credential must be of the form KEYID/DATE/${takesRegion ? 'REGION/' : ''}SERVICE/aws4_request.`,
    );
  }
  return { accessKeyId, date, region, service };
}

/** The names of the headers that are signed: sorted, each once, with host among them. Throws 'invalid-proof'. */
export function signedNames(list: string): readonly string[] {
  if (!namesForm.test(list)) throw refuse('SignedHeaders is not a list of names');
  const names = list.split(';');
  for (let i = 1; i < names.length; i++) {
    if (names[i - 1]! >= names[i]!) throw refuse('SignedHeaders is not sorted');
  }
  if (!names.includes('host') && names[0] !== authorityField) throw refuse('host is not signed');
  return names;
}

// Lower case only: in two spellings one signature would have two digests, and a replay would pass for another call.
const signatureForms = {
  'AWS4-HMAC-SHA256': /^[0-9a-f]{64}$/,
  'AWS4-ECDSA-P256-SHA256': /^30(?:[0-9a-f]{2}){8,71}$/,
} as const satisfies Record<Algorithm, RegExp>;

export function assertSignatureForm(algorithm: Algorithm, signature: string): void {
  if (!signatureForms[algorithm].test(signature)) throw refuse('the signature is not of its form');
}

const regionSetForm = /^[a-z0-9*-]{1,64}(?:,[a-z0-9*-]{1,64}){0,31}$/;

export function regionSet(text: string | undefined): string {
  if (text === undefined) throw incomplete('A signature of version 4A names its regions in X-Amz-Region-Set.');
  if (!regionSetForm.test(text)) throw refuse('X-Amz-Region-Set is not a list of regions');
  return text;
}

/** The one value of a header, if it is sent. */
export function only(headers: readonly string[], name: string): string | undefined {
  let found: string | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== name) continue;
    if (found !== undefined) throw refuse(`${name} is sent twice`);
    found = headers[i + 1];
  }
  return found;
}

/** Every x-amz-* header decides something, so each that is sent must be signed. */
export function checkAmzHeaders({ headers }: SigV4Proof, signed: readonly string[]): void {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    if (name.startsWith('x-amz-') && !signed.includes(name)) throw refuse(`${name} is not signed`);
  }
}

/** The time that the signature names, which must be on the day of its scope. */
export function timeOn(date: string, time: string): number {
  const signedAt = instant(time);
  if (signedAt === undefined || !time.startsWith(date))
    throw refuse('x-amz-date is not a time on the day of the scope');
  return signedAt;
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

/** In the words of AWS, whose clients show them and set their clocks by them. Throws 'expired-proof'. */
export function assertTimely({ signedAt, lifetime }: SignedRequest, now: number): void {
  if (signedAt < now - lifetime) {
    const span = lifetime % 60_000 === 0 ? `${lifetime / 60_000} min.` : `${lifetime / 1000} sec.`;
    const bound = `${compact(now - lifetime)} (${compact(now)} - ${span})`;
    throw untimely(`Signature expired: ${compact(signedAt)} is now earlier than ${bound}`);
  }
  if (signedAt > now + signatureWindow) {
    const bound = `${compact(now + signatureWindow)} (${compact(now)} + 5 min.)`;
    throw untimely(`Signature not yet current: ${compact(signedAt)} is still later than ${bound}`);
  }
}

const untimely = (message: string) => new KmsError('expired-proof', message, 'clock');

/** `yyyymmddThhmmssZ`, as signatures write time. */
function compact(time: number): string {
  return new Date(time).toISOString().replace(/[-:]|\.[0-9]+/g, '');
}
