/** What the tests of this room share. It is called a test so that it isn't published. */
import { connect, type Socket } from 'node:net';
import { createAuthority, issueServerCertificate } from '#crypto/crypto.ts';
import type { Door, Request, RequestHead, Response } from '#wire/wire.ts';
import { type Listener, type ListenerOptions, startListener } from './listen.ts';

export const clock = (): number => Date.UTC(2026, 10, 24, 12, 0, 0);

export interface Seen {
  readonly requests: Request[];
  readonly refusals: Array<{ readonly head: RequestHead; readonly fault: string }>;
}

/**
 * Takes every path that begins with /v1/; answers what it was asked, after `?wait=` milliseconds. /v1/large answers `?size=` bytes,
 * /v1/reject rejects, /v1/throw throws, /v1/empty answers 204, /v1/bad answers what can't be sent.
 */
export function echoDoor(maxBody = 64 * 1024): Door & { readonly seen: Seen } {
  const seen: Seen = { requests: [], refusals: [] };
  const answerTo = async (request: Request): Promise<Response> => {
    const query = new URLSearchParams(request.query);
    const wait = Number(query.get('wait') ?? 0);
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    if (request.path === '/v1/reject') throw new Error('a handler rejects');
    if (request.path === '/v1/empty') return { status: 204, headers: [], contentType: '', body: '' };
    if (request.path === '/v1/bad')
      return { status: 200, headers: ['x', 'a\r\nb: c'], contentType: 'text/plain', body: '' };
    if (request.path === '/v1/large') {
      const body = Buffer.alloc(Number(query.get('size')), 'x');
      return { status: 200, headers: [], contentType: 'application/octet-stream', body };
    }
    const { method, path } = request;
    const body = JSON.stringify({
      method,
      path,
      query: request.query,
      body: Buffer.from(request.body).toString('latin1'),
    });
    return { status: 200, headers: ['x-request-id', '1'], contentType: 'application/json', body };
  };
  const route = {
    maxBody,
    handle(request: Request) {
      seen.requests.push(request);
      if (request.path === '/v1/throw') throw new Error('a handler throws');
      return answerTo(request);
    },
    async refuse(head: RequestHead, fault: string): Promise<Response> {
      seen.refusals.push({ head, fault });
      return {
        status: fault === 'too-large' ? 413 : 400,
        headers: [],
        contentType: 'application/json',
        body: `{"door":"${fault}"}`,
      };
    },
  };
  return { name: 'echo', seen, match: (head) => (head.path.startsWith('/v1/') ? route : undefined) };
}

export function startPlain(options: Partial<ListenerOptions> = {}): Promise<Listener> {
  return startListener({ host: '127.0.0.1', port: 0, doors: [], ready: () => true, clock, ...options });
}

export async function eventually(condition: () => boolean, ms = 5000): Promise<void> {
  const start = performance.now();
  while (!condition()) {
    if (performance.now() - start > ms) throw new Error(`it did not come to that within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** A connection on which bytes are sent as they are, and what comes back is collected. */
export class RawClient {
  readonly socket: Socket;
  /** Everything received, as latin1. */
  text = '';
  ended = false;
  closed = false;

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    this.socket.on('data', (chunk) => {
      this.text += chunk.toString('latin1');
    });
    this.socket.on('end', () => {
      this.ended = true;
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.closed = true;
    });
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  async until(condition: (client: this) => boolean): Promise<void> {
    await eventually(() => condition(this)).catch((error: Error) => {
      throw new Error(`${error.message}; so far: ${this.text.slice(0, 500)}`);
    });
  }

  /** Sends, and waits until the server has closed its side. */
  async exchange(text: string): Promise<string> {
    this.send(text);
    await this.until(({ ended, closed }) => ended || closed);
    this.socket.destroy();
    return this.text;
  }
}

export const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0);

/** Bodies of the answers in a stream of them, each of which has a content-length. */
export function bodiesOf(text: string): string[] {
  const bodies: string[] = [];
  for (let rest = text; rest.length > 0; ) {
    const end = rest.indexOf('\r\n\r\n') + 4;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(rest.slice(0, end))?.[1] ?? 0);
    if (end < 4 || rest.length < end + length) break;
    bodies.push(rest.slice(end, end + length));
    rest = rest.slice(end + length);
  }
  return bodies;
}

/** A certificate for localhost and its authority's, made anew. */
export function makeCertificate(): { readonly certificate: string; readonly key: string } {
  const now = Date.now();
  const authority = createAuthority('listen test', now);
  const { certificate, key } = issueServerCertificate(authority, { hosts: ['localhost', '127.0.0.1'], now, days: 2 });
  return { certificate: certificate + authority.certificate, key };
}
