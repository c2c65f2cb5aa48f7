import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KmsError, type Mount } from '#domain/domain.ts';
import { operations } from './operations.ts';
import { type Found, Router } from './route.ts';
import { openOperations } from './system.ts';

const router = new Router(operations, openOperations);

function find(method: string, path: string, query = ''): Found | undefined {
  const found = router.find(method, path, query);
  if (found !== undefined && 'elsewhere' in found) throw new Error(`${path} is elsewhere`);
  return found;
}

const cases: ReadonlyArray<readonly [method: string, path: string, operation: string, places?: object]> = [
  ['POST', '/v1/transit/encrypt/first', 'transit/encrypt', { name: 'first' }],
  ['PUT', '/v1/transit/encrypt/first', 'transit/encrypt', { name: 'first' }],
  ['PUT', '/v1/transit/encrypt/first/', 'transit/encrypt', { name: 'first' }],
  ['POST', '/v1/transit/decrypt/a%2Fb', 'transit/decrypt', { name: 'a/b' }],
  ['POST', '/v1/transit/keys/k', 'transit/keys:create', { name: 'k' }],
  ['GET', '/v1/transit/keys/k', 'transit/keys:read', { name: 'k' }],
  ['DELETE', '/v1/transit/keys/k', 'transit/keys:delete', { name: 'k' }],
  ['POST', '/v1/transit/keys/k/config', 'transit/keys/config', { name: 'k' }],
  ['POST', '/v1/transit/keys/config', 'transit/keys:create', { name: 'config' }],
  ['LIST', '/v1/transit/keys', 'transit/keys:list', {}],
  ['LIST', '/v1/transit/keys/', 'transit/keys:list', {}],
  ['GET', '/v1/transit/keys?list=true', 'transit/keys:list', {}],
  ['GET', '/v1/transit/keys/?a=b&list=1', 'transit/keys:list', {}],
  ['POST', '/v1/transit/datakey/plaintext/k', 'transit/datakey', { form: 'plaintext', name: 'k' }],
  ['POST', '/v1/transit/random', 'transit/random', {}],
  ['POST', '/v1/transit/random/64', 'transit/random', { source: '64' }],
  ['POST', '/v1/transit/random/all/64', 'transit/random', { source: 'all', bytes: '64' }],
  ['POST', '/v1/transit/hash/sha2-512', 'transit/hash', { algorithm: 'sha2-512' }],
  ['POST', '/v1/transit/sign/k/sha2-512', 'transit/sign', { name: 'k', algorithm: 'sha2-512' }],
  ['GET', '/v1/auth/token/lookup-self', 'auth/token/lookup-self', {}],
  ['GET', '/v1/sys/internal/ui/mounts/transit/keys/k', 'sys/internal/ui/mounts:read', { rest: 'transit/keys/k' }],
  [
    'GET',
    '/v1/transit/export/encryption-key/k/1',
    'transit/export',
    { type: 'encryption-key', name: 'k', version: '1' },
  ],
  ['PATCH', '/v1/secret/data/a/b', 'secret/data:patch', { rest: 'a/b' }],
  ['GET', '/v1/secret/data/a%25b/c/', 'secret/data:read', { rest: 'a%25b/c' }],
  ['LIST', '/v1/secret/metadata/', 'secret/metadata:list', {}],
  ['GET', '/v1/secret/config', 'secret/config:read', {}],
  ['LIST', '/v1/kv/', 'kv:list', {}],
  ['DELETE', '/v1/kv/data/a', 'kv:delete', { rest: 'kv/data/a' }],
  ['POST', '/v1/sys/mounts/a/b', 'sys/mounts:enable', { rest: 'a/b' }],
  ['POST', '/v1/sys/mounts/a/b/tune', 'sys/mounts/tune', { rest: 'a/b' }],
  ['GET', '/v1/sys/mounts/tune', 'sys/mounts:read', { rest: 'tune' }],
];

for (const [method, target, operation, places] of cases) {
  test(`leads ${method} ${target} to ${operation}`, () => {
    const [path = '', query = ''] = target.split('?');
    const found = find(method, path, query);
    assert.equal(found?.leaf?.row.operation, operation);
    assert.deepEqual(found?.places, places);
  });
}

test('leads status paths to what is open to anyone', () => {
  for (const path of ['sys/health', 'sys/seal-status', 'sys/leader', 'sys/init']) {
    assert.equal(find('GET', `/v1/${path}`)?.open?.operation, path);
  }
});

