import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** What the measurements of the server share: servers pinned to one core, wrk pinned to the other. */

const run = promisify(execFile);
const bin = fileURLToPath(new URL('../bin/claviger.js', import.meta.url));
const bare = fileURLToPath(new URL('./bare-http.ts', import.meta.url));
const serverCore = '0';
const loadCore = '1';

export interface Target {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export interface Request {
  /** Default: POST. */
  readonly method?: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Asked for in turn, in place of `path`. */
  readonly paths?: readonly string[];
}

export interface Measured {
  readonly perSecond: number;
  /** CPU of the whole server process (all threads), in microseconds. */
  readonly cpuPerRequest: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** A server on its core. `ready` resolves with its address; it reads what the server prints, as long as that runs. */
export async function startPinned(
  command: string,
  args: readonly string[],
  ready: (child: ChildProcess) => Promise<string>,
  errors: 'inherit' | 'pipe' = 'inherit',
): Promise<Target> {
  const child = spawn('taskset', ['-c', serverCore, command, ...args], { stdio: ['ignore', 'pipe', errors] });
  const url = await ready(child);
  return {
    url,
    pid: child.pid!,
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.kill('SIGTERM');
      }),
  };
}

const start = (args: readonly string[]) => startPinned(process.execPath, args, readyUrl);

function readyUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const ready = /^ready (\S+)$/m.exec(output);
      if (ready) resolve(ready[1]!);
    });
    child.once('exit', (code) => reject(new Error(`the server stopped with ${code}:\n${output}`)));
  });
}

/** `claviger ARGS`, which says when it is ready. */
export const startOurs = (args: readonly string[]): Promise<Target> => start([bin, ...args]);

export const startBare = (args: readonly string[] = []): Promise<Target> => start([bare, ...args]);

export interface Claviger extends Target {
  readonly data: string;
  readonly credentials: { readonly token: string; readonly accessKeyId: string; readonly secretAccessKey: string };
}

export async function startClaviger(args: readonly string[], folder?: string): Promise<Claviger> {
  const data = folder ?? mkdtempSync(join(tmpdir(), 'claviger-bench-'));
  const target = await startOurs(['dev', '--data', data, '--listen', '127.0.0.1:0', ...args]);
  const credentials = JSON.parse(readFileSync(join(data, 'identities', 'developer.json'), 'utf8'));
  const stop = async () => {
    await target.stop();
    if (folder === undefined) rmSync(data, { recursive: true, force: true });
  };
  return { ...target, data, credentials, stop };
}

/** One round of wrk. Throws if any answer was not a success. */
export async function load(
  target: Target,
  request: Request | undefined,
  connections: number,
  seconds: number,
): Promise<Measured> {
  const script = join(mkdtempSync(join(tmpdir(), 'claviger-wrk-')), 'request.lua');
  writeFileSync(script, request === undefined ? '' : lua(request));
  const before = cpuSeconds(target.pid);
  const { stdout } = await run('taskset', [
    ...['-c', loadCore, 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '-s', script],
    target.url + (request?.path ?? '/'),
  ]);
  const cpu = cpuSeconds(target.pid) - before;
  rmSync(join(script, '..'), { recursive: true });
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`not every answer was a success:\n${stdout}`);
  const requests = Number(/(\d+) requests in/.exec(stdout)![1]);
  return {
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)![1]),
    cpuPerRequest: (cpu * 1e6) / requests,
    p50: milliseconds(/^ +50%\s+(\S+)/m.exec(stdout)![1]!),
    p99: milliseconds(/^ +99%\s+(\S+)/m.exec(stdout)![1]!),
  };
}

function lua({ method = 'POST', headers, body, paths }: Request): string {
  const lines = Object.entries(headers).map(
    ([name, value]) => `wrk.headers[${JSON.stringify(name)}]=${JSON.stringify(value)}`,
  );
  const turns =
    paths === undefined
      ? []
      : [
          `local paths = {${paths.map((path) => JSON.stringify(path)).join(',')}}`,
          'local turn = 0',
          'request = function() turn = turn % #paths + 1; return wrk.format(nil, paths[turn]) end',
        ];
  return [`wrk.method=${JSON.stringify(method)}`, ...lines, `wrk.body=${JSON.stringify(body)}`, ...turns].join('\n');
}

function milliseconds(text: string): number {
  const value = Number.parseFloat(text);
  if (text.endsWith('us')) return value / 1000;
  return text.endsWith('ms') ? value : value * 1000;
}

const ticksPerSecond = 100;

/** Seconds of user and system time of all threads so far (proc(5)). */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

export function residentMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The median of each figure over rounds. */
export function medians(rounds: readonly Measured[]): Measured {
  const of = (figure: keyof Measured) => median(rounds.map((round) => round[figure]));
  return { perSecond: of('perSecond'), cpuPerRequest: of('cpuPerRequest'), p50: of('p50'), p99: of('p99') };
}

export function row(name: string, { perSecond, cpuPerRequest, p50, p99 }: Measured, ratio = ''): string {
  const figures = [perSecond.toFixed(0), cpuPerRequest.toFixed(1), p50.toFixed(2), p99.toFixed(2), ratio];
  return name.padEnd(44) + figures.map((figure) => figure.padStart(10)).join('');
}

export const heading =
  'server'.padEnd(44) + ['req/s', 'CPU us', 'p50 ms', 'p99 ms', 'ratio'].map((name) => name.padStart(10)).join('');
