/** One after another at each place, in the order of coming. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Acts once whoever came before to this place is done, well or not. */
  take<T>(place: string, act: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(place) ?? Promise.resolve()).then(act);
    const over = turn.then(
      () => {},
      () => {},
    );
    this.#last.set(place, over);
    over.then(() => {
      if (this.#last.get(place) === over) this.#last.delete(place);
    });
    return turn;
  }
}
