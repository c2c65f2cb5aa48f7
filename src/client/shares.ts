import type { AcknowledgedShare } from './types.ts';

type Asking = <T>(method: string, path: string, body?: object) => Promise<T>;

/** What custodians say of their shares. Methods reject as those of the client do. */
export class Shares {
  readonly #ask: Asking;

  constructor(ask: Asking) {
    this.#ask = ask;
  }

  /** A statement as `claviger share acknowledge` makes it. `settled`: all have arrived, so former shares open nothing any more. */
  acknowledge(statement: string): Promise<{ readonly share: AcknowledgedShare; readonly settled: boolean }> {
    return this.#ask('POST', '/shares', { statement });
  }

  /** Of the shares that are in force. */
  async acknowledgements(): Promise<ReadonlyArray<AcknowledgedShare & { readonly statement: string }>> {
    return (await this.#ask<{ shares: ReadonlyArray<AcknowledgedShare & { statement: string }> }>('GET', '/shares'))
      .shares;
  }
}
