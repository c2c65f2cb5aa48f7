import type { Fault } from './fault.ts';
import { type BodyReader, ChunkedBody, Gathered, SizedBody } from './http1-body.ts';
import { type Head, type HeadLimits, noBytes, readHead } from './http1-head.ts';

/** Who is told what a reader finds, in the order of the bytes. */
export interface RequestSink {
  /** A head is complete. Answers how large its body may be, in bytes. */
  head(head: Head): number;
  /** The client waits for permission to send the body of the last head. */
  awaitsContinue(): void;
  /** The body of the last head. False: read no further until `resume`. */
  request(body: Uint8Array): boolean;
  /** Nothing more is read. Before the next `head`, or in the body of the last one. */
  fault(fault: Fault): void;
}

/** Turns the bytes of one connection, however they were split, into requests. Knows no socket and no clock. */
export class Http1Reader {
  readonly #sink: RequestSink;
  readonly #limits: HeadLimits;
  readonly #peer: string;
  #bytes: Buffer = noBytes as Buffer;
  #at = 0;
  /** Owner of `#bytes` while a head comes in pieces. */
  #held: Gathered | undefined;
  #body: BodyReader | undefined;
  #stopped = false;
  #dead = false;

  constructor(sink: RequestSink, limits: HeadLimits, peer: string) {
    this.#sink = sink;
    this.#limits = limits;
    this.#peer = peer;
  }

  /** `request` answered false, and `resume` was not called since. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Some of a request has come, and not all of it. */
  get partial(): boolean {
    return !this.#dead && (this.#body !== undefined || this.#at < this.#bytes.length);
  }

  /** Bytes of the body that is being read; undefined while it is a head. */
  get bodyReceived(): number | undefined {
    return this.#body?.received.length;
  }

  /** `chunk` stays untouched by the caller: bodies are views of it. */
  push(chunk: Buffer): void {
    if (this.#dead) return;
    if (this.#at === this.#bytes.length) {
      this.#bytes = chunk;
      this.#at = 0;
    } else this.#hold(chunk);
    this.#run();
  }

  resume(): void {
    this.#stopped = false;
    this.#run();
  }

  /** Gives up, for a reason that the bytes don't show. */
  fail(fault: Fault): void {
    this.#dead = true;
    this.#body = undefined;
    this.#held = undefined;
    this.#bytes = noBytes as Buffer;
    this.#at = 0;
    this.#sink.fault(fault);
  }

  #hold(chunk: Buffer): void {
    if (this.#held === undefined) {
      this.#held = new Gathered();
      this.#held.append(this.#bytes, this.#at, this.#bytes.length);
      this.#at = 0;
    }
    this.#held.append(chunk, 0, chunk.length);
    this.#bytes = this.#held.view();
  }

  #run(): void {
    while (!this.#stopped && this.#at < this.#bytes.length) {
      if (!(this.#body === undefined ? this.#readHead() : this.#readBody(this.#body))) break;
    }
    if (this.#at === this.#bytes.length) this.#held = undefined;
  }

  /** False when more bytes are needed, or none are wanted. */
  #readHead(): boolean {
    const head = readHead(this.#bytes, this.#at, this.#limits, this.#peer);
    if (head === 'incomplete') return false;
    if (typeof head === 'string') {
      this.fail(head);
      return false;
    }
    this.#at = head.end;
    this.#held = undefined;
    const max = this.#sink.head(head);
    const { length } = head;
    if (length === 0) return this.#complete(noBytes);
    if (length > max) {
      this.fail('body-too-large');
      return false;
    }
    const end = this.#at + length;
    if (length > 0 && end <= this.#bytes.length) {
      const body = this.#bytes.subarray(this.#at, end);
      this.#at = end;
      return this.#complete(body);
    }
    if (head.expectsContinue && this.#at === this.#bytes.length) this.#sink.awaitsContinue();
    this.#body = length > 0 ? new SizedBody(length) : new ChunkedBody(max);
    return true;
  }

  #readBody(body: BodyReader): boolean {
    const at = body.read(this.#bytes, this.#at);
    if (typeof at === 'string') {
      this.fail(at);
      return false;
    }
    this.#at = at;
    if (!body.done) return false;
    this.#body = undefined;
    return this.#complete(body.received.view());
  }

  #complete(body: Uint8Array): boolean {
    this.#stopped = !this.#sink.request(body);
    return true;
  }
}
