/** The door of the carrier: sockets in, requests to the doors, answers out. Knows no protocol above HTTP and no key. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { Door } from '#wire/wire.ts';
import { Carrier, type ListenerStats } from './carrier.ts';
import { Connections } from './connections.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { ShownCertificates } from './peer-certificates.ts';
import { type Identity, tlsOptions } from './tls.ts';

export type { ListenerStats } from './carrier.ts';
export { defaultLimits, type Limits } from './limits.ts';

export interface ListenerOptions {
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
  /** Without it the listener speaks in the clear: for tests and measurements on the loopback. */
  readonly tls?: Identity;
  /** Asked in this order. */
  readonly doors: readonly Door[];
  /** What `/readyz` says: true, or why not. */
  readonly ready: () => true | string;
  /** Milliseconds since the epoch, for the Date field. */
  readonly clock: () => number;
  readonly limits?: Partial<Limits>;
  /** Told of what no peer is told: a handler that rejected, an answer that could not be sent. */
  readonly onError?: (error: unknown) => void;
}

export interface Listener {
  readonly url: string;
  readonly port: number;
  /**
   * Stops accepting, lets accepted requests finish and their answers leave, ends idle connections at once and what is left after
   * `stopMs`. Resolves when no connection is open. May be called again.
   */
  close(): Promise<void>;
  stats(): ListenerStats;
}

/** Resolves once connections are accepted. Rejects with the system's error, such as code 'EADDRINUSE'. */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const limits = { ...defaultLimits, ...options.limits };
  const carrier = new Carrier({ ...options, limits, onError: options.onError ?? (() => {}) });
  const connections = new Connections(carrier);
  const server = open(options, limits, connections);
  await listening(server, options);
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  let closing: Promise<void> | undefined;
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://${host}:${port}`,
    port,
    close: () => (closing ??= connections.close(server)),
    stats: () => connections.stats(),
  };
}

function open(options: ListenerOptions, limits: Limits, connections: Connections): Server {
  const socketOptions = { allowHalfOpen: true, noDelay: true, keepAlive: true };
  if (options.tls === undefined) {
    const server = createServer(socketOptions);
    server.maxConnections = limits.maxConnections;
    server.on('connection', (socket) => connections.speak(socket, 'http/1.1'));
    return server;
  }
  const server = createTlsServer({ ...socketOptions, ...tlsOptions(options.tls, limits) });
  server.maxConnections = limits.maxConnections;
  server.on('connection', (socket: Socket) => connections.shakeHands(socket));
  // A handshake that failed has ended its socket already; one that took too long has not.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  const certificates = new ShownCertificates();
  server.on('secureConnection', (socket: TLSSocket) =>
    connections.speak(socket, socket.alpnProtocol === 'h2' ? 'h2' : 'http/1.1', certificates.of(socket)),
  );
  return server;
}

function listening(server: Server, { host, port }: ListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
