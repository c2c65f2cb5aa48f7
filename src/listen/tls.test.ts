import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2';
import { Agent, request } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { echoDoor, eventually, makeCertificate, startPlain } from './fixture.test.ts';
import type { Limits, Listener } from './listen.ts';

const noCurl = spawnSync('curl', ['--version']).error === undefined ? false : 'skipped: curl is absent';

const tls = makeCertificate();

describe('a listener with TLS', () => {
  const open: Array<{ close(): unknown }> = [];
  const start = async (limits: Partial<Limits> = {}, door = echoDoor()): Promise<Listener> => {
    const listener = await startPlain({ tls, doors: [door], limits });
    open.push(listener);
    return listener;
  };
  let listener: Listener;
  const door = echoDoor(1000);
  before(async () => {
    listener = await start({}, door);
  });
  after(() => Promise.all(open.reverse().map((each) => each.close())));

  const handshake = (options: ConnectionOptions, port = listener.port) =>
    new Promise<TLSSocket>((resolve, reject) => {
      const socket = connect(
        { port, host: '127.0.0.1', ca: tls.certificate, servername: 'localhost', ...options },
        () => resolve(socket),
      );
      socket.on('error', reject);
    });

  const session = async (url = listener.url): Promise<ClientHttp2Session> => {
    const client = connectHttp2(url.replace('127.0.0.1', 'localhost'), { ca: tls.certificate });
    client.on('error', () => {});
    open.push({ close: () => client.destroy() });
    await new Promise((resolve) => client.once('connect', resolve));
    return client;
  };

  const ask = async (client: ClientHttp2Session, headers: Record<string, string>, body = '') => {
    const stream = client.request({ ':path': '/v1/a', ...headers });
    let status = 0;
    let answered: Record<string, unknown> = {};
    stream.on('response', (fields) => {
      status = Number(fields[':status']);
      answered = fields;
    });
    stream.on('error', () => {});
    stream.end(body);
    let text = '';
    stream.setEncoding('utf8').on('data', (chunk) => (text += chunk));
    await new Promise((resolve) => stream.once('close', resolve));
    return { status, headers: answered, text, code: stream.rstCode };
  };

  it('speaks TLS 1.3 and 1.2, and nothing older or weaker', async () => {
    const newest = await handshake({});
    assert.equal(newest.getProtocol(), 'TLSv1.3');
    newest.destroy();
    const older = await handshake({ maxVersion: 'TLSv1.2' });
    assert.equal(older.getProtocol(), 'TLSv1.2');
    older.destroy();
    const [low, all] = ['@SECLEVEL=0:ALL', '@SECLEVEL=0:ALL:COMPLEMENTOFALL'];
    await assert.rejects(handshake({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: low }), /protocol version/);
    await assert.rejects(handshake({ minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: low }), /protocol version/);
    for (const ciphers of ['ECDHE-ECDSA-AES128-SHA', 'AES128-GCM-SHA256', 'NULL-SHA256']) {
      await assert.rejects(
        handshake({ maxVersion: 'TLSv1.2', ciphers: `${ciphers}:@SECLEVEL=0` }),
        /handshake failure/,
        all,
      );
    }
  });

  it('agrees on a key that a quantum computer can not find', async () => {
    const socket = await handshake({ ecdhCurve: 'X25519MLKEM768' });
    assert.equal(socket.getProtocol(), 'TLSv1.3');
    socket.destroy();
  });

  it('chooses HTTP/2 where the client offers it, and refuses a client that offers neither', async () => {
    for (const [offered, chosen] of [
      [['h2', 'http/1.1'], 'h2'],
      [['http/1.1'], 'http/1.1'],
      [[], false],
    ] as const) {
      const socket = await handshake({ ALPNProtocols: [...offered] });
      assert.equal(socket.alpnProtocol, chosen);
      socket.destroy();
    }
    await assert.rejects(handshake({ ALPNProtocols: ['spdy/3'] }), /no application protocol/);
  });

  it('answers node:https over one kept connection', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: tls.certificate });
    const accepted = listener.stats().accepted;
    for (const body of ['', 'LIST /', 'x'.repeat(1000)]) {
      const text = await new Promise<string>((resolve, reject) => {
        const sent = request(`${listener.url}/v1/a?b`, { method: 'POST', agent }, async (answer) => {
          assert.equal(answer.statusCode, 200);
          resolve(Buffer.concat(await Array.fromAsync(answer)).toString());
        });
        sent.on('error', reject).end(body);
      });
      assert.equal(JSON.parse(text).body, body);
    }
    assert.equal(listener.stats().accepted, accepted + 1);
    agent.destroy();
  });

  const curl = async (...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)('curl', ['-sk', '--max-time', '10', ...args]);
    return stdout;
  };

  it('answers a LIST from curl over HTTP/1.1 and HTTP/2, kept connections included', { skip: noCurl }, async () => {
    for (const version of ['--http1.1', '--http2']) {
      const out = await curl(
        version,
        '-X',
        'LIST',
        '-w',
        '\n%{http_version} %{http_code} %{num_connects}\n',
        `${listener.url}/v1/[1-3]`,
      );
      const lines = out.trim().split('\n');
      assert.deepEqual(
        lines.filter((_, i) => i % 2 === 0).map((line) => JSON.parse(line).method),
        ['LIST', 'LIST', 'LIST'],
      );
      const number = version === '--http2' ? '2' : '1.1';
      assert.deepEqual(
        lines.filter((_, i) => i % 2 === 1),
        [`${number} 200 1`, `${number} 200 0`, `${number} 200 0`],
      );
    }
  });

  it('answers a curl that waits for permission to send, and one that sends too much', { skip: noCurl }, async () => {
    for (const version of ['--http1.1', '--http2']) {
      const waits = await curl(version, '-H', 'Expect: 100-continue', '-d', 'abc', `${listener.url}/v1/a`);
      assert.equal(JSON.parse(waits).body, 'abc');
      const chunked = await curl(version, '-H', 'Transfer-Encoding: chunked', '-d', 'abc', `${listener.url}/v1/a`);
      assert.equal(JSON.parse(chunked).body, 'abc');
      assert.equal(await curl(version, '-d', 'x'.repeat(1001), `${listener.url}/v1/a`), '{"door":"too-large"}');
    }
  });

  it('hands an HTTP/2 request to its door as it would one of HTTP/1.1', async () => {
    const client = await session();
    const { status, headers, text } = await ask(
      client,
      { ':method': 'LIST', ':path': '/v1/x%2F?y=1', 'x-vault-token': 't' },
      'LIST',
    );
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(text), { method: 'LIST', path: '/v1/x%2F', query: 'y=1', body: 'LIST' });
    assert.equal(headers['content-type'], 'application/json');
    assert.equal(headers['x-request-id'], '1');
    const seen = door.seen.requests.at(-1)!;
    assert.deepEqual(seen.headers, ['host', `localhost:${listener.port}`, 'x-vault-token', 't']);
    assert.match(seen.peer, /^127\.0\.0\.1:\d+$/);
  });

  it('holds HTTP/2 to the same limits', async () => {
    const client = await session();
    const cases: ReadonlyArray<readonly [Record<string, string>, number]> = [
      [{ ':method': 'BREW' }, 501],
      [{ ':path': '/a#b' }, 400],
      [{ ':path': `/${'a'.repeat(9000)}` }, 414],
      [{ expect: 'magic' }, 417],
      [{ ':path': '/elsewhere' }, 404],
      [{ ':path': '/v1/reject' }, 500],
      [{ ':path': '/v1/throw' }, 500],
      [{ ':path': '/healthz' }, 200],
    ];
    for (const [headers, status] of cases)
      assert.equal((await ask(client, headers)).status, status, JSON.stringify(headers));
    assert.equal(
      (await ask(client, { ':method': 'POST', 'content-length': '1001' }, 'x'.repeat(1001))).text,
      '{"door":"too-large"}',
    );
    assert.equal((await ask(client, { ':method': 'POST' }, 'x'.repeat(200_000))).text, '{"door":"too-large"}');
    assert.equal((await ask(client, { ':path': '*' })).status, 0);
    const many = Object.fromEntries(Array.from({ length: 120 }, (_, i) => [`x-${i}`, 'y']));
    assert.equal((await ask(client, many)).status, 0);
  });

  it('does no more work for a client that resets its streams than for one that waits', async () => {
    const door = echoDoor();
    const { url, stats } = await start({ maxUnderWay: 8 }, door);
    const client = await session(url);
    for (let round = 0; round < 30 && !client.destroyed; round++) {
      for (let i = 0; i < 8 && !client.destroyed; i++) {
        const stream = client.request({ ':path': '/v1/a?wait=500' });
        stream.on('error', () => {});
        setImmediate(() => stream.close(constants.NGHTTP2_CANCEL));
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    assert.ok(door.seen.requests.length <= 16, `${door.seen.requests.length} requests were handled`);
    assert.ok(stats().underWay <= 8);
    await eventually(() => client.destroyed || client.closed);
  });

  it('cuts an HTTP/2 body that is too slow, and a session that is idle', async () => {
    const door = echoDoor();
    const { url, stats } = await start({ bodyMs: 60, idleMs: 150, sweepMs: 10 }, door);
    const client = await session(url);
    const slow = client.request({ ':path': '/v1/a', ':method': 'POST' }, { endStream: false });
    slow.on('error', () => {});
    slow.write('a');
    const status = await new Promise((resolve) => slow.once('response', (headers) => resolve(headers[':status'])));
    assert.equal(status, 400);
    assert.equal(door.seen.refusals[0]?.fault, 'timeout');
    await eventually(() => client.closed && stats().connections === 0);
  });

  it('cuts a client that never finishes its handshake', async () => {
    const { port, stats } = await start({ handshakeMs: 60 });
    const socket = connectTcp(port, '127.0.0.1');
    socket.on('error', () => {});
    await eventually(() => stats().connections === 1);
    await eventually(() => stats().connections === 0);
    socket.destroy();
  });

  it('survives clients that don’t speak TLS', async () => {
    for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '\x16\x03\x01\x00', '\0'.repeat(300)]) {
      const socket = connectTcp(listener.port, '127.0.0.1');
      socket.on('error', () => {});
      await new Promise<void>((resolve) => socket.write(bytes, 'latin1', () => resolve()));
      socket.destroy();
    }
    (await handshake({})).destroy();
  });
});
