import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const bin = fileURLToPath(new URL('../bin/claviger.js', import.meta.url));

export interface RunningServer {
  readonly url: string;
  readonly data: string;
  /** What `claviger env` says for an identity (default: the developer). */
  env(identity?: string): Promise<Record<string, string>>;
  /** Runs `claviger ARGS --data DATA`; rejects with stdout and stderr when it exits non-zero. */
  claviger(...args: string[]): Promise<{ stdout: string; stderr: string }>;
  /** Stops gracefully and, unless told to keep it, removes the data folder. */
  stop(options?: { keepData?: boolean; signal?: NodeJS.Signals }): Promise<void>;
}

export const runClaviger = (args: readonly string[], env: Record<string, string> = {}) =>
  promisify(execFile)(process.execPath, [bin, ...args], {
    env: { ...process.env, ...env },
    maxBuffer: 64 * 1024 * 1024,
  });

/** A development server of its own on a free port, in a data folder of its own. */
export async function startServer(options: { data?: string; args?: readonly string[] } = {}): Promise<RunningServer> {
  const data = options.data ?? mkdtempSync(join(tmpdir(), 'claviger-test-'));
  const child = spawn(
    process.execPath,
    [bin, 'dev', '--data', data, '--listen', '127.0.0.1:0', ...(options.args ?? [])],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const url = await readyUrl(child);
  return {
    url,
    data,
    async env(identity) {
      const args = [
        'env',
        '--data',
        data,
        '--format',
        'json',
        ...(identity === undefined ? [] : ['--identity', identity]),
      ];
      return JSON.parse((await runClaviger(args)).stdout);
    },
    claviger: (...args) => runClaviger([...args, '--data', data]),
    async stop({ keepData = false, signal = 'SIGTERM' } = {}) {
      if (child.exitCode === null && child.signalCode === null) {
        const exited = new Promise((resolve) => child.once('exit', resolve));
        child.kill(signal);
        await exited;
      }
      if (!keepData) rmSync(data, { recursive: true, force: true });
    },
  };
}

function readyUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const take = (chunk: Buffer) => {
      output += chunk.toString();
      const ready = /^ready (https?:\/\/\S+)$/m.exec(output);
      if (ready) resolve(ready[1]!);
    };
    child.stdout!.on('data', take);
    child.stderr!.on('data', take);
    child.once('exit', (code) => reject(new Error(`the server stopped with ${code} before it was ready:\n${output}`)));
  });
}
