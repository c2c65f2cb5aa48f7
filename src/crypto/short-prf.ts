import { SecretBytes } from '#domain/domain.ts';
import { digestLatin1 } from './hash.ts';

/**
 * A keyed function of inputs of one fixed length, at the cost of one SHA-256: SHA-256(key || input). Safe as a pseudorandom
 * function because all inputs are equally long; its outputs must stay secret.
 */
export class ShortPrf {
  /** The key, and room for an input. */
  readonly #whole: SecretBytes;
  readonly #at: number;

  /** The caller still owns `key`; a copy of it lives as long as this. `length` in bytes. */
  constructor(key: SecretBytes, length: number) {
    this.#at = key.length;
    this.#whole = SecretBytes.copyOf(new Uint8Array(key.length + length));
    this.#whole.expose().set(key.expose());
  }

  /** 32 bytes, as a string of one character each. */
  latin1(input: Uint8Array): string {
    const whole = this.#whole.expose();
    if (input.length !== whole.length - this.#at) throw new RangeError('the input has another length than agreed');
    whole.set(input, this.#at);
    return digestLatin1('sha256', whole);
  }
}
