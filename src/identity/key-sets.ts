import { type KeySet, readKeySet } from '#crypto/crypto.ts';
import { type IdentityProvider, KmsError } from '#domain/domain.ts';
import { Fresh } from './fresh.ts';
import type { Outbound } from './outbound.ts';

/** The public keys of identity providers. What can't be read is not believed: an old set doesn't stand in for it. */
export class KeySets {
  readonly #outbound: Outbound | undefined;
  readonly #fresh: Fresh<KeySet>;

  constructor(outbound: Outbound | undefined, clock: () => number) {
    this.#outbound = outbound;
    this.#fresh = new Fresh(clock, { most: 1, window: 30_000 });
  }

  /** Rejects with 'unavailable'. */
  async of({ id, keys: source }: IdentityProvider): Promise<KeySet> {
    return 'jwks' in source ? this.#parsed(source.jwks) : this.#fresh.of(id, () => this.#fetched(source.url));
  }

  /** After a token named a key that isn't in the set. */
  async again({ id, keys: source }: IdentityProvider): Promise<KeySet> {
    return 'jwks' in source ? this.#parsed(source.jwks) : this.#fresh.again(id, () => this.#fetched(source.url));
  }

  async #fetched(url: string): Promise<KeySet> {
    if (this.#outbound === undefined) throw unreachable();
    const answer = await this.#outbound({ url }).catch(() => undefined);
    if (answer?.status !== 200) throw unreachable();
    return this.#parsed(answer.text);
  }

  #parsed(text: string): KeySet {
    const keys = readKeySet(text);
    if (keys === undefined) throw unreachable();
    return keys;
  }
}

const unreachable = () =>
  new KmsError('unavailable', "The identity provider's keys could not be read; ask again later.", 'provider');
