import { timely } from '../service/service-seal.ts';
import type { VaultCaller } from './vault-caller.ts';

/** Milliseconds; also what a timer can count. */
const longestPause = 24 * 60 * 60 * 1000;
const shortestPause = 1000;
const pauseAfterFault = 30_000;

/** Renews the token that opened a seal last, as long as Vault does that, in the background. Ends with the process. */
export class TokenRenewal {
  readonly #running = new Map<string, NodeJS.Timeout | undefined>();

  /** Begins, unless that token is renewed already. */
  of(caller: VaultCaller): void {
    if (this.#running.has(caller.identity)) return;
    this.#running.set(caller.identity, undefined);
    void this.#renew(caller);
  }

  async #renew(caller: VaultCaller): Promise<void> {
    const pause = await renewed(caller);
    if (pause === undefined) {
      // Another try when a seal is opened with it again.
      this.#running.delete(caller.identity);
      return;
    }
    const timer = setTimeout(() => void this.#renew(caller), pause);
    timer.unref();
    this.#running.set(caller.identity, timer);
  }
}

/** Milliseconds until it is to be renewed again. Undefined: it lives without, or no longer can be. */
async function renewed(caller: VaultCaller): Promise<number | undefined> {
  try {
    const { status, body } = await timely('renew-self', (signal) => caller.post('auth/token/renew-self', {}, signal));
    if (status !== 200) return undefined;
    const { renewable, lease_duration: seconds } = body.auth ?? {};
    if (renewable !== true || typeof seconds !== 'number' || seconds <= 0) return undefined;
    return Math.min(Math.max((seconds * 1000 * 2) / 3, shortestPause), longestPause);
  } catch {
    return pauseAfterFault;
  }
}
