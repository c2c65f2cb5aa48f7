/** What these tests share: data folders, a server as a process whose end is seen, and requests by hand. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, type RequestOptions, request } from 'node:https';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../../bin/claviger.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  /** Of both streams. */
  readonly output: string;
  readonly stdout: string;
}

export interface Started {
  readonly url: string;
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  /** All that it printed so far. */
  output(): string;
  stop(signal?: NodeJS.Signals): Promise<Ended>;
}

export interface StartOptions {
  readonly env?: Record<string, string>;
  /** Written to the file descriptor 3. */
  readonly fd3?: string;
  /** Milliseconds after which it is killed. */
  readonly limit?: number;
}

/** Runs `claviger ARGS` and resolves once it is ready; rejects with what it printed when it ends before. */
export function start(args: readonly string[], { env = {}, fd3, limit }: StartOptions = {}): Promise<Started> {
  const child = spawn(process.execPath, [bin, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...(fd3 === undefined ? [] : ['pipe' as const])],
  });
  if (fd3 !== undefined) (child.stdio[3] as NodeJS.WritableStream).end(fd3);
  let output = '';
  let stdout = '';
  const timer = limit === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), limit);
  const ended = new Promise<Ended>((resolve) =>
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, output, stdout });
    }),
  );
  return new Promise((resolve, reject) => {
    const take = (chunk: Buffer) => {
      output += chunk.toString();
      const url = /^ready (https:\/\/\S+)$/m.exec(output)?.[1];
      if (url === undefined) return;
      resolve({
        url,
        process: child,
        ended,
        output: () => output,
        stop(signal = 'SIGTERM') {
          child.kill(signal);
          return ended;
        },
      });
    };
    child.stdout!.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      take(chunk);
    });
    child.stderr!.on('data', take);
    void ended.then((end) => reject(Object.assign(new Error(output), { end })));
  });
}

/** Runs a command that ends by itself. */
export const run = (args: readonly string[], options: StartOptions = {}): Promise<Ended> =>
  start(args, options).then(
    ({ ended }) => ended,
    (error: Error & { end: Ended }) => error.end,
  );

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export interface Caller {
  send(method: string, path: string, body?: string | Buffer, headers?: Record<string, string>): Promise<Answer>;
  close(): void;
}

/** Requests by hand to a server whose CA is in `data`. */
export function caller(url: string, data: string): Caller {
  const agent = new Agent({ ca: readFileSync(`${data}/tls/ca.pem`), keepAlive: true, maxSockets: 32 });
  return {
    send(method, path, body, headers = {}) {
      const options: RequestOptions = { method, agent, headers };
      return new Promise((resolve, reject) => {
        const asking = request(`${url}${path}`, options, (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => resolve({ status: response.statusCode!, body: Buffer.concat(chunks).toString() }));
          response.on('error', reject);
        });
        asking.on('error', reject);
        asking.end(body);
      });
    },
    close: () => agent.destroy(),
  };
}

export const identityOf = (data: string, name = 'developer') =>
  JSON.parse(readFileSync(`${data}/identities/${name}.json`, 'utf8')) as Record<
    'token' | 'accessKeyId' | 'secretAccessKey',
    string
  >;

export const base64 = (text: string) => Buffer.from(text).toString('base64');
