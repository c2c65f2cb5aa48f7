import { KmsError } from '#domain/domain.ts';
import { networkOf } from './coalesced.ts';

/** As many wrong ones of one network in a row cost it nothing but their own time. */
const free = 5;
const longestWait = 60_000;
/** More wait for their turn than anybody in order needs; each costs the memory of an Argon2id. */
const mostWaiting = 8;
const mostNetworks = 10_000;

interface Failures {
  wrong: number;
  /** Milliseconds since the epoch before which nothing of this network is tried. */
  until: number;
}

/**
 * Attempts at the passphrase: one at a time, so that anybody's many cost the server the memory of one, and each wrong one of a network
 * from the fifth on doubles the second that it has to wait for the next, up to a minute.
 */
export class Attempts {
  readonly #networks = new Map<string, Failures>();
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  /** Rejects with 'throttled' before anything is tried; else as `attempt`, whose 'invalid-unseal' is counted. */
  async take<T>(peer: string, clock: () => number, attempt: () => Promise<T>): Promise<T> {
    const network = networkOf(peer);
    this.#assertPatient(network, clock());
    if (this.#waiting >= mostWaiting)
      throw new KmsError('throttled', 'Others are trying passphrases; ask again later.');
    this.#waiting++;
    const turn = this.#last.then(() => {
      // Whoever sent many at once waits for what came of the first.
      this.#assertPatient(network, clock());
      return attempt();
    });
    this.#last = turn.catch(() => {});
    try {
      const done = await turn;
      this.#networks.delete(network);
      return done;
    } catch (error) {
      if (error instanceof KmsError && error.code === 'invalid-unseal') this.#count(network, clock());
      throw error;
    } finally {
      this.#waiting--;
    }
  }

  #assertPatient(network: string, now: number): void {
    const left = (this.#networks.get(network)?.until ?? 0) - now;
    if (left > 0) {
      throw new KmsError('throttled', `Too many wrong passphrases; try again in ${Math.ceil(left / 1000)} seconds.`);
    }
  }

  #count(network: string, now: number): void {
    const wrong = (this.#networks.get(network)?.wrong ?? 0) + 1;
    // The oldest of too many is forgotten: it has tried least of late.
    if (this.#networks.size >= mostNetworks) this.#networks.delete(this.#networks.keys().next().value!);
    const wait = wrong < free ? 0 : Math.min(1000 * 2 ** (wrong - free), longestWait);
    this.#networks.delete(network);
    this.#networks.set(network, { wrong, until: now + wait });
  }
}
