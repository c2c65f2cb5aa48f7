import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { UnreachableError } from '#client/client.ts';
import { VaultHttp } from './http.ts';
import { type KeyFacts, kindOf, wayTo } from './key-facts.ts';
import { Places } from './places.ts';
import { globs } from './plan.ts';
import { secondsOf } from './read-secret.ts';
import { baoCommand, Refused, remedyFor } from './source.ts';
import { stepsLine } from './steps.ts';

type Handler = (asked: number, request: http.IncomingMessage, response: http.ServerResponse) => void;

async function withServer(
  handle: Handler,
  act: (server: VaultHttp, asked: () => number) => Promise<void>,
  rate?: number,
) {
  let asked = 0;
  const server = http.createServer((request, response) => handle(++asked, request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const vault = new VaultHttp({ url: `http://127.0.0.1:${port}/`, token: 't', ...(rate !== undefined && { rate }) });
  try {
    await act(vault, () => asked);
  } finally {
    vault.close();
    server.closeAllConnections();
    server.close();
  }
}

test('asks again after what passes, and takes any other answer as it is', async () => {
  await withServer(
    (asked, request, response) => {
      assert.equal(request.headers['x-vault-token'], 't');
      if (asked === 1) return response.socket?.destroy();
      response.statusCode = asked === 2 ? 503 : 403;
      response.end('{"errors":["no"]}');
    },
    async (vault, asked) => {
      const { status, body } = await vault.ask('GET', '/v1/x');
      assert.deepEqual([status, body.toString(), asked()], [403, '{"errors":["no"]}', 3]);
    },
  );
});

test('an answer that is cut off is none', async () => {
  await withServer(
    (asked, _, response) => {
      response.setHeader('content-length', '10');
      if (asked > 1) return response.end('0123456789');
      response.write('01234');
      setTimeout(() => response.socket?.destroy(), 20);
    },
    async (vault, asked) => {
      assert.equal((await vault.ask('GET', '/v1/x')).body.toString(), '0123456789');
      assert.equal(asked(), 2);
    },
  );
});

test('a server that does not answer at all is told by its address', async () => {
  const nobody = new VaultHttp({ url: 'http://127.0.0.1:1', token: 't' });
  await assert.rejects(nobody.ask('GET', '/v1/x'), UnreachableError);
  nobody.close();
});

test('asks no oftener than it may', async () => {
  await withServer(
    (_, __, response) => response.end('{}'),
    async (vault) => {
      const start = performance.now();
      await Promise.all(Array.from({ length: 6 }, () => vault.ask('GET', '/v1/x')));
      assert.ok(performance.now() - start >= 240);
    },
    20,
  );
});

test('globs take what they say, and dots and slashes for themselves', () => {
  const some = globs(['pay*', 'a.b', 'x?z/*']);
  assert.deepEqual(['pay', 'payments', 'a.b', 'xyz/deep/er'].map(some), [true, true, true, true]);
  assert.deepEqual(['repay', 'aXb', 'xyz', ''].map(some), [false, false, false, false]);
  assert.deepEqual([globs([])('any'), globs([''])('any')], [true, false]);
});

test('durations as Go writes them are whole seconds here', () => {
  for (const [text, seconds] of [
    ['0s', 0],
    ['3h25m19s', 12_319],
    ['30h0m0s', 108_000],
    ['1.5s', 1],
    ['500ms', 0],
  ] as const) {
    assert.equal(secondsOf(text), seconds, text);
  }
  assert.throws(() => secondsOf('soon'));
});

const facts = (more: Partial<KeyFacts> = {}): KeyFacts => ({
  ...{ type: 'aes256-gcm96', latest_version: 1, min_available_version: 0, min_decryption_version: 1 },
  ...{ min_encryption_version: 0, allow_plaintext_backup: false, exportable: true, deletion_allowed: false },
  ...{ derived: false, createdAt: () => '' },
  ...more,
});

test('a key comes by the way that gives most of it, or with what stands in its way', () => {
  const way = (more: Partial<KeyFacts>, to = 'pay') => wayTo(facts(more), 'transit/', 'pay', to);
  assert.equal(way({}), 'export');
  assert.equal(way({ allow_plaintext_backup: true }), 'backup');
  const closed = way({ exportable: false });
  assert.ok(typeof closed === 'object');
  assert.equal(closed.remedy, 'bao write transit/keys/pay/config exportable=true allow_plaintext_backup=true');
  assert.equal(typeof way({ exportable: false, allow_plaintext_backup: true }), 'object');
  const refused: ReadonlyArray<Partial<KeyFacts>> = [
    ...[
      { type: 'xchacha20-poly1305' },
      { type: 'managed_key' },
      { type: 'hmac', key_size: 100 },
      { soft_deleted: true },
    ],
    ...[{ derived: true, kdf: 'hmac-sha256-counter' }],
    { derived: true, convergent_encryption: true, convergent_encryption_version: 2 },
  ];
  for (const more of refused) assert.equal(typeof way(more), 'object', JSON.stringify(more));
  assert.equal(way({ derived: true, convergent_encryption: true, convergent_encryption_version: -1 }), 'export');
  for (const to of ['a//b', '../x', '.x', '00000000-0000-4000-8000-000000000000']) {
    assert.equal(typeof way({}, to), 'object', to);
  }
  assert.deepEqual(kindOf(facts({ type: 'hmac', key_size: 64 })), { spec: 'hmac-sha512', usages: ['mac'] });
});

test('what is to be copied is safe in a shell and in a policy, whatever names hold', () => {
  assert.equal(
    baoCommand('kv', 'metadata', 'put', '-max-versions=9', 'secret/a/b'),
    'bao kv metadata put -max-versions=9 secret/a/b',
  );
  assert.equal(baoCommand('write', "kv/a; rm x'$(y)"), "bao write 'kv/a; rm x'\\''$(y)'");
  const [line, ...more] = remedyFor('secret/data/x" { capabilities = ["sudo"] }\npath "*').split('\n');
  assert.deepEqual(more, []);
  assert.match(line!, /^path "secret\/data\/x\\" .*\\npath \\"\*" \{ capabilities = \["read", "list"\] \}$/);
  // Policies name paths as they are, not as they are asked.
  assert.equal(new Refused(403, 'secret/data/odd%20%C3%BC', []).path, 'secret/data/odd ü');
});

test('a mount goes where its kind is, or where it is told to', () => {
  const mount = (path: string, type: 'transit' | 'kv' = 'kv', version: 1 | 2 = 2) => ({ path, type, version });
  const here = [mount('transit/', 'transit', 1), mount('secret/'), mount('kv/', 'kv', 1)];
  const places = new Places(here, ['kv=team/kv', 'old/=secret']);
  assert.deepEqual(places.of(mount('transit/', 'transit', 1)), { path: 'transit/', prefix: '' });
  assert.deepEqual(places.of(mount('team/', 'transit', 1)), { path: 'team/', prefix: 'team/' });
  assert.deepEqual(places.of(mount('kv/')), { path: 'team/kv/', prefix: 'team/kv/' });
  assert.deepEqual(places.of(mount('old/')), { path: 'secret/', prefix: '' });
  assert.match(
    (new Places(here, []).of(mount('kv/')) as { reason: string }).reason,
    /version 1 here, and kv version 2/,
  );
  for (const wrong of ['a', 'a=', '=b', 'a=b=c']) assert.throws(() => new Places(here, [wrong]));
});

test('the bar says how far it is, in one line', () => {
  assert.equal(stepsLine(0, 4, 'transit/pay', 80), `[${'.'.repeat(24)}]   0%  0 of 4  transit/pay`);
  assert.equal(stepsLine(3, 4, 'x'.repeat(200), 60).length, 59);
  assert.match(stepsLine(0, 0, '', 80), /100%/);
});
