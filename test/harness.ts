/** Development servers for tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { runClaviger, type Started, start } from './process.ts';

export type Env = Record<string, string>;

/** A development server on a free port, in a data folder of its own. */
export class RunningServer {
  readonly data: string;
  readonly #args: readonly string[];
  #process: Started;

  private constructor(data: string, args: readonly string[], process: Started) {
    this.data = data;
    this.#args = args;
    this.#process = process;
  }

  /** `data`: a folder that holds something already. It is taken away with the server, as one that is made here is. */
  static async start({ data = newFolder(), args = [] }: ServerOptions = {}): Promise<RunningServer> {
    try {
      const all = ['dev', '--data', data, '--listen', '127.0.0.1:0', ...args];
      return new RunningServer(data, all, await start(all));
    } catch (error) {
      remove(data);
      throw error;
    }
  }

  get url(): string {
    return this.#process.url;
  }

  /** What `claviger env` says for an identity (default: the developer). */
  async env(identity?: string): Promise<Env> {
    const whose = identity === undefined ? [] : ['--identity', identity];
    return JSON.parse((await this.claviger('env', '--format', 'json', ...whose)).stdout);
  }

  /** Runs `claviger ARGS --data DATA`; rejects with stdout and stderr when it exits non-zero. */
  claviger(...args: string[]): Promise<{ stdout: string; stderr: string }> {
    return runClaviger([...args, '--data', this.data]);
  }

  /** The same data under a new process, at another port. */
  async restart(signal?: NodeJS.Signals): Promise<void> {
    await this.#process.stop(signal);
    this.#process = await start(this.#args);
  }

  /** Stops gracefully and, unless told to keep it, removes the data folder. */
  async stop({ keepData = false } = {}): Promise<void> {
    await this.#process.stop();
    if (!keepData) remove(this.data);
  }
}

interface ServerOptions {
  readonly data?: string;
  readonly args?: readonly string[];
}

const newFolder = () => mkdtempSync(join(tmpdir(), 'claviger-test-'));
const remove = (data: string) => rmSync(data, { recursive: true, force: true });

export const startServer = RunningServer.start;

/** A server for the tests of one file. When they are over, its ledger must verify, and it goes, whatever became of them. */
export async function serverOfThisFile(options: ServerOptions = {}): Promise<{ server: RunningServer; env: Env }> {
  const server = await startServer(options);
  after(async () => {
    try {
      await server.claviger('audit', 'verify');
    } finally {
      await server.stop();
    }
  });
  return { server, env: await server.env() };
}
