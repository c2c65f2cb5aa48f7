import { Recent } from './recent.ts';

interface Read<V> {
  readonly value: Promise<V>;
  readonly readAt: number;
  failed: boolean;
}

/** How long what another server published is believed. */
export const freshness = 10 * 60 * 1000;
/** What is missing may be new, and a server that failed may be back: asked again this often at most. Milliseconds. */
const pause = 30 * 1000;
/** Of what failed: a configuration is put right while somebody waits for it. */
const failurePause = 5 * 1000;

/** What was read elsewhere, by what it is of. What can't be read is not believed: what was read before doesn't stand in for it. */
export class Fresh<V> {
  readonly #clock: () => number;
  readonly #known = new Recent<Read<V>>(256);

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  of(id: string, read: () => Promise<V>): Promise<V> {
    return this.#read(id, read, freshness);
  }

  /** After something that should have been there wasn't. */
  again(id: string, read: () => Promise<V>): Promise<V> {
    return this.#read(id, read, pause);
  }

  #read(id: string, read: () => Promise<V>, age: number): Promise<V> {
    const now = this.#clock();
    const known = this.#known.get(id);
    if (known !== undefined && now - known.readAt < (known.failed ? failurePause : age)) return known.value;
    const reading: Read<V> = { value: read(), readAt: now, failed: false };
    this.#known.set(id, reading);
    reading.value.catch(() => {
      reading.failed = true;
    });
    return reading.value;
  }
}
