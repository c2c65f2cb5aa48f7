import { randomUuid } from '#crypto/crypto.ts';
import { KmsError, SecretBytes } from '#domain/domain.ts';

/** Milliseconds for which shares are kept that are not enough yet. */
export const progressLife = 10 * 60_000;

interface Attempt {
  readonly nonce: string;
  readonly shares: Map<number, SecretBytes>;
  readonly end: NodeJS.Timeout;
  readonly until: number;
}

/** Shares of one seal that were brought one at a time and are not enough yet, in memory only, and for ten minutes from the first on. */
export class ShareProgress {
  readonly #clock: () => number;
  #attempt: Attempt | undefined;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#current()?.shares.size ?? 0;
  }

  /** '' where there is none. */
  get nonce(): string {
    return this.#current()?.nonce ?? '';
  }

  /** Takes the share. Throws 'invalid-unseal' where that one was brought already. */
  add(number: number, share: SecretBytes): void {
    const { shares } = this.#current() ?? this.#begin();
    if (shares.has(number)) {
      share.dispose();
      throw new KmsError('invalid-unseal', `Share ${number} was brought already: bring another one.`);
    }
    shares.set(number, share);
  }

  /** All of them, one a line, which the caller owns. They are forgotten here. */
  take(): SecretBytes {
    const shares = [...(this.#current()?.shares.values() ?? [])];
    const text = new SecretBytes(joinedLines(shares));
    this.forget();
    return text;
  }

  forget(): void {
    if (this.#attempt === undefined) return;
    clearTimeout(this.#attempt.end);
    for (const share of this.#attempt.shares.values()) share.dispose();
    this.#attempt = undefined;
  }

  #begin(): Attempt {
    const end = setTimeout(() => this.forget(), progressLife).unref();
    this.#attempt = { nonce: randomUuid(), shares: new Map(), end, until: this.#clock() + progressLife };
    return this.#attempt;
  }

  #current(): Attempt | undefined {
    if (this.#attempt !== undefined && this.#clock() >= this.#attempt.until) this.forget();
    return this.#attempt;
  }
}

const newline = 0x0a;

function joinedLines(shares: readonly SecretBytes[]): Uint8Array {
  const text = new Uint8Array(shares.reduce((length, share) => length + share.length + 1, 0));
  let at = 0;
  for (const share of shares) {
    text.set(share.expose(), at);
    at += share.length;
    text[at++] = newline;
  }
  return text.subarray(0, Math.max(0, at - 1));
}

/** The lines of a text that aren't blank. The caller owns them, and still owns `text`. */
export function linesOf(text: SecretBytes): SecretBytes[] {
  const bytes = text.expose();
  const lines: SecretBytes[] = [];
  for (let from = 0; from <= bytes.length; ) {
    const end = bytes.indexOf(newline, from);
    const line = bytes.slice(from, end === -1 ? bytes.length : end);
    if (line.some((byte) => byte > 0x20)) lines.push(new SecretBytes(line));
    from = end === -1 ? bytes.length + 1 : end + 1;
  }
  return lines;
}
