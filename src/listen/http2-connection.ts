import { constants, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { PeerCertificates, Response, Route } from '#wire/wire.ts';
import type { Carrier } from './carrier.ts';
import { type Fault, faultAnswer, internalError } from './fault.ts';
import { Gathered } from './http1-body.ts';
import { pathBytes, QUESTION, queryBytes, SLASH } from './http1-characters.ts';
import { type IncomingRequest, isMethod, noBytes } from './http1-head.ts';
import type { Limits } from './limits.ts';

const { NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM, NGHTTP2_NO_ERROR } = constants;

/** One request on a stream of its own. */
interface Exchange {
  readonly stream: ServerHttp2Stream;
  readonly request: IncomingRequest;
  readonly route: Route;
  received: Gathered | undefined;
  /** Of the body; then of the answer. */
  since: number;
  phase: 'reading' | 'under-way' | 'answering';
}

/** A connection that speaks HTTP/2. Framing and header compression are nghttp2's; limits, timeouts and doors are those of HTTP/1.1. */
export class Http2Connection {
  readonly #carrier: Carrier;
  readonly #peer: string;
  readonly #certificates: PeerCertificates | undefined;
  readonly #session: ServerHttp2Session;
  readonly #exchanges = new Set<Exchange>();
  /**
   * Handlers that have not answered, whether or not their streams still exist: a peer that opens and resets streams in a loop
   * (CVE-2023-44487) gets no more work done than one that waits.
   */
  #underWay = 0;
  #since: number;

  constructor(carrier: Carrier, socket: Socket, peer: string, certificates?: PeerCertificates) {
    this.#carrier = carrier;
    this.#certificates = certificates;
    this.#peer = peer;
    this.#since = carrier.now;
    this.#session = performServerHandshake(socket, sessionOptions(carrier.limits));
    this.#session.on('stream', (stream, _headers, _flags, raw) => this.#accept(stream, raw as unknown as string[]));
    // The 'close' of the socket is all there is to know.
    this.#session.on('error', () => {});
  }

  /** Says goodbye; streams that are open may finish. */
  drain(): void {
    this.#session.close();
  }

  destroy(): void {
    this.#session.destroy();
  }

  check(): void {
    const { now, limits } = this.#carrier;
    if (this.#exchanges.size === 0 && this.#underWay === 0) {
      if (now - this.#since > limits.idleMs) this.#session.close();
      if (now - this.#since > limits.idleMs + limits.lingerMs) this.#session.destroy();
      return;
    }
    this.#since = now;
    for (const exchange of this.#exchanges) {
      const waited = now - exchange.since;
      if (exchange.phase === 'reading') {
        const earned = ((exchange.received?.length ?? 0) * 1000) / limits.minBodyRate;
        if (waited > limits.bodyMs + earned) this.#refuse(exchange, 'body-timeout');
      } else if (exchange.phase === 'answering' && waited > limits.answerMs) exchange.stream.close(NGHTTP2_CANCEL);
    }
  }

  #accept(stream: ServerHttp2Stream, raw: readonly string[]): void {
    stream.on('error', () => {});
    if (this.#underWay >= this.#carrier.limits.maxUnderWay) {
      stream.close(NGHTTP2_REFUSED_STREAM);
      return;
    }
    const request = readRequest(raw, this.#peer, this.#carrier.limits);
    if (typeof request === 'string') {
      this.#carrier.refused++;
      this.#respond(stream, faultAnswer(request), true);
      return;
    }
    request.certificates = this.#certificates;
    const route = this.#carrier.route(request);
    const exchange: Exchange = {
      stream,
      request,
      route,
      received: undefined,
      since: this.#carrier.now,
      phase: 'reading',
    };
    this.#exchanges.add(exchange);
    stream.on('close', () => this.#exchanges.delete(exchange));
    this.#read(exchange);
  }

  #read(exchange: Exchange): void {
    const { stream, request, route } = exchange;
    const announced = headerValue(request.headers, 'content-length');
    if (announced !== undefined && !(Number(announced) <= route.maxBody)) {
      this.#refuse(exchange, 'body-too-large');
      return;
    }
    if (headerValue(request.headers, 'expect') !== undefined) stream.additionalHeaders({ ':status': 100 });
    stream.on('data', (chunk: Buffer) => {
      if (exchange.phase !== 'reading') return;
      exchange.received ??= new Gathered(chunk.length);
      if (exchange.received.length + chunk.length > route.maxBody) this.#refuse(exchange, 'body-too-large');
      else exchange.received.append(chunk, 0, chunk.length);
    });
    stream.on('end', () => {
      if (exchange.phase !== 'reading' || stream.aborted || stream.rstCode !== NGHTTP2_NO_ERROR) return;
      exchange.phase = 'under-way';
      request.body = exchange.received?.view() ?? noBytes;
      this.#underWay++;
      this.#carrier.handle(route, request, (answer) => this.#answer(exchange, answer, false));
    });
  }

  #refuse(exchange: Exchange, fault: Fault): void {
    exchange.phase = 'under-way';
    exchange.received = undefined;
    this.#underWay++;
    this.#carrier.refuse(exchange.route, exchange.request, fault, (answer) => this.#answer(exchange, answer, true));
  }

  #answer(exchange: Exchange, answer: Response, unread: boolean): void {
    this.#underWay--;
    exchange.phase = 'answering';
    exchange.since = this.#carrier.now;
    this.#respond(exchange.stream, answer, unread);
  }

  /** `unread`: the peer may still be sending; it is told to stop (RFC 9113 section 8.1). */
  #respond(stream: ServerHttp2Stream, answer: Response, unread: boolean): void {
    if (stream.destroyed || stream.headersSent) return;
    try {
      stream.respond(responseHeaders(answer, this.#carrier.date));
    } catch (error) {
      this.#carrier.onError(error);
      this.#respond(stream, internalError, unread);
      return;
    }
    const { body } = answer;
    stream.end(typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength), () => {
      if (unread && !stream.readableEnded) stream.close(NGHTTP2_NO_ERROR);
    });
  }
}

function sessionOptions(limits: Limits) {
  return {
    settings: {
      enablePush: false,
      maxConcurrentStreams: limits.maxUnderWay,
      maxHeaderListSize: limits.maxHead,
    },
    maxHeaderListPairs: limits.maxFields + 4,
    maxOutstandingPings: 4,
    maxSettings: 16,
    maxSessionInvalidFrames: 16,
    maxSessionRejectedStreams: 16,
    // nghttp2 ends a session that resets streams faster than this, a burst aside.
    streamResetBurst: 4 * limits.maxUnderWay,
    streamResetRate: limits.maxUnderWay,
  };
}

function headerValue(headers: readonly string[], name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === name) return headers[i + 1];
  return undefined;
}

