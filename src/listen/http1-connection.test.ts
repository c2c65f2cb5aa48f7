import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { bodiesOf, echoDoor, RawClient, startPlain, statusOf } from './fixture.test.ts';
import type { Listener } from './listen.ts';

const get = (target: string, more = ''): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
const post = (target: string, body: string, more = ''): string =>
  `POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;
const close = 'Connection: close\r\n';

describe('a connection that speaks HTTP/1.1', () => {
  const open: Listener[] = [];
  const start: typeof startPlain = async (options) => {
    const listener = await startPlain(options);
    open.push(listener);
    return listener;
  };
  after(() => Promise.all(open.map((listener) => listener.close())));

  it('hands head and body to the door that wants them, and writes its answer', async () => {
    const [door, other] = [echoDoor(), { name: 'other', match: () => undefined }];
    const { port } = await start({ doors: [other, door] });
    const answer = await new RawClient(port).exchange(post('/v1/a?b=c', 'LIST /', `X-Vault-Token: t\r\n${close}`));
    assert.match(
      answer,
      /^HTTP\/1\.1 200 OK\r\nDate: Tue, 24 Nov 2026 12:00:00 GMT\r\nConnection: close\r\nContent-Type: application\/json\r\nContent-Length: 62\r\nx-request-id: 1\r\n\r\n\{/,
    );
    assert.deepEqual(JSON.parse(bodiesOf(answer)[0]!), { method: 'POST', path: '/v1/a', query: 'b=c', body: 'LIST /' });
    const [request] = door.seen.requests;
    assert.deepEqual(request?.headers.slice(-4), ['x-vault-token', 't', 'connection', 'close']);
    assert.match(request.peer, /^127\.0\.0\.1:\d+$/);
  });

  it('keeps the connection, for LIST between other methods too, and closes it when asked', async () => {
    const { port, stats } = await start({ doors: [echoDoor()] });
    const client = new RawClient(port);
    for (const [i, method] of ['LIST', 'POST', 'LIST', 'GET'].entries()) {
      client.send(`${method} /v1/${i} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nLIST`);
      await client.until(({ text }) => bodiesOf(text).length === i + 1);
    }
    assert.deepEqual(
      bodiesOf(client.text).map((body) => JSON.parse(body).method),
      ['LIST', 'POST', 'LIST', 'GET'],
    );
    assert.doesNotMatch(client.text, /Connection/);
    assert.equal(stats().connections, 1);
    assert.match(await client.exchange(get('/v1/4', close)), /Connection: close/);
  });

  it('answers pipelined requests in order, reading ones under way together and changing ones alone', async () => {
    const door = echoDoor();
    const { port } = await start({ doors: [door] });
    const client = new RawClient(port);
    client.send(get('/v1/1?wait=60') + get('/v1/2?wait=5') + post('/v1/3?wait=20', 'a') + get('/v1/4', close));
    await client.until(() => door.seen.requests.length >= 2);
    assert.deepEqual(
      door.seen.requests.map(({ path }) => path),
      ['/v1/1', '/v1/2'],
    );
    await client.until(({ ended }) => ended);
    assert.deepEqual(
      bodiesOf(client.text).map((body) => JSON.parse(body).path),
      ['/v1/1', '/v1/2', '/v1/3', '/v1/4'],
    );
  });

  it('takes at most so many pipelined requests at a time, and all of them in the end', async () => {
    const door = echoDoor();
    const { port, stats } = await start({ doors: [door], limits: { maxUnderWay: 4 } });
    const client = new RawClient(port);
    client.send(get('/v1/a?wait=30').repeat(4) + get('/v1/b').repeat(500));
    await client.until(() => door.seen.requests.length > 0);
    assert.equal(stats().underWay, 4);
    await client.until(({ text }) => bodiesOf(text).length === 504);
    client.socket.destroy();
  });

  it('answers all that was sent before the client closed its side', async () => {
    const { port } = await start({ doors: [echoDoor()], limits: { maxUnderWay: 2 } });
    const client = new RawClient(port);
    client.socket.end(post('/v1/a?wait=10', 'x').repeat(5), 'latin1');
    await client.until(({ ended }) => ended);
    assert.equal(bodiesOf(client.text).length, 5);
  });

  it('answers a HEAD without a body, and 204 without a length', async () => {
    const { port } = await start({ doors: [echoDoor()] });
    assert.match(
      await new RawClient(port).exchange(`HEAD /v1/a HTTP/1.1\r\nHost: a\r\n${close}\r\n`),
      /Content-Length: 5\d\r\n.*\r\n\r\n$/s,
    );
    const empty = await new RawClient(port).exchange(get('/v1/empty', close));
    assert.match(empty, /^HTTP\/1\.1 204 No Content\r\n/);
    assert.doesNotMatch(empty, /Content-/);
  });

  it('asks for the body only once its length is allowed', async () => {
    const door = echoDoor(100);
    const { port } = await start({ doors: [door] });
    const client = new RawClient(port);
    const head = (length: number) =>
      `POST /v1/a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`;
    client.send(head(3));
    await client.until(({ text }) => text === 'HTTP/1.1 100 Continue\r\n\r\n');
    client.send('abc');
    await client.until(({ text }) => text.includes('"body":"abc"'));
    client.text = '';
    assert.equal(statusOf(await client.exchange(head(101))), 413);
    assert.doesNotMatch(client.text, /Continue/);
  });

  it('asks for the body of a pipelined request after the answers before it', async () => {
    const { port } = await start({ doors: [echoDoor()] });
    const client = new RawClient(port);
    client.send(
      `${get('/v1/a?wait=30')}PUT /v1/b HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n`,
    );
    await client.until(({ text }) => text.includes('Continue'));
    assert.match(client.text, /"path":"\/v1\/a".*HTTP\/1\.1 100 Continue\r\n\r\n$/s);
    client.send('x');
    await client.until(({ text }) => text.includes('"body":"x"'));
    client.socket.destroy();
  });

  it('lets the door answer a body of 100 MB that it never reads', async () => {
    const door = echoDoor();
    const { port, stats } = await start({ doors: [door] });
    const client = new RawClient(port);
    client.send(`POST /v1/a HTTP/1.1\r\nHost: a\r\nContent-Length: ${100 * 2 ** 20}\r\n\r\n`);
    const megabyte = Buffer.alloc(2 ** 20);
    for (let sent = 0; sent < 100 && !client.closed; sent++) {
      if (!client.socket.write(megabyte)) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await client.until(({ ended, closed }) => ended || closed);
    assert.equal(statusOf(client.text), 413);
    assert.match(client.text, /Connection: close.*\{"door":"too-large"\}$/s);
    assert.ok(client.socket.bytesWritten - client.socket.writableLength < 20 * 2 ** 20);
    assert.deepEqual(door.seen.requests, []);
    assert.equal(door.seen.refusals[0]?.head.path, '/v1/a');
    assert.equal(stats().refused, 1);
    client.socket.destroy();
  });

  it('tells the door of a body that is malformed or cut short', async () => {
    const door = echoDoor();
    const { port } = await start({ doors: [door] });
    const chunked = 'POST /v1/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
    assert.match(await new RawClient(port).exchange(`${chunked}x`), /^HTTP\/1\.1 400 .*\{"door":"malformed"\}$/s);
    const client = new RawClient(port);
    client.socket.end(`${chunked}5\r\nab`);
    await client.until(({ ended }) => ended);
    assert.equal(statusOf(client.text), 400);
    assert.deepEqual(
      door.seen.refusals.map(({ fault }) => fault),
      ['malformed', 'malformed'],
    );
  });

  it('answers what it can not understand with one neutral error, and closes', async () => {
    const { port } = await start({ doors: [echoDoor()] });
    const cases: ReadonlyArray<readonly [string, number]> = [
      ['GET /v1/a HTTP/1.1\nHost: a\n\n', 400],
      ['GET /v1/a HTTP/1.0\r\n\r\n', 505],
      ['BREW /v1/a HTTP/1.1\r\nHost: a\r\n\r\n', 501],
      [get(`/${'a'.repeat(10_000)}`), 414],
      [get('/', `X: ${'a'.repeat(40_000)}\r\n`), 431],
      [get('/', 'Expect: magic\r\n'), 417],
      [get('/', 'Transfer-Encoding: gzip\r\n'), 501],
    ];
    for (const [text, status] of cases) {
      const answer = await new RawClient(port).exchange(text + get('/v1/never'));
      assert.equal(statusOf(answer), status);
      assert.match(answer, /Connection: close\r\n/);
      const bodies = bodiesOf(answer);
      assert.equal(bodies.length, 1);
      assert.equal(JSON.parse(bodies[0]!).errors.length, 1);
    }
  });

  it('answers what came before a malformed request', async () => {
    const { port } = await start({ doors: [echoDoor()] });
    const answer = await new RawClient(port).exchange(`${get('/v1/a?wait=20')}GET / HTTP/1.1\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 200 OK.*HTTP\/1\.1 400 /s);
  });

  it('answers paths that no door wants, and its own health and readiness', async () => {
    let ready: true | string = 'not ready: the seal is in the other building';
    const { port } = await start({ doors: [echoDoor()], ready: () => ready });
    const ask = async (target: string) => statusOf(await new RawClient(port).exchange(get(target, close)));
    assert.equal(await ask('/elsewhere'), 404);
    assert.equal(await ask('/healthz'), 200);
    const waiting = await new RawClient(port).exchange(get('/readyz', close));
    assert.equal(statusOf(waiting), 503);
    assert.match(waiting, /the seal is in the other building/);
    ready = true;
    assert.equal(await ask('/readyz'), 200);
  });

  it('answers 500 for a handler that rejects or throws, or answers what can not be sent, and goes on', async () => {
    const errors: unknown[] = [];
    const { port } = await start({ doors: [echoDoor()], onError: (error) => errors.push(error) });
    const client = new RawClient(port);
    for (const path of ['reject', 'throw', 'bad']) {
      client.text = '';
      client.send(get(`/v1/${path}`));
      await client.until(({ text }) => text.endsWith('{"errors":["internal error"]}'));
      assert.equal(statusOf(client.text), 500);
    }
    assert.equal(errors.length, 3);
    assert.match(await client.exchange(get('/v1/ok', close)), /200 OK/);
  });

  it('refuses a door that fails to say whether a path is its own', async () => {
    const broken = {
      name: 'broken',
      match() {
        throw new Error('a door throws');
      },
    };
    const { port } = await start({ doors: [broken] });
    assert.equal(statusOf(await new RawClient(port).exchange(get('/v1/a', close))), 500);
  });

  it('sends bodies that are not ASCII by their bytes', async () => {
    const texts = { name: 'texts', match: () => ({ maxBody: 0, handle, refuse: handle }) };
    const handle = async () => ({ status: 200, headers: [], contentType: 'text/plain', body: 'ü€😀' });
    const { port } = await start({ doors: [texts] });
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    assert.equal(answer.headers.get('content-length'), '9');
    assert.equal(await answer.text(), 'ü€😀');
  });

  it('rejects with EADDRINUSE where the port is taken', async () => {
    const { port } = await start();
    await assert.rejects(startPlain({ port }), { code: 'EADDRINUSE' });
  });
});
