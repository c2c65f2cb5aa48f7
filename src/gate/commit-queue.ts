import type { CheckpointSigner, Ledger } from '#audit/audit.ts';
import { type Change, type Entry, KmsError, type RecordKind } from '#domain/domain.ts';
import { type Keyring, loosen, type ProtectedChange } from '#keyring/keyring.ts';
import { CommitConflict, type Store } from '#store/store.ts';
import { Histogram, type Metrics } from '#telemetry/telemetry.ts';

/** Members of one transaction: more wait for the next, so that a batch's memory and delay stay bounded. */
const maxBatch = 1024;
/** Milliseconds between checkpoints while lines arrive. */
const checkpointEvery = 1000;

/** What a server without its root can still do: go on with the ledger. */
export interface Authority {
  readonly keyring: Keyring;
  readonly signer: CheckpointSigner;
}

interface Member {
  readonly entry: Entry | undefined;
  readonly change: Change | undefined;
  readonly protected: ProtectedChange | undefined;
  /** Whether what the entry says was decided on is still so. Asked just before it is written. */
  readonly holds: (() => boolean) | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Options {
  readonly store: Store;
  readonly ledger: Ledger;
  /** The sealed part of the stored head; empty for a new store. */
  readonly sealedHead: Uint8Array;
  readonly clock: () => number;
  readonly metrics: Metrics;
}

const accessKinds: ReadonlySet<RecordKind> = new Set(['identity', 'credential', 'grant', 'realm']);

/**
 * Gathers what arrives while a transaction is under way and writes it as the next one: one flush for many answers. The only place
 * that commits.
 */
export class CommitQueue {
  readonly #options: Options;
  readonly #batchSize: Histogram;
  readonly #flushTime: Histogram;
  #authority: Authority | undefined;
  #sealedHead: Uint8Array;
  #pending: Member[] = [];
  #busy = false;
  #idle: Array<() => void> = [];
  #nextCheckpoint = 0;
  #access = 0;

  constructor(options: Options) {
    this.#options = options;
    this.#sealedHead = options.sealedHead;
    this.#batchSize = options.metrics.add(
      new Histogram(
        'claviger_commit_members',
        'Ledger lines per durable transaction.',
        [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
      ),
    );
    this.#flushTime = options.metrics.add(
      new Histogram(
        'claviger_commit_seconds',
        'Time of a durable transaction.',
        [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5],
      ),
    );
  }

  /** Changes with every durable change of who may do what. */
  get accessGeneration(): number {
    return this.#access;
  }

  /** From now on heads are authenticated and checkpoints signed; undefined: sealed. Waits for what is under way. */
  async entrust(authority: Authority | undefined): Promise<void> {
    await this.drained();
    this.#authority = authority;
    this.#nextCheckpoint = 0;
  }

  /**
   * Resolves once the line, and the change with it, are durable and the change is applied. Rejects with 'conflict' when something it
   * rests on changed meanwhile, else with 'storage-full' or 'audit-unavailable'; then nothing was written.
   */
  submit(entry: Entry, change?: Change, holds?: () => boolean): Promise<void> {
    return change === undefined ? this.#enqueue(entry, change, undefined, holds) : this.#protect(entry, change, holds);
  }

  async #protect(entry: Entry, change: Change, holds: (() => boolean) | undefined): Promise<void> {
    return this.#enqueue(entry, change, await this.#trusted().keyring.protect(change.records), holds);
  }

  #trusted(): Authority {
    if (this.#authority === undefined) throw new KmsError('sealed', 'The server is sealed.');
    return this.#authority;
  }

  #enqueue(
    entry: Entry | undefined,
    change: Change | undefined,
    rows: ProtectedChange | undefined,
    holds: (() => boolean) | undefined,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ entry, change, protected: rows, holds, resolve, reject });
      this.#wake();
    });
  }

  /** Makes a change durable that has no line of its own: housekeeping, which the line of its caller counts. */
  async change(change: Change): Promise<void> {
    await this.#enqueue(undefined, change, await this.#trusted().keyring.protect(change.records), undefined);
  }

  /** Signs what no checkpoint vouches for yet. */
  async checkpoint(): Promise<void> {
    await this.drained();
    if (this.#authority === undefined || this.#options.ledger.checkpointed === this.#options.ledger.size) return;
    this.#nextCheckpoint = 0;
    this.#busy = true;
    await this.#write([]).finally(() => this.#settle());
  }

  drained(): Promise<void> {
    if (!this.#busy && this.#pending.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #wake(): void {
    if (this.#busy) return;
    this.#busy = true;
    // One turn of the loop later, so that everything that this turn's sockets brought goes together.
    setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    while (this.#pending.length > 0) {
      const members = this.#pending.splice(0, maxBatch);
      await this.#commit(members.filter(stillHolds));
    }
    this.#settle();
  }

  #settle(): void {
    this.#busy = false;
    if (this.#pending.length > 0) {
      this.#wake();
      return;
    }
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }

  /** Writes the members, without those whose rows turn out to be at another revision. */
  async #commit(members: readonly Member[]): Promise<void> {
    let left = members;
    while (left.length > 0) {
      try {
        await this.#write(left);
        for (const member of left) member.resolve();
        return;
      } catch (error) {
        const loser =
          error instanceof CommitConflict ? left.filter((member) => member.change)[error.change] : undefined;
        if (loser === undefined) {
          for (const member of left) member.reject(asUnavailable(error));
          return;
        }
        loser.reject(error);
        left = left.filter((member) => member !== loser);
      }
    }
  }

  async #write(members: readonly Member[]): Promise<void> {
    const { store, ledger, clock } = this.#options;
    const started = performance.now();
    const signing = this.#authority !== undefined && clock() >= this.#nextCheckpoint;
    const extension = ledger.extend(
      members.flatMap(({ entry }) => entry ?? []),
      signing ? this.#authority!.signer : undefined,
    );
    const changes = members.flatMap((member) => (member.protected === undefined ? [] : [member.protected]));
    const next = this.#authority?.keyring.nextHead(changes, extension, clock());
    await store.commit({
      changes: changes.map(({ writes }) => writes),
      block: extension.block,
      head: next?.bytes ?? loosen(this.#sealedHead, extension),
      ...(extension.checkpoint && { checkpoint: extension.checkpoint }),
      anchor: next?.bytes,
    });
    ledger.adopt(extension);
    if (next !== undefined) {
      this.#authority!.keyring.adopt(next);
      this.#sealedHead = next.bytes;
    }
    if (extension.checkpoint !== undefined) this.#nextCheckpoint = clock() + checkpointEvery;
    this.#apply(members);
    this.#batchSize.observe(members.length);
    this.#flushTime.observe((performance.now() - started) / 1000);
  }

  #apply(members: readonly Member[]): void {
    for (const { change } of members) {
      if (change === undefined) continue;
      if (change.records.some(({ kind }) => accessKinds.has(kind))) this.#access++;
      change.applied?.();
    }
  }
}

function stillHolds(member: Member): boolean {
  if (member.holds === undefined || member.holds()) return true;
  member.reject(new KmsError('conflict', 'What this was decided on changed meanwhile; ask again.'));
  return false;
}

/** Whatever the disk said, the caller learns that nothing was done and which part failed. */
function asUnavailable(error: unknown): KmsError {
  if (error instanceof KmsError && error.code === 'storage-full') return error;
  const why = error instanceof KmsError ? error.message : 'the store failed';
  return new KmsError('audit-unavailable', `Nothing was done, because its audit line could not be written: ${why}`);
}
