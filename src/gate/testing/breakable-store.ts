import { KmsError } from '#domain/domain.ts';
import { type Batch, memoryStore, type Store } from '#store/store.ts';

/** A real store whose disk a test can break, hold up, or slow down. */
export class BreakableStore implements Store {
  readonly inner: Store;
  /** Every commit rejects so, and writes nothing. */
  broken: 'storage-full' | 'unavailable' | undefined;
  /** Milliseconds that a commit and a read take. */
  slowness = 0;
  /** Commits that were tried, whatever came of them. */
  commits = 0;
  #gate: Promise<void> = Promise.resolve();
  #release = () => {};
  #held: Array<() => void> = [];

  constructor(inner: Store = memoryStore()) {
    this.inner = inner;
  }

  /** Commits wait from now on, until `release`. */
  hold(): void {
    this.#gate = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  release(): void {
    this.#release();
  }

  /** Resolves when the next commit is waiting. */
  held(): Promise<void> {
    return new Promise((resolve) => this.#held.push(resolve));
  }

  async commit(batch: Batch): Promise<void> {
    this.commits++;
    for (const tell of this.#held.splice(0)) tell();
    await this.#gate;
    if (this.slowness > 0) await later(this.slowness);
    if (this.broken !== undefined) throw new KmsError(this.broken, 'The disk of this test is broken.');
    await this.inner.commit(batch);
  }

  async read(...args: Parameters<Store['read']>) {
    // Asked of the store before the wait: what comes back may be old by then.
    const answer = this.inner.read(...args);
    if (this.slowness > 0) await later(this.slowness);
    return answer;
  }

  head = () => this.inner.head();
  anchors = () => this.inner.anchors();
  list: Store['list'] = (...args) => this.inner.list(...args);
  scan: Store['scan'] = (...args) => this.inner.scan(...args);
  macs = () => this.inner.macs();
  ledger: Store['ledger'] = (...args) => this.inner.ledger(...args);
  close = () => this.inner.close();
}

export const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
