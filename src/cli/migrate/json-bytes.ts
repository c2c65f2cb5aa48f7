/**
 * JSON as bytes: an object's members and an array's items as the slices that stand for them. What is secret in an answer so never
 * becomes a string, which nothing could wipe; and a value that is only handed on stays what it was, to the last digit.
 */

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const opening: ReadonlySet<number> = new Set([0x7b, 0x5b]);
const closing: ReadonlySet<number> = new Set([0x7d, 0x5d]);
const blank: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** What came is not the JSON that was expected. Never says what came. */
export class JsonError extends Error {
  constructor(message = 'The answer is not the JSON that was expected.') {
    super(message);
    this.name = 'JsonError';
  }
}

/** Throws JsonError for anything but an object. */
export function membersOf(json: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  const words = partsOf(json, 0x7b);
  for (let i = 0; i < words.length; i += 2) found.set(textOf(words[i]!), words[i + 1]!);
  return found;
}

/** Throws JsonError for anything but an array. */
export function itemsOf(json: Uint8Array): readonly Uint8Array[] {
  return partsOf(json, 0x5b);
}

/** The member's slice; undefined where it is absent or null. */
export function member(members: ReadonlyMap<string, Uint8Array>, name: string): Uint8Array | undefined {
  const slice = members.get(name);
  return slice === undefined || isNull(slice) ? undefined : slice;
}

export const isNull = (slice: Uint8Array): boolean => slice.length === 4 && slice[0] === 0x6e;

/** What isn't secret, as a value. Throws JsonError. */
export function parsed(slice: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(slice));
  } catch {
    throw new JsonError();
  }
}

function textOf(slice: Uint8Array): string {
  const value = parsed(slice);
  if (typeof value !== 'string') throw new JsonError();
  return value;
}

/** The keys and values of an object in turn, or the items of an array. */
function partsOf(json: Uint8Array, kind: number): readonly Uint8Array[] {
  let at = skipBlank(json, 0);
  if (json[at] !== kind) throw new JsonError();
  at = skipBlank(json, at + 1);
  const parts: Uint8Array[] = [];
  const close = kind + 2;
  while (json[at] !== close) {
    const end = endOf(json, at);
    parts.push(json.subarray(at, end));
    at = skipBlank(json, end);
    const wanted = kind === 0x7b && parts.length % 2 === 1 ? colon : comma;
    if (json[at] === wanted) {
      at = skipBlank(json, at + 1);
      if (json[at] === close) throw new JsonError();
    } else if (json[at] !== close || wanted === colon) throw new JsonError();
  }
  if (skipBlank(json, at + 1) !== json.length) throw new JsonError();
  return parts;
}

function skipBlank(json: Uint8Array, from: number): number {
  let at = from;
  while (blank.has(json[at]!)) at++;
  return at;
}

/** Where the value that begins here ends. Throws JsonError where it doesn't. */
function endOf(json: Uint8Array, from: number): number {
  const first = json[from];
  if (first === quote) return endOfString(json, from);
  if (first === undefined || first === comma || first === colon || closing.has(first)) throw new JsonError();
  if (!opening.has(first)) {
    let at = from;
    while (at < json.length && json[at] !== comma && !closing.has(json[at]!) && !blank.has(json[at]!)) at++;
    return at;
  }
  for (let at = from, depth = 0; at < json.length; at++) {
    const byte = json[at]!;
    if (byte === quote) at = endOfString(json, at) - 1;
    else if (opening.has(byte)) depth++;
    else if (closing.has(byte) && --depth === 0) return at + 1;
  }
  throw new JsonError();
}

function endOfString(json: Uint8Array, from: number): number {
  for (let at = from + 1; at < json.length; at++) {
    if (json[at] === backslash) at++;
    else if (json[at] === quote) return at + 1;
  }
  throw new JsonError();
}

const escapes: ReadonlyMap<number, number> = new Map([
  ...([0x22, 0x5c, 0x2f] as const).map((byte) => [byte, byte] as const),
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
]);

/** The characters of an ASCII string, as bytes of their own, which the caller wipes. Throws JsonError. */
export function asciiOf(slice: Uint8Array): Uint8Array {
  if (slice[0] !== quote) throw new JsonError();
  const out = new Uint8Array(slice.length - 2);
  let length = 0;
  for (let at = 1; at < slice.length - 1; at++) {
    let byte = slice[at]!;
    if (byte === backslash) {
      const code = slice[++at]!;
      if (code === 0x75) {
        byte = Number.parseInt(String.fromCharCode(...slice.subarray(at + 1, at + 5)), 16);
        at += 4;
      } else byte = escapes.get(code) ?? Number.NaN;
    }
    if (!(byte < 0x80)) throw new JsonError();
    out[length++] = byte;
  }
  return out.subarray(0, length);
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const sextets = new Uint8Array(128).fill(0xff);
for (const [value, letter] of [...alphabet].entries()) sextets[letter.charCodeAt(0)] = value;

/** Base64 (RFC 4648 section 4), in lines or not. Throws JsonError. */
export function decodeBase64(text: Uint8Array): Uint8Array {
  const out = new Uint8Array(Math.ceil((text.length * 3) / 4));
  let [length, bits, held] = [0, 0, 0];
  let ended = false;
  for (const byte of text) {
    if (blank.has(byte)) continue;
    if (byte === 0x3d) {
      ended = true;
      continue;
    }
    const sextet = sextets[byte] ?? 0xff;
    if (sextet === 0xff || ended) throw new JsonError();
    bits = ((bits << 6) | sextet) & 0xffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      out[length++] = (bits >> held) & 0xff;
    }
  }
  return out.subarray(0, length);
}

const letters = Uint8Array.from(alphabet, (letter) => letter.charCodeAt(0));

export function encodeBase64(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(Math.ceil(bytes.length / 3) * 4).fill(0x3d);
  for (let at = 0, to = 0; at < bytes.length; at += 3, to += 4) {
    const [a, b, c] = [bytes[at]!, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0];
    out[to] = letters[a >> 2]!;
    out[to + 1] = letters[((a & 3) << 4) | (b >> 4)]!;
    if (at + 1 < bytes.length) out[to + 2] = letters[((b & 15) << 2) | (c >> 6)]!;
    if (at + 2 < bytes.length) out[to + 3] = letters[c & 63]!;
  }
  return out;
}

/** A whole number in decimal digits as big-endian bytes, which the caller wipes. Throws JsonError. */
export function naturalOf(digits: Uint8Array): Uint8Array {
  const out = new Uint8Array(Math.ceil((digits.length * 3.33) / 8) + 1);
  for (const digit of digits) {
    if (digit < 0x30 || digit > 0x39) throw new JsonError();
    let carry = digit - 0x30;
    for (let i = out.length - 1; i >= 0; i--) {
      carry += out[i]! * 10;
      out[i] = carry & 0xff;
      carry >>= 8;
    }
  }
  const start = out.findIndex((byte) => byte !== 0);
  return out.subarray(start < 0 ? out.length - 1 : start);
}
