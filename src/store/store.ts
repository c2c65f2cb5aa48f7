/** The door of durable state: the contract and its backends, which share no code. */
export * from './durable-state.ts';
export { memoryStore } from './memory/memory.ts';
export { type Behind, FileShelf, type Shelf } from './shelf/shelf.ts';
export { anchorAnew, snapshotSqlite } from './sqlite/snapshot.ts';
export { openSqliteStore, type SqliteOptions } from './sqlite/sqlite.ts';
