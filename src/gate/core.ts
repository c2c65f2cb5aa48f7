import type { Ledger } from '#audit/audit.ts';
import { type Change, type Host, KmsError, type Opener, type Status } from '#domain/domain.ts';
import { type Keyring, sealsWritten } from '#keyring/keyring.ts';
import type { Mode } from '#policy/policy.ts';
import type { Store } from '#store/store.ts';
import { Gauge, type Metrics } from '#telemetry/telemetry.ts';
import { Attempts } from './attempts.ts';
import { BackupWatch } from './backup-watch.ts';
import type { Backups } from './backups.ts';
import { Ceremonies } from './ceremonies.ts';
import { Coalesced } from './coalesced.ts';
import { CommitQueue } from './commit-queue.ts';
import type { Acknowledgements, Custody } from './custody.ts';
import { Decisions } from './decisions.ts';
import { LastUses } from './last-uses.ts';
import type { Unsealed } from './rooms.ts';
import { RootRotation } from './root-rotation.ts';
import type { Subject } from './subjects.ts';
import { type Rates, Throttle } from './throttle.ts';

export interface GateOptions {
  readonly store: Store;
  readonly ledger: Ledger;
  /** The sealed part of the stored head; empty for a new store. */
  readonly sealedHead: Uint8Array;
  readonly mode: Mode;
  readonly version: string;
  /** The FIPS module that does the cryptography. */
  readonly fips?: string;
  readonly clock: () => number;
  readonly metrics: Metrics;
  /** How much one principal or realm may ask for. Default: without end. */
  readonly rates?: Rates;
  /** Opens the rooms by what somebody brings. Undefined: more shares are needed. Rejects with 'invalid-unseal' or 'tampered'. */
  readonly open: (opener: Opener) => Promise<Unsealed | undefined>;
  /** What the root is proven, and its seals are changed by. */
  readonly custody: Custody;
  /** The working rooms on a keyring. */
  readonly furnish: (keyring: Keyring) => Unsealed;
  readonly acknowledgements: Acknowledgements;
  /** Absent: there is nothing to be backed up. */
  readonly backups?: Backups;
  readonly host: () => Host;
  /** Told of every failure that is the server's own fault, for its log. */
  readonly onInternalError: (error: unknown, requestId: string) => void;
}

/** What one server is at the moment: sealed or with its working rooms open, and the queue to its disk. */
export class Core {
  readonly options: GateOptions;
  readonly commits: CommitQueue;
  readonly decisions = new Decisions();
  readonly lastUses: LastUses;
  readonly coalesced: Coalesced;
  readonly throttle: Throttle;
  readonly attempts = new Attempts();
  readonly ceremonies: Ceremonies;
  readonly rootRotation = new RootRotation(this);
  readonly backupWatch: BackupWatch;
  #rooms: Unsealed | undefined;
  /** Whether it ever had rooms. */
  #served = false;
  #turns: Promise<unknown> = Promise.resolve();

