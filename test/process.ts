/** `claviger` as a process of its own, whose end is seen. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const bin = fileURLToPath(new URL('../bin/claviger.js', import.meta.url));

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

/** None of them outlives the process that made it, however that ends. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
// As the test runner ends a file whose time is up: without a handler there would be no 'exit'.
process.once('SIGTERM', () => process.exit(1));

/** Runs `claviger ARGS` and resolves once it is ready; rejects with what it printed when it ends before. */
export function start(args: readonly string[], { env = {}, fd3, limit }: StartOptions = {}): Promise<Started> {
  const child = spawn(process.execPath, [bin, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...(fd3 === undefined ? [] : ['pipe' as const])],
  });
  running.add(child);
  if (fd3 !== undefined) (child.stdio[3] as NodeJS.WritableStream).end(fd3);
  let output = '';
  let stdout = '';
  const timer = limit === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), limit);
  const ended = new Promise<Ended>((resolve) =>
    child.once('close', (code) => {
      running.delete(child);
      clearTimeout(timer);
      resolve({ code, output, stdout });
    }),
  );
  return new Promise((resolve, reject) => {
    const take = (chunk: Buffer) => {
      output += chunk.toString();
      const url = /^ready (https?:\/\/\S+)$/m.exec(output)?.[1];
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

/** Runs `claviger ARGS`; rejects with stdout and stderr when it exits non-zero. */
export const runClaviger = (args: readonly string[], env: Record<string, string> = {}) =>
  promisify(execFile)(process.execPath, [bin, ...args], {
    env: { ...process.env, ...env },
    maxBuffer: 64 * 1024 * 1024,
  });
