import { DatabaseSync } from 'node:sqlite';
import { KmsError } from '#domain/domain.ts';
import { isBusy } from './failure.ts';
import { createPrivateFile } from './files.ts';

/**
 * Holds the right to write the data file `path`. The kernel drops it when the process ends, however it ends; readers of the
 * data file aren't touched by it. It is the write lock of a second, always empty SQLite file, because Node offers no other
 * advisory lock, and because SQLite also refuses a second holder within one process. Throws 'unavailable' when it is taken.
 */
export function lockForWriting(path: string): Disposable {
  const lock = new DatabaseSync(createPrivateFile(`${path.replace(/\.db$/, '')}.lock`));
  try {
    lock.exec('pragma journal_mode = off; begin exclusive');
  } catch (error) {
    lock.close();
    if (!isBusy(error)) throw error;
    throw new KmsError(
      'unavailable',
      `The data file ${path} is in use by another Claviger server; stop that one first.`,
    );
  }
  return { [Symbol.dispose]: () => lock.close() };
}
