import { readSync, writeSync } from 'node:fs';
import { chunkLength, InauthenticError, sealedChunkLength, tagLength } from '#client/client.ts';
import { openChunkCipher } from '#crypto/chunk-engine.ts';

/** Chunks that are read, encrypted and written together: 1 MiB, for few calls and large pages, yet still in the processor's cache. */
const batchChunks = 64;
const pageSize = 4096;

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
 * Takes batches until none is left: reads straight to where the cipher works, and writes from where it leaves them. Runs in any number of
 * threads at once; the order in which batches land in the output doesn't matter, since each has its place. Throws
 * InauthenticError or ShortFileError; then what was written is worth nothing. `onBatch` is called after each batch, and may make
 * it wait.
 */
export async function runBatches(job: ChunkJob, onBatch?: () => Promise<void> | undefined): Promise<void> {
  const counters = new BigInt64Array(job.shared);
  const memory = new ArrayBuffer(batchChunks * (chunkLength + sealedChunkLength) + 2 * pageSize);
  const cipher = await openChunkCipher(job.key, job.baseNonce, memory);
  job.key.fill(0);
  const chunks = chunksOf(job.length);
  const whole = Buffer.from(memory);
  const plainStart = cipher.firstPage;
  try {
    for (;;) {
      if (Atomics.load(counters, counter.stop) !== 0n) return;
      const first = Number(Atomics.add(counters, counter.nextBatch, 1n)) * batchChunks;
      if (first >= chunks) return;
      const count = Math.min(batchChunks, chunks - first);
      // Every chunk but the message's last is full.
      const length = Math.min(count * chunkLength, job.length - first * chunkLength);
      const plain = whole.subarray(plainStart, plainStart + length);
      const sealing = job.direction === 'seal';
      const plainAt = (sealing ? job.inputStart : job.outputStart) + first * chunkLength;
      const sealedAt = (sealing ? job.outputStart : job.inputStart) + first * sealedChunkLength;
      // A copy between memory and a file is fastest where both are at the same place in their pages; the plaintext's are.
      const sealedStart = plainStart + batchChunks * chunkLength + (sealedAt % pageSize);
      const sealed = whole.subarray(sealedStart, sealedStart + length + count * tagLength);
      if (sealing) readAll(job.input, plain, plainAt);
      else readAll(job.input, sealed, sealedAt);
      for (let i = 0; i < count; i++) {
        const plainChunk = plainStart + i * chunkLength;
        const sealedChunk = sealedStart + i * sealedChunkLength;
        const size = Math.min(chunkLength, length - i * chunkLength);
        if (sealing) cipher.seal(first + i, plainChunk, size, sealedChunk);
        else if (!cipher.open(first + i, sealedChunk, size, plainChunk)) throw new InauthenticError();
      }
      if (sealing) writeAll(job.output, sealed, sealedAt);
      else writeAll(job.output, plain, plainAt);
      Atomics.add(counters, counter.doneChunks, BigInt(count));
      const pause = onBatch?.();
      if (pause !== undefined) await pause;
    }
  } finally {
    cipher.dispose();
    whole.fill(0);
  }
}

/** Fills the buffer with the file's bytes from `position` on. */
function readAll(fd: number, buffer: Buffer, position: number): void {
  for (let got = 0; got < buffer.length; ) {
    const more = readSync(fd, buffer, got, buffer.length - got, position + got);
    if (more === 0) throw new ShortFileError();
    got += more;
  }
}

function writeAll(fd: number, buffer: Buffer, position: number): void {
  for (let written = 0; written < buffer.length; ) {
    written += writeSync(fd, buffer, written, buffer.length - written, position + written);
  }
}
