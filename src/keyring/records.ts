import { equalSecrets, hmac, type KeyHandle, openMaterial } from '#crypto/crypto.ts';
import {
  KmsError,
  type RecordChange,
  type RecordKind,
  type RecordReader,
  type RecordWrite,
  type SecretBytes,
  type StoredRecord,
} from '#domain/domain.ts';
import { canonicalJson, toUtf8 } from '#encoding/encoding.ts';
import type { PlacedRecord, Store } from '#store/store.ts';
import { ClockCache } from './clock-cache.ts';
import { StateDigest } from './state-digest.ts';

/** What a change does to the rows, and to the digest over all of them. */
export interface ProtectedChange {
  readonly writes: readonly RecordWrite[];
  readonly digestDelta: Uint8Array;
  /** How many transactions had renewed rows before the MACs that it replaces were looked up. */
  readonly since: number;
}

const decoder = new TextDecoder();

interface Read {
  readonly revision: number;
  readonly value: unknown;
}

/** A row on the way through all of them. */
export interface JudgedRow extends Read {
  readonly kind: RecordKind;
  readonly id: string;
  /** Its MAC is under the root before. */
  readonly outdated: boolean;
}

/** Read for every answer, and held by no room. Values in them are ciphertexts. */
const remembered: ReadonlySet<RecordKind> = new Set<RecordKind>(['secret', 'secret-name', 'secret-version']);
/** Rows, and bytes of one: 32 MiB at most. */
const mostRemembered = 2048;
const largestRemembered = 16 * 1024;
/** Rows that were renewed last: more than there are while a change waits for its transaction. */
const mostRenewed = 16 * 1024;

/** Reads and writes records with their MACs: nothing that was not written with the root is believed. */
export class Records implements RecordReader {
  readonly #store: Store;
  readonly #key: KeyHandle;
  readonly #former: KeyHandle | undefined;
  readonly #digest: StateDigest;
  // A change reads its rows first, so their MACs are at hand when the digest must lose them.
  readonly #macs = new ClockCache<{ readonly revision: number; readonly mac: Uint8Array }>(8192);
  readonly #recent = new ClockCache<Read>(mostRemembered);
  #commits = 0;
  // A renewed row has another MAC at the same revision. By its name, in which of those transactions that came about.
  readonly #renewed = new Map<string, number>();
  #renewals = 0;
  #renewalsForgotten = 0;

  /** `former`: rows under it are believed too. All that is written is under `key`. The caller owns both. */
  constructor(store: Store, key: SecretBytes, digest: StateDigest, former?: SecretBytes) {
    this.#store = store;
    this.#key = openMaterial('hmac-sha256', key);
    this.#former = former && openMaterial('hmac-sha256', former);
    this.#digest = digest;
  }

  async read(kind: RecordKind, id: string): Promise<Read | undefined> {
    const name = remembered.has(kind) ? `${kind}/${id}` : undefined;
    const known = name === undefined ? undefined : this.#recent.get(name);
    if (known !== undefined) return known;
    const commits = this.#commits;
    const record = await this.#store.read(kind, id);
    if (record === undefined) return undefined;
    const read = this.#verified(record, commits);
    // What was read before a commit may be what the commit replaced.
    if (name !== undefined && commits === this.#commits && record.body.length <= largestRemembered) {
      this.#recent.set(name, read);
    }
    return read;
  }

  /** The changes are durable: what they wrote is read anew. */
  written(changes: readonly ProtectedChange[]): void {
    if (changes.length === 0) return;
    this.#commits++;
    const renewed: string[] = [];
    for (const { writes } of changes) {
      for (const { kind, id, expect, next } of writes) {
        if (remembered.has(kind)) this.#recent.delete(`${kind}/${id}`);
        if (next?.revision === expect) renewed.push(`${kind}/${id}`);
      }
    }
    if (renewed.length > 0) this.#noteRenewed(renewed);
  }

  #noteRenewed(names: readonly string[]): void {
    this.#renewals++;
    for (const name of names) {
      this.#macs.delete(name);
      this.#renewed.set(name, this.#renewals);
    }
    for (const [name, renewal] of this.#renewed) {
      if (this.#renewed.size <= mostRenewed) return;
      this.#renewed.delete(name);
      this.#renewalsForgotten = renewal;
    }
  }

