import type { PeerCertificates } from '#wire/wire.ts';
import type { Fault } from './fault.ts';
import {
  COLON,
  CR,
  HTAB,
  LF,
  pathBytes,
  QUESTION,
  queryBytes,
  SLASH,
  SP,
  tokenBytes,
  valueBytes,
} from './http1-characters.ts';
import type { Limits } from './limits.ts';

/** The request that doors see. The body takes its place once it has been read, so that no copy is made. */
export interface IncomingRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: readonly string[];
  readonly peer: string;
  /** The connection's, which says them once the head is read. */
  certificates: PeerCertificates | undefined;
  body: Uint8Array;
}

export interface Head {
  readonly request: IncomingRequest;
  /** Where the head ends in the bytes that were given. */
  readonly end: number;
  /** Bytes of body that follow; -1 for a chunked body. */
  readonly length: number;
  readonly keepAlive: boolean;
  readonly expectsContinue: boolean;
}

export type HeadLimits = Pick<Limits, 'maxTarget' | 'maxHead' | 'maxFields'>;

/**
 * Methods that a door may be asked with. Closed on purpose: CONNECT and TRACE mean something to a carrier, and any other name is
 * no method of ours.
 */
const methods = new Map(
  ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'LIST'].map((method) => [method, method]),
);

/** A longer one is nonsense, and no reason to wait for more. */
const longestMethod = 32;

export const isMethod = (method: string): boolean => methods.has(method);

/** Field names as clients spell them, to the interned lower-case name: saves a new string, and its hash, for each. */
const spellings = new Map<string, string>();
for (const name of [
  'accept',
  'accept-encoding',
  'accept-language',
  'amz-sdk-invocation-id',
  'amz-sdk-request',
  'authorization',
  'connection',
  'content-length',
  'content-type',
  'date',
  'expect',
  'host',
  'proxy-connection',
  'transfer-encoding',
  'user-agent',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-security-token',
  'x-amz-target',
  'x-amz-user-agent',
  'x-vault-namespace',
  'x-vault-request',
  'x-vault-token',
]) {
  spellings.set(name, name);
  spellings.set(
    name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase()),
    name,
  );
}

export const noBytes: Uint8Array = Buffer.alloc(0);

/**
 * Where the scan found things, relative to the start of the head: four marks a field (name, its end, value, its end). Scratch of
 * one synchronous call; shared because a call never waits.
 */
const marks: number[] = [];
let methodEnd = 0;
let pathEnd = 0;
let targetEnd = 0;

/**
 * Reads one request head of HTTP/1.1 that begins at `from`: the subset of RFC 9112 in which every byte has one meaning. Pure: given
 * more of the same bytes, an 'incomplete' head is simply read again from its start.
 */
export function readHead(bytes: Buffer, from: number, limits: HeadLimits, peer: string): Head | 'incomplete' | Fault {
  const stop = Math.min(bytes.length, from + limits.maxHead);
  const line = scanRequestLine(bytes, from, stop, limits.maxTarget);
  const end = typeof line === 'number' ? scanFields(bytes, from, line, stop, limits.maxFields) : line;
  // A head that fills its whole allowance without an end gets no better by waiting.
  if (end === 'incomplete') return stop - from === limits.maxHead ? 'head-too-large' : 'incomplete';
  if (typeof end === 'string') return end;
  return understand(bytes.toString('latin1', from, end), end, peer);
}

/** Answers where the first field begins. */
function scanRequestLine(bytes: Buffer, from: number, stop: number, maxTarget: number): number | 'incomplete' | Fault {
  let at = from;
  while (at < stop && tokenBytes[bytes[at]!] === 1) at++;
  if (at - from > longestMethod) return 'request-line';
  if (at === stop) return 'incomplete';
  if (at === from || bytes[at] !== SP) return 'request-line';
  methodEnd = at - from;
  const target = ++at;
  if (at === stop) return 'incomplete';
  if (bytes[at] !== SLASH) return 'target';
  while (at < stop && pathBytes[bytes[at]!] === 1) at++;
  pathEnd = at - from;
  if (at < stop && bytes[at] === QUESTION) while (at < stop && queryBytes[bytes[at]!] === 1) at++;
  targetEnd = at - from;
  if (at - target > maxTarget) return 'target-too-long';
  if (at === stop) return 'incomplete';
  if (bytes[at] !== SP) return 'target';
  return scanVersion(bytes, at + 1, stop);
}

const version = Buffer.from('HTTP/1.1\r\n');

function scanVersion(bytes: Buffer, from: number, stop: number): number | 'incomplete' | Fault {
  const end = from + version.length;
  if (end > stop) return 'incomplete';
  for (let i = 0; i < version.length; i++) {
    if (bytes[from + i] === version[i]) continue;
    return /^HTTP\/\d\.\d\r\n$/.test(bytes.toString('latin1', from, end)) ? 'version' : 'request-line';
  }
  return end;
}

