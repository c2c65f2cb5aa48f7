import assert from 'node:assert/strict';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { bodiesOf, echoDoor, eventually, makeCertificate, RawClient, startPlain } from './fixture.test.ts';

const tls = makeCertificate();

describe('a listener that stops', () => {
  for (const secure of [false, true]) {
    it(`loses no accepted request under load, ${secure ? 'with' : 'without'} TLS`, async () => {
      const door = echoDoor();
      const listener = await startPlain({ doors: [door], ...(secure ? { tls } : {}) });
      const { port } = listener;
      let answered = 0;
      let clean = true;
      const client = async (name: number) => {
        const socket = secure
          ? connectTls({ port, host: '127.0.0.1', ca: tls.certificate, servername: 'localhost' })
          : connectTcp(port, '127.0.0.1');
        let text = '';
        let sent = 0;
        const send = () => {
          const body = 'x'.repeat(100);
          socket.write(
            `POST /v1/${name}/${sent}?wait=${sent % 3} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n${body}`,
          );
          sent++;
        };
        socket.on('error', () => {});
        socket.on('data', (chunk) => {
          text += chunk.toString('latin1');
          const bodies = bodiesOf(text);
          if (bodies.length === 0) return;
          answered += bodies.length;
          const last = /\r\nConnection: close\r\n/.test(text);
          text = '';
          if (!last) send();
        });
        socket.once(secure ? 'secureConnect' : 'connect', send);
        await new Promise((resolve) => socket.once('close', resolve));
        // Half an answer would be left here.
        if (text !== '') clean = false;
      };
      const clients = Array.from({ length: 50 }, (_, name) => client(name));
      await eventually(() => door.seen.requests.length > 2000, 20_000);
      await listener.close();
      await Promise.all(clients);
      assert.equal(answered, door.seen.requests.length);
      assert.ok(clean);
      assert.equal(listener.stats().connections, 0);
      assert.equal(listener.stats().underWay, 0);
    });
  }

  it('ends idle connections at once, and accepts no more', async () => {
    const listener = await startPlain({ doors: [echoDoor()] });
    const [fresh, idle] = [new RawClient(listener.port), new RawClient(listener.port)];
    idle.send('GET /v1/a HTTP/1.1\r\nHost: a\r\n\r\n');
    await idle.until(({ text }) => text.length > 0);
    await fresh.until(() => listener.stats().connections === 2);
    const start = performance.now();
    await Promise.all([listener.close(), listener.close()]);
    assert.ok(performance.now() - start < 500);
    await eventually(() => fresh.ended && idle.ended);
    await assert.rejects(fetch(`${listener.url}/healthz`));
    for (const { socket } of [fresh, idle]) socket.destroy();
  });

  it('lets a request that has begun come in, and answers it and all before it', async () => {
    const listener = await startPlain({ doors: [echoDoor()] });
    const client = new RawClient(listener.port);
    client.send(
      'GET /v1/1?wait=50 HTTP/1.1\r\nHost: a\r\n\r\nPOST /v1/2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na',
    );
    await client.until(() => listener.stats().underWay === 1);
    const closed = listener.close();
    await client.until(({ text }) => text.includes('/v1/1'));
    client.send('b');
    await client.until(({ ended }) => ended);
    assert.deepEqual(
      bodiesOf(client.text).map((body) => JSON.parse(body).path),
      ['/v1/1', '/v1/2'],
    );
    assert.equal(client.text.match(/Connection: close/g)?.length, 1);
    client.socket.destroy();
    await closed;
  });

  it('answers what is under way over HTTP/2', async () => {
    const listener = await startPlain({ doors: [echoDoor()], tls });
    const client = connectHttp2(listener.url.replace('127.0.0.1', 'localhost'), { ca: tls.certificate });
    const streams = Array.from({ length: 20 }, (_, i) => client.request({ ':path': `/v1/${i}?wait=100` }));
    await eventually(() => listener.stats().underWay === 20);
    const statuses = Promise.all(
      streams.map(
        (stream) =>
          new Promise((resolve) => stream.once('response', (headers) => resolve(headers[':status'])).resume()),
      ),
    );
    await listener.close();
    assert.deepEqual(await statuses, Array(20).fill(200));
    client.destroy();
  });

  it('cuts what does not end by itself', async () => {
    const listener = await startPlain({ doors: [echoDoor()], limits: { stopMs: 100 } });
    const client = new RawClient(listener.port);
    client.send('GET /v1/a?wait=1000 HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.until(() => listener.stats().underWay === 1);
    const start = performance.now();
    await listener.close();
    assert.ok(performance.now() - start < 800);
    await client.until(({ ended, closed }) => ended || closed);
    assert.equal(client.text, '');
    client.socket.destroy();
  });
});
