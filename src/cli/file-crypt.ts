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

/** Below this, starting a thread takes longer than the work. */
const smallFile = 4 * 1024 * 1024;
const breathEvery = 50;

export interface Working {
  readonly threads: number;
  /** Bytes of plaintext so far. */
  readonly onProgress?: (bytes: number) => void;
}

/** Encrypts a regular file into a new one, in flat memory. Rejects if the file changes meanwhile. */
export async function encryptFile(input: number, output: number, file: NewFile, working: Working): Promise<void> {
  const before = fstatSync(input);
  const { message, prefix } = await newMessage(file.dataKey, file.header);
  file.dataKey.fill(0);
  writeSync(output, Buffer.concat([file.header, prefix]), 0, undefined, 0);
  const outputStart = file.header.length + prefix.length;
  await work({ direction: 'seal', input, output, inputStart: 0, outputStart, length: before.size }, message, working);
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

/** Decrypts a regular file. Rejects with InauthenticError; then what is in the output is worth nothing. Wipes `dataKey`. */
export async function decryptFile(
  input: number,
  output: number,
  headerBytes: Uint8Array,
  dataKey: Uint8Array,
  working: Working,
): Promise<void> {
  const inputStart = headerBytes.length + prefixLength;
  const start = readStart(input, inputStart);
  const message = await openMessage(dataKey, start.subarray(headerBytes.length), start.subarray(0, headerBytes.length));
  dataKey.fill(0);
  const sealed = fstatSync(input).size - inputStart;
  const rest = sealed % sealedChunkLength;
  // The last chunk is always there and always shorter: a file that ends elsewhere was cut.
  if (sealed < 0 || rest < tagLength) throw new InauthenticError();
  const length = Math.floor(sealed / sealedChunkLength) * chunkLength + rest - tagLength;
  await work({ direction: 'open', input, output, inputStart, outputStart: 0, length }, message, working);
}

function readStart(fd: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let got = 0;
  for (let more = -1; got < length && more !== 0; got += more) more = readSync(fd, bytes, got, length - got, got);
  return bytes.subarray(0, got);
}

type Part = Omit<ChunkJob, 'key' | 'baseNonce' | 'shared'>;

async function work(part: Part, message: MessageKey, { threads, onProgress }: Working): Promise<void> {
  const { key, baseNonce } = message;
  const shared = new SharedArrayBuffer(sharedLength);
  // Views would drag the whole memory behind them along to every thread.
  const job = { ...part, key: key.slice(), baseNonce: baseNonce.slice(), shared };
  key.fill(0);
  // This thread works too, so the others may take their time to start.
  const others = part.length < smallFile ? [] : Array.from({ length: threads - 1 }, () => startThread(job));
  const isWhole = () => doneChunks(shared) === chunksOf(part.length);
  const breath = breather(() => onProgress?.(doneChunks(shared) * chunkLength));
  try {
    await runBatches(job, breath);
    // Whoever hasn't begun by the time that all is written is not waited for.
    const ends = isWhole() ? [] : await Promise.all(others.map(({ end }) => end));
    for (const end of ends) {
      if (end.kind === 'failed') throw new CliError(end.message);
      if (end.kind === 'inauthentic') throw new InauthenticError();
    }
    if (!isWhole()) throw new CliError('A thread ended before its work was done.');
    onProgress?.(part.length);
  } finally {
    job.key.fill(0);
    // Until the last thread is gone, it may still write: only then may the files be closed.
    await Promise.all(others.map(({ stop }) => stop()));
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
  readonly end: Promise<WorkerEnd>;
  /** Resolves once the thread is gone. */
  stop(): Promise<unknown>;
}

function startThread(job: ChunkJob): Thread {
  const worker = new Worker(new URL('./file-worker.ts', import.meta.url), { workerData: job, execArgv: [] });
  const end = new Promise<WorkerEnd>((resolve) => {
    worker.once('message', resolve);
    const failed = (message: string) => {
      stopBatches(job.shared);
      resolve({ kind: 'failed', message });
    };
    worker.once('error', (error: Error) => failed(error.message));
    worker.once('exit', () => failed('A thread ended before its work was done.'));
  });
  return { end, stop: () => worker.terminate() };
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
          bytes.set(part, i * sealedChunkLength);
          cipher.seal(first + i, i * sealedChunkLength, part.length);
        }
        return bytes.subarray(0, run.length + count * tagLength);
      },
      open(first, run, final) {
        const count = Math.floor(run.length / sealedChunkLength) + (final ? 1 : 0);
        bytes.set(run);
        for (let i = 0; i < count; i++) {
          const length = Math.min(sealedChunkLength, run.length - i * sealedChunkLength) - tagLength;
          if (!cipher.open(first + i, i * sealedChunkLength, length)) return undefined;
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
