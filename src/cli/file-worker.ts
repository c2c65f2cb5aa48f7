import { parentPort } from 'node:worker_threads';
import { InauthenticError } from '#client/client.ts';
import { type ChunkJob, runBatches, stopBatches } from './chunk-batches.ts';

/** How a thread ended. */
export type WorkerEnd =
  | { readonly kind: 'done' | 'inauthentic' }
  | { readonly kind: 'failed'; readonly message: string };

async function run(job: ChunkJob): Promise<WorkerEnd> {
  try {
    await runBatches(job);
    return { kind: 'done' };
  } catch (error) {
    stopBatches(job.shared);
    if (error instanceof InauthenticError) return { kind: 'inauthentic' };
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

parentPort?.once('message', async (job: ChunkJob) => parentPort?.postMessage(await run(job)));
