import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { CredentialSet } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import { type Answer, Doors } from './testing/doors.ts';
import { House, textOf } from './testing/house.ts';

let house: House;
let doors: Doors;
let acme: CredentialSet;
let main: string;
let far: string;

before(async () => {
  house = await House.open();
  doors = new Doors(house);
  acme = await house.perform({ kind: 'create-identity', name: 'ann', role: 'developer', realm: 'acme' });
  main = textOf(house.first.token);
  far = textOf(acme.token);
});

const as = <T>(json: object) => json as T;

function ask(method: string, path: string, { token = '', namespace = '', body = {} }): Promise<Answer> {
  return doors.send({
    method,
    path: `/v1/${path}`,
    query: '',
    headers: [...(token && ['x-vault-token', token]), ...(namespace && ['x-vault-namespace', namespace])],
    body: method === 'GET' || method === 'LIST' ? new Uint8Array(0) : toUtf8(JSON.stringify(body)),
  });
}

test('a token works in the namespace of its own realm, by header, account or path, and in no other', async () => {
  const body = { plaintext: 'aGVsbG8=' };
  const encrypt = async (path: string, token: string, namespace = '') =>
    (await ask('POST', path, { token, namespace, body })).status;
  const key = 'transit/encrypt/k';
  for (const namespace of ['', '/', 'root', 'acme', '/acme/', acme.account]) {
    assert.equal(await encrypt(key, far, namespace), 200, namespace);
  }
  assert.equal(await encrypt(`acme/${key}`, far), 200);
  for (const namespace of ['main', 'other', 'ACME', 'acme/team', house.first.account, '%61cme']) {
    assert.equal(await encrypt(key, far, namespace), 403, namespace);
  }
  for (const path of [`main/${key}`, `other/${key}`, `ACME/${key}`, `acme/acme/${key}`]) {
    assert.equal(await encrypt(path, far), 404, path);
  }
  // The first realm is a realm like any other here.
  assert.equal(await encrypt(key, main, 'acme'), 403);
  assert.equal(await encrypt(`acme/${key}`, main), 404);
  assert.equal(await encrypt(key, main, 'main'), 200);
  const line = (await house.entries(house.ledgerSize - 1))[0]!;
  assert.deepEqual([line.realm, line.outcome], [house.first.account, 'ok']);
});

test('what is reached below the path of a namespace is what is there: mounts, methods, policies', async () => {
  const at = (method: string, path: string, body: object = {}) => ask(method, path, { token: far, body });
  assert.equal((await at('POST', 'acme/sys/mounts/team', { type: 'kv' })).status, 204);
  assert.equal((await at('POST', 'acme/team/x', { a: 'b' })).status, 204);
  assert.deepEqual(as<{ data: object }>((await at('GET', 'team/x')).json).data, { a: 'b' });
  const shown = await at('GET', 'sys/internal/ui/mounts/acme/team/x');
  assert.equal(as<{ data: { path: string } }>(shown.json).data.path, 'acme/team/');
  assert.equal((await at('POST', 'sys/mounts/acme', { type: 'kv' })).status, 400);
  assert.equal(
    (await at('POST', 'acme/sys/policies/acl/few', { policy: 'path "team/x" { capabilities = ["read"] }' })).status,
    204,
  );
  const { json } = await at('POST', 'acme/auth/token/create', { policies: ['few'] });
  const narrow = as<{ auth: { client_token: string } }>(json).auth.client_token;
  assert.equal((await ask('GET', 'acme/team/x', { token: narrow })).status, 200);
  assert.equal((await ask('GET', 'acme/team/y', { token: narrow })).status, 403);
  assert.equal((await ask('GET', 'acme/nothing/y', { token: narrow })).status, 403);
});

