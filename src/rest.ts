import { readFileSync } from 'node:fs';
import { memoryUsage } from 'node:process';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { importFfi } from '#crypto/ffi.ts';

/** Milliseconds. */
const every = 1000;
/** Looks in a row that found next to nothing to do. */
const restful = 3;
/** Of the time: the looks and the checkpoints of a server that nobody asks; a request a second is more. */
const nextToNothing = 0.002;
/** Bytes that are worth a collection, and those that are worth one within a minute of the last: little traffic is no rest. */
const worthwhile = 4 * 1024 * 1024;
const worthwhileAtOnce = 32 * 1024 * 1024;
const between = 60_000;

type Collect = (options: {
  readonly type: 'major';
  readonly execution: 'sync';
  readonly flavor: 'last-resort';
}) => void;

/**
 * Gives back the memory that starting and each burst of requests leave behind, once the server has had nothing to do for some seconds:
 * V8 collects when it allocates, so a server at rest would keep what its busiest hour took. The pause of some 30 ms meets nobody.
 */
export function giveMemoryBackAtRest(): void {
  const collect = collector();
  const [heap, resident] = [new Tide(), new Tide()];
  let last = performance.eventLoopUtilization();
  let rests = 0;
  let trimming = false;
  setInterval(() => {
    const now = performance.eventLoopUtilization();
    rests = performance.eventLoopUtilization(now, last).utilization < nextToNothing ? rests + 1 : 0;
    last = now;
    if (rests < restful) return;
    const before = getHeapStatistics().total_physical_size;
    if (heap.isHigh(before)) {
      collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
      // This was no request.
      last = performance.eventLoopUtilization();
      const after = getHeapStatistics().total_physical_size;
      // What has grown old by a collection goes with the next.
      if (before - after < worthwhile) heap.ebbed(after);
      // V8 frees buffers on a thread of its own meanwhile.
      return;
    }
    const held = memoryUsage.rss();
    if (trimming || !resident.isHigh(held)) return;
    trimming = true;
    void trim().then(() => {
      trimming = false;
      const left = memoryUsage.rss();
      if (held - left < worthwhile) resident.ebbed(left);
    });
  }, every).unref();
}

/** How much there was when last some was given back, and whether there is enough more of it by now. */
class Tide {
  #low = 0;
  #at = Number.NEGATIVE_INFINITY;

  isHigh(bytes: number): boolean {
    const worth = performance.now() - this.#at < between ? worthwhileAtOnce : worthwhile;
    return bytes >= this.#low + worth;
  }

  ebbed(bytes: number): void {
    this.#low = bytes;
    this.#at = performance.now();
  }
}

function collector(): Collect {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as Collect;
  setFlagsFromString('--no-expose-gc');
  return collect;
}

/** Milliseconds from the loss of a key to the collection of what had it open, when none was just made, and when one was. */
const scrubAfter = 1000;
const scrubAgain = 30_000;
let scrubs: NodeJS.Timeout | undefined;
let lastScrub = Number.NEGATIVE_INFINITY;

/**
 * Collects what still holds secrets that were let go, which wipes them: keys that were opened before the server was sealed, or they were
 * destroyed. Within half a minute; a pause of some 30 ms, however many ask.
 */
export function scrubSoon(): void {
  if (scrubs !== undefined) return;
  const wait = Math.max(scrubAfter, lastScrub + scrubAgain - performance.now());
  scrubs = setTimeout(() => void scrub(collector()), wait).unref();
}

async function scrub(collect: Collect): Promise<void> {
  lastScrub = performance.now();
  scrubs = undefined;
  (await import('#crypto/crypto.ts')).forgetMessageKeys();
  // What is collected lets go of more, in a turn of its own.
  for (const _ of ['handles', 'what they held']) {
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await trim();
}

const dontNeed = 4;

/**
 * What is freed in pieces stays with malloc until it is asked for it (only glibc can be asked). And starting runs much of the program once: its
 * pages, which are as they are in the file, are mapped again when somebody needs them.
 */
async function trim(): Promise<void> {
  try {
    const { dlopen } = await importFfi();
    const { lib, functions } = dlopen(null, {
      malloc_trim: { arguments: ['u64'], return: 'i32' },
      madvise: { arguments: ['pointer', 'u64', 'i32'], return: 'i32' },
    } as const);
    functions.malloc_trim(0n);
    for (const { start, length } of programText()) functions.madvise(start, length, dontNeed);
    lib.close();
  } catch {
    // Another system has ways of its own.
  }
}

/**
 * Where the program's file is in memory as it is on disk: its code and its constants. Pages that were written to, such as those that the
 * loader relocated, are nowhere else; a mapping with any of them stays (proc_pid_smaps(5)).
 */
function programText(): ReadonlyArray<{ readonly start: bigint; readonly length: bigint }> {
  const mappings = readFileSync('/proc/self/smaps', 'latin1').split(/^(?=[0-9a-f]+-)/m);
  return mappings.flatMap((mapping) => {
    const [, from, to, path] = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ \S+ +(\/.*)$/m.exec(mapping) ?? [];
    if (path !== process.execPath || !/^Anonymous: +0 kB$/m.test(mapping)) return [];
    const start = BigInt(`0x${from}`);
    return [{ start, length: BigInt(`0x${to}`) - start }];
  });
}
