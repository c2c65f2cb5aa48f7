import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { KmsError } from '#domain/domain.ts';

/**
 * It isn't known whether the batch is on disk: its COMMIT failed on the way to the disk, or the anchor after it. Going on could
 * contradict what a restart finds, so the store commits nothing more until it is opened again.
 */
export class OutcomeUnknown extends KmsError {
  constructor(cause: KmsError) {
    super('unavailable', `${cause.message} Nothing more is written until the server is started again.`);
  }
}

// Result codes of SQLite: https://www.sqlite.org/rescode.html
const busy = 5;
const ioError = 10;
const full = 13;
const cantOpen = 14;
const primary = (code: number) => code & 0xff;

/** Less than SQLite needs to grow its shared memory file by one step. */
const nearlyNothing = 64 * 1024;

/** What a failure of SQLite or of the file system means to the caller. Carries the code and never the data. */
export function asKmsError(error: unknown, path: string): KmsError {
  if (error instanceof KmsError) return error;
  const { errcode, errstr, code } = error as { errcode?: number; errstr?: string; code?: string };
  if (errcode !== undefined) {
    if (isFull(errcode, path)) return noSpace();
    return new KmsError('unavailable', `The data file ${path} can't be used (SQLite ${errcode}: ${errstr}).`);
  }
  if (code === 'ENOSPC' || code === 'EDQUOT') return noSpace();
  return new KmsError('unavailable', `The data file ${path} can't be used (${code ?? (error as Error)?.name}).`);
}

/** Whether a failed COMMIT surely wrote nothing: only where the last frame, which makes it valid, found no room. */
export function surelyNotWritten(error: unknown): boolean {
  return (error as { errcode?: number }).errcode === full;
}

export function isBusy(error: unknown): boolean {
  return primary((error as { errcode?: number }).errcode ?? 0) === busy;
}

/** SQLite says FULL where a write finds no room, but IOERR or CANTOPEN where the WAL's index can't be made or grown. */
function isFull(errcode: number, path: string): boolean {
  const kind = primary(errcode);
  if (kind === full) return true;
  if (kind !== ioError && kind !== cantOpen) return false;
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize < nearlyNothing;
  } catch {
    return false;
  }
}

function noSpace(): KmsError {
  return new KmsError('storage-full', 'The disk is full: nothing was written. Free some space and ask again.');
}