test('logins are looked up in the namespace, by header or path, and elsewhere are as wrong as any', async () => {
  const password = 'correct horse';
  assert.equal((await ask('POST', 'auth/userpass/users/bob', { token: far, body: { password } })).status, 204);
  const login = (path: string, namespace = '') => ask('POST', path, { namespace, body: { password } });
  const path = 'auth/userpass/login/bob';
  for (const answer of [await login(path, 'acme'), await login(path, acme.account), await login(`acme/${path}`)]) {
    assert.equal(answer.status, 200, answer.text);
    const token = as<{ auth: { client_token: string } }>(answer.json).auth.client_token;
    assert.equal((await ask('GET', 'auth/token/lookup-self', { token, namespace: 'acme' })).status, 200);
  }
  const wrong = await login(path);
  assert.match(wrong.text, /invalid username or password/);
  for (const answer of [await login(path, 'main'), await login(path, 'none'), await login(`none/${path}`)]) {
    assert.deepEqual([answer.status, answer.text], [wrong.status, wrong.text]);
  }
  const role = { token: far, body: { role_id: 'ours', token_policies: 'default' } };
  assert.equal((await ask('POST', 'auth/approle/role/app', role)).status, 204);
  const { json } = await ask('POST', 'auth/approle/role/app/secret-id', { token: far });
  const body = { role_id: 'ours', secret_id: as<{ data: { secret_id: string } }>(json).data.secret_id };
  assert.equal((await ask('POST', 'auth/approle/login', { body, namespace: 'main' })).status, 400);
  assert.equal((await ask('POST', 'auth/approle/login', { body, namespace: 'acme' })).status, 200);
  assert.equal((await ask('POST', 'acme/auth/approle/login', { body })).status, 200);
  assert.equal((await ask('POST', 'auth/approle/login', { body })).status, 200);
});

test('an answer that was wrapped in one namespace is not opened in another', async () => {
  const wrapped = async () => {
    const { json } = await doors.vault('POST', 'sys/wrapping/wrap', { a: 'b' }, far, '60');
    return as<{ wrap_info: { token: string } }>(json).wrap_info.token;
  };
  const open = async (namespace: string) =>
    (await ask('POST', 'sys/wrapping/unwrap', { token: await wrapped(), namespace })).status;
  assert.deepEqual([await open('main'), await open('acme'), await open('')], [400, 200, 200]);
});

test('the first realm makes namespaces and lists them; another one knows of itself only', async () => {
  const made = await ask('POST', 'sys/namespaces/new', { token: main });
  assert.equal(made.status, 200);
  const { data } = as<{ data: { id: string; path: string; uuid: string } }>(made.json);
  assert.equal(data.path, 'new/');
  assert.deepEqual(as<{ data: object }>((await ask('POST', 'sys/namespaces/new', { token: main })).json).data, data);
  assert.deepEqual(as<{ data: object }>((await ask('GET', 'sys/namespaces/new', { token: main })).json).data, data);
  const listed = await ask('LIST', 'sys/namespaces', { token: main });
  const { keys, key_info } = as<{ data: { keys: string[]; key_info: Record<string, object> } }>(listed.json).data;
  assert.deepEqual(keys, ['acme/', 'new/']);
  assert.deepEqual(key_info['new/'], data);
  for (const [name, status] of [
    ['none', 404],
    ['sys', 404],
  ] as const) {
    assert.equal((await ask('GET', `sys/namespaces/${name}`, { token: main })).status, status, name);
  }
  for (const name of ['root', 'sys', 'a/b', 'a b', 'NEW']) {
    const answer = await ask('POST', `sys/namespaces/${name}`, { token: main });
    assert.equal(answer.status, 400, `${name} ${answer.text}`);
  }
  const noted = await ask('POST', 'sys/namespaces/noted', { token: main, body: { custom_metadata: { a: 'b' } } });
  assert.match(noted.text, /custom_metadata/);
  assert.match((await ask('DELETE', 'sys/namespaces/new', { token: main })).text, /realm stays/);
  assert.equal((await ask('LIST', 'sys/namespaces', { token: far })).status, 404);
  assert.equal((await ask('GET', 'sys/namespaces/new', { token: far })).status, 403);
  assert.equal((await ask('GET', 'sys/namespaces/acme', { token: far })).status, 200);
  assert.equal((await ask('POST', 'sys/namespaces/more', { token: far })).status, 403);
});
