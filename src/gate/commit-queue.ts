import type { CheckpointSigner, Ledger } from '#audit/audit.ts';
import { type Change, type Entry, KmsError, type RecordKind } from '#domain/domain.ts';
import { type Keyring, loosen, type ProtectedChange } from '#keyring/keyring.ts';
import { CommitConflict, type Store } from '#store/store.ts';
import { Histogram, type Metrics } from '#telemetry/telemetry.ts';

/** Lines of one transaction: more wait for the next, so that a batch's memory and delay stay bounded. */
const maxBatch = 1024;
/** Lines that are worth a transaction, whatever may come in the next turn. */
const enough = 64;
/** Milliseconds between checkpoints while lines arrive. */
const checkpointEvery = 1000;

/** What a server without its root can still do: go on with the ledger. */
export interface Authority {
  readonly keyring: Keyring;
  readonly signer: CheckpointSigner;
}

interface Member {
  /** One, or those of a request that does many things; none for housekeeping. */
  readonly entries: readonly Entry[];
  readonly change: Change | undefined;
  readonly protected: ProtectedChange | undefined;
  /** Under whose keys the change is protected. */
  readonly authority: Authority | undefined;
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

const accessKinds: ReadonlySet<RecordKind> = new Set([
  'identity',
  'role',
  'provider',
  'credential',
  'grant',
  'realm',
  'acl-policy',
  'token-role',
  'login',
  'auth-mount',
  'revocation-list',
]);

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
  #turns: Array<() => Promise<void> | void> = [];
  #busy = false;
  #nextCheckpoint = 0;
  #signing = false;
  #writable = true;
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

  /** Whether the last transaction could be written. While it couldn't, every answer would be a refusal. */
  get writable(): boolean {
    return this.#writable;
  }

  /** Changes with every durable change of what somebody may do. */
  get accessGeneration(): number {
    return this.#access;
  }

