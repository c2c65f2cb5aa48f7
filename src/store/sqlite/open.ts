import { DatabaseSync } from 'node:sqlite';
import { AnchorFile } from './anchor.ts';
import { Database, type Places } from './database.ts';
import { createPrivateFile } from './files.ts';
import { lockForWriting } from './lock.ts';
import { migrate, requireNewest } from './migrations.ts';

/** Milliseconds to wait for a foreign program that holds the database, such as a backup's or a reader's last moment. */
const timeout = 2000;

/** In KiB: the inner pages of the index over a million rows stay in memory. */
const cacheSize = 16 * 1024;

/** A WAL that a long reader let grow gives its room back, in bytes. */
const walLimit = 64 * 1024 * 1024;

/** Opens for writing, as the only one who may, and makes or migrates the files. `dispose` lets the next one in. */
export function openForWriting(places: Places): { database: Database } & Disposable {
  const path = createPrivateFile(places.path);
  using stack = new DisposableStack();
  stack.use(lockForWriting(path));
  const connection = stack.adopt(connect(path, places), (open) => open.isOpen && open.close());
  migrate(connection, path);
  const database = new Database(connection, places, new AnchorFile(places.anchorPath));
  const held = stack.move();
  return { database, [Symbol.dispose]: () => held.dispose() };
}

/** Opens for reading, beside a server that writes or without one. Creates nothing. */
export function openForReading(places: Places): Database {
  const connection = new DatabaseSync(places.path, { readOnly: true, timeout });
  try {
    requireNewest(connection, places.path);
    return new Database(connection, places, undefined);
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** `secure_delete`: what a key's destruction deletes is overwritten, not just unlinked. */
export function connect(path: string, { unsafeNoFlush }: Pick<Places, 'unsafeNoFlush'>): DatabaseSync {
  const connection = new DatabaseSync(path, { timeout, defensive: true });
  connection.exec(`
    pragma journal_mode = wal;
    pragma synchronous = ${unsafeNoFlush === true ? 'off' : 'full'};
    pragma wal_autocheckpoint = 0;
    pragma journal_size_limit = ${walLimit};
    pragma cache_size = -${cacheSize};
    pragma secure_delete = on;
    pragma trusted_schema = off;
  `);
  return connection;
}
