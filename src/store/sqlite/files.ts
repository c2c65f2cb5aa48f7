import { closeSync, fsyncSync, mkdirSync, openSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes the file (0600) and its folder (0700) if absent, and answers its real path. SQLite gives its WAL the same mode. An
 * existing file is not opened: closing it again would drop the locks that this process holds on it (POSIX advisory locks).
 */
export function createPrivateFile(path: string): string {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    closeSync(openSync(path, 'wx', 0o600));
    flushFolder(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return realpathSync(path);
}

/** A new file survives a power loss only once its folder is on disk too. */
function flushFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