  /** From when it resolves heads are authenticated and checkpoints signed; undefined: sealed. */
  entrust(authority: Authority | undefined): Promise<void> {
    return this.#between(() => {
      this.#authority = authority;
      this.#nextCheckpoint = 0;
    });
  }

  /**
   * Resolves once the line, and the change with it, are durable and the change is applied. Rejects with 'conflict' when something it
   * rests on changed meanwhile, or with 'storage-full': then nothing was written. Rejects with 'audit-unavailable' where that isn't
   * known; a restart finds it whole or not at all, and until then the store may write nothing more.
   */
  submit(entry: Entry, change?: Change, holds?: () => boolean): Promise<void> {
    return change === undefined
      ? this.#enqueue([entry], change, undefined, holds)
      : this.#protect([entry], change, holds);
  }

  /** The same for lines that change nothing, all or none of them: more than a transaction takes are one by themselves. */
  submitAll(entries: readonly Entry[], holds: () => boolean): Promise<void> {
    return this.#enqueue(entries, undefined, undefined, holds);
  }

  async #protect(entries: readonly Entry[], change: Change, holds: (() => boolean) | undefined): Promise<void> {
    const authority = this.#trusted();
    await this.#enqueue(entries, change, await authority.keyring.protect(change.records), holds, authority);
    await change.finish?.();
  }

  #trusted(): Authority {
    if (this.#authority === undefined) throw new KmsError('sealed', 'The server is sealed.');
    return this.#authority;
  }

  #enqueue(
    entries: readonly Entry[],
    change: Change | undefined,
    rows: ProtectedChange | undefined,
    holds: (() => boolean) | undefined,
    authority?: Authority,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ entries, change, protected: rows, authority, holds, resolve, reject });
      this.#wake();
    });
  }

  /** Makes a change durable that has no line of its own: housekeeping, which the line of its caller counts. */
  change(change: Change): Promise<void> {
    return this.#protect([], change, undefined);
  }

  /**
   * Writes the head and flushes its anchor though nothing changes. A new store gets its first ones so, before it holds anything: were they
   * written with the first change, a crash between the two would look like a lost anchor.
   */
  writeHead(): Promise<void> {
    return this.#between(async () => {
      const { store, ledger, clock } = this.#options;
      const head = this.#trusted().keyring.nextHead([], ledger.extend([]), clock());
      // One list without a write makes the store flush the anchor.
      await store.commit({ changes: [[]], block: undefined, head: head.bytes, anchor: head.bytes });
      this.#sealedHead = head.bytes;
    });
  }

  /**
   * Somebody else vouches for the state from one transaction to the next: what `prepare` gives is durable before `next` is asked, and
   * nothing is written between. Changes that were protected before are refused with 'conflict'.
   */
  succeed(prepare: () => Promise<Change>, next: () => Promise<Authority>): Promise<void> {
    return this.#between(async () => {
      const authority = this.#trusted();
      const change = await prepare();
      const rows = await authority.keyring.protect(change.records);
      const [resolve, reject, holds] = [() => {}, () => {}, undefined];
      await this.#write([{ entries: [], change, protected: rows, authority, holds, resolve, reject }]);
      this.#authority = await next();
    });
  }

  /** Signs what no checkpoint vouches for yet. */
  checkpoint(): Promise<void> {
    return this.#between(async () => {
      if (this.#authority === undefined || this.#options.ledger.checkpointed === this.#options.ledger.size) return;
      this.#nextCheckpoint = 0;
      await this.#write([]);
    });
  }

  /** Does something behind the transaction that is under way and before the one after the next: alone, however many come meanwhile. */
  #between(act: () => Promise<void> | void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#turns.push(() => Promise.try(act).then(resolve, reject));
      this.#wake();
    });
  }

  #wake(): void {
    if (this.#busy) return;
    this.#busy = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    while (this.#pending.length > 0 || this.#turns.length > 0) {
      await this.#gather();
      const members = this.#take();
      if (members.length > 0) await this.#commit(members);
      for (const turn of this.#turns.splice(0)) await turn();
    }
    this.#busy = false;
    this.#signLater();
  }

  /**
   * Waits while each turn of the loop brings more: what the sockets have ready goes together, and a flush for many costs as much as
   * a flush for one. A turn that brings nothing ends it, so that a single request waits for one.
   */
  async #gather(): Promise<void> {
    for (let seen = -1; seen < this.#pending.length && seen < enough; ) {
      seen = this.#pending.length;
      await new Promise(setImmediate);
    }
  }

  /** The last lines before a silence are signed too, once the silence has lasted. */
  #signLater(): void {
    const { ledger } = this.#options;
    if (this.#authority === undefined || this.#signing || ledger.checkpointed === ledger.size) return;
    this.#signing = true;
    setTimeout(() => {
      this.#signing = false;
      // Where it fails, the next line or the next silence tries again.
      this.checkpoint().catch(() => {});
    }, checkpointEvery).unref();
  }

  /**
   * The members of the next transaction. All of them were decided on the state before it, so what changes nothing stands before what
   * does, and what changes something stands behind neither a change of the same rows nor one of rights: it waits, to be decided again.
   */
  #take(): readonly Member[] {
    const members = this.#pending.splice(0, this.#fitting()).filter((member) => this.#stillHolds(member));
    if (!members.some(({ change }) => change !== undefined)) return members;
    const taken = members.filter(({ change }) => change === undefined);
    const waiting: Member[] = [];
    const written = new Set<string>();
    let rightsChange = false;
    for (const member of members) {
      if (member.change === undefined) continue;
      const rows = member.change.records.map(({ kind, id }) => `${kind}/${id}`);
      if (rightsChange || rows.some((row) => written.has(row))) {
        waiting.push(member);
        continue;
      }
      taken.push(member);
      for (const row of rows) written.add(row);
      rightsChange = changesAccess(member.change);
    }
    this.#pending.unshift(...waiting);
    return taken;
  }

  /** How many of those that wait fit into one transaction: one at least. */
  #fitting(): number {
    let lines = 0;
    const over = this.#pending.findIndex(({ entries }) => {
      lines += Math.max(1, entries.length);
      return lines > maxBatch;
    });
    return over === -1 ? this.#pending.length : Math.max(1, over);
  }

  #stillHolds(member: Member): boolean {
    const { authority, protected: rows } = member;
    const trusted = rows === undefined || (authority === this.#authority && authority?.keyring.fits(rows) === true);
    if (trusted && (member.holds === undefined || member.holds())) return true;
    member.reject(new KmsError('conflict', 'What this was decided on changed meanwhile; ask again.'));
    return false;
  }

  /** Writes the members, without those whose rows turn out to be at another revision. */
  async #commit(members: readonly Member[]): Promise<void> {
    let left = members;
    const losers: Array<() => void> = [];
    while (left.length > 0) {
      try {
        await this.#write(left);
        this.#writable = true;
        for (const member of left) member.resolve();
        break;
      } catch (error) {
        const loser =
          error instanceof CommitConflict ? left.filter((member) => member.change)[error.change] : undefined;
        if (loser === undefined) {
          this.#writable = false;
          for (const member of left) member.reject(asUnavailable(error));
          break;
        }
        losers.push(() => loser.reject(error));
        left = left.filter((member) => member !== loser);
      }
    }
    // Told last, so that whoever asks again finds what he lost to.
    for (const tell of losers) tell();
  }

  async #write(members: readonly Member[]): Promise<void> {
    const { store, ledger, clock } = this.#options;
    const started = performance.now();
    const signing = this.#authority !== undefined && clock() >= this.#nextCheckpoint;
    const extension = ledger.extend(
      members.flatMap(({ entries }) => entries),
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
    this.#batchSize.observe(extension.block?.count ?? 0);
    this.#flushTime.observe((performance.now() - started) / 1000);
  }

  #apply(members: readonly Member[]): void {
    for (const { change } of members) {
      if (change === undefined) continue;
      if (changesAccess(change)) this.#access++;
      change.applied?.();
    }
  }
}

/** Whether somebody's rights may be others after it. A credential that is new takes nothing from anybody. */
function changesAccess({ records }: Change): boolean {
  return records.some(
    ({ kind, expect, renewed }) =>
      renewed !== true && accessKinds.has(kind) && !(kind === 'credential' && expect === 0),
  );
}

/**
 * Which part failed. Where the disk broke in the middle of a commit a restart may find it done, so nothing is said of that; a full disk
 * wrote nothing.
 */
function asUnavailable(error: unknown): KmsError {
  if (error instanceof KmsError && error.code === 'storage-full') return error;
  const why = error instanceof KmsError ? error.message : 'the store failed';
  return new KmsError('audit-unavailable', `Not answered, because its audit line could not be made durable: ${why}`);
}
