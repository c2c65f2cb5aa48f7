import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { asKmsError } from './failure.ts';
import type { SnapshotWork } from './snapshot.ts';

/* A thread and a connection of its own: the one that commits goes on, since a reader of the WAL holds nobody up. */
const { path, target, timeout } = workerData as SnapshotWork;

function copy(): { readonly code: string; readonly message: string } | undefined {
  try {
    const connection = new DatabaseSync(path, { readOnly: true, timeout });
    try {
      connection.prepare('vacuum into ?').run(target);
    } finally {
      connection.close();
    }
    return undefined;
  } catch (error) {
    const { code, message } = asKmsError(error, path);
    return { code, message };
  }
}

parentPort!.postMessage(copy());
