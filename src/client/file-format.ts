import { compareBytes, fromUtf8, toUtf8 } from '#encoding/encoding.ts';

/**
 * A file encrypted by Claviger: this header, then a C2SP chunked-encryption message whose context is the whole header, byte for
 * byte, so that a changed header makes another key and opens nothing.
 *
 *     magic 8 | format 1 | suite 1 | length of the fields 2
 *     realm: length 1, UTF-8 | key id: UUID 16 | key version 4 | key name: length 2, UTF-8
 *     wrapped data key: length 2, bytes | context: count 2, then per pair: length 2, key, length 2, value
 *
 * Numbers are big-endian. Context pairs are unique and sorted by the bytes of their keys; nothing follows them.
 */
export interface FileHeader {
  /** The account of the realm. */
  readonly realm: string;
  readonly keyId: string;
  readonly keyVersion: number;
  /** What the key was called when the file was made; '' for none. Says nothing about today. */
  readonly keyName: string;
  /** The data key under the key, as the server answered it. */
  readonly wrappedKey: Uint8Array;
  readonly context: ReadonlyArray<readonly [key: string, value: string]>;
}

// As in PNG, the line ends and the end-of-file mark show at once what a text-mode transfer did to a file.
const magic = Uint8Array.of(0x43, 0x4c, 0x41, 0x56, 0x0d, 0x0a, 0x1a, 0x0a);
const formatVersion = 1;
/** Cobblestone-256. */
const suite = 1;
/** Bytes of the fixed part, which tells the length of the rest. */
export const fixedHeaderLength = 12;
export const maxHeaderLength = fixedHeaderLength + 32 * 1024;

/** Throws RangeError where a field is longer than the format holds. */
export function encodeHeader(header: FileHeader): Uint8Array<ArrayBuffer> {
  const out = new Writer();
  out.text(header.realm, 1);
  out.bytes(uuidBytes(header.keyId));
  out.number(header.keyVersion, 4);
  out.text(header.keyName, 2);
  out.number(header.wrappedKey.length, 2);
  out.bytes(header.wrappedKey);
  const pairs = header.context.map(([key, value]) => [toUtf8(key), toUtf8(value)] as const);
  pairs.sort(([a], [b]) => compareBytes(a, b));
  if (!isOrdered(pairs.map(([key]) => key))) throw new RangeError('a context key is there twice');
  out.number(pairs.length, 2);
  for (const part of pairs.flat()) {
    out.number(part.length, 2);
    out.bytes(part);
  }
  const fields = out.done();
  if (fields.length > maxHeaderLength - fixedHeaderLength) throw new RangeError('the header would be over 32 KiB');
  const whole = new Writer();
  whole.bytes(magic);
  whole.number(formatVersion, 1);
  whole.number(suite, 1);
  whole.number(fields.length, 2);
  whole.bytes(fields);
  return whole.done();
}

/** The length of the whole header whose first 12 bytes these are; undefined when they begin no such file. */
export function headerLength(start: Uint8Array): number | undefined {
  if (start.length < fixedHeaderLength) return undefined;
  if (magic.some((byte, i) => start[i] !== byte)) return undefined;
  if (start[8] !== formatVersion || start[9] !== suite) return undefined;
  const length = fixedHeaderLength + start[10]! * 256 + start[11]!;
  return length <= maxHeaderLength ? length : undefined;
}

/** Exactly one header, nothing before or after; undefined when the bytes aren't that. */
export function decodeHeader(bytes: Uint8Array): FileHeader | undefined {
  if (headerLength(bytes) !== bytes.length) return undefined;
  const input = new Reader(bytes.subarray(fixedHeaderLength));
  const realm = input.text(1);
  const keyId = uuidText(input.bytes(16));
  const keyVersion = input.number(4);
  const keyName = input.text(2);
  const wrappedKey = Uint8Array.from(input.bytes(input.number(2)));
  const count = input.number(2);
  const keys: Uint8Array[] = [];
  const context: Array<readonly [string, string]> = [];
  // A short file can't cost more than its bytes: each pair takes at least four of them.
  for (let i = 0; i < count && !input.failed; i++) {
    const key = input.bytes(input.number(2));
    keys.push(key);
    context.push([input.decoded(key), input.text(2)]);
  }
  if (input.failed || input.left !== 0 || !isOrdered(keys)) return undefined;
  return { realm, keyId, keyVersion, keyName, wrappedKey, context };
}

function isOrdered(keys: readonly Uint8Array[]): boolean {
  return keys.every((key, i) => i === 0 || compareBytes(keys[i - 1]!, key) < 0);
}

function uuidBytes(id: string): Uint8Array {
  const hex = id.replaceAll('-', '');
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) throw new RangeError('a key id is a UUID in lower case');
  return Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

function uuidText(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

class Writer {
  readonly #out: number[] = [];

  number(value: number, width: 1 | 2 | 4): void {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * width)) throw new RangeError('a field is too long');
    for (let i = width - 1; i >= 0; i--) this.#out.push(Math.floor(value / 2 ** (8 * i)) % 256);
  }

  bytes(value: Uint8Array): void {
    for (const byte of value) this.#out.push(byte);
  }

  text(value: string, width: 1 | 2): void {
    const bytes = toUtf8(value);
    this.number(bytes.length, width);
    this.bytes(bytes);
  }

  done(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.#out);
  }
}

/** Reads on to the end whatever happens; `failed` tells whether what was read means anything. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  failed = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  bytes(length: number): Uint8Array {
    if (length > this.left) this.failed = true;
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += bytes.length;
    return bytes;
  }

  number(width: 1 | 2 | 4): number {
    return this.bytes(width).reduce((value, byte) => value * 256 + byte, 0);
  }

  decoded(bytes: Uint8Array): string {
    const text = fromUtf8(bytes);
    if (text === undefined) this.failed = true;
    return text ?? '';
  }

  text(width: 1 | 2): string {
    return this.decoded(this.bytes(this.number(width)));
  }
}
