const inspect = Symbol.for('nodejs.util.inspect.custom');

/** Where the bytes of secrets are kept, rather than wherever they came from. */
export interface SecretMemory {
  /** A copy of `bytes` that is wiped and released when `owner` is collected. Undefined where there is no room. */
  keep(owner: object, bytes: Uint8Array): Uint8Array | undefined;
  /** What `owner` had, wiped, may be given to another. Ignores what was never kept here. */
  release(owner: object, bytes: Uint8Array): void;
}

let memory: SecretMemory | undefined;

/** From now on. */
export function keepSecretsIn(chosen: SecretMemory): void {
  memory = chosen;
}

/**
 * Key material. Prints as a length wherever it is logged, joined or serialised; `expose` is called in `crypto/` and `seal/` only
 * (the architecture test holds this). Whoever creates one owns it and disposes it: `using key = new SecretBytes(bytes)`.
 */
export class SecretBytes {
  #bytes: Uint8Array | undefined;

  /** Takes ownership of `bytes`: the caller must not keep or change them. Where secrets have a memory of their own they move there. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    const kept = memory?.keep(this, bytes);
    if (kept === undefined) return;
    bytes.fill(0);
    this.#bytes = kept;
  }

  /** The caller still owns `bytes`. */
  static copyOf(bytes: Uint8Array): SecretBytes {
    // Not on V8's heap, where small arrays lie otherwise: it moves them and leaves copies behind.
    const copy = new Uint8Array(new ArrayBuffer(bytes.length));
    copy.set(bytes);
    return new SecretBytes(copy);
  }

  get length(): number {
    return this.#bytes?.length ?? 0;
  }

  /** The bytes themselves, not a copy. Throws once disposed. */
  expose(): Uint8Array {
    if (this.#bytes === undefined) throw new Error('secret bytes were used after disposal');
    return this.#bytes;
  }

  dispose(): void {
    if (this.#bytes === undefined) return;
    this.#bytes.fill(0);
    memory?.release(this, this.#bytes);
    this.#bytes = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  toString(): string {
    return `SecretBytes(${this.length})`;
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect](): string {
    return this.toString();
  }
}

/**
 * The caller's own data on its way in or out: what is encrypted, a data key that is handed over, a token shown once. A door may
 * `release` it into an answer; it prints as a length everywhere else.
 */
export class Plaintext {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get length(): number {
    return this.#bytes.length;
  }

  release(): Uint8Array {
    return this.#bytes;
  }

  /** For what must not stay in memory once an answer holds it. */
  wipe(): void {
    this.#bytes.fill(0);
  }

  toString(): string {
    return `Plaintext(${this.length})`;
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect](): string {
    return this.toString();
  }
}
