import { type KeySet, readKeySet } from '#crypto/crypto.ts';
import { type IdentityProvider, KmsError } from '#domain/domain.ts';
import { Recent } from './recent.ts';

/** Reads a published key set. Rejects where it can't be had in time. */
export type FetchKeySet = (url: string) => Promise<string>;

/** How long a published key set is believed. */
const freshness = 10 * 60 * 1000;
/** A key that is not in the set may be a new one, and a provider that failed may be back: asked again this often at most. */
const pause = 30 * 1000;

interface Known {
  readonly keys: Promise<KeySet>;
  readonly readAt: number;
  failed: boolean;
}

/** The public keys of identity providers. What can't be read is not believed: an old set doesn't stand in for it. */
export class KeySets {
  readonly #fetch: FetchKeySet | undefined;
  readonly #clock: () => number;
  readonly #known = new Recent<Known>(256);

  constructor(fetch: FetchKeySet | undefined, clock: () => number) {
    this.#fetch = fetch;
    this.#clock = clock;
  }

  /** Rejects with 'unavailable'. */
  of(provider: IdentityProvider): Promise<KeySet> {
    return this.#read(provider, freshness);
  }

  /** After a token named a key that isn't in the set. */
  again(provider: IdentityProvider): Promise<KeySet> {
    return this.#read(provider, pause);
  }

  async #read({ id, keys: source }: IdentityProvider, age: number): Promise<KeySet> {
    if ('jwks' in source) return this.#parsed(source.jwks);
    const now = this.#clock();
    const known = this.#known.get(id);
    if (known !== undefined && now - known.readAt < (known.failed ? pause : age)) return known.keys;
    const reading: Known = { keys: this.#fetched(source.url), readAt: now, failed: false };
    this.#known.set(id, reading);
    reading.keys.catch(() => {
      reading.failed = true;
    });
    return reading.keys;
  }

  async #fetched(url: string): Promise<KeySet> {
    if (this.#fetch === undefined) throw unreachable();
    let text: string;
    try {
      text = await this.#fetch(url);
    } catch {
      throw unreachable();
    }
    return this.#parsed(text);
  }

  #parsed(text: string): KeySet {
    const keys = readKeySet(text);
    if (keys === undefined) throw unreachable();
    return keys;
  }
}

const unreachable = () =>
  new KmsError('unavailable', "The identity provider's keys could not be read; ask again later.", 'provider');