  constructor(options: GateOptions) {
    this.options = options;
    this.commits = new CommitQueue(options);
    const { metrics, ledger, store } = options;
    this.coalesced = new Coalesced(this.commits);
    this.throttle = new Throttle(options.rates ?? {});
    this.ceremonies = new Ceremonies(options.custody, this.attempts, options.clock);
    this.backupWatch = new BackupWatch(metrics);
    this.lastUses = new LastUses(store, ledger, this.commits, (error) => options.onInternalError(error, 'last-uses'));
    metrics.add(new Gauge('claviger_ledger_lines', 'Lines in the ledger.', () => ledger.size));
    metrics.add(
      new Gauge(
        'claviger_root_rotation_rows_left',
        'Rows that a rotation of the root has not come to yet; 0: none is under way, or the server is sealed.',
        () => (this.#rooms === undefined ? 0 : this.rootRotation.rowsLeft(this.#rooms)),
      ),
    );
    metrics.add(
      new Gauge('claviger_sealed', '1 while the server is sealed.', () => (this.#rooms === undefined ? 1 : 0)),
    );
  }

  /** The working rooms. Throws 'sealed'. */
  get rooms(): Unsealed {
    if (this.#rooms === undefined) throw new KmsError('sealed', 'The server is sealed; unseal it first.');
    return this.#rooms;
  }

  get sealed(): boolean {
    return this.#rooms === undefined;
  }

  /** Whether what these rooms decided still counts. */
  serves(rooms: Unsealed): boolean {
    return this.#rooms === rooms;
  }

  /** Whether what these rooms decided on the rights of that generation, of these keys, would be decided so again. */
  stillHolds(rooms: Unsealed, access: number, keys: Iterable<Subject>): boolean {
    if (!this.serves(rooms) || this.commits.accessGeneration !== access) return false;
    for (const key of keys) if (!rooms.keyring.isCurrent(key)) return false;
    return true;
  }

  /** Takes rooms into service, or out of it for undefined: what isn't durable by then is decided again. */
  async entrust(rooms: Unsealed | undefined): Promise<void> {
    const former = this.#rooms;
    this.#rooms = undefined;
    this.ceremonies.end();
    this.lastUses.follow(undefined);
    await this.commits.entrust(rooms);
    former?.dispose();
    this.rootRotation.letGo();
    this.#rooms = rooms;
    this.#served ||= rooms !== undefined;
    this.lastUses.follow(rooms?.keyring);
    if (rooms !== undefined) this.rootRotation.follow(rooms);
  }

  /**
   * Other rooms take the place of these without a pause, from the transaction on with which `prepare` made way for them. Rejects with
   * 'conflict' where others did before.
   */
  succeed(rooms: Unsealed, prepare: () => Promise<Change>, make: () => Promise<Unsealed>): Promise<void> {
    return this.#alone(async () => {
      if (!this.serves(rooms)) throw new KmsError('conflict', 'The server was sealed meanwhile.');
      this.lastUses.follow(undefined);
      try {
        await this.commits.succeed(prepare, async () => {
          this.#rooms = await make();
          return this.#rooms;
        });
      } finally {
        this.lastUses.follow(this.#rooms?.keyring);
      }
    });
  }

  /**
   * Opens rooms by what somebody brings and takes them into service, once `recorded`. `peer`: who tries. Where it was a share, and more
   * are needed, that alone is recorded.
   */
  async unseal(opener: Opener, peer: string, recorded: (opened: boolean) => Promise<void>): Promise<void> {
    this.#assertSealed();
    const { attempts, options } = this;
    await attempts.take(peer, options.clock, () => this.#unseal(() => options.open(opener), recorded));
  }

  /** The same by what needs nobody's help, for a server that was not open since it started: who seals one means it. */
  async unsealAlone(open: () => Promise<Unsealed>, recorded: () => Promise<void>): Promise<void> {
    await this.#unseal(async () => {
      if (this.#served) throw new KmsError('not-sealed', 'The server was unsealed already.');
      return await open();
    }, recorded);
  }

  #unseal(open: () => Promise<Unsealed | undefined>, recorded: (opened: boolean) => Promise<void>): Promise<void> {
    return this.#alone(async () => {
      this.#assertSealed();
      const rooms = await open();
      try {
        await recorded(rooms !== undefined);
      } catch (error) {
        rooms?.dispose();
        throw error;
      }
      if (rooms === undefined) return;
      await this.entrust(rooms);
      // The server is open, whatever becomes of this: the next change of the seals tells it too.
      await this.noteSeals().catch((error) => this.options.onInternalError(error, 'seal-file'));
    });
  }

  /** The database learns which seal file is the newest, and an older one is refused from then on. */
  async noteSeals(): Promise<void> {
    const record = await sealsWritten(this.rooms.keyring.records, this.options.custody.revision);
    if (record !== undefined) await this.commits.change({ records: [record], summary: '' });
  }

  #assertSealed(): void {
    if (this.#rooms !== undefined) throw new KmsError('not-sealed', 'The server is not sealed.');
  }

  /** Serves nobody from now on, and forgets the rooms once `recorded`; where that fails, goes on serving. */
  seal(recorded: () => Promise<void>): Promise<void> {
    return this.#alone(async () => {
      const { rooms } = this;
      this.#rooms = undefined;
      try {
        await recorded();
      } catch (error) {
        this.#rooms = rooms;
        throw error;
      }
      await this.entrust(undefined);
      rooms.dispose();
    });
  }

  /** One at a time: rooms that are opened must see all that the former ones wrote, and no others may write meanwhile. */
  #alone(act: () => Promise<void>): Promise<void> {
    const turn = this.#turns.then(act);
    this.#turns = turn.catch(() => {});
    return turn;
  }

  status(): Status {
    const { mode, version, fips, custody, clock, ledger } = this.options;
    const sealed = this.#rooms === undefined;
    const seals = custody.status();
    return {
      initialized: true,
      sealed,
      sealKind: [...new Set(seals.map(({ kind }) => kind))].join(', '),
      seals,
      version,
      mode,
      ...(fips !== undefined && { fips }),
      time: clock(),
      ledgerSize: ledger.size,
      ready: !sealed && this.commits.writable,
    };
  }
}
