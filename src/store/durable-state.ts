import type { RecordKind, RecordWrite, StoredRecord } from '#domain/domain.ts';
import { KmsError } from '#domain/domain.ts';

/** Consecutive ledger leaves, already hashed, as they go to disk: see `audit/leaf-block.ts`. The store doesn't look inside. */
export interface LeafBlock {
  /** Index of the first leaf. */
  readonly first: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** One durable transaction: all of it or nothing. */
export interface Batch {
  /** One list per command that changes something, in order. */
  readonly changes: ReadonlyArray<readonly RecordWrite[]>;
  readonly block: LeafBlock | undefined;
  /** Replaces what `head` answers: the ledger's and the state's summary, authenticated by whoever wrote it. */
  readonly head: Uint8Array;
  /** A signed note over the ledger at `size`. */
  readonly checkpoint?: { readonly size: number; readonly note: string };
  /**
   * Written after the transaction to the place outside the database, so it never runs ahead of it: in the file before `commit`
   * resolves, and flushed to disk too when the batch has changes or a checkpoint.
   */
  readonly anchor: Uint8Array | undefined;
}

/** A row, and where it lies. */
export interface PlacedRecord extends StoredRecord {
  readonly place: number;
}

/** The batch was refused whole because the row that change `change` expected is at another revision. */
export class CommitConflict extends KmsError {
  readonly change: number;

  constructor(change: number) {
    super('conflict', 'The key changed while this was under way; ask again.');
    this.change = change;
  }
}

/** Durable state. Sees wrapped material and MAC'd rows only. One writer; calls may overlap and commits happen in call order. */
export interface Store {
  /** The last committed head; undefined for a new store. */
  head(): Promise<Uint8Array | undefined>;
  /** What the place outside the database holds, newest first; more than one where a write was cut short. */
  anchors(): Promise<readonly Uint8Array[]>;
  read(kind: RecordKind, id: string): Promise<StoredRecord | undefined>;
  /** Rows whose id starts with `prefix` and is greater than `after`, in bytewise id order. */
  list(kind: RecordKind, prefix: string, after: string, limit: number): Promise<readonly StoredRecord[]>;
  /**
   * Rows behind place `after` (0: from the first), in the order of their places: where one lies stays, and new ones come behind the others. The
   * quickest way through all of them.
   */
  scan(after: number, limit: number): Promise<readonly PlacedRecord[]>;
  /** Every row's 32-byte MAC, concatenated in chunks, in no particular order; a consistent snapshot if nothing is committed meanwhile. */
  macs(): AsyncIterable<Uint8Array>;
  /**
   * Ledger blocks that hold leaves from index `from` on, oldest first; at most `limit`. And the first checkpoints of at least that
   * size, at most `limit + 1`: of those that stand between that many blocks there can't be more.
   */
  ledger(
    from: number,
    limit: number,
  ): Promise<{ readonly blocks: readonly LeafBlock[]; readonly checkpoints: readonly LedgerCheckpoint[] }>;
  /**
   * Durable when it resolves. Rejects with CommitConflict, 'storage-full' or 'unavailable', and then nothing of it is written.
   */
  commit(batch: Batch): Promise<void>;
  /** Waits for what is under way. */
  close(): Promise<void>;
}

export interface LedgerCheckpoint {
  readonly size: number;
  readonly note: string;
}
