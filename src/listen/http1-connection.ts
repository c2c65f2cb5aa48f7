import type { Socket } from 'node:net';
import type { PeerCertificates, Response, Route } from '#wire/wire.ts';
import type { Carrier } from './carrier.ts';
import { type Fault, faultAnswer, internalError } from './fault.ts';
import { continueAnswer, encodeAnswer } from './http1-answer.ts';
import type { Head, IncomingRequest } from './http1-head.ts';
import { Http1Reader, type RequestSink } from './http1-reader.ts';

/** One request and its answer, in the order in which they came. */
interface Exchange {
  readonly request: IncomingRequest | undefined;
  readonly route: Route | undefined;
  /** Whole, and not yet handed to its handler. */
  waiting: boolean;
  awaitsContinue: boolean;
  /** The last one of its connection. */
  last: boolean;
  answer: Response | undefined;
}

/** RFC 9110 section 9.2.1; LIST only reads. */
const isSafe = (method: string): boolean =>
  method === 'GET' || method === 'LIST' || method === 'HEAD' || method === 'OPTIONS';

/**
 * A connection that speaks HTTP/1.1. Requests that only read may be under way together; one that changes something waits for those
 * before it, and those after it wait (RFC 9112 section 9.3.2). Answers leave in order.
 */
export class Http1Connection implements RequestSink {
  readonly #carrier: Carrier;
  readonly #socket: Socket;
  readonly #reader: Http1Reader;
  readonly #certificates: PeerCertificates | undefined;
  readonly #exchanges: Exchange[] = [];
  /** Its head is complete, its body is not. */
  #reading: Exchange | undefined;
  /** No further request will be taken: what still comes is thrown away. */
  #deaf = false;
  #draining = false;
  /** The peer has closed its side; requests that it sent before may still be unread. */
  #endSeen = false;
  /** The last answer was written, and our side is closed. */
  #finished = false;
  #discarded = 0;
  /** When the current state of the reading side began: an idle wait, a head, a body, the end. */
  #since: number;
  #fresh = true;
  #written = 0;
  #delivered = 0;
  #deliveredAt: number;

