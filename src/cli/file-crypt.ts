import { fstatSync, readSync, writeSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import {
  type ChunkEngine,
  chunkLength,
  decodeHeader,
  type FileHeader,
  fixedHeaderLength,
  headerLength,
  InauthenticError,
  type MessageKey,
  type NewFile,
  NotEncryptedFileError,
  newMessage,
  openMessage,
  prefixLength,
  sealedChunkLength,
  tagLength,
} from '#client/client.ts';
import { openChunkCipher } from '#crypto/chunk-engine.ts';
import { type ChunkJob, chunksOf, doneChunks, runBatches, sharedLength, stopBatches } from './chunk-batches.ts';
import { CliError } from './command.ts';
import type { WorkerEnd } from './file-worker.ts';
import { preallocate } from './preallocate.ts';

/** Below this, starting a thread takes longer than the work. */
const smallFile = 4 * 1024 * 1024;
const breathEvery = 50;

export interface Working {
  readonly threads: number;
  /** Bytes of plaintext so far. */
  readonly onProgress?: (bytes: number) => void;
}

/**
 * Encrypts a regular file into a new one, in flat memory. The threads start while the data key is still on its way. Rejects if the
 * file changes meanwhile.
 */
export async function encryptFile(
  input: number,
  output: number,
  ask: () => Promise<NewFile>,
  working: Working,
): Promise<void> {
  const before = fstatSync(input);
  await withThreads(before.size, working, async (work) => {
    const file = await ask();
    const { message, prefix } = await newMessage(file.dataKey, file.header);
    file.dataKey.fill(0);
    writeSync(output, Buffer.concat([file.header, prefix]), 0, undefined, 0);
    const outputStart = file.header.length + prefix.length;
    await work({ direction: 'seal', input, output, inputStart: 0, outputStart, length: before.size }, message);
  });
  const after = fstatSync(input);
  if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) {
    throw new CliError('The file changed while it was encrypted.');
  }
}

/** The header of an encrypted regular file. Throws NotEncryptedFileError. */
export function readFileHeader(input: number): { readonly header: FileHeader; readonly bytes: Uint8Array } {
  const length = headerLength(readStart(input, fixedHeaderLength));
  const bytes = length === undefined ? undefined : readStart(input, length);
  const header = bytes && decodeHeader(bytes);
  if (bytes === undefined || header === undefined) throw new NotEncryptedFileError();
  return { header, bytes };
}

/** Decrypts a regular file. Rejects with InauthenticError; then what is in the output is worth nothing. Wipes the data key. */
export async function decryptFile(
  input: number,
  output: number,
  headerBytes: Uint8Array,
  ask: () => Promise<Uint8Array>,
  working: Working,
): Promise<void> {
  const inputStart = headerBytes.length + prefixLength;
  const start = readStart(input, inputStart);
  const sealed = fstatSync(input).size - inputStart;
  await withThreads(sealed, working, async (work) => {
    const dataKey = await ask();
    const [header, prefix] = [start.subarray(0, headerBytes.length), start.subarray(headerBytes.length)];
    const message = await openMessage(dataKey, prefix, header);
    dataKey.fill(0);
    const rest = sealed % sealedChunkLength;
    // The last chunk is always there and always shorter: a file that ends elsewhere was cut.
    if (sealed < 0 || rest < tagLength) throw new InauthenticError();
    const length = Math.floor(sealed / sealedChunkLength) * chunkLength + rest - tagLength;
    await work({ direction: 'open', input, output, inputStart, outputStart: 0, length }, message);
  });
}

function readStart(fd: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let got = 0;
  for (let more = -1; got < length && more !== 0; got += more) more = readSync(fd, bytes, got, length - got, got);
  return bytes.subarray(0, got);
}

type Part = Omit<ChunkJob, 'key' | 'baseNonce' | 'shared'>;

type Work = (part: Part, message: MessageKey) => Promise<void>;

/** Starts the threads for about `size` bytes, lets `act` find out what the work is, and sees the threads off. */
async function withThreads(size: number, working: Working, act: (work: Work) => Promise<void>): Promise<void> {
  // This thread works too, so the others may take their time to start.
  const others = size < smallFile ? [] : Array.from({ length: working.threads - 1 }, startThread);
  try {
    await act((part, message) => runThreads(others, part, message, working.onProgress));
  } finally {
    // Until the last thread is gone, it may still write: only then may the files be closed.
    await Promise.all(others.map(({ stop }) => stop()));
  }
}

