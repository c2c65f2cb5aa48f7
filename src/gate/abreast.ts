/** So much at once, and the rest in the order of coming. */
export class Abreast {
  readonly #capacity: number;
  readonly #waiting: Array<{ readonly weight: number; readonly enter: () => void }> = [];
  #free: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#free = capacity;
  }

  /** Does it once there is room for `weight`; what is heavier than all of it waits for all of it. */
  async take<T>(weight: number, act: () => Promise<T>): Promise<T> {
    const share = Math.min(weight, this.#capacity);
    if (this.#waiting.length > 0 || share > this.#free) {
      await new Promise<void>((enter) => this.#waiting.push({ weight: share, enter }));
    } else this.#free -= share;
    try {
      return await act();
    } finally {
      // Behind what an answer still makes of it, which is garbage then.
      setImmediate(() => this.#leave(share));
    }
  }

  #leave(share: number): void {
    this.#free += share;
    for (let next = this.#waiting[0]; next !== undefined && next.weight <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= next.weight;
      next.enter();
    }
  }
}
