import type { RootStatus } from './types.ts';

type Asking = <T>(method: string, path: string) => Promise<T>;

/** The root key of a server. Methods reject as those of the client do. */
export class RootKey {
  readonly #ask: Asking;

  constructor(ask: Asking) {
    this.#ask = ask;
  }

  status(): Promise<RootStatus> {
    return this.#ask('GET', '/root');
  }

  /** Another one for every seal, and everything under it in the background. */
  rotate(): Promise<RootStatus> {
    return this.#ask('POST', '/root/rotate');
  }
}
