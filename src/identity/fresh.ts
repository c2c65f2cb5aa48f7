import { Recent } from './recent.ts';

interface Read<V> {
  readonly value: Promise<V>;
  readonly readAt: number;
  state: 'under way' | 'read' | 'failed';
  /** When it was read before, as far back as that counts. */
  readonly before: readonly number[];
}

/** How often something elsewhere is read again before it is stale: `most` times in `window` milliseconds, the first one among them. */
export interface Pace {
  readonly most: number;
  readonly window: number;
}

/** How long what another server published is believed. Milliseconds. */
const freshness = 10 * 60 * 1000;

/** What was read elsewhere, by what it is of. What can't be read is not believed: what was read before doesn't stand in for it. */
export class Fresh<V> {
  readonly #clock: () => number;
  readonly #pace: Pace;
  readonly #known = new Recent<Read<V>>(256);

  constructor(clock: () => number, pace: Pace) {
    this.#clock = clock;
    this.#pace = pace;
  }

  of(id: string, read: () => Promise<V>): Promise<V> {
    return this.#read(id, read, false);
  }

  /** After something that should have been there wasn't: it may be new. */
  again(id: string, read: () => Promise<V>): Promise<V> {
    return this.#read(id, read, true);
  }

  #read(id: string, read: () => Promise<V>, doubted: boolean): Promise<V> {
    const now = this.#clock();
    const known = this.#known.get(id);
    const since = now - this.#pace.window;
    const before = known === undefined ? [] : [...known.before, known.readAt].filter((time) => time > since);
    if (known !== undefined) {
      const sound = known.state === 'read' && !doubted && now - known.readAt < freshness;
      if (known.state === 'under way' || sound || before.length >= this.#pace.most) return known.value;
    }
    const reading: Read<V> = { value: read(), readAt: now, state: 'under way', before };
    this.#known.set(id, reading);
    reading.value.then(
      () => {
        reading.state = 'read';
      },
      () => {
        reading.state = 'failed';
      },
    );
    return reading.value;
  }
}
