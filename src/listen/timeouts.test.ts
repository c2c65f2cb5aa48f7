import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { echoDoor, eventually, RawClient, startPlain, statusOf } from './fixture.test.ts';
import type { Limits, Listener } from './listen.ts';

describe('a slow or greedy client', () => {
  const open: Listener[] = [];
  const start = async (limits: Partial<Limits>, door = echoDoor(10 * 2 ** 20)) => {
    const listener = await startPlain({ doors: [door], limits: { sweepMs: 10, ...limits } });
    open.push(listener);
    return listener;
  };
  after(() => Promise.all(open.map((listener) => listener.close())));

  /** A byte every 20 ms, until the other side has had enough. */
  const trickle = async (client: RawClient, text: string) => {
    for (const byte of text) {
      if (client.ended || client.closed) return;
      client.send(byte);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  it('has so long for a head, however steadily its bytes come', async () => {
    const { port } = await start({ headMs: 100 });
    const client = new RawClient(port);
    await trickle(client, 'GET /v1/a HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal(statusOf(client.text), 408);
    client.socket.destroy();
  });

  it('has so long for a body, and longer for the bytes that came', async () => {
    const door = echoDoor();
    const { port } = await start({ bodyMs: 100, minBodyRate: 1000 }, door);
    const head = 'POST /v1/a HTTP/1.1\r\nHost: a\r\nContent-Length: 400\r\n\r\n';
    const slow = new RawClient(port);
    slow.send(head);
    await trickle(slow, 'a'.repeat(400));
    assert.match(slow.text, /\{"door":"timeout"\}$/);
    const steady = new RawClient(port);
    steady.send(head + 'a'.repeat(300));
    await new Promise((resolve) => setTimeout(resolve, 200));
    steady.send('a'.repeat(100));
    await steady.until(({ text }) => text.startsWith('HTTP/1.1 200'));
    assert.deepEqual(
      door.seen.refusals.map(({ fault }) => fault),
      ['timeout'],
    );
    for (const { socket } of [slow, steady]) socket.destroy();
  });

  it('is let go when it is idle, not while its request is under way', async () => {
    const { port, stats } = await start({ idleMs: 60, headMs: 1000 });
    const client = new RawClient(port);
    client.send('GET /v1/a?wait=200 HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.until(({ text }) => text.startsWith('HTTP/1.1 200'));
    assert.equal(client.ended, false);
    await client.until(({ ended }) => ended);
    client.socket.destroy();
    await client.until(() => stats().connections === 0 && client.closed);
  });

  it('is let go when it never says anything', async () => {
    const { port } = await start({ headMs: 50 });
    const client = new RawClient(port);
    await client.until(({ ended }) => ended);
    assert.equal(client.text, '');
    client.socket.destroy();
  });

  it('is cut when it takes no part of an answer', async () => {
    const { port, stats } = await start({ answerMs: 100 });
    const client = new RawClient(port);
    client.socket.pause();
    client.send(`GET /v1/large?size=${32 * 2 ** 20} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await eventually(() => stats().accepted === 1 && stats().connections === 0);
    client.socket.destroy();
  });

  it('is not read further while its answers wait to be taken', async () => {
    const door = echoDoor();
    const { port } = await start({}, door);
    const client = new RawClient(port);
    client.socket.pause();
    client.send(`GET /v1/large?size=${2 ** 20} HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(200));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const taken = door.seen.requests.length;
    assert.ok(taken > 0 && taken < 150, `${taken} requests were taken`);
    client.socket.destroy();
  });

  it('finds no place where there are too many connections', async () => {
    const { port, stats } = await start({ maxConnections: 2 });
    const clients = [new RawClient(port), new RawClient(port)];
    for (const client of clients) {
      client.send('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
      await client.until(({ text }) => text.endsWith('ok\n'));
    }
    const third = new RawClient(port);
    await third.until(({ closed, ended }) => closed || ended);
    assert.equal(stats().connections, 2);
    for (const { socket } of [...clients, third]) socket.destroy();
  });

  it('sees the answer to a body that is too large before the connection goes away', async () => {
    const { port, stats } = await start({ lingerMs: 100, lingerBytes: 1000 }, echoDoor(10));
    const client = new RawClient(port);
    client.send(`POST /v1/a HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n${'a'.repeat(5000)}`);
    await client.until(({ ended }) => ended);
    assert.equal(statusOf(client.text), 413);
    await client.until(() => stats().connections === 0 || client.closed);
    client.socket.destroy();
  });
});
