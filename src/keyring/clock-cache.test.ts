import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClockCache } from './clock-cache.ts';

/** CLOCK as the textbooks have it: a ring of slots, a hand, one bit each. */
class NaiveClock<V> {
  readonly #slots: Array<{ key: string | undefined; value: V | undefined; used: boolean }> = [];
  readonly #capacity: number;
  #hand = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(key: string): V | undefined {
    const slot = this.#slots.find((one) => one.key === key);
    if (slot !== undefined) slot.used = true;
    return slot?.value;
  }

  set(key: string, value: V): void {
    const known = this.#slots.find((one) => one.key === key);
    if (known !== undefined) Object.assign(known, { value, used: true });
    else if (this.#slots.length < this.#capacity) this.#slots.push({ key, value, used: true });
    else {
      for (; this.#slots[this.#hand]!.used; this.#hand = (this.#hand + 1) % this.#capacity) {
        this.#slots[this.#hand]!.used = false;
      }
      this.#slots[this.#hand] = { key, value, used: true };
      this.#hand = (this.#hand + 1) % this.#capacity;
    }
  }

  delete(key: string): void {
    const slot = this.#slots.find((one) => one.key === key);
    if (slot !== undefined) Object.assign(slot, { key: undefined, value: undefined, used: false });
  }

  clear(): void {
    this.#slots.length = 0;
    this.#hand = 0;
  }

  get size(): number {
    return this.#slots.filter(({ key }) => key !== undefined).length;
  }
}

test('does what a naive twin does, and never holds more than its capacity', () => {
  let state = 99;
  const random = (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  for (const capacity of [1, 2, 3, 7, 32]) {
    const [cache, twin] = [new ClockCache<number>(capacity), new NaiveClock<number>(capacity)];
    for (let i = 0; i < 8000; i++) {
      const key = `${random(capacity * 2)}`;
      const what = random(100);
      if (what < 45) assert.equal(cache.get(key), twin.get(key), `get ${key} at ${i}`);
      else if (what < 85) for (const one of [cache, twin]) one.set(key, i);
      else if (what < 99) for (const one of [cache, twin]) one.delete(key);
      else if (random(20) === 0) for (const one of [cache, twin]) one.clear();
      assert.equal(cache.size, twin.size);
      assert.ok(cache.size <= capacity);
    }
  }
});

test('keeps what is in use better than by age', () => {
  const cache = new ClockCache<number>(16);
  let misses = 0;
  for (let i = 0; i < 1600; i++) {
    cache.set(`${i}`, i);
    if (cache.get('used') !== undefined) continue;
    misses++;
    cache.set('used', i);
  }
  // By age it would go once in 15 steps.
  assert.ok(misses < 20, `${misses} misses`);
});

test('answers nothing of what was deleted or cleared, and what is set again anew', () => {
  const cache = new ClockCache<string>(2);
  cache.set('a', 'old');
  cache.delete('a');
  cache.delete('a');
  assert.equal(cache.get('a'), undefined);
  cache.set('a', 'new');
  assert.equal(cache.get('a'), 'new');
  cache.clear();
  assert.deepEqual([cache.get('a'), cache.size], [undefined, 0]);
});
