import { KmsError, type RecordKind, type RecordWrite, type StoredRecord } from '#domain/domain.ts';
import { compareBytes, toUtf8 } from '#encoding/encoding.ts';
import {
  type Batch,
  CommitConflict,
  type LeafBlock,
  type LedgerCheckpoint,
  type PlacedRecord,
  type Store,
} from '../durable-state.ts';

/** The whole contract in memory: for tests, and for whoever wants to see what a store is. Nothing survives it. */
export function memoryStore(): Store {
  return new MemoryStore();
}

class MemoryStore implements Store {
  readonly #records = new Map<string, StoredRecord>();
  readonly #places = new Map<string, number>();
  #lastPlace = 0;
  readonly #blocks: LeafBlock[] = [];
  readonly #checkpoints = new Map<number, string>();
  #head: Uint8Array | undefined;
  #anchor: Uint8Array | undefined;
  #closed = false;

  async head(): Promise<Uint8Array | undefined> {
    this.#assertOpen();
    return this.#head && copy(this.#head);
  }

  async anchors(): Promise<readonly Uint8Array[]> {
    this.#assertOpen();
    return this.#anchor === undefined ? [] : [copy(this.#anchor)];
  }

  async read(kind: RecordKind, id: string): Promise<StoredRecord | undefined> {
    this.#assertOpen();
    const record = this.#records.get(placeOf(kind, id));
    return record && copyRecord(record);
  }

  async list(kind: RecordKind, prefix: string, after: string, limit: number): Promise<readonly StoredRecord[]> {
    this.#assertOpen();
    return [...this.#records.values()]
      .filter((record) => record.kind === kind && record.id.startsWith(prefix) && compareIds(record.id, after) > 0)
      .sort((a, b) => compareIds(a.id, b.id))
      .slice(0, limit)
      .map(copyRecord);
  }

  async scan(after: number, limit: number): Promise<readonly PlacedRecord[]> {
    this.#assertOpen();
    return [...this.#records]
      .map(([name, record]) => ({ ...copyRecord(record), place: this.#places.get(name)! }))
      .filter(({ place }) => place > after)
      .sort((a, b) => a.place - b.place)
      .slice(0, limit);
  }

  async *macs(): AsyncGenerator<Uint8Array, void> {
    this.#assertOpen();
    if (this.#records.size > 0) yield Buffer.concat([...this.#records.values()].map((record) => record.mac));
  }

  async ledger(
    from: number,
    limit: number,
  ): Promise<{ blocks: readonly LeafBlock[]; checkpoints: readonly LedgerCheckpoint[] }> {
    this.#assertOpen();
    const blocks = this.#blocks.filter((block) => block.first + block.count > from).slice(0, limit);
    const checkpoints = [...this.#checkpoints]
      .filter(([size]) => size >= from)
      .sort(([a], [b]) => a - b)
      .slice(0, limit + 1);
    return {
      blocks: blocks.map((block) => ({ ...block, bytes: copy(block.bytes) })),
      checkpoints: checkpoints.map(([size, note]) => ({ size, note })),
    };
  }

  async commit({ changes, block, head, checkpoint, anchor }: Batch): Promise<void> {
    this.#assertOpen();
    if (block !== undefined && (block.first !== this.#ledgerSize() || block.count < 1)) {
      throw new KmsError('internal', `The next ledger block must begin at ${this.#ledgerSize()}.`);
    }
    const outcome = this.#changed(changes);
    for (const [place, record] of outcome) {
      if (record === undefined) {
        this.#records.delete(place);
        this.#places.delete(place);
        continue;
      }
      this.#records.set(place, record);
      if (!this.#places.has(place)) this.#places.set(place, ++this.#lastPlace);
    }
    if (block !== undefined) this.#blocks.push({ ...block, bytes: copy(block.bytes) });
    if (checkpoint !== undefined) this.#checkpoints.set(checkpoint.size, checkpoint.note);
    this.#head = copy(head);
    if (anchor !== undefined) this.#anchor = copy(anchor);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** The rows as they will be; a later change sees what an earlier one does. */
  #changed(changes: ReadonlyArray<readonly RecordWrite[]>): ReadonlyMap<string, StoredRecord | undefined> {
    const outcome = new Map<string, StoredRecord | undefined>();
    for (const [change, writes] of changes.entries()) {
      for (const { kind, id, expect, next } of writes) {
        const place = placeOf(kind, id);
        const now = outcome.has(place) ? outcome.get(place) : this.#records.get(place);
        if ((now?.revision ?? 0) !== expect) throw new CommitConflict(change);
        outcome.set(place, next && copyRecord({ ...next, kind, id }));
      }
    }
    return outcome;
  }

  #ledgerSize(): number {
    const last = this.#blocks.at(-1);
    return last === undefined ? 0 : last.first + last.count;
  }

  #assertOpen(): void {
    if (this.#closed) throw new KmsError('unavailable', 'The store is closed.');
  }
}

const placeOf = (kind: RecordKind, id: string) => `${kind} ${id}`;
const compareIds = (a: string, b: string) => compareBytes(toUtf8(a), toUtf8(b));
const copy = (bytes: Uint8Array) => new Uint8Array(bytes);
const copyRecord = (record: StoredRecord) => ({ ...record, body: copy(record.body), mac: copy(record.mac) });
