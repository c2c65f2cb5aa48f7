/** A way to a server that can be cut, or left without an answer, while the server itself keeps what it holds. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Relay {
  /** On 127.0.0.1. */
  readonly port: number;
  /** Connections end, and no new one is taken. */
  cut(): void;
  /** Connections are taken, and nothing comes back. */
  hold(): void;
  mend(): void;
  close(): Promise<void>;
}

export async function relayTo(port: number, host = '127.0.0.1'): Promise<Relay> {
  let state: 'open' | 'cut' | 'held' = 'open';
  const sockets = new Set<Socket>();
  const kept = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    return socket;
  };
  const endAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((caller) => {
    kept(caller);
    if (state === 'cut') return caller.destroy();
    if (state === 'held') return caller.resume();
    const called = kept(connect(port, host));
    caller.pipe(called).pipe(caller);
    caller.once('close', () => called.destroy());
    called.once('close', () => caller.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const become = (next: typeof state) => {
    state = next;
    endAll();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => become('cut'),
    hold: () => become('held'),
    mend: () => become('open'),
    close() {
      endAll();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
