import type { TLSSocket } from 'node:tls';
import type { PeerCertificates } from '#wire/wire.ts';

/** Of each half: a chain that is longer than this, in bytes, is sent again rather than kept. */
const remembered = 256;
const longestRemembered = 16 * 1024;
/** More than any chain has; fewer than OpenSSL's own limit of bytes would let in. */
const mostCertificates = 10;

/**
 * What clients show of themselves when they shake hands. Of a session that is resumed OpenSSL keeps a client's own certificate only, so
 * those that stood above it are remembered for a while: whoever verifies them needs them, and trusts none of them for coming from here.
 */
export class ShownCertificates {
  readonly #above = new Map<string, readonly Uint8Array[]>();

  /** Undefined where the client showed none, which is what most do. */
  of(socket: TLSSocket): PeerCertificates | undefined {
    const own = socket.getPeerX509Certificate();
    if (own === undefined) return undefined;
    const above: Uint8Array[] = [];
    for (let next = own.issuerCertificate; next !== undefined && above.length < mostCertificates; ) {
      above.push(next.raw);
      next = next.issuerCertificate;
    }
    const key = own.fingerprint256;
    if (!socket.isSessionReused()) this.#remember(key, above);
    return [own.raw, ...(socket.isSessionReused() ? (this.#above.get(key) ?? []) : above)];
  }

  #remember(key: string, above: readonly Uint8Array[]): void {
    this.#above.delete(key);
    const length = above.reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (above.length === 0 || length > longestRemembered) return;
    const [oldest] = this.#above.size >= remembered ? this.#above.keys() : [];
    if (oldest !== undefined) this.#above.delete(oldest);
    this.#above.set(key, above);
  }
}
