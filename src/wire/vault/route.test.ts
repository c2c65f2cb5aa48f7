import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KmsError } from '#domain/domain.ts';
import { operations } from './operations.ts';
import { Router } from './route.ts';
import { openOperations } from './system.ts';

const router = new Router(operations, openOperations);

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
  ['GET', '/v1/sys/internal/ui/mounts/transit/keys/k', 'sys/internal/ui/mounts/transit', { rest: 'keys/k' }],
  ['GET', '/v1/transit/export/encryption-key/k/1', 'transit/export', { rest: 'encryption-key/k/1' }],
  ['PATCH', '/v1/secret/data/a/b', 'secret/data:patch', { rest: 'a/b' }],
  ['GET', '/v1/secret/data/a%25b/c/', 'secret/data:read', { rest: 'a%25b/c' }],
  ['LIST', '/v1/secret/metadata/', 'secret/metadata:list', {}],
  ['GET', '/v1/secret/config', 'secret/config:read', {}],
  ['LIST', '/v1/kv/', 'kv:list', {}],
  ['DELETE', '/v1/kv/data/a', 'kv:delete', { rest: 'data/a' }],
];

for (const [method, target, operation, places] of cases) {
  test(`leads ${method} ${target} to ${operation}`, () => {
    const [path = '', query = ''] = target.split('?');
    const found = router.find(method, path, query);
    assert.equal(found?.leaf?.row.operation, operation);
    assert.deepEqual(found?.places, places);
  });
}

test('leads status paths to what is open to anyone', () => {
  for (const path of ['sys/health', 'sys/seal-status', 'sys/leader', 'sys/init']) {
    assert.equal(router.find('GET', `/v1/${path}`, '')?.open?.operation, path);
  }
});

test('knows a path that lacks the method', () => {
  for (const [method, path] of [
    ['GET', '/v1/transit/encrypt/k'],
    ['PATCH', '/v1/transit/keys/k'],
    ['POST', '/v1/sys/health'],
    ['HEAD', '/v1/transit/keys/k'],
    ['list', '/v1/transit/keys'],
  ] as const) {
    const found = router.find(method, path, '');
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
    '/v1/Transit/encrypt/k',
    '/v1/kv2/data/x',
    '/v1/secret/x',
    '/v1/secret/data/',
    '/v1/sys/health/x',
    '/v1/__proto__/constructor',
    '/v1/transit/keys/k/constructor',
  ]) {
    assert.equal(router.find('POST', path, ''), undefined, path);
  }
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
