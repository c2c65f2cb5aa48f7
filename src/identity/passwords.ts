import { type Argon2Costs, argon2id, equalSecrets, hmac, randomBytes } from '#crypto/crypto.ts';
import { KmsError, type Plaintext, SecretBytes } from '#domain/domain.ts';
import { fromBase64, toBase64 } from '#encoding/encoding.ts';
import type { PasswordHash } from './directory.ts';
import { Recent } from './recent.ts';

/** 32 MiB and 2 passes: some 50 ms, of which two at once leave the thread pool to others. */
const costs: Argon2Costs = { memoryKiB: 32 * 1024, passes: 2, parallelism: 1 };
const saltLength = 16;
const hashLength = 32;
const atOnce = 2;
const mostWaiting = 64;
/** Wrong ones in a row that cost no time; after that each doubles the wait, up to a minute. */
const freeFailures = 5;
const longestWait = 60_000;

interface Failures {
  readonly count: number;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** Passwords as Argon2id hashes, guessed at slowly. */
export class Passwords {
  readonly #root: SecretBytes;
  readonly #clock: () => number;
  readonly #failures = new Recent<Failures>(16_384);
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(root: SecretBytes, clock: () => number) {
    this.#root = root;
    this.#clock = clock;
  }

  async hash(password: Plaintext): Promise<PasswordHash> {
    const salt = randomBytes(saltLength);
    const hash = await this.#derive(password, salt, costs);
    return { salt: toBase64(salt), hash: toBase64(hash), costs };
  }

  /**
   * Whether it is the password. `name` says whose: where there is none, `known` is undefined, and finding that out takes as long. Rejects
   * with 'throttled' after too many wrong ones.
   */
  async check(name: string, password: Plaintext, known: PasswordHash | undefined): Promise<boolean> {
    const failures = this.#failures.get(name);
    if (failures !== undefined && failures.until > this.#clock()) throw tooMany();
    // Counted before it is found out, so that many at once don't all pass.
    const count = (failures?.count ?? 0) + 1;
    const wait = count < freeFailures ? 0 : Math.min(longestWait, 1000 * 2 ** Math.min(count - freeFailures, 16));
    this.#failures.set(name, { count, until: this.#clock() + wait });
    const salt = known === undefined ? hmac('sha256', this.#root, `salt:${name}`).subarray(0, saltLength) : undefined;
    const hash = await this.#derive(password, salt ?? fromBase64(known!.salt)!, known?.costs ?? costs);
    const right = equalSecrets(hash, known === undefined ? randomBytes(hashLength) : fromBase64(known.hash)!);
    if (right) this.#failures.delete(name);
    return right;
  }

  async #derive(password: Plaintext, salt: Uint8Array, of: Argon2Costs): Promise<Uint8Array> {
    await this.#turn();
    try {
      using bytes = new SecretBytes(password.release().slice());
      using derived = await argon2id(bytes, salt, of, hashLength);
      // What is stored and compared is no key: a MAC of it under the room's own, so that the store alone can't be guessed against.
      return hmac('sha256', this.#root, 'password:', hmac('sha256', derived, 'claviger password'));
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    if (this.#running >= atOnce) {
      if (this.#waiting.length >= mostWaiting) throw tooMany();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#running++;
  }
}

const tooMany = () => new KmsError('throttled', 'Too many logins; ask again later.');
