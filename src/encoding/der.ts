import { view } from './base64.ts';

// DER (ITU-T X.690 sections 8 and 10): what X.509 and PKCS need of it, and no more.

/** Tags of the universal class that are used here; constructed types carry the constructed bit. */
export const derTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** One element: tag, definite length in its shortest form, then the parts one after the other. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(parts);
  return Buffer.concat([Uint8Array.of(tag, ...lengthOctets(body.length)), body]);
}

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [0x80 | octets.length, ...octets];
}

export function derSequence(...parts: readonly Uint8Array[]): Uint8Array {
  return der(derTag.sequence, ...parts);
}

/** A non-negative integer, given big-endian. */
export function derInteger(magnitude: Uint8Array): Uint8Array {
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++;
  const shortest = magnitude.subarray(start);
  const needsSign = shortest.length === 0 || shortest[0]! >= 0x80;
  return der(derTag.integer, needsSign ? Uint8Array.of(0) : new Uint8Array(0), shortest);
}

/** Dotted form, such as '1.2.840.10045.2.1'. */
export function derOid(dotted: string): Uint8Array {
  const [first, second, ...rest] = dotted.split('.').map(Number);
  const octets = [first! * 40 + second!, ...rest].flatMap(base128);
  return der(derTag.oid, Uint8Array.from(octets));
}

function base128(arc: number): number[] {
  const octets = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) octets.unshift(0x80 | (rest % 128));
  return octets;
}

/** Whole octets, or `unusedBits` (0 to 7) fewer at the end. */
export function derBitString(bytes: Uint8Array, unusedBits = 0): Uint8Array {
  return der(derTag.bitString, Uint8Array.of(unusedBits), bytes);
}

export function derOctetString(bytes: Uint8Array): Uint8Array {
  return der(derTag.octetString, bytes);
}

export function derUtf8(text: string): Uint8Array {
  return der(derTag.utf8String, Buffer.from(text, 'utf8'));
}

export const derTrue: Uint8Array = der(derTag.boolean, Uint8Array.of(0xff));
export const derNull: Uint8Array = der(derTag.null);

/** Milliseconds since the epoch, cut to seconds: UTCTime through 2049, GeneralizedTime from 2050 (RFC 5280 section 4.1.2.5). */
export function derTime(ms: number): Uint8Array {
  const date = new Date(ms);
  const digits = `${date.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;
  const year = date.getUTCFullYear();
  const short = year >= 1950 && year < 2050;
  return der(short ? derTag.utcTime : derTag.generalizedTime, Buffer.from(short ? digits.slice(2) : digits, 'latin1'));
}

/** Context-specific tag `[n]`, n below 31. `constructed`: the parts are elements themselves. */
export function derContext(n: number, constructed: boolean, ...parts: readonly Uint8Array[]): Uint8Array {
  return der(0x80 | (constructed ? 0x20 : 0) | n, ...parts);
}

/** Bytes: no identifier that means something is longer. */
const longestOid = 64;

/** What the body of an OBJECT IDENTIFIER says, in dotted form; undefined where it isn't one in its shortest form (section 8.19). */
export function readOid(body: Uint8Array): string | undefined {
  if (body.length > longestOid) return undefined;
  const arcs: bigint[] = [];
  let arc = 0n;
  let starts = true;
  for (const octet of body) {
    // An arc has no leading zeros.
    if (starts && octet === 0x80) return undefined;
    arc = arc * 128n + BigInt(octet & 0x7f);
    starts = octet < 0x80;
    if (!starts) continue;
    arcs.push(arc);
    arc = 0n;
  }
  if (arcs.length === 0 || !starts) return undefined;
  const [joined, ...rest] = arcs as [bigint, ...bigint[]];
  const first = joined < 80n ? joined / 40n : 2n;
  return [first, joined - first * 40n, ...rest].join('.');
}

/** Bytes: numbers that are written out in decimal cost more than their length. */
const longestNatural = 128;

/** The body of an INTEGER; undefined where it is negative, very long or not in its shortest form (section 8.3). */
export function readNatural(body: Uint8Array): bigint | undefined {
  if (body.length > longestNatural) return undefined;
  const [first, second] = body;
  if (first === undefined || first >= 0x80 || (first === 0 && second !== undefined && second < 0x80)) return undefined;
  return BigInt(`0x${view(body).toString('hex')}`);
}

export interface DerElement {
  readonly tag: number;
  /** The element with its tag and length. */
  readonly whole: Uint8Array;
  readonly body: Uint8Array;
}

/** The elements that `bytes` consists of, one after the other; undefined where it isn't DER with one-byte tags. */
export function readDer(bytes: Uint8Array): readonly DerElement[] | undefined {
  const elements: DerElement[] = [];
  for (let at = 0; at < bytes.length; ) {
    const element = readElement(bytes.subarray(at));
    if (element === undefined) return undefined;
    elements.push(element);
    at += element.whole.length;
  }
  return elements;
}

function readElement(bytes: Uint8Array): DerElement | undefined {
  const tag = bytes[0]!;
  const first = bytes[1];
  if ((tag & 0x1f) === 0x1f || first === undefined) return undefined;
  if (first < 0x80) return slice(tag, bytes, 2, first);
  const count = first & 0x7f;
  // No indefinite lengths, none that would not fit in memory, and none longer than it had to be.
  if (count < 1 || count > 4 || bytes.length < 2 + count) return undefined;
  const length = view(bytes).readUIntBE(2, count);
  const shortest = length >= 0x80 && length >= 2 ** (8 * (count - 1));
  return shortest ? slice(tag, bytes, 2 + count, length) : undefined;
}

function slice(tag: number, bytes: Uint8Array, start: number, length: number): DerElement | undefined {
  if (bytes.length - start < length) return undefined;
  return { tag, whole: bytes.subarray(0, start + length), body: bytes.subarray(start, start + length) };
}
