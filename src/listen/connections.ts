import { isIPv6, type Server, type Socket } from 'node:net';
import type { PeerCertificates } from '#wire/wire.ts';
import type { Carrier, ListenerStats } from './carrier.ts';
import { Http1Connection } from './http1-connection.ts';
import { Http2Connection } from './http2-connection.ts';

/** What a connection of either version can be asked for. */
interface Connection {
  /** Takes no further request; ends once the last accepted one is answered. */
  drain(): void;
  /** Cuts or refuses what is too slow. Called every `sweepMs`. */
  check(): void;
  destroy(): void;
}

/** The open connections of one listener, and the one timer that watches all of them. */
export class Connections {
  readonly #carrier: Carrier;
  readonly #open = new Set<Connection>();
  /** By peer: connected, with a TLS handshake under way. */
  readonly #handshakes = new Map<string, Socket>();
  readonly #sweep: NodeJS.Timeout;
  #draining = false;

  constructor(carrier: Carrier) {
    this.#carrier = carrier;
    let last = performance.now();
    this.#sweep = setInterval(() => {
      const elapsed = performance.now() - last;
      last += elapsed;
      // After a pause of the whole process, what peers sent meanwhile is still unread: the pause is not held against them.
      carrier.advance(Math.min(elapsed, 2 * carrier.limits.sweepMs));
      for (const connection of this.#open) connection.check();
    }, carrier.limits.sweepMs);
    this.#sweep.unref();
  }

  stats(): ListenerStats {
    const { accepted, requests, underWay, refused } = this.#carrier;
    return { connections: this.#open.size + this.#handshakes.size, accepted, requests, underWay, refused };
  }

  /** A socket that has yet to shake hands; the TLS server bounds how long. */
  shakeHands(socket: Socket): void {
    const peer = peerOf(socket);
    this.#handshakes.set(peer, socket);
    socket.on('close', () => {
      if (this.#handshakes.get(peer) === socket) this.#handshakes.delete(peer);
    });
  }

  speak(socket: Socket, protocol: 'h2' | 'http/1.1', certificates?: PeerCertificates): void {
    const peer = peerOf(socket);
    this.#handshakes.delete(peer);
    this.#carrier.accepted++;
    const connection =
      protocol === 'h2'
        ? new Http2Connection(this.#carrier, socket, peer, certificates)
        : new Http1Connection(this.#carrier, socket, peer, certificates);
    this.#open.add(connection);
    socket.on('close', () => this.#open.delete(connection));
    if (this.#draining) connection.drain();
  }

  async close(server: Server): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    // What had already reached this machine when the order came is read first: those requests count as accepted.
    await nextTurn();
    this.#draining = true;
    for (const socket of this.#handshakes.values()) socket.destroy();
    for (const connection of this.#open) connection.drain();
    const cut = setTimeout(() => {
      for (const socket of this.#handshakes.values()) socket.destroy();
      for (const connection of this.#open) connection.destroy();
    }, this.#carrier.limits.stopMs);
    await closed;
    // The server counts sockets, whose last event is still to come.
    while (this.#open.size + this.#handshakes.size > 0) await nextTurn();
    clearTimeout(cut);
    clearInterval(this.#sweep);
  }
}

/** The sockets have been looked at once more. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function peerOf(socket: Socket): string {
  const address = socket.remoteAddress ?? '';
  return `${isIPv6(address) ? `[${address}]` : address}:${socket.remotePort ?? 0}`;
}
