import type { Fault } from '../../src/listen/fault.ts';
import type { Head } from '../../src/listen/http1-head.ts';
import { Http1Reader } from '../../src/listen/http1-reader.ts';

/** What a parser made of a stream of bytes, in a form in which two parsers can be compared. */
export interface Reading {
  readonly requests: ReadonlyArray<{
    readonly method: string;
    readonly target: string;
    readonly headers: string;
    readonly body: string;
  }>;
  /**
   * 'clean': every byte belongs to a request. 'partial': the last request is not whole. 'closed': the client asked for the end of
   * the connection, and nothing after that is read. Else what was wrong.
   */
  readonly end: string;
  /** Where requests with the method LIST begin; ours only, and only where the bytes came whole. */
  readonly lists?: readonly number[];
}

type Request = { method: string; target: string; headers: string; body: string };

/** Small, so that inputs reach them. */
export const readerLimits = { maxTarget: 256, maxHead: 4096, maxFields: 40 };
export const maxBody = 600;

/** `cuts`: positions in ascending order at which the bytes come as separate packets. */
export function readWithOurs(bytes: Buffer, cuts: readonly number[] = []): Reading {
  const requests: Request[] = [];
  const lists: number[] = [];
  let current: Head | undefined;
  let end: Fault | 'closed' | undefined;
  const reader: Http1Reader = new Http1Reader(
    {
      head(head) {
        current = head;
        if (cuts.length === 0 && head.request.method === 'LIST') lists.push(beginning(bytes, head));
        return maxBody;
      },
      awaitsContinue() {},
      request(body) {
        const { method, path, query, headers } = current!.request;
        requests.push({
          method,
          target: query === '' ? path : `${path}?${query}`,
          headers: headers.join('\n'),
          body: Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1'),
        });
        if (!current!.keepAlive) end = 'closed';
        return current!.keepAlive;
      },
      fault(fault) {
        end = fault;
      },
    },
    readerLimits,
    '',
  );
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    if (end === undefined && cut > from) reader.push(bytes.subarray(from, cut));
    from = cut;
  }
  return { requests, end: end ?? (reader.partial ? 'partial' : 'clean'), lists };
}

/** Of the head that ends at `head.end`: back over its fields, and then over a request line of which everything is known. */
function beginning(bytes: Buffer, head: Head): number {
  const { method, path, query, headers } = head.request;
  let lineEnd = head.end - 2;
  for (let fields = headers.length / 2; fields > 0; fields--) lineEnd = bytes.lastIndexOf('\n', lineEnd - 2) + 1;
  const line = `${method} ${path}${query === '' ? '' : `?${query}`} HTTP/1.1\r\n`;
  const at = lineEnd - line.length;
  return bytes.toString('latin1', at, at + method.length + 1) === `${method} ` ? at : at - 1;
}

/** Node's own parser as `node:http` uses it, without the server around it. */
interface NodeParser {
  initialize(type: number, resource: object, maxHeaderSize: number, lenient: number): void;
  execute(bytes: Buffer): number | Error;
  [callback: number]: (...args: never[]) => number | undefined;
}
interface NodeParserClass {
  new (): NodeParser;
  readonly REQUEST: number;
  readonly kLenientNone: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageComplete: number;
}

const { HTTPParser } = (process.getBuiltinModule as (name: string) => unknown)('node:_http_common') as {
  HTTPParser: NodeParserClass;
};

/** Numbers that the parser gives to the methods we know; every other method is one that ours refuses. */
const methodNumbers = new Map([
  [0, 'DELETE'],
  [1, 'GET'],
  [2, 'HEAD'],
  [3, 'POST'],
  [4, 'PUT'],
  [6, 'OPTIONS'],
  [9, 'LOCK'],
  [28, 'PATCH'],
]);

const parser = new HTTPParser();
let requests: Request[] = [];
let current: Request | undefined;
/** Fields of a head come in parts where there are many. */
let earlier: string[] = [];
let earlierTarget = '';
let keepAlive = true;

parser[HTTPParser.kOnHeaders] = (headers: string[], target: string): undefined => {
  earlier.push(...headers);
  earlierTarget += target;
};
parser[HTTPParser.kOnHeadersComplete] = (
  _major: number,
  _minor: number,
  headers: string[] | undefined,
  method: number,
  target: string | undefined,
  _status: unknown,
  _message: unknown,
  _upgrade: boolean,
  shouldKeepAlive: boolean,
): number => {
  const all = headers ?? earlier;
  const lines = all.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text)).join('\n');
  current = {
    method: methodNumbers.get(method) ?? `#${method}`,
    target: withoutEmptyQuery(target ?? earlierTarget),
    headers: lines,
    body: '',
  };
  keepAlive = shouldKeepAlive;
  earlier = [];
  earlierTarget = '';
  return 0;
};
parser[HTTPParser.kOnBody] = (chunk: Buffer): undefined => {
  current!.body += chunk.toString('latin1');
};
parser[HTTPParser.kOnMessageComplete] = (): undefined => {
  requests.push(current!);
  current = undefined;
  earlier = [];
  earlierTarget = '';
};

/** What doors see doesn't tell an empty query from none. */
const withoutEmptyQuery = (target: string): string =>
  target.indexOf('?') === target.length - 1 ? target.slice(0, -1) : target;

export function readWithNode(bytes: Buffer): Reading {
  parser.initialize(HTTPParser.REQUEST, {}, 1 << 16, HTTPParser.kLenientNone);
  requests = [];
  current = undefined;
  earlier = [];
  earlierTarget = '';
  keepAlive = true;
  for (let rest = bytes; rest.length > 0; ) {
    const read = parser.execute(rest);
    if (typeof read !== 'number') return { requests, end: (read as Error & { code: string }).code };
    if (read === 0) break;
    // It stops behind a request that asks for another protocol; the server, which has none to offer, reads on.
    rest = rest.subarray(read);
  }
  return { requests, end: current !== undefined ? 'partial' : keepAlive ? 'clean' : 'closed' };
}
