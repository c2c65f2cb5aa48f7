/**
 * File encryption (figure 4): `claviger encrypt` with one and with two threads, against `openssl speed` and `age`.
 *
 *   node bench/file-encryption.ts [--mib 1024] [--rounds 5] [--dir DIR]
 *
 * Each round runs everything once, one after the other, so that whatever else the machine does meets all of them; the medians are
 * compared. "work" is what claviger itself reports: from the open file to the last byte written, the data key from the server
 * included. "whole" is the command's wall clock, with the start of Node. DIR should be on the file system that matters to you.
 * Before each timed run, `age`'s too, what is still to be written to the disk is, and as much memory as the output takes is used and
 * freed: a virtual machine may have given its free memory back, and to get it again takes longer than to encrypt.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startServer } from '../test/harness.ts';

const bin = fileURLToPath(new URL('../bin/claviger.js', import.meta.url));
const { values } = parseArgs({
  options: {
    mib: { type: 'string', default: '1024' },
    rounds: { type: 'string', default: '5' },
    dir: { type: 'string', default: tmpdir() },
  },
});
const bytes = Number(values.mib) * 1024 * 1024;
const rounds = Number(values.rounds);

const dir = mkdtempSync(join(values.dir, 'claviger-bench-'));
const file = (name: string) => join(dir, name);
const server = await startServer();

interface Run {
  /** Seconds. */
  readonly whole: number;
  readonly work: number;
  /** User and system seconds. */
  readonly cpu: number;
  readonly peakMiB: number;
}

const report =
  "data:text/javascript,import{isMainThread}from'node:worker_threads';if(isMainThread)process.on('exit',()=>{" +
  "const u=process.resourceUsage();process.stderr.write('usage '+u.maxRSS+' '+(u.userCPUTime+u.systemCPUTime))})";

function settle(to: string): void {
  rmSync(to, { force: true });
  execFileSync('sync', ['-f', dir]);
  writeRandom(file('scratch'), bytes);
  rmSync(file('scratch'));
}

function claviger(verb: 'encrypt' | 'decrypt', from: string, to: string, threads: number): Run {
  settle(to);
  const args = ['--import', report, bin, verb, from, '-o', to, '--threads', String(threads), '--data', server.data];
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const whole = (performance.now() - start) / 1000;
  const work = / in ([\d.]+) s,/.exec(stderr)?.[1];
  const usage = /usage (\d+) (\d+)/.exec(stderr);
  if (status !== 0 || work === undefined || usage === null) throw new Error(`claviger ${verb}: ${stderr}`);
  return { whole, work: Number(work), cpu: Number(usage[2]) / 1e6, peakMiB: Number(usage[1]) / 1024 };
}

function age(args: readonly string[], to: string): number {
  settle(to);
  const start = performance.now();
  execFileSync('age', [...args, '-o', to, file('plain')], { stdio: ['ignore', 'ignore', 'inherit'] });
  return (performance.now() - start) / 1000;
}

/** Bytes per second. */
function opensslSpeed(): number {
  const args = ['speed', '-elapsed', '-evp', 'aes-256-gcm', '-bytes', '16384', '-seconds', '1'];
  const output = execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return Number(/AES-256-GCM\s+([\d.]+)k/i.exec(output)![1]) * 1000;
}

const median = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
const best = (numbers: readonly number[]) => Math.min(...numbers);

function writeRandom(path: string, length: number): void {
  const fd = openSync(path, 'wx');
  const block = crypto.getRandomValues(new Uint8Array(65_536));
  for (let left = length; left > 0; left -= block.length) writeSync(fd, block, 0, Math.min(left, block.length));
  closeSync(fd);
}

try {
  writeRandom(file('plain'), bytes);
  execFileSync('age-keygen', ['-o', file('age.key')], { stdio: 'ignore' });
  const recipient = execFileSync('age-keygen', ['-y', file('age.key')], { encoding: 'utf8' }).trim();
  const seen = { one: [] as Run[], two: [] as Run[], openOne: [] as Run[], openTwo: [] as Run[] };
  const ages: number[] = [];
  const speeds: number[] = [];
  // The first round touches memory that the machine may have to find first, and isn't counted.
  for (let round = 0; round <= rounds; round++) {
    const one = claviger('encrypt', file('plain'), file('sealed'), 1);
    const openOne = claviger('decrypt', file('sealed'), file('opened'), 1);
    const openssl = opensslSpeed();
    const ageTime = age(['-r', recipient], file('aged'));
    const two = claviger('encrypt', file('plain'), file('sealed'), 2);
    const openTwo = claviger('decrypt', file('sealed'), file('opened'), 2);
    if (round === 0) continue;
    seen.one.push(one);
    seen.two.push(two);
    seen.openOne.push(openOne);
    seen.openTwo.push(openTwo);
    ages.push(ageTime);
    speeds.push(openssl);
  }
  execFileSync('cmp', [file('plain'), file('opened')]);
  const rate = (seconds: number) => bytes / seconds;
  const gigabytes = (perSecond: number) => `${(perSecond / 1e9).toFixed(2)} GB/s`;
  const reference = median(speeds);
  const ageRate = rate(median(ages));
  console.log(
    `${values.mib} MiB in ${dir}, ${rounds} rounds, medians (best); ${availableParallelism()} x ${cpus()[0]?.model}\n`,
  );
  console.log(`openssl speed -evp aes-256-gcm -bytes 16384   ${gigabytes(reference)}`);
  console.log(`age (X25519, whole command)                   ${gigabytes(ageRate)}`);
  for (const [name, runs] of [
    ['encrypt, 1 thread ', seen.one],
    ['encrypt, 2 threads', seen.two],
    ['decrypt, 1 thread ', seen.openOne],
    ['decrypt, 2 threads', seen.openTwo],
  ] as const) {
    const work = runs.map((run) => run.work);
    const whole = median(runs.map((run) => run.whole));
    const ours = rate(median(work));
    console.log(
      `${name}  work ${gigabytes(ours)} (${gigabytes(rate(best(work)))}): ${(ours / reference).toFixed(2)} of openssl; ` +
        `whole command ${gigabytes(rate(whole))}: ${(rate(whole) / ageRate).toFixed(2)} x age; ` +
        `cpu ${median(runs.map((run) => run.cpu)).toFixed(2)} s; peak ${median(runs.map((run) => run.peakMiB)).toFixed(0)} MiB`,
    );
  }
  console.log(
    `two threads / one thread                      ${(median(seen.one.map((r) => r.work)) / median(seen.two.map((r) => r.work))).toFixed(2)}`,
  );
  console.log(`size of the file / of its plaintext           ${(statSync(file('sealed')).size / bytes).toFixed(5)}`);
} finally {
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}