test('knows a path that lacks the method', () => {
  for (const [method, path, query = ''] of [
    ['GET', '/v1/transit/encrypt/k'],
    ['PATCH', '/v1/transit/keys/k'],
    ['POST', '/v1/sys/health'],
    ['HEAD', '/v1/transit/keys/k'],
    ['list', '/v1/transit/keys'],
    ['GET', '/v1/transit/keys/k', 'help=1'],
    ['DELETE', '/v1/transit/keys/k', 'list=true&help=1'],
  ] as const) {
    const found = find(method, path, query);
    assert.notEqual(found, undefined, path);
    assert.equal(found?.leaf, undefined);
    assert.equal(found?.open, undefined);
  }
});

test('finds nothing elsewhere', () => {
  for (const path of [
    '/v1/',
    '/v1/transit',
    '/v1/transit/encrypt',
    '/v1/transit/encrypt/',
    '/v1/transit/encrypt//k',
    '/v1/transit/encrypt/k/x',
    '/v1//transit/encrypt/k',
    '/v1/secret/x',
    '/v1/secret/data/',
    '/v1/sys/health/x',
    '/v1/transit/keys/k/constructor',
  ]) {
    assert.equal(router.find('POST', path, ''), undefined, path);
  }
});

test('leaves to the realm what begins with no word of its own', () => {
  for (const path of ['Transit/encrypt/k', 'kv2/data/x', '__proto__/constructor', 'team', 'a%2Fb/c']) {
    assert.deepEqual(router.find('POST', `/v1/${path}/`, ''), { elsewhere: path });
  }
  for (const [method, elsewhere, most] of [
    ['POST', 'team/encrypt/k', 4 * 1024 * 1024],
    ['GET', 'team/keys/k', 64 * 1024],
    ['BREW', 'team/keys/k', 0],
    ['PUT', 'auth/certs/crls/all', 1024 * 1024],
    ['LIST', 'auth/certs/crls', 64 * 1024],
  ] as const) {
    assert.equal(router.largestBody(method, { elsewhere }, ''), most, elsewhere);
  }
});

const mountOf = (path: string, engine: Mount['engine'], version?: 1 | 2): Mount => ({
  ...{ realm: 'r', path, engine, revision: 1, id: '', accessor: '', description: '', defaultTtl: 0, maxTtl: 0 },
  sealWrap: true,
  ...(version !== undefined && { version }),
});

test('leads below a mount to what its engine does, with whole names', () => {
  const at = (mount: Mount, method: string, path: string, query = '') => {
    const found = router.findAt(mount, method, path, query);
    return found && [found.leaf?.row.operation, found.places, found.folder, found.path];
  };
  const keys = mountOf('a/team/', 'transit');
  assert.deepEqual(at(keys, 'POST', 'a/team/encrypt/k'), [
    ...['transit/encrypt', { name: 'a/team/k' }, 'a/team/', 'a/team/encrypt/k'],
  ]);
  assert.deepEqual(at(keys, 'GET', 'a/team/keys', 'list=true'), [
    ...['transit/keys:list', {}, 'a/team/', 'a/team/keys'],
  ]);
  assert.deepEqual(at(keys, 'POST', 'a/team/random/all/7')?.[1], { source: 'all', bytes: '7' });
  assert.equal(at(keys, 'POST', 'a/team'), undefined);
  assert.equal(at(keys, 'POST', 'a/team/data/k'), undefined);
  assert.equal(at(keys, 'POST', 'a/team/transit/encrypt/k'), undefined);
  const versions = mountOf('s/', 'kv', 2);
  assert.deepEqual(at(versions, 'GET', 's/data/x/y'), ['secret/data:read', { rest: 's/x/y' }, 's/', 's/data/x/y']);
  assert.deepEqual(at(versions, 'LIST', 's/metadata'), ['secret/metadata:list', {}, 's/', 's/metadata']);
  assert.equal(at(versions, 'GET', 's/x'), undefined);
  const single = mountOf('s/', 'kv', 1);
  assert.deepEqual(at(single, 'GET', 's/data/x'), ['kv:read', { rest: 's/data/x' }, 's/', 's/data/x']);
  assert.deepEqual(at(single, 'LIST', 's'), ['kv:list', {}, 's/', 's']);
});

test('refuses a path that is not percent-encoded UTF-8', () => {
  assert.throws(
    () => router.find('POST', '/v1/transit/encrypt/%ff', ''),
    (error) => error instanceof KmsError && error.code === 'malformed',
  );
});

test('names each operation once for one method and action', () => {
  const seen = new Map<string, string>();
  for (const { operation, method, action } of operations) {
    const before = seen.get(`${operation} ${method}`);
    assert.ok(before === undefined || before === action, operation);
    seen.set(`${operation} ${method}`, action);
  }
});