async function runThreads(
  others: readonly Thread[],
  part: Part,
  { key, baseNonce }: MessageKey,
  onProgress: Working['onProgress'],
): Promise<void> {
  const shared = new SharedArrayBuffer(sharedLength);
  // Views would drag the whole memory behind them along to every thread.
  const job = { ...part, key: key.slice(), baseNonce: baseNonce.slice(), shared };
  key.fill(0);
  const written = part.length + (part.direction === 'seal' ? chunksOf(part.length) * tagLength : 0);
  if (part.length >= smallFile) await preallocate(part.output, part.outputStart + written);
  const ending = others.map(({ begin }) => begin(job));
  const isWhole = () => doneChunks(shared) === chunksOf(part.length);
  const breath = breather(() => onProgress?.(doneChunks(shared) * chunkLength));
  try {
    await runBatches(job, breath);
    // Whoever hasn't begun by the time that all is written is not waited for.
    const ends = isWhole() ? [] : await Promise.all(ending);
    for (const end of ends) {
      if (end.kind === 'failed') throw new CliError(end.message);
      if (end.kind === 'inauthentic') throw new InauthenticError();
    }
    if (!isWhole()) throw new CliError('A thread ended before its work was done.');
    onProgress?.(part.length);
  } finally {
    job.key.fill(0);
    stopBatches(shared);
  }
}

/** The batches are synchronous: now and then, signals, timers and the other threads' messages must get their turn. */
function breather(act: () => void): () => Promise<void> | undefined {
  let last = performance.now();
  return () => {
    const now = performance.now();
    if (now - last < breathEvery) return undefined;
    last = now;
    act();
    return nextTurn();
  };
}

interface Thread {
  begin(job: ChunkJob): Promise<WorkerEnd>;
  /** Resolves once the thread is gone. */
  stop(): Promise<unknown>;
}

function startThread(): Thread {
  const worker = new Worker(new URL('./file-worker.ts', import.meta.url), { execArgv: [] });
  let shared: SharedArrayBuffer | undefined;
  const end = new Promise<WorkerEnd>((resolve) => {
    worker.once('message', resolve);
    const failed = (message: string) => {
      if (shared !== undefined) stopBatches(shared);
      resolve({ kind: 'failed', message });
    };
    worker.once('error', (error: Error) => failed(error.message));
    worker.once('exit', () => failed('A thread ended before its work was done.'));
  });
  return {
    begin(job) {
      ({ shared } = job);
      worker.postMessage(job);
      return end;
    },
    stop: () => worker.terminate(),
  };
}

/** The same cipher for streams, such as pipes, in this thread. */
export const streamEngine: ChunkEngine = {
  runChunks: 16,
  async start(key, baseNonce) {
    const memory = new ArrayBuffer(16 * sealedChunkLength);
    const bytes = new Uint8Array(memory);
    const cipher = await openChunkCipher(key, baseNonce, memory);
    const out = new Uint8Array(16 * sealedChunkLength);
    return {
      seal(first, run, final) {
        const count = Math.floor(run.length / chunkLength) + (final ? 1 : 0);
        for (let i = 0; i < count; i++) {
          const part = run.subarray(i * chunkLength, (i + 1) * chunkLength);
          const at = i * sealedChunkLength;
          bytes.set(part, at);
          cipher.seal(first + i, at, part.length, at);
        }
        return bytes.subarray(0, run.length + count * tagLength);
      },
      open(first, run, final) {
        const count = Math.floor(run.length / sealedChunkLength) + (final ? 1 : 0);
        bytes.set(run);
        for (let i = 0; i < count; i++) {
          const length = Math.min(sealedChunkLength, run.length - i * sealedChunkLength) - tagLength;
          const at = i * sealedChunkLength;
          if (!cipher.open(first + i, at, length, at)) return undefined;
          out.set(bytes.subarray(i * sealedChunkLength, i * sealedChunkLength + length), i * chunkLength);
        }
        return out.subarray(0, run.length - count * tagLength);
      },
      dispose() {
        cipher.dispose();
        bytes.fill(0);
        out.fill(0);
      },
    };
  },
};
