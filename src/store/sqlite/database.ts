import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { KmsError, type RecordKind, type RecordWrite, type StoredRecord } from '#domain/domain.ts';
import {
  type Batch,
  CommitConflict,
  type LeafBlock,
  type LedgerCheckpoint,
  type PlacedRecord,
} from '../durable-state.ts';
import { type AnchorFile, maxAnchorSize, readAnchors } from './anchor.ts';
import { asKmsError, OutcomeUnknown, surelyNotWritten } from './failure.ts';

const sql = {
  begin: 'begin immediate',
  commit: 'commit',
  rollback: 'rollback',
  head: 'select body from head where only = 1',
  putHead: 'insert into head (only, body) values (1, ?1) on conflict (only) do update set body = excluded.body',
  read: 'select kind, id, revision, body, mac from record where kind = ?1 and id = ?2',
  // 0xff occurs in no UTF-8, so `prefix || x'ff'` is above whatever starts with the prefix. One lower bound for the index only.
  list: `select kind, id, revision, body, mac from record
         where kind = ?1 and id >= max(?2, ?3) and +id > ?3 and id < ?2 || x'ff' order by id limit ?4`,
  scan: `select rowid as place, kind, id, revision, body, mac from record where rowid > ?1 order by rowid limit ?2`,
  // One row for thousands: a row each would cost seven times as much in objects.
  macs: `select count(*) as count, max(place) as last, group_concat(hex(mac), '') as macs
         from (select rowid as place, mac from record where rowid > ?1 order by rowid limit ?2)`,
  insert: 'insert into record (kind, id, revision, mac, body) values (?1, ?2, ?3, ?4, ?5) on conflict do nothing',
  update: 'update record set revision = ?3, mac = ?4, body = ?5 where kind = ?1 and id = ?2 and revision = ?6',
  delete: 'delete from record where kind = ?1 and id = ?2 and revision = ?3',
  ledgerEnd: 'select first + count as size from ledger order by first desc limit 1',
  blocks: `select first, count, bytes from ledger
           where first >= coalesce((select max(first) from ledger where first <= ?1), 0) and first + count > ?1
           order by first limit ?2`,
  addBlock: 'insert into ledger (first, count, bytes) values (?1, ?2, ?3)',
  checkpoints: 'select size, note from checkpoint where size >= ?1 order by size limit ?2',
  putCheckpoint:
    'insert into checkpoint (size, note) values (?1, ?2) on conflict (size) do update set note = excluded.note',
  walState: 'pragma wal_checkpoint(noop)',
  tidy: 'pragma wal_checkpoint(passive)',
} as const;

type Statements = Readonly<Record<keyof typeof sql, StatementSync>>;

/** Rows whose MACs are read at once. */
const macsStep = 8192;

/** Pages of the WAL that wait to be copied into the database: 4 MB, about 5 ms of work every few hundred batches. */
const tidyAfter = 1000;

export interface Places {
  readonly path: string;
  readonly anchorPath: string;
  /** Bench only: nothing is flushed to disk. */
  readonly unsafeNoFlush?: boolean;
}

/** The calls of the contract on an open connection, one at a time. Throws what SQLite throws; `asKmsError` says what it means. */
export class Database {
  readonly #connection: DatabaseSync;
  readonly #places: Places;
  readonly #anchor: AnchorFile | undefined;
  readonly #statements: Statements;
  #ledgerSize: number;
  /** Set once it isn't known what is on disk. */
  #stopped: OutcomeUnknown | undefined;

  /** Owns the connection and the anchor, which is absent where the database is only read. */
  constructor(connection: DatabaseSync, places: Places, anchor: AnchorFile | undefined) {
    this.#connection = connection;
    this.#places = places;
    this.#anchor = anchor;
    const names = Object.keys(sql) as ReadonlyArray<keyof typeof sql>;
    this.#statements = Object.fromEntries(names.map((name) => [name, connection.prepare(sql[name])])) as Statements;
    this.#ledgerSize = (this.#statements.ledgerEnd.get() as { size: number } | undefined)?.size ?? 0;
  }