  /** Whether the rows that it replaces still have the MACs that they had when it was protected. Asked just before it is written. */
  fits({ writes, since }: ProtectedChange): boolean {
    if (since === this.#renewals) return true;
    if (since < this.#renewalsForgotten) return false;
    return writes.every(({ kind, id }) => (this.#renewed.get(`${kind}/${id}`) ?? 0) <= since);
  }

  /** Rows behind place `after`, in the order in which they lie. Nothing is believed yet. */
  scan(after: number, limit: number): Promise<readonly PlacedRecord[]> {
    return this.#store.scan(after, limit);
  }

  /** What a row says, and whether its MAC is to be made anew. Throws 'tampered'. */
  judge(record: StoredRecord): JudgedRow {
    // On the way through all rows most of them are.
    const outdated = this.#former !== undefined && this.#isUnder(this.#former, record);
    const { kind, id } = record;
    const now = this.#commits;
    return { kind, id, outdated, ...(outdated ? this.#believed(record, now) : this.#verified(record, now)) };
  }

  async list(kind: RecordKind, prefix: string, after: string, limit: number) {
    const commits = this.#commits;
    const records = await this.#store.list(kind, prefix, after, limit);
    return records.map((record) => ({ id: record.id, ...this.#verified(record, commits) }));
  }

  /** Encodes and MACs a change. Rejects with 'conflict' when a row it expects is at another revision. */
  async protect(changes: readonly RecordChange[]): Promise<ProtectedChange> {
    const writes: RecordWrite[] = [];
    const delta = new Uint8Array(32);
    const since = this.#renewals;
    for (const { kind, id, expect, value, renewed } of changes) {
      if (expect > 0) StateDigest.mix(delta, this.#digest.trace(await this.#macOf(kind, id, expect)));
      let next: StoredRecord | undefined;
      if (value !== undefined) {
        const body = toUtf8(canonicalJson(value));
        const revision = renewed === true ? expect : expect + 1;
        next = { kind, id, revision, body, mac: this.#mac(kind, id, revision, body) };
        StateDigest.mix(delta, this.#digest.trace(next.mac));
      }
      writes.push({ kind, id, expect, next });
    }
    return { writes, digestDelta: delta, since };
  }

  async #macOf(kind: RecordKind, id: string, revision: number): Promise<Uint8Array> {
    const known = this.#macs.get(`${kind}/${id}`);
    if (known?.revision === revision) return known.mac;
    const commits = this.#commits;
    const record = await this.#store.read(kind, id);
    if (record?.revision !== revision)
      throw new KmsError('conflict', 'The record changed while this was under way; ask again.');
    this.#verified(record, commits);
    return record.mac;
  }

  /** `commits`: how many there were when it was asked for. */
  #verified(record: StoredRecord, commits: number): Read {
    const { kind, id } = record;
    if (this.#isUnder(this.#key, record) || (this.#former !== undefined && this.#isUnder(this.#former, record))) {
      return this.#believed(record, commits);
    }
    throw new KmsError(
      'tampered',
      `The stored ${kind} ${id} was changed outside Claviger; restore the database from a backup.`,
    );
  }

  #believed({ kind, id, revision, body, mac }: StoredRecord, commits: number): Read {
    // While rows are renewed the revision alone doesn't tell whether this is the newest MAC.
    if (this.#former === undefined || commits === this.#commits) this.#macs.set(`${kind}/${id}`, { revision, mac });
    return { revision, value: JSON.parse(decoder.decode(body)) };
  }

  #isUnder(key: KeyHandle, { kind, id, revision, body, mac }: StoredRecord): boolean {
    return equalSecrets(this.#mac(kind, id, revision, body, key), mac);
  }

  #mac(kind: RecordKind, id: string, revision: number, body: Uint8Array, key = this.#key): Buffer {
    // Lengths before texts keep (kind, id) pairs apart.
    const name = toUtf8(`${kind.length}:${kind}${id.length}:${id}${revision}:`);
    return hmac('sha256', key, Buffer.concat([name, body]));
  }
}
