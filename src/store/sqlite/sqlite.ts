import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { RecordKind, RecordWrite, StoredRecord } from '#domain/domain.ts';
import type { Batch, LeafBlock, LedgerCheckpoint, PlacedRecord, Store } from '../durable-state.ts';
import { Courier } from './courier.ts';
import type { WorkerSettings } from './messages.ts';

export interface SqliteOptions {
  /** The data file. Beside it stand its -wal and -shm and, for `claviger.db`, the lock file `claviger.lock`. */
  readonly path: string;
  readonly anchorPath: string;
  /** Bench only: no flush to disk. */
  readonly unsafeNoFlush?: boolean;
  /** Beside a server that has the file open, or without one; creates and changes nothing. `commit` rejects. */
  readonly readOnly?: boolean;
}

/**
 * Opens the data file, making or migrating it where needed. Rejects with 'unavailable' when another server has it, when it is of a
 * newer release or no data file of ours, and with 'tampered' when its schema was changed.
 */
export async function openSqliteStore({ readOnly = false, ...places }: SqliteOptions): Promise<Store> {
  const bell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const settings: WorkerSettings = { places, readOnly, bell };
  const script = new URL(`./worker${extname(import.meta.url)}`, import.meta.url);
  // Flags meant for the main script, such as --input-type, would stop the worker from starting.
  const worker = new Worker(script, { workerData: settings, name: 'store', execArgv: [] });
  const courier = new Courier(worker, bell);
  await courier.opened();
  return new SqliteStore(courier);
}

class SqliteStore implements Store {
  readonly #courier: Courier;
  #closed: Promise<void> | undefined;

  constructor(courier: Courier) {
    this.#courier = courier;
  }

  head(): Promise<Uint8Array | undefined> {
    return this.#courier.ask('head');
  }

  anchors(): Promise<readonly Uint8Array[]> {
    return this.#courier.ask('anchors');
  }

  read(kind: RecordKind, id: string): Promise<StoredRecord | undefined> {
    return this.#courier.ask('read', kind, id);
  }

  list(kind: RecordKind, prefix: string, after: string, limit: number): Promise<readonly StoredRecord[]> {
    return this.#courier.ask('list', kind, prefix, after, limit);
  }

  scan(after: number, limit: number): Promise<readonly PlacedRecord[]> {
    return this.#courier.ask('scan', after, limit);
  }

  /** The next chunk is read while the caller is busy with this one. */
  async *macs(): AsyncGenerator<Uint8Array, void> {
    let chunk = await this.#courier.ask('macs', 0);
    while (chunk !== undefined) {
      const next = this.#courier.ask('macs', chunk.last);
      next.catch(() => {}); // Told at the next turn; until then nobody waits for it.
      yield chunk.macs;
      chunk = await next;
    }
  }

  ledger(
    from: number,
    limit: number,
  ): Promise<{ blocks: readonly LeafBlock[]; checkpoints: readonly LedgerCheckpoint[] }> {
    return this.#courier.ask('ledger', from, limit);
  }

  commit({ changes, block, head, checkpoint, anchor }: Batch): Promise<void> {
    return this.#courier.ask('commit', {
      changes: changes.map((writes) => writes.map(compactWrite)),
      block: block && { ...block, bytes: compact(block.bytes) },
      head: compact(head),
      anchor: anchor && compact(anchor),
      ...(checkpoint && { checkpoint }),
    });
  }

  close(): Promise<void> {
    this.#closed ??= this.#courier.close();
    return this.#closed;
  }
}

/** A message carries the whole memory that a view looks at, so a view of more than itself is copied first. */
function compact(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}

function compactWrite(write: RecordWrite): RecordWrite {
  const { next } = write;
  return next === undefined ? write : { ...write, next: { ...next, body: compact(next.body), mac: compact(next.mac) } };
}
