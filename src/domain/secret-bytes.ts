const inspect = Symbol.for('nodejs.util.inspect.custom');

/**
 * Key material. Prints as a length wherever it is logged, joined or serialised; `expose` is called in `crypto/` and `seal/` only
 * (the architecture test holds this). Whoever creates one owns it and disposes it: `using key = new SecretBytes(bytes)`.
 */
export class SecretBytes {
  #bytes: Uint8Array | undefined;

  /** Takes ownership of `bytes`: the caller must not keep or change them. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
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
    this.#bytes?.fill(0);
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
