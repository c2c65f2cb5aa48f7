import { hkdf, ShortPrf } from '#crypto/crypto.ts';
import type { SecretBytes } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';

const length = 32;

/**
 * One value over the set of all rows: the XOR of a secret trace of each row's MAC. A change updates it by two traces, and a start
 * recomputes it in one pass, so a single row put back to an older state (with its then valid MAC) is noticed. The value itself
 * never leaves memory, only a MAC of it: who sees many values could solve for rows that cancel out.
 */
export class StateDigest {
  readonly #prf: ShortPrf;

  /** The caller still owns `key`. */
  constructor(key: SecretBytes) {
    using derived = hkdf('sha256', key, new Uint8Array(0), toUtf8('claviger/v1/state-digest'), length);
    this.#prf = new ShortPrf(derived, length);
  }

  /** The trace of one row's MAC. */
  trace(mac: Uint8Array): string {
    return this.#prf.latin1(mac);
  }

  /** Adds a trace to `digest`, or takes it away: the same thing. */
  static mix(digest: Uint8Array, trace: string): void {
    for (let i = 0; i < length; i++) digest[i]! ^= trace.charCodeAt(i);
  }

  /** The digest over all rows' MACs, given as concatenated chunks, and how many rows there are. */
  async over(chunks: AsyncIterable<Uint8Array>): Promise<{ readonly digest: Uint8Array; readonly rows: number }> {
    const digest = new Uint8Array(length);
    let rows = 0;
    for await (const chunk of chunks) {
      rows += chunk.length / length;
      for (let at = 0; at < chunk.length; at += length)
        StateDigest.mix(digest, this.trace(chunk.subarray(at, at + length)));
    }
    return { digest, rows };
  }
}
