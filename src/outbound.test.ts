import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';

import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { after, test } from 'node:test';
import { createAuthority, issueServerCertificate } from '#crypto/crypto.ts';
import { isOutboundUrl } from '#identity/identity.ts';
import { outbound } from './outbound.ts';

async function serving(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  after(() => server.closeAllConnections());
  return `http://127.0.0.1:${await portOf(server)}`;
}

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test('asks with what is given, and answers what it was told', async () => {
  const url = await serving((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      const { authorization, 'content-type': type } = request.headers;
      response.writeHead(201).end(JSON.stringify({ method: request.method, type, authorization, body }));
    });
  });
  const post = { type: 'application/json', body: '{"a":"ä"}' };
  const { status, text } = await outbound({ url, post, authorization: 'Bearer x' });
  assert.equal(status, 201);
  assert.deepEqual(JSON.parse(text), { method: 'POST', type: post.type, authorization: 'Bearer x', body: post.body });
  assert.equal(JSON.parse((await outbound({ url })).text).method, 'GET');
});

test('goes nowhere that an answer points to', async () => {
  let asked = 0;
  const target = await serving((_, response) => {
    asked++;
    response.end('{}');
  });
  const url = await serving((_, response) => response.writeHead(302, { location: target }).end());
  assert.equal((await outbound({ url })).status, 302);
  assert.equal(asked, 0);
});

test('does not wait for what trickles in, nor read without end', { timeout: 20_000 }, async () => {
  const trickling = await serving((_, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write(' '), 200);
    response.on('close', () => clearInterval(timer));
  });
  const large = await serving((_, response) => response.end('x'.repeat(300 * 1024)));
  const cut = await serving((_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('x');
    response.destroy();
  });
  const begun = performance.now();
  await Promise.all([trickling, large, cut].map((url) => assert.rejects(outbound({ url }))));
  assert.ok(performance.now() - begun < 8000);
});

test('an answer that turns to another protocol is none, and takes nobody’s place', { timeout: 20_000 }, async () => {
  const turning = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.write('HTTP/1.1 101 Else\r\nConnection: Upgrade\r\nUpgrade: else\r\n\r\n'));
  });
  const url = `http://127.0.0.1:${await portOf(turning)}/`;
  const begun = performance.now();
  await Promise.all(Array.from({ length: 40 }, () => assert.rejects(outbound({ url }))));
  assert.ok(performance.now() - begun < 4000);
  const free = await serving((_, response) => response.end('{}'));
  assert.equal((await outbound({ url: free })).status, 200);
});

test('a certificate that leads to no authority is not believed, whatever the environment says', async () => {
  const now = Date.now();
  const authority = createAuthority('outbound test', now);
  const { certificate, key } = issueServerCertificate(authority, { hosts: ['localhost'], now, days: 2 });
  const server = createTlsServer({ cert: certificate, key }, (_, response) => void response.end('{}'));
  const url = `https://localhost:${await portOf(server)}/`;
  assert.equal((await outbound({ url, ca: authority.certificate })).status, 200);
  const said = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  try {
    await assert.rejects(outbound({ url }), { code: /SELF_SIGNED|UNABLE_TO_/ });
  } finally {
    if (said === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = said;
  }
});

test('asks so much at once, has others wait for their turn, and refuses more', { timeout: 20_000 }, async () => {
  let [asked, most] = [0, 0];
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const url = await serving((_, response) => {
    most = Math.max(most, ++asked);
    void held.then(() => response.end('{}', () => asked--));
  });
  const asking = Promise.all(Array.from({ length: 32 + 512 }, () => outbound({ url })));
  await assert.rejects(outbound({ url }), /too much/);
  while (asked < 32) await new Promise((resolve) => setTimeout(resolve, 5));
  release();
  assert.equal((await asking).length, 544);
  assert.ok(most <= 32, `${most} at once`);
});

test('nobody waits for a turn longer than for an answer', { timeout: 20_000 }, async () => {
  const url = await serving(() => {});
  const begun = performance.now();
  const settled = await Promise.allSettled(Array.from({ length: 40 }, () => outbound({ url })));
  assert.ok(settled.every(({ status }) => status === 'rejected'));
  assert.ok(performance.now() - begun < 11_000);
  const free = await serving((_, response) => response.end('{}'));
  assert.equal((await outbound({ url: free })).status, 200);
});

test('only https is asked, or this machine', () => {
  for (const url of [
    'https://a.example/x?y=1',
    'http://localhost:1/',
    'http://127.0.0.1/',
    'http://127.9.9.9/',
    'http://[::1]:8/',
  ]) {
    assert.ok(isOutboundUrl(url), url);
  }
  for (const url of [
    ...[
      'http://a.example/',
      'http://localhost.example/',
      'http://127.0.0.1.example/',
      'http://10.0.0.1/',
      'ftp://localhost/',
    ],
    ...[
      'https://user@a.example/',
      'http://a@localhost/',
      'https://',
      'file:///etc/passwd',
      '',
      ' https://a.example',
      'https://a b',
    ],
    ...['http://0.0.0.0/', 'http://169.254.169.254/', `https://a.example/${'x'.repeat(2000)}`],
  ]) {
    assert.ok(!isOutboundUrl(url), url);
  }
});
