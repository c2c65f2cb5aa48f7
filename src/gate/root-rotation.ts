import { type Change, type Command, KmsError, type Result, type RootStatus } from '#domain/domain.ts';
import { type Keyring, newRoot } from '#keyring/keyring.ts';
import type { Store } from '#store/store.ts';
import type { CommitQueue } from './commit-queue.ts';
import type { Custody } from './custody.ts';
import { type Line, lineOf } from './lines.ts';
import type { Unsealed } from './rooms.ts';
import type { OfRoot } from './verbs.ts';

export function isOfRoot(command: Command): command is Command<OfRoot> {
  return command.kind === 'rotate-root' || command.kind === 'read-root';
}

/** Rows of one transaction: some milliseconds of work, between which requests are answered. */
const stepRows = 256;
/** Milliseconds until what failed, such as a full disk, is tried again. */
const again = 5000;
const unknownRoot =
  'The seals give a new root key, and the disk does not say that they will: the server is sealed, so that nothing is written under a root that is gone. Mend the disk, and unseal.';
/** Milliseconds that requests under way may still need what the rooms before them opened. */
const lingering = 60_000;

/** The server whose root it is. */
interface Serving {
  readonly options: {
    readonly store: Store;
    readonly custody: Custody;
    readonly clock: () => number;
    readonly furnish: (keyring: Keyring) => Unsealed;
    readonly onInternalError: (error: unknown, requestId: string) => void;
  };
  readonly commits: CommitQueue;
  readonly rooms: Unsealed;
  serves(rooms: Unsealed): boolean;
  seal(recorded: () => Promise<void>): Promise<void>;
  succeed(rooms: Unsealed, prepare: () => Promise<Change>, make: () => Promise<Unsealed>): Promise<void>;
  noteSeals(): Promise<void>;
}

/**
 * Another root key. From one transaction to the next the server runs on rooms under the new one; then every row follows, a few at a time,
 * while requests are answered. What is decided by the rooms before is decided again.
 */
export class RootRotation {
  readonly #core: Serving;
  /** Milliseconds since the epoch: of the rotation whose last line is not written yet. */
  #since: number | undefined;
  #seen = 0;
  readonly #former = new Set<Unsealed>();

  constructor(core: Serving) {
    this.#core = core;
  }

  async perform(rooms: Unsealed, command: Command<OfRoot>, line: Line, holds: () => boolean) {
    if (command.kind === 'rotate-root') return await this.#begin(rooms, line, holds);
    await this.#core.commits.submit(line, undefined, holds);
    return this.#status(rooms);
  }

  /** Goes on with what rooms that were just opened have not finished. */
  follow(rooms: Unsealed): void {
    this.#since = rooms.keyring.rotatedSince;
    this.#seen = 0;
    if (this.#since !== undefined) void this.#goOn(rooms);
  }

  /** Nothing is finished in rooms before any more: the server is sealed. */
  letGo(): void {
    for (const { keyring } of this.#former) keyring.dispose();
    this.#former.clear();
  }

  #linger(rooms: Unsealed): void {
    this.#former.add(rooms);
    setTimeout(() => {
      if (this.#former.delete(rooms)) rooms.keyring.dispose();
    }, lingering).unref();
  }

  rowsLeft(rooms: Unsealed): number {
    const { renewed, rows } = this.#status(rooms);
    return rows - renewed;
  }

  #status({ keyring }: Unsealed): RootStatus {
    if (this.#since === undefined) return { renewed: 0, rows: 0 };
    return { rotatingSince: this.#since, renewed: Math.min(this.#seen, keyring.rows), rows: keyring.rows };
  }

  /**
   * What the new root needs is durable before the seals give it; from then on nothing else does. A crash between leaves rows that
   * neither root reads.
   */
  async #begin(rooms: Unsealed, line: Line, holds: () => boolean): Promise<Result<'rotate-root'>> {
    const core = this.#core;
    const { custody, clock, furnish, store } = core.options;
    if (this.#since !== undefined) {
      throw new KmsError('conflict', 'The root key is being rotated already: "claviger root status" tells how far.');
    }
    using root = newRoot();
    const now = clock();
    let unsettled = false;
    const succession = core.succeed(
      rooms,
      () => {
        if (!holds()) throw new KmsError('conflict', 'What this was decided on changed; ask again.');
        return rooms.keyring.makeWay(root, now);
      },
      async () => {
        unsettled = !custody.giveRoot(root);
        if (unsettled) throw new KmsError('unavailable', unknownRoot);
        return furnish(rooms.keyring.follow(root, store, now));
      },
    );
    try {
      await succession;
    } catch (error) {
      if (unsettled) await core.seal(async () => {});
      throw error;
    }
    this.#linger(rooms);
    const next = core.rooms;
    // It has begun, whatever becomes of its line: the rows are to follow.
    this.follow(next);
    line.summary = 'began to rotate the root key';
    await core.commits.submit(line);
    await core.noteSeals().catch((error) => core.options.onInternalError(error, line.requestId));
    return this.#status(next);
  }

  async #goOn(rooms: Unsealed): Promise<void> {
    const core = this.#core;
    for (let current = rooms; core.serves(current); ) {
      try {
        if (current.keyring.rotatedSince !== undefined) {
          await this.#renewAll(current);
          current = await this.#settle(current);
        }
        await this.#forget(current);
        return;
      } catch (error) {
        if (!core.serves(current)) return;
        core.options.onInternalError(error, 'root-rotation');
        await new Promise((resolve) => setTimeout(resolve, again).unref());
      }
    }
  }

  async #renewAll(rooms: Unsealed): Promise<void> {
    const renewal = rooms.keyring.renewal();
    while (this.#core.serves(rooms)) {
      const step = await renewal.step(stepRows);
      if (step === undefined) return;
      if (step.change.records.length > 0 && !(await this.#written(step.change))) continue;
      step.done();
      this.#seen = renewal.seen;
      await new Promise(setImmediate);
    }
  }

  /** False where a row changed meanwhile. */
  async #written(change: Change): Promise<boolean> {
    try {
      await this.#core.commits.change(change);
      return true;
    } catch (error) {
      if (error instanceof KmsError && error.code === 'conflict') return false;
      throw error;
    }
  }

  /** Rooms that believe the new root alone. */
  async #settle(rooms: Unsealed): Promise<Unsealed> {
    const core = this.#core;
    const { furnish, store } = core.options;
    await core.succeed(
      rooms,
      () => rooms.keyring.settle(),
      async () => furnish(await rooms.keyring.settled(store)),
    );
    this.#linger(rooms);
    return core.rooms;
  }

  /** The head is under the new root before what is needed of the former one goes: a crash between is gone through again. */
  async #forget({ keyring }: Unsealed): Promise<void> {
    const { commits, options } = this.#core;
    await commits.writeHead();
    const requestId = options.custody.nonce();
    const line = lineOf(
      { protocol: 'job', operation: 'root-rotation', peer: '', requestId },
      'rotate-root',
      options.clock(),
    );
    line.principal = 'system';
    line.summary = `rotated the root key: all ${keyring.rows} rows are under the new one`;
    await commits.submit(line, await keyring.forgetFormer());
    this.#since = undefined;
  }
}
