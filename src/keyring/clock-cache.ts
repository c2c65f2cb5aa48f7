/**
 * A bounded map that forgets what was not used lately (CLOCK: one reference bit a slot). An access is a map lookup and a byte
 * written, which an LRU list can't match at 100,000 entries (docs/decisions/0006-caches.md).
 */
export class ClockCache<V> {
  readonly #capacity: number;
  readonly #slots = new Map<string, number>();
  readonly #keys: (string | undefined)[] = [];
  readonly #values: (V | undefined)[] = [];
  readonly #used: Uint8Array;
  #hand = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#used = new Uint8Array(capacity);
  }

  get size(): number {
    return this.#slots.size;
  }

  get(key: string): V | undefined {
    const slot = this.#slots.get(key);
    if (slot === undefined) return undefined;
    this.#used[slot] = 1;
    return this.#values[slot];
  }

  /** Answers the value that had to go for it, if one had. */
  set(key: string, value: V): V | undefined {
    const known = this.#slots.get(key);
    const slot = known ?? this.#freeSlot();
    const gone = known === undefined ? this.#values[slot] : undefined;
    this.#slots.set(key, slot);
    this.#keys[slot] = key;
    this.#values[slot] = value;
    this.#used[slot] = 1;
    return gone;
  }

  delete(key: string): void {
    const slot = this.#slots.get(key);
    if (slot === undefined) return;
    this.#slots.delete(key);
    this.#keys[slot] = undefined;
    this.#values[slot] = undefined;
    this.#used[slot] = 0;
  }

  clear(): void {
    this.#slots.clear();
    this.#keys.length = 0;
    this.#values.length = 0;
    this.#used.fill(0);
    this.#hand = 0;
  }

  #freeSlot(): number {
    if (this.#keys.length < this.#capacity) {
      this.#keys.push(undefined);
      this.#values.push(undefined);
      return this.#keys.length - 1;
    }
    for (;;) {
      const slot = this.#hand;
      this.#hand = (slot + 1) % this.#capacity;
      if (this.#used[slot] === 1) {
        this.#used[slot] = 0;
        continue;
      }
      const evicted = this.#keys[slot];
      if (evicted !== undefined) this.#slots.delete(evicted);
      return slot;
    }
  }
}
