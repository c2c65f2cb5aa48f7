import { KmsError } from '#domain/domain.ts';

const firstWait = 1000;
const longestWait = 60_000;

/** Tries what is out of reach again, ever more seldom, until it is done or fails in another way. */
export class Retries {
  readonly #attempt: () => Promise<boolean>;
  readonly #log: (line: string) => void;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** `attempt` resolves to false where nothing is left to be tried. */
  constructor(attempt: () => Promise<boolean>, log: (line: string) => void) {
    this.#attempt = attempt;
    this.#log = log;
  }

  /** Resolves once it was tried, and is done or will be tried again. Rejects where it failed other than by 'unavailable'. */
  async first(): Promise<void> {
    try {
      await this.#attempt();
    } catch (error) {
      this.#again(error, firstWait);
    }
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #again(error: unknown, wait: number): void {
    if (!(error instanceof KmsError && error.code === 'unavailable')) throw error;
    if (this.#stopped) return;
    this.#log(`Sealed, and trying again in ${wait / 1000} s: ${error.message}`);
    this.#timer = setTimeout(() => void this.#next(Math.min(wait * 2, longestWait)), wait);
  }

  async #next(wait: number): Promise<void> {
    try {
      if (await this.#attempt()) this.#log('The seal is in reach again: the server is unsealed.');
    } catch (error) {
      try {
        this.#again(error, wait);
      } catch (final) {
        this.#log(`The server stays sealed: ${final instanceof Error ? final.message : String(final)}`);
      }
    }
  }
}