/** nghttp2 has checked names and values (RFC 9113 section 8.2.1); what it leaves open is held to the rules of our HTTP/1.1. */
function readRequest(raw: readonly string[], peer: string, limits: Limits): IncomingRequest | Fault {
  const headers: string[] = [];
  let method = '';
  let target = '';
  let host: string | undefined;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!;
    const value = raw[i + 1]!;
    if (name === ':method') method = value;
    else if (name === ':path') target = value;
    else if (name === ':authority') host = value;
    else if (name.startsWith(':')) continue;
    else {
      if (name === 'host' && host !== undefined) continue;
      if (name === 'host') host = value;
      if (name === 'expect' && value.toLowerCase() !== '100-continue') return 'expectation';
      headers.push(name, value);
    }
  }
  if (!isMethod(method)) return 'method';
  if (host === undefined || host === '') return 'host';
  // A signature may cover the host, so doors find it where HTTP/1.1 has it.
  if (headerValue(headers, 'host') === undefined) headers.unshift('host', host);
  if (target.length > limits.maxTarget) return 'target-too-long';
  const pathEnd = targetParts(target);
  if (pathEnd === undefined) return 'target';
  const [path, query] = [target.slice(0, pathEnd), target.slice(pathEnd + 1)];
  return { method, path, query, headers, peer, certificates: undefined, body: noBytes };
}

/** Where the path of a target ends; undefined for one that is no absolute path with an optional query. */
function targetParts(target: string): number | undefined {
  if (target.charCodeAt(0) !== SLASH) return undefined;
  let at = 0;
  while (at < target.length && pathBytes[target.charCodeAt(at)] === 1) at++;
  const pathEnd = at;
  if (target.charCodeAt(at) === QUESTION) while (at < target.length && queryBytes[target.charCodeAt(at)] === 1) at++;
  return at === target.length ? pathEnd : undefined;
}

function responseHeaders(answer: Response, date: string): Record<string, string | number | string[]> {
  const { body } = answer;
  const headers: Record<string, string | number | string[]> = { ':status': answer.status, date };
  if (answer.contentType !== '') headers['content-type'] = answer.contentType;
  if (answer.status !== 204 && answer.status !== 304) {
    headers['content-length'] = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  }
  for (let i = 0; i < answer.headers.length; i += 2) {
    const name = answer.headers[i]!.toLowerCase();
    const earlier = headers[name];
    const value = answer.headers[i + 1]!;
    headers[name] = earlier === undefined ? value : [earlier, value].flat().map(String);
  }
  return headers;
}
