/** Milliseconds since the epoch. */
export type Clock = () => number;

/**
 * The server's time: the machine's, but never running backwards, so that a clock set back can't revive what has expired.
 * `floor` is the last moment that the ledger knows.
 */
export class MonotoneClock {
  #latest: number;

  constructor(floor = 0) {
    this.#latest = floor;
  }

  now = (): number => {
    this.#latest = Math.max(this.#latest, Date.now());
    return this.#latest;
  };
}
