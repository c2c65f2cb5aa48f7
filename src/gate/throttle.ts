import { KmsError, type Principal } from '#domain/domain.ts';

/** Requests per second; undefined: as many as come. A share not used is kept for one second. */
export interface Rates {
  readonly principal?: number;
  readonly realm?: number;
}

interface Bucket {
  tokens: number;
  /** Milliseconds since the epoch. */
  at: number;
}

/** Full ones are forgotten when there are more. */
const usualBuckets = 4096;

/** Token buckets by name. Pure arithmetic on the times of requests: nothing runs while nobody asks. */
class Buckets {
  readonly #rate: number;
  readonly #buckets = new Map<string, Bucket>();
  #limit = usualBuckets;

  constructor(rate: number) {
    this.#rate = rate;
  }

  /** Takes one token of this name; false where there is none. */
  take(name: string, now: number): boolean {
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      if (this.#buckets.size >= this.#limit) this.#forget(now);
      bucket = { tokens: this.#rate, at: now };
      this.#buckets.set(name, bucket);
    } else if (now > bucket.at) {
      bucket.tokens = this.#filled(bucket, now);
      bucket.at = now;
    }
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  #filled({ tokens, at }: Bucket, now: number): number {
    return Math.min(Math.max(this.#rate, 1), tokens + ((now - at) * this.#rate) / 1000);
  }

  /** A full bucket says as much as none. */
  #forget(now: number): void {
    for (const [name, bucket] of this.#buckets) {
      if (this.#filled(bucket, now) >= this.#rate) this.#buckets.delete(name);
    }
    // Where all are in use, looking through them again at each new name would cost more than they do.
    this.#limit = Math.max(usualBuckets, this.#buckets.size * 2);
  }
}

/** Holds everyone to a share of the server, so that one client's mistake is not everybody's outage. */
export class Throttle {
  readonly #realms: Buckets | undefined;
  readonly #perPrincipal: number | undefined;
  readonly #byRealm = new Map<string, Buckets>();

  constructor({ principal, realm }: Rates) {
    this.#realms = realm === undefined ? undefined : new Buckets(realm);
    this.#perPrincipal = principal;
  }

  /** Throws 'throttled'. The server's own jobs are not held up. */
  admit({ realm, name, kind }: Principal, now: number): void {
    if (kind === 'system' || kind === 'anonymous') return;
    if (this.#perPrincipal !== undefined) {
      let names = this.#byRealm.get(realm);
      if (names === undefined) {
        names = new Buckets(this.#perPrincipal);
        this.#byRealm.set(realm, names);
      }
      if (!names.take(name, now)) throw throttled(name);
    }
    if (this.#realms !== undefined && !this.#realms.take(realm, now)) throw throttled(`realm ${realm}`);
  }
}

function throttled(who: string): KmsError {
  return new KmsError('throttled', `More requests than the share of ${who}; ask again later.`);
}
