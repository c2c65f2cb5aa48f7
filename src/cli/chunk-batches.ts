import { readSync, readvSync, writeSync, writevSync } from 'node:fs';
import { chunkLength, InauthenticError, sealedChunkLength, tagLength } from '#client/client.ts';
import { openChunkCipher } from '#crypto/chunk-engine.ts';

/** Chunks that are read, encrypted and written together: 512 KiB, which stays in the processor's cache. */
const batchChunks = 32;

/** A message between two regular files, whose chunks several threads take in batches. */
export interface ChunkJob {
  readonly direction: 'seal' | 'open';
  readonly input: number;
  readonly output: number;
  /** Where the first chunk is, in bytes. */
  readonly inputStart: number;
  readonly outputStart: number;
  /** Of the plaintext. */
  readonly length: number;
  readonly key: Uint8Array;
  readonly baseNonce: Uint8Array;
  readonly shared: SharedArrayBuffer;
}

/** What the threads of a job share: three 64-bit counters. */
export const sharedLength = 24;
const counter = { nextBatch: 0, doneChunks: 1, stop: 2 } as const;

/** Every message has a last chunk that isn't full, perhaps an empty one. */
export function chunksOf(length: number): number {
  return Math.floor(length / chunkLength) + 1;
}

/**
 * Chunks that are read, proven or encrypted, and written. Only all of them are the whole: the bytes may be complete while the last
 * chunk, an empty one, is still to be proven.
 */
export function doneChunks(shared: SharedArrayBuffer): number {
  return Number(Atomics.load(new BigInt64Array(shared), counter.doneChunks));
}

/** Makes every thread of the job end soon. */
export function stopBatches(shared: SharedArrayBuffer): void {
  Atomics.store(new BigInt64Array(shared), counter.stop, 1n);
}

/** A file became shorter while it was read. */
export class ShortFileError extends Error {
  constructor() {
    super('The file became shorter while it was read.');
    this.name = 'ShortFileError';
  }
}

/**
 * Takes batches until none is left: reads straight to where the cipher works in place, and writes from there. Runs in any number
 * of threads at once; the order in which batches land in the output doesn't matter, since each has its place. Throws
 * InauthenticError or ShortFileError; then what was written is worth nothing. `onBatch` is called after each batch, and may make
 * it wait.
 */
export async function runBatches(job: ChunkJob, onBatch?: () => Promise<void> | undefined): Promise<void> {
  const counters = new BigInt64Array(job.shared);
  const memory = new ArrayBuffer(batchChunks * sealedChunkLength);
  const cipher = await openChunkCipher(job.key, job.baseNonce, memory);
  job.key.fill(0);
  const chunks = chunksOf(job.length);
  const whole = Buffer.from(memory);
  const bodies = Array.from({ length: batchChunks }, (_, i) =>
    whole.subarray(i * sealedChunkLength, i * sealedChunkLength + chunkLength),
  );
  try {
    for (;;) {
      if (Atomics.load(counters, counter.stop) !== 0n) return;
      const first = Number(Atomics.add(counters, counter.nextBatch, 1n)) * batchChunks;
      if (first >= chunks) return;
      const count = Math.min(batchChunks, chunks - first);
      // Every chunk but the message's last is full.
      const lastLength = first + count === chunks ? job.length % chunkLength : chunkLength;
      const plain = bodies.slice(0, count);
      plain[count - 1] = plain[count - 1]!.subarray(0, lastLength);
      const sealed = whole.subarray(0, (count - 1) * sealedChunkLength + lastLength + tagLength);
      const plainAt = first * chunkLength;
      const sealedAt = first * sealedChunkLength;
      if (job.direction === 'seal') {
        readAll(job.input, plain, job.inputStart + plainAt);
        for (const [i, body] of plain.entries()) cipher.seal(first + i, i * sealedChunkLength, body.length);
        writeAll(job.output, [sealed], job.outputStart + sealedAt);
      } else {
        readAll(job.input, [sealed], job.inputStart + sealedAt);
        for (const [i, body] of plain.entries()) {
          if (!cipher.open(first + i, i * sealedChunkLength, body.length)) throw new InauthenticError();
        }
        writeAll(job.output, plain, job.outputStart + plainAt);
      }
      Atomics.add(counters, counter.doneChunks, BigInt(count));
      const pause = onBatch?.();
      if (pause !== undefined) await pause;
    }
  } finally {
    cipher.dispose();
    whole.fill(0);
  }
}

/** Fills all the buffers from `position` on. */
function readAll(fd: number, buffers: readonly Buffer[], position: number): void {
  const wanted = buffers.reduce((sum, { length }) => sum + length, 0);
  let got = buffers.length === 1 ? readSync(fd, buffers[0]!, 0, wanted, position) : readvSync(fd, buffers, position);
  // Rare: a read may stop early and go on where it stopped.
  while (got < wanted) {
    const { buffer, offset } = place(buffers, got);
    const more = readSync(fd, buffer, offset, buffer.length - offset, position + got);
    if (more === 0) throw new ShortFileError();
    got += more;
  }
}

function writeAll(fd: number, buffers: readonly Buffer[], position: number): void {
  const wanted = buffers.reduce((sum, { length }) => sum + length, 0);
  if (wanted === 0) return;
  let written =
    buffers.length === 1 ? writeSync(fd, buffers[0]!, 0, wanted, position) : writevSync(fd, buffers, position);
  while (written < wanted) {
    const { buffer, offset } = place(buffers, written);
    written += writeSync(fd, buffer, offset, buffer.length - offset, position + written);
  }
}

/** The buffer in which byte `index` of all of them is. */
function place(buffers: readonly Buffer[], index: number): { readonly buffer: Buffer; readonly offset: number } {
  let offset = index;
  for (const buffer of buffers) {
    if (offset < buffer.length) return { buffer, offset };
    offset -= buffer.length;
  }
  throw new RangeError('no such byte');
}
