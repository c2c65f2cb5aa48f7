import { parentPort, workerData } from 'node:worker_threads';
import { InauthenticError } from '#client/client.ts';
import { type ChunkJob, runBatches, stopBatches } from './chunk-batches.ts';

/** How a thread ended. */
export type WorkerEnd =
  | { readonly kind: 'done' | 'inauthentic' }
  | { readonly kind: 'failed'; readonly message: string };

const job = workerData as ChunkJob;

async function run(): Promise<WorkerEnd> {
  try {
    await runBatches(job);
    return { kind: 'done' };
  } catch (error) {
    stopBatches(job.shared);
    if (error instanceof InauthenticError) return { kind: 'inauthentic' };
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

parentPort?.postMessage(await run());