/** Answers where the head ends: after the empty line. */
function scanFields(
  bytes: Buffer,
  from: number,
  first: number,
  stop: number,
  maxFields: number,
): number | 'incomplete' | Fault {
  let at = first;
  let mark = 0;
  for (;;) {
    const name = at;
    while (at < stop && tokenBytes[bytes[at]!] === 1) at++;
    if (at === stop) break;
    if (at === name) {
      if (bytes[at] !== CR) return 'field';
      if (at + 1 === stop) break;
      if (bytes[at + 1] !== LF) return 'field';
      marks.length = mark;
      return at + 2;
    }
    if (mark === maxFields * 4) return 'head-too-large';
    if (bytes[at] !== COLON) return 'field';
    marks[mark++] = name - from;
    marks[mark++] = at++ - from;
    while (at < stop && (bytes[at] === SP || bytes[at] === HTAB)) at++;
    const value = at;
    while (at < stop && valueBytes[bytes[at]!] === 1) at++;
    if (at === stop) break;
    if (bytes[at] !== CR) return 'field';
    if (at + 1 === stop) break;
    if (bytes[at + 1] !== LF) return 'field';
    let valueEnd = at;
    while (valueEnd > value && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB)) valueEnd--;
    marks[mark++] = value - from;
    marks[mark++] = valueEnd - from;
    at += 2;
  }
  return 'incomplete';
}

/** `text` is the whole head; `marks` and the ends say what is where. */
function understand(text: string, end: number, peer: string): Head | Fault {
  const method = methods.get(text.substring(0, methodEnd));
  if (method === undefined) return 'method';
  const headers: string[] = [];
  let hosts = 0;
  let length: string | undefined;
  let coding: string | undefined;
  let expect: string | undefined;
  let keepAlive = true;
  for (let mark = 0; mark < marks.length; mark += 4) {
    const spelled = text.substring(marks[mark]!, marks[mark + 1]!);
    const name = spellings.get(spelled) ?? spelled.toLowerCase();
    const value = text.substring(marks[mark + 2]!, marks[mark + 3]!);
    headers.push(name, value);
    if (name === 'host') {
      if (++hosts > 1 || !isHost(value)) return 'host';
    } else if (name === 'content-length') {
      if (length !== undefined) return 'length';
      length = value;
    } else if (name === 'transfer-encoding') {
      if (coding !== undefined) return 'length';
      // The end of the name is the end of the line: some parsers take white space there for a part of it.
      coding = text.charCodeAt(marks[mark + 3]!) === CR ? value : undefined;
      if (coding === undefined) return 'coding';
    } else if (name === 'connection' || name === 'proxy-connection') {
      const tokens = connectionTokens(value);
      if (tokens === undefined) return 'connection-field';
      if (tokens.includes('close')) keepAlive = false;
    } else if (name === 'expect') {
      if (expect !== undefined || value.toLowerCase() !== '100-continue') return 'expectation';
      expect = value;
    }
  }
  if (hosts !== 1) return 'host';
  const bodyLength = frame(length, coding);
  if (typeof bodyLength === 'string') return bodyLength;
  const path = text.substring(methodEnd + 1, pathEnd);
  const query = pathEnd === targetEnd ? '' : text.substring(pathEnd + 1, targetEnd);
  const request = { method, path, query, headers, peer, certificates: undefined, body: noBytes };
  return { request, end, length: bodyLength, keepAlive, expectsContinue: expect !== undefined };
}

/**
 * How long the body is (RFC 9112 section 6.3), where there are no two ways to say it: a length as one plain decimal number, or the
 * one coding, never both.
 */
function frame(length: string | undefined, coding: string | undefined): number | Fault {
  if (coding !== undefined) {
    if (length !== undefined) return 'length';
    return coding === 'chunked' ? -1 : 'coding';
  }
  if (length === undefined) return 0;
  return /^(?:0|[1-9][0-9]{0,14})$/.test(length) ? Number(length) : 'length';
}

/** A name, an IPv4 address or a bracketed IPv6 address, with or without a port; nothing that anyone could read otherwise. */
const isHost = (value: string): boolean => /^(?:[A-Za-z0-9._~%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/.test(value);

/** In lower case; undefined where the value isn't a list of tokens. */
function connectionTokens(value: string): readonly string[] | undefined {
  if (value === 'keep-alive' || value === 'Keep-Alive') return [];
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:[ \t]*,[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+)*$/.test(value)) return undefined;
  return value.toLowerCase().split(/[ \t]*,[ \t]*/);
}
