import { ClockCache } from './clock-cache.ts';

export interface UseLimits {
  /** Uses of one version in all. */
  readonly limit: number;
  /** Uses that one write makes durable in advance. */
  readonly block: number;
}

/** With random nonces of 96 bits one key encrypts at most 2^32 messages (SP 800-38D section 8.3). */
const standard: UseLimits = { limit: 2 ** 32, block: 2 ** 20 };

/**
 * What is left of the uses that were reserved durably by this process, by version's record id. What memory lost was used, for all
 * anybody knows: a restart begins with nothing left.
 */
export class Uses {
  readonly limits: UseLimits;
  readonly #left: ClockCache<number>;

  constructor(capacity: number, limits: UseLimits = standard) {
    this.limits = limits;
    this.#left = new ClockCache(capacity);
  }

  /** Takes one use; false where none is left. */
  take(version: string): boolean {
    const left = this.#left.get(version);
    if (left === undefined || left === 0) return false;
    this.#left.set(version, left - 1);
    return true;
  }

  /** Only once it is durable that they were reserved. */
  put(version: string, uses: number): void {
    this.#left.set(version, uses);
  }
}
