import { KmsError, type Origin, type Proof } from '#domain/domain.ts';
import { type Identified, isWithin } from '#identity/identity.ts';
import type { Core } from './core.ts';
import type { Unsealed } from './rooms.ts';
import { Turns } from './turns.ts';

/** Throws 'denied' where the principal's token may not be used from there. */
export function assertPlace({ cidrs }: Identified, { peer }: Origin): void {
  if (cidrs !== undefined && !isWithin(cidrs, peer)) {
    throw new KmsError('denied', 'The token may not be used from this address.');
  }
}

/** Tokens that may be used so often only. A use is durable before anything is done with it, whatever comes of that. */
export class TokenUses {
  readonly #core: Core;
  readonly #turns = new Turns();
  /** By the proof of one request: all that a request does, and does again, is one use. */
  readonly #counted = new WeakMap<Proof, Promise<Identified | undefined>>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** Who `identifying` finds, its use counted if its token is such a one. */
  async settle(rooms: Unsealed, proof: Proof, identifying: Promise<Identified>): Promise<Identified> {
    const known = this.#counted.get(proof);
    if (known === undefined) {
      const counting = this.#count(rooms, identifying);
      this.#counted.set(proof, counting);
      // What was not counted is to be counted when the request is tried again.
      counting.catch(() => this.#counted.delete(proof));
      return (await counting) ?? identifying;
    }
    // Its last use may be this one: then it isn't found any more.
    identifying.catch(() => {});
    const counted = await known;
    if (counted === undefined) return identifying;
    await rooms.identity.confirm(counted);
    return counted;
  }

  async #count(rooms: Unsealed, identifying: Promise<Identified>): Promise<Identified | undefined> {
    const principal = await identifying;
    if (principal.counted !== true) return undefined;
    await this.#turns.take(principal.credential, async () => {
      await this.#core.commits.change(await rooms.identity.spend(principal));
    });
    return principal;
  }
}
