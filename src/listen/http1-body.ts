import type { Fault } from './fault.ts';
import { CR, hexValues, LF } from './http1-characters.ts';

/** Bytes that come in pieces. Grows by doubling, so that memory follows what was received and never what was promised. */
export class Gathered {
  #bytes: Buffer;
  #length = 0;

  constructor(atLeast = 1024) {
    this.#bytes = Buffer.allocUnsafeSlow(atLeast);
  }

  get length(): number {
    return this.#length;
  }

  append(source: Buffer, from: number, to: number): void {
    const needed = this.#length + to - from;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    source.copy(this.#bytes, this.#length, from, to);
    this.#length = needed;
  }

  /** A view that later `append`s don't change. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** A body on its way in. `read` takes what belongs to it from `bytes` and answers where it stopped. */
export interface BodyReader {
  read(bytes: Buffer, from: number): number | Fault;
  readonly received: Gathered;
  readonly done: boolean;
}

export class SizedBody implements BodyReader {
  readonly received = new Gathered();
  readonly #length: number;

  constructor(length: number) {
    this.#length = length;
  }

  get done(): boolean {
    return this.received.length === this.#length;
  }

  read(bytes: Buffer, from: number): number {
    const to = Math.min(bytes.length, from + this.#length - this.received.length);
    this.received.append(bytes, from, to);
    return to;
  }
}

type ChunkState = 'size' | 'size-end' | 'data' | 'data-cr' | 'data-lf' | 'last-cr' | 'last-lf' | 'done';

/** RFC 9112 section 7.1 without what nobody sends: extensions and trailer fields are refused. */
export class ChunkedBody implements BodyReader {
  readonly received = new Gathered();
  readonly #max: number;
  #state: ChunkState = 'size';
  #size = 0;
  #digits = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  read(bytes: Buffer, from: number): number | Fault {
    let at = from;
    while (at < bytes.length && this.#state !== 'done') {
      if (this.#state === 'data') {
        const to = Math.min(bytes.length, at + this.#size);
        this.received.append(bytes, at, to);
        this.#size -= to - at;
        at = to;
        if (this.#size === 0) this.#state = 'data-cr';
      } else {
        const fault = this.#state === 'size' ? this.#readSize(bytes[at]!) : this.#readMark(bytes[at]!);
        if (fault !== undefined) return fault;
        at++;
      }
    }
    return at;
  }

  #readSize(byte: number): Fault | undefined {
    const value = hexValues[byte]!;
    if (value < 16) {
      if (++this.#digits > 8) return 'chunk';
      this.#size = this.#size * 16 + value;
      return this.received.length + this.#size > this.#max ? 'body-too-large' : undefined;
    }
    if (byte !== CR || this.#digits === 0) return 'chunk';
    this.#digits = 0;
    this.#state = 'size-end';
    return undefined;
  }

  #readMark(byte: number): Fault | undefined {
    const state = this.#state;
    if (byte !== (state === 'data-cr' || state === 'last-cr' ? CR : LF)) return 'chunk';
    if (state === 'size-end') this.#state = this.#size === 0 ? 'last-cr' : 'data';
    else if (state === 'data-cr') this.#state = 'data-lf';
    else if (state === 'data-lf') this.#state = 'size';
    else this.#state = state === 'last-cr' ? 'last-lf' : 'done';
    return undefined;
  }
}
