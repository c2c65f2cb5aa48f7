import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { after, before, describe, it } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { Door } from '#wire/wire.ts';
import { makeCertificate, startPlain } from './fixture.test.ts';
import type { Listener } from './listen.ts';

const tls = makeCertificate();
/** A certificate and its authority's behind it. */
const client = makeCertificate();
const own = new X509Certificate(client.certificate);
const whole = client.certificate
  .split(/(?<=-----END CERTIFICATE-----\n)/)
  .filter((pem) => pem !== '')
  .map((pem) => new X509Certificate(pem).raw.toString('base64'));

/** Answers the certificates of its connection, as base64. */
const door: Door = {
  name: 'certificates',
  match: (head) => ({
    maxBody: 0,
    handle: async () => ({
      status: 200,
      headers: [],
      contentType: 'application/json',
      body: JSON.stringify(head.certificates?.map((der) => Buffer.from(der).toString('base64')) ?? null),
    }),
    refuse: async () => ({ status: 400, headers: [], contentType: '', body: '' }),
  }),
};

describe('the certificates of a connection', () => {
  let listener: Listener;
  before(async () => {
    listener = await startPlain({ tls, doors: [door] });
  });
  after(() => listener.close());

  /** One request over HTTP/1.1, with the session that it can be resumed by. */
  const ask = async (options: ConnectionOptions) => {
    const socket: TLSSocket = connect({
      port: listener.port,
      host: '127.0.0.1',
      ca: tls.certificate,
      servername: 'localhost',
      ...options,
    });
    let session: Buffer | undefined;
    socket.on('session', (ticket) => {
      session = ticket;
    });
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk) => {
      text += chunk;
    });
    await once(socket, 'secureConnect');
    const resumed = socket.isSessionReused();
    for (const last of [false, true]) {
      socket.write(`GET /a HTTP/1.1\r\nHost: localhost\r\n${last ? 'Connection: close\r\n' : ''}\r\n`);
    }
    await once(socket, 'close');
    const bodies = [...text.matchAll(/\r\n\r\n(null|\[.*?\])/g)].map(([, json]) => JSON.parse(json!));
    assert.equal(bodies.length, 2);
    assert.deepEqual(bodies[0], bodies[1], 'each request of a connection has them');
    return { certificates: bodies[0] as string[] | null, resumed, session };
  };
  const identity = { cert: client.certificate, key: client.key };

  it('reach the door with each request, the client’s own first', async () => {
    assert.deepEqual((await ask(identity)).certificates, whole);
    assert.equal(whole.length, 2);
    assert.equal(whole[0], own.raw.toString('base64'));
  });

  it('are asked for and not demanded', async () => {
    assert.equal((await ask({})).certificates, null);
  });

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`are whole in a resumed session of ${version} too`, async () => {
      const only = { minVersion: version, maxVersion: version };
      const first = await ask({ ...identity, ...only });
      assert.deepEqual(first.certificates, whole);
      assert.ok(first.session !== undefined, 'there is a session to resume');
      const again = await ask({ ...identity, ...only, session: first.session });
      assert.ok(again.resumed);
      assert.deepEqual(again.certificates, whole);
    });
  }

  it('come with the streams of HTTP/2', async () => {
    const session = connectHttp2(`https://localhost:${listener.port}`, { ca: tls.certificate, ...identity });
    try {
      for (const _ of [1, 2]) {
        const stream = session.request({ ':path': '/a' });
        let text = '';
        stream.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        stream.end();
        await once(stream, 'close');
        assert.deepEqual(JSON.parse(text), whole);
      }
    } finally {
      session.destroy();
    }
  });
});
