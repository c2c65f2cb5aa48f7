import { rmSync } from 'node:fs';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type ErrorCode, KmsError } from '#domain/domain.ts';
import { AnchorFile } from './anchor.ts';
import { createPrivateFile } from './files.ts';
import { openForReading } from './open.ts';

export interface SnapshotWork {
  readonly path: string;
  readonly target: string;
  readonly timeout: number;
}

/** Milliseconds to wait for whoever holds the database for a moment. */
const timeout = 10_000;

/**
 * Writes what the data file `path` holds at one moment to `target`, which must not be there, as a data file of its own. The server that
 * writes the first goes on meanwhile. Not flushed to disk. Rejects with 'storage-full' or 'unavailable', and leaves nothing then.
 */
export async function snapshotSqlite(path: string, target: string): Promise<void> {
  const work: SnapshotWork = { path, target: createPrivateFile(target), timeout };
  const script = new URL(`./snapshot-worker${extname(import.meta.url)}`, import.meta.url);
  const worker = new Worker(script, { workerData: work, name: 'snapshot', execArgv: [] });
  const failure = await new Promise<{ code: ErrorCode; message: string } | undefined>((resolve) => {
    worker.on('message', resolve);
    worker.on('error', ({ message }) => resolve({ code: 'unavailable', message }));
  });
  if (failure === undefined) return;
  rmSync(target, { force: true });
  throw new KmsError(failure.code, failure.message);
}

/**
 * Makes the anchor of a data file that comes from elsewhere: that it is the newest there is from now on. Whoever unseals it finds out
 * whether its head is authentic.
 */
export function anchorAnew(places: { readonly path: string; readonly anchorPath: string }): void {
  const database = openForReading(places);
  try {
    const head = database.head();
    if (head === undefined) throw new KmsError('tampered', 'The data file holds no head.');
    const anchor = new AnchorFile(places.anchorPath);
    try {
      anchor.write(head, true);
    } finally {
      anchor.close();
    }
  } finally {
    database.close();
  }
}