  head(): Uint8Array | undefined {
    return (this.#statements.head.get() as { body: Uint8Array } | undefined)?.body;
  }

  anchors(): readonly Uint8Array[] {
    return readAnchors(this.#places.anchorPath);
  }

  read(kind: RecordKind, id: string): StoredRecord | undefined {
    return this.#statements.read.get(kind, id) as StoredRecord | undefined;
  }

  list(kind: RecordKind, prefix: string, after: string, limit: number): readonly StoredRecord[] {
    return this.#statements.list.all(kind, prefix, after, limit) as unknown as readonly StoredRecord[];
  }

  scan(after: number, limit: number): readonly PlacedRecord[] {
    return this.#statements.scan.all(after, limit) as unknown as readonly PlacedRecord[];
  }

  /** The MACs of the rows that stand behind `after` (0 for all), up to and with row `last`; undefined at the end. */
  macs(after: number): { readonly last: number; readonly macs: Uint8Array } | undefined {
    const row = this.#statements.macs.get(after, macsStep) as { count: number; last: number; macs: string };
    if (row.count > 0 && row.macs.length !== row.count * 64) {
      throw new KmsError('tampered', 'A stored record carries no MAC of 32 bytes.');
    }
    return row.count === 0 ? undefined : { last: row.last, macs: new Uint8Array(Buffer.from(row.macs, 'hex')) };
  }

  ledger(from: number, limit: number): { blocks: readonly LeafBlock[]; checkpoints: readonly LedgerCheckpoint[] } {
    return {
      blocks: this.#statements.blocks.all(from, limit) as unknown as readonly LeafBlock[],
      checkpoints: this.#statements.checkpoints.all(from, limit + 1) as unknown as readonly LedgerCheckpoint[],
    };
  }

  commit({ changes, block, head, checkpoint, anchor }: Batch): void {
    if (this.#anchor === undefined) throw new KmsError('unavailable', 'The data file is open for reading only.');
    if (this.#stopped !== undefined) throw this.#stopped;
    if (block !== undefined && (block.first !== this.#ledgerSize || block.count < 1)) {
      throw new KmsError('internal', `A ledger block begins at ${block.first} where ${this.#ledgerSize} was next.`);
    }
    if (anchor !== undefined && anchor.length > maxAnchorSize) {
      throw new KmsError('internal', `An anchor of ${anchor.length} bytes; at most ${maxAnchorSize} fit.`);
    }
    this.#transaction(() => {
      for (const [change, writes] of changes.entries()) {
        for (const write of writes) if (!this.#write(write)) throw new CommitConflict(change);
      }
      if (block !== undefined) this.#statements.addBlock.run(block.first, block.count, block.bytes);
      if (checkpoint !== undefined) this.#statements.putCheckpoint.run(checkpoint.size, checkpoint.note);
      this.#statements.putHead.run(head);
    });
    this.#ledgerSize += block?.count ?? 0;
    if (anchor !== undefined) this.#writeAnchor(this.#anchor, anchor, changes.length > 0 || checkpoint !== undefined);
  }

  /**
   * Copies the WAL into the database when enough has gathered, so that it starts over. Called between an answer and the next
   * question: nobody waits for it who doesn't come right after.
   */
  tidy(): void {
    try {
      const { log, checkpointed } = this.#statements.walState.get() as { log: number; checkpointed: number };
      if (log - checkpointed >= tidyAfter) this.#statements.tidy.get();
    } catch {
      // What is committed stays in the WAL, and the next batch tries again.
    }
  }

  close(): void {
    this.#connection.close();
    this.#anchor?.close();
  }

  #transaction(body: () => void): void {
    this.#statements.begin.run();
    try {
      body();
    } catch (error) {
      this.#rollback();
      throw error;
    }
    try {
      this.#statements.commit.run();
    } catch (error) {
      if (!surelyNotWritten(error)) throw this.#stop(error);
      this.#rollback();
      throw error;
    }
  }

  /** SQLite itself rolls back on some errors. */
  #rollback(): void {
    if (this.#connection.isTransaction) this.#statements.rollback.run();
  }

  /** False where the row isn't at the revision that `write` expects. */
  #write({ kind, id, expect, next }: RecordWrite): boolean {
    const { read, insert, update, delete: remove } = this.#statements;
    if (next === undefined)
      return expect === 0 ? read.get(kind, id) === undefined : remove.run(kind, id, expect).changes === 1;
    const { revision, mac, body } = next;
    const { changes } =
      expect === 0 ? insert.run(kind, id, revision, mac, body) : update.run(kind, id, revision, mac, body, expect);
    return changes === 1;
  }

  /** The transaction stands by now, so a failure here can't be answered as 'nothing was written'. */
  #writeAnchor(file: AnchorFile, anchor: Uint8Array, flush: boolean): void {
    try {
      file.write(anchor, flush && this.#places.unsafeNoFlush !== true);
    } catch (error) {
      throw this.#stop(error);
    }
  }

  #stop(error: unknown): OutcomeUnknown {
    this.#stopped = new OutcomeUnknown(asKmsError(error, this.#places.path));
    return this.#stopped;
  }
}
