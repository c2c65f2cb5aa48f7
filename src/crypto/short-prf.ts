import type { SecretBytes } from '#domain/domain.ts';
import { digestLatin1 } from './hash.ts';

/**
 * A keyed function of inputs of one fixed length, at the cost of one SHA-256: SHA-256(key || input). Safe as a pseudorandom
 * function because all inputs are equally long; its outputs must stay secret.
 */
export class ShortPrf {
  readonly #input: Buffer;
  readonly #at: number;

  /** The caller still owns `key`; a copy of it lives as long as this. `length` in bytes. */
  constructor(key: SecretBytes, length: number) {
    this.#at = key.length;
    this.#input = Buffer.alloc(key.length + length);
    this.#input.set(key.expose());
  }

  /** 32 bytes, as a string of one character each. */
  latin1(input: Uint8Array): string {
    if (input.length !== this.#input.length - this.#at)
      throw new RangeError('the input has another length than agreed');
    this.#input.set(input, this.#at);
    return digestLatin1('sha256', this.#input);
  }
}
