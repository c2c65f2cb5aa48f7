import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** Every system call that changes files, and those by which an answer leaves. */
const durable = [
  'write',
  'writev',
  'pwrite64',
  'pwritev',
  'sendmsg',
  'fsync',
  'fdatasync',
  'ftruncate',
  'rename',
  'unlink',
  'mkdir',
  'chmod',
] as const;

/** One durable system call: the `nth` (from 1) of its kind on its file. */
export interface Step {
  readonly call: string;
  /** Below the data folder; '' is the folder itself, and `socketPath` the connection to whoever asked. */
  readonly path: string;
  readonly nth: number;
  readonly meaning: string;
}

export const socketPath = 'socket:';

export type Injection = 'kill' | 'ENOSPC' | 'EIO';

/** Why strace can't be used here; undefined if it can. */
export function whyNoStrace(): string | undefined {
  const { error, status, stderr } = spawnSync('strace', ['-f', '-o', '/dev/null', 'true'], { encoding: 'utf8' });
  if (error !== undefined) return 'strace is not installed';
  return status === 0 ? undefined : `strace may not trace here (${stderr.trim().split('\n').at(-1)})`;
}

export interface At {
  readonly step: Step;
  readonly what: Injection;
  /** The step's path in full. */
  readonly path: string;
}

/** The arguments that trace `paths` (none: every file), and do something at a step instead of the call. */
export function straceArgs(log: string, paths: readonly string[], at?: At): string[] {
  const only = at === undefined ? paths : [at.path];
  const calls = at === undefined ? durable.join(',') : at.step.call;
  // A disk that fails goes on failing.
  const effect = at?.what === 'kill' ? 'signal=SIGKILL:when=' : `error=${at?.what}:when=`;
  const when = at?.what === 'kill' ? at.step.nth : `${at?.step.nth}+`;
  const inject = at === undefined ? [] : ['-e', `inject=${at.step.call}:${effect}${when}`];
  const where = only.flatMap((path) => ['-P', path]);
  return ['-f', '-y', '-s', '32', '-e', 'signal=none', '-e', `trace=${calls}`, ...inject, ...where, '-o', log];
}

/** A strace that watches a running process. */
export class Watch {
  readonly #folder = mkdtempSync(join(tmpdir(), 'claviger-crash-strace-'));
  readonly #tracer: ChildProcess;
  readonly #gone: Promise<void>;

  private constructor(pid: number, paths: readonly string[], at?: At) {
    const args = [...straceArgs(this.#log, paths, at), '-p', String(pid)];
    this.#tracer = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#gone = new Promise((resolve) => this.#tracer.once('close', () => resolve()));
  }

  /** Whether a call failed on purpose. */
  get hasFailed(): boolean {
    return readFileSync(this.#log, 'utf8').includes('(INJECTED)');
  }

  get #log(): string {
    return join(this.#folder, 'log');
  }

  /** Resolves once every thread of the process is traced. */
  static async attach(pid: number, paths: readonly string[], at?: At): Promise<Watch> {
    const watch = new Watch(pid, paths, at);
    await new Promise<void>((resolve, reject) => {
      let said = '';
      watch.#tracer.stderr!.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (/attached/.test(said)) resolve();
      });
      void watch.#gone.then(() => reject(new Error(`strace ended: ${said}`)));
    });
    return watch;
  }

  /** Lets the process go, or follows it into its end, and answers the steps that it took. */
  async end(root: string): Promise<readonly Step[]> {
    this.#tracer.kill('SIGINT');
    await this.#gone;
    const steps = readSteps(this.#log, root);
    rmSync(this.#folder, { recursive: true });
    return steps;
  }
}

/** The steps in a log of strace. `root` is the data folder. */
export function readSteps(log: string, root: string): readonly Step[] {
  const counts = new Map<string, number>();
  const found: Array<Omit<Step, 'meaning'> & { bytes: number }> = [];
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    const call = /^\d+ +(\w+)\((?:\d+<([^>]*)>|(?:AT_FDCWD[^,]*, )?"([^"]*)")/.exec(line);
    if (call === null) continue;
    const path = call[2] ?? call[3]!;
    const isAnswer = path.startsWith(socketPath) || path.startsWith('TCP');
    if (!(isAnswer || path === root || path.startsWith(`${root}/`)) || path.endsWith('-shm')) continue;
    // Each thread of strace's is counted for itself.
    const key = `${line.split(' ')[0]} ${call[1]} ${path}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    // mkdir of a folder that is there.
    if (line.includes(' = -1 ')) continue;
    const bytes = Number(/, (\d+)(?:, \d+)?(?:\) .*| <unfinished.*)$/.exec(line)?.[1] ?? 0);
    found.push({
      call: call[1]!,
      path: isAnswer ? socketPath : path.slice(root.length + 1),
      nth: counts.get(key)!,
      bytes,
    });
  }
  const lastFrame = found.findLastIndex(({ path, call }) => path.endsWith('-wal') && call === 'pwrite64');
  return found.map((step, index) => ({
    call: step.call,
    path: step.path,
    nth: step.nth,
    meaning: meaningOf(step, index === lastFrame),
  }));
}

function meaningOf(step: { call: string; path: string; bytes: number }, last: boolean): string {
  const { call, path, bytes } = step;
  if (path === socketPath) return 'answer';
  const file = path === '' ? 'data folder' : path;
  const flushed = call === 'fsync' || call === 'fdatasync';
  if (file.endsWith('-wal')) {
    if (flushed) return 'WAL flush';
    if (call !== 'pwrite64') return `WAL ${call}`;
    if (bytes === 32) return 'WAL header';
    if (bytes === 24) return 'WAL frame header';
    return last ? 'WAL page, the last of the commit' : 'WAL page';
  }
  if (file === 'anchor') return flushed ? 'anchor flush' : 'anchor slot';
  if (file === 'claviger.db') return flushed ? 'database flush' : `database ${call === 'pwrite64' ? 'page' : call}`;
  const draft = file.endsWith('.new') ? `draft of ${basename(file, '.new')}` : file;
  if (call === 'rename') return `${basename(file, '.new')} put in place`;
  if (flushed) return `flush of ${draft}`;
  if (call === 'mkdir') return `folder ${file === 'data folder' ? 'for the data' : basename(file)} made`;
  return `${call} of ${dirname(file) === '.' ? draft : join(dirname(file), basename(draft))}`;
}
