import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { isOutboundUrl } from '#identity/identity.ts';
import { outbound } from './outbound.ts';

async function serving(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
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