  constructor(carrier: Carrier, socket: Socket, peer: string, certificates?: PeerCertificates) {
    this.#carrier = carrier;
    this.#certificates = certificates;
    this.#socket = socket;
    this.#reader = new Http1Reader(this, carrier.limits, peer);
    this.#since = carrier.now;
    this.#deliveredAt = carrier.now;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('drain', () => this.#proceed());
    socket.on('end', () => this.#peerEnded());
    // The 'close' that follows is all there is to know.
    socket.on('error', () => {});
  }

  #receive(chunk: Buffer): void {
    if (this.#deaf) {
      this.#discarded += chunk.length;
      if (this.#discarded > this.#carrier.limits.lingerBytes) this.#socket.pause();
      return;
    }
    if (!this.#reader.partial) this.#since = this.#carrier.now;
    this.#fresh = false;
    this.#reader.push(chunk);
    if (this.#reader.stopped && !this.#deaf) this.#socket.pause();
  }

  head(head: Head): number {
    const { request } = head;
    if (this.#certificates !== undefined) request.certificates = this.#certificates;
    const route = this.#carrier.route(request);
    this.#reading = { request, route, waiting: false, awaitsContinue: false, last: !head.keepAlive, answer: undefined };
    this.#exchanges.push(this.#reading);
    this.#since = this.#carrier.now;
    return route.maxBody;
  }

  awaitsContinue(): void {
    if (this.#exchanges[0] === this.#reading) this.#write(continueAnswer);
    else this.#reading!.awaitsContinue = true;
  }

  request(body: Uint8Array): boolean {
    const exchange = this.#reading!;
    this.#reading = undefined;
    exchange.request!.body = body;
    exchange.waiting = true;
    exchange.awaitsContinue = false;
    if (exchange.last) this.#deaf = true;
    this.#since = this.#carrier.now;
    this.#startWaiting();
    return this.#mayRead();
  }

  fault(fault: Fault): void {
    this.#deaf = true;
    const exchange = this.#reading;
    this.#reading = undefined;
    if (exchange !== undefined) {
      exchange.last = true;
      exchange.awaitsContinue = false;
      this.#carrier.refuse(exchange.route!, exchange.request!, fault, (answer) => this.#answered(exchange, answer));
      return;
    }
    this.#carrier.refused++;
    const answer = faultAnswer(fault);
    this.#exchanges.push({
      request: undefined,
      route: undefined,
      waiting: false,
      awaitsContinue: false,
      last: true,
      answer,
    });
    this.#flush();
  }

  /** Ends as soon as no request is half read or under way. */
  drain(): void {
    this.#draining = true;
    if (this.#exchanges.length === 0 && !this.#halfRead() && !this.#finished) this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Cuts a peer that is too slow. Called every `sweepMs`. */
  check(): void {
    const { now, limits } = this.#carrier;
    const waited = now - this.#since;
    if (this.#isStuck(now) || (this.#finished && waited > limits.lingerMs)) this.#socket.destroy();
    else if (this.#deaf || this.#reader.stopped) return;
    else if (this.#reading !== undefined) {
      const earned = ((this.#reader.bodyReceived ?? 0) * 1000) / limits.minBodyRate;
      if (waited > limits.bodyMs + earned) this.#reader.fail('body-timeout');
    } else if (this.#reader.partial) {
      if (waited > limits.headMs) this.#reader.fail('head-timeout');
    } else if (this.#exchanges.length === 0 && waited > (this.#fresh ? limits.headMs : limits.idleMs)) {
      this.#socket.destroySoon();
    }
  }

  /** True when the peer took nothing of what was written for too long. */
  #isStuck(now: number): boolean {
    const delivered = this.#written - this.#socket.writableLength;
    if (delivered !== this.#delivered || this.#socket.writableLength === 0) {
      this.#delivered = delivered;
      this.#deliveredAt = now;
      return false;
    }
    return now - this.#deliveredAt > this.#carrier.limits.answerMs;
  }

  /** A request has begun to come and will be taken. Bytes behind a stopped reader are requests that were not accepted yet. */
  #halfRead(): boolean {
    return this.#reader.partial && !this.#reader.stopped;
  }

  #mayRead(): boolean {
    if (this.#deaf || this.#draining || this.#socket.writableNeedDrain) return false;
    const { length } = this.#exchanges;
    return length < this.#carrier.limits.maxUnderWay && (length === 0 || !this.#exchanges[length - 1]!.waiting);
  }

  #startWaiting(): void {
    for (let i = 0; i < this.#exchanges.length; i++) {
      const exchange = this.#exchanges[i]!;
      const safe = exchange.request !== undefined && isSafe(exchange.request.method);
      if (i > 0 && !safe) return;
      if (exchange.waiting) {
        exchange.waiting = false;
        this.#carrier.handle(exchange.route!, exchange.request!, (answer) => this.#answered(exchange, answer));
      }
      if (!safe) return;
    }
  }

  #answered(exchange: Exchange, answer: Response): void {
    exchange.answer = answer;
    if (this.#exchanges[0] === exchange) this.#flush();
  }

  /** Writes every answer whose turn it is. */
  #flush(): void {
    if (this.#socket.destroyed) return;
    const corked = this.#exchanges.length > 1;
    if (corked) this.#socket.cork();
    while (this.#exchanges[0]?.answer !== undefined) {
      const exchange = this.#exchanges.shift()!;
      const last = exchange.last || (this.#draining && this.#exchanges.length === 0 && !this.#halfRead());
      this.#write(this.#encode(exchange, last));
      if (last) this.#finish();
    }
    if (corked) this.#socket.uncork();
    if (this.#finished) return;
    if (!this.#reader.partial) this.#since = this.#carrier.now;
    this.#proceed();
  }

  #encode(exchange: Exchange, last: boolean): string | Buffer {
    const headOnly = exchange.request?.method === 'HEAD';
    try {
      return encodeAnswer(exchange.answer!, this.#carrier.date, last, headOnly);
    } catch (error) {
      this.#carrier.onError(error);
      return encodeAnswer(internalError, this.#carrier.date, last, headOnly);
    }
  }

  #write(data: string | Buffer): void {
    this.#written += data.length;
    this.#socket.write(data, 'latin1');
  }

  /** After an answer left: what waited for it goes on. */
  #proceed(): void {
    const next = this.#exchanges[0];
    if (next !== undefined) {
      if (next.awaitsContinue) {
        next.awaitsContinue = false;
        this.#write(continueAnswer);
      }
      this.#startWaiting();
    }
    if (this.#reader.stopped && this.#mayRead()) {
      this.#since = this.#carrier.now;
      this.#socket.resume();
      this.#reader.resume();
      if (this.#reader.stopped && !this.#deaf) this.#socket.pause();
      else if (this.#endSeen) this.#peerEnded();
    }
  }

  /** Our side is closed; the peer's is read to its end, within reason, because closing over unread bytes would reset the connection. */
  #finish(): void {
    this.#finished = true;
    this.#deaf = true;
    this.#since = this.#carrier.now;
    this.#socket.end();
    this.#socket.resume();
  }

  #peerEnded(): void {
    this.#endSeen = true;
    if (this.#reader.stopped && !this.#deaf && !this.#draining) return;
    if (this.#halfRead()) this.#reader.fail('cut-short');
    this.#deaf = true;
    const tail = this.#exchanges.at(-1);
    if (tail !== undefined) tail.last = true;
    else if (!this.#finished) this.#socket.end();
  }
}
