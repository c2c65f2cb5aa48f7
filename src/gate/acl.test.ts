import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { CredentialSet, Plaintext } from '#domain/domain.ts';
import { Doors } from './testing/doors.ts';
import { byId, byToken, House, plain, refused, textOf } from './testing/house.ts';

const plaintext = 'aGVsbG8=';
let house: House;
let doors: Doors;
let counted = 0;
const fresh = (word: string) => `${word}-${++counted}`;

before(async () => {
  house = await House.open();
  doors = new Doors(house);
  for (const name of ['orders', 'other']) await house.key({ name });
});

/** A token that carries the policy, which is written first. */
async function carrying(policy: string, name = fresh('policy')): Promise<string> {
  const { status, text } = await doors.vault('POST', `sys/policies/acl/${name}`, { policy });
  assert.equal(status, 204, text);
  const { json } = await doors.vault('POST', 'auth/token/create', { policies: [name] });
  return as<{ auth: { client_token: string } }>(json).auth.client_token;
}

const as = <T>(json: object) => json as T;

const statusOf = async (method: string, path: string, body: object | undefined, token: string) =>
  (await doors.vault(method, path, body, token)).status;

test('a token may do what its policies allow, and nothing else', async () => {
  const token = await carrying('path "transit/encrypt/orders" { capabilities = ["update"] }');
  assert.equal(await statusOf('POST', 'transit/encrypt/orders', { plaintext }, token), 200);
  assert.equal(await statusOf('POST', 'transit/encrypt/other', { plaintext }, token), 403);
  assert.equal(await statusOf('POST', 'transit/encrypt/ord%65rs', { plaintext }, token), 200);
  assert.equal(await statusOf('GET', 'transit/keys/orders', undefined, token), 403);
  assert.equal(await statusOf('GET', 'sys/mounts', undefined, token), 403);
  // By the policy `default`.
  assert.equal(await statusOf('GET', 'auth/token/lookup-self', undefined, token), 200);
});

test('a policy gives nothing that the grants of the identity do not', async () => {
  const token = await carrying('path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }');
  assert.equal(await statusOf('POST', 'transit/encrypt/orders', { plaintext }, token), 200);
  const user = await house.hire('reader', 'auditor');
  const { json } = await doors.vault('POST', 'auth/token/create', { policies: ['root'] }, textOf(user.token));
  const limited = as<{ auth: { client_token: string } }>(json).auth.client_token;
  assert.equal(await statusOf('POST', 'transit/encrypt/orders', { plaintext }, limited), 403);
  assert.equal(await statusOf('GET', 'transit/keys/orders', undefined, limited), 200);
});

test('a token with policies is for the door of Vault only', async () => {
  const token = await carrying('path "*" { capabilities = ["update", "read", "list"] }');
  const proof = { kind: 'token', token } as const;
  await refused('denied', house.perform({ kind: 'list-keys', after: '', limit: 10 }, proof));
  await refused('denied', house.perform({ kind: 'lookup-token' }, proof));
});

test('what is denied by name is not to be had by id', async () => {
  const key = await house.key({ name: fresh('denied') });
  const token = await carrying(
    `path "transit/encrypt/*" { capabilities = ["update"] }\npath "transit/encrypt/${key.names[0]}" { capabilities = ["deny"] }`,
  );
  assert.equal(await statusOf('POST', 'transit/encrypt/orders', { plaintext }, token), 200);
  for (const ref of [key.names[0]!, key.id, key.id.toUpperCase()]) {
    assert.equal(await statusOf('POST', `transit/encrypt/${ref}`, { plaintext }, token), 403, ref);
  }
});

test('a change of a policy holds for the next request, and a deleted one gives nothing', async () => {
  const name = fresh('changing');
  const token = await carrying('path "transit/encrypt/orders" { capabilities = ["update"] }', name);
  const encrypts = () => statusOf('POST', 'transit/encrypt/orders', { plaintext }, token);
  assert.equal(await encrypts(), 200);
  await doors.vault('POST', `sys/policies/acl/${name}`, { policy: 'path "transit/*" { capabilities = ["deny"] }' });
  assert.equal(await encrypts(), 403);
  await doors.vault('POST', `sys/policy/${name}`, {
    policy: '{"path":{"transit/+/orders":{"capabilities":["update"]}}}',
  });
  assert.equal(await encrypts(), 200);
  assert.equal(await statusOf('DELETE', `sys/policies/acl/${name}`, undefined, textOf(house.first.token)), 204);
  assert.equal(await encrypts(), 403);
});

test('making what is not there asks for the capability to create', async () => {
  const update = await carrying('path "transit/encrypt/*" { capabilities = ["update"] }');
  const create = await carrying('path "transit/encrypt/*" { capabilities = ["create"] }');
  const name = fresh('made');
  assert.equal(await statusOf('POST', `transit/encrypt/${name}`, { plaintext }, update), 403);
  assert.equal(await statusOf('POST', `transit/encrypt/${name}`, { plaintext }, create), 200);
  assert.equal(await statusOf('POST', `transit/encrypt/${name}`, { plaintext }, create), 403);
  assert.equal(await statusOf('POST', `transit/encrypt/${name}`, { plaintext }, update), 200);
});

test('a secret that is not there yet asks for the capability to create too', async () => {
  const update = await carrying('path "secret/data/*" { capabilities = ["update"] }');
  const create = await carrying('path "secret/data/*" { capabilities = ["create"] }');
  const path = `secret/data/${fresh('folder')}/made`;
  const write = (token: string) => statusOf('POST', path, { data: { a: '1' } }, token);
  assert.deepEqual([await write(update), await write(create)], [403, 200]);
  assert.deepEqual([await write(update), await write(create)], [200, 403]);
});

test('parameters are held against the body', async () => {
  const token = await carrying(
    'path "transit/keys/*" { capabilities = ["update"] allowed_parameters = { "type" = ["aes256-*"] } }',
  );
  assert.equal(await statusOf('POST', `transit/keys/${fresh('p')}`, { type: 'aes256-gcm96' }, token), 200);
  assert.equal(await statusOf('POST', `transit/keys/${fresh('p')}`, { type: 'ed25519' }, token), 403);
  assert.equal(await statusOf('POST', `transit/keys/${fresh('p')}`, { exportable: true }, token), 403);
});

test('a token with policies hands on some of its own, never others', async () => {
  const name = fresh('parent');
  const token = await carrying('path "auth/token/create" { capabilities = ["update"] }', name);
  const child = async (body: object) => (await doors.vault('POST', 'auth/token/create', body, token)).status;
  assert.equal(await child({}), 200);
  assert.equal(await child({ policies: [name] }), 200);
  assert.equal(await child({ policies: ['root'] }), 403);
  assert.equal(await child({ policies: ['other'] }), 403);
});

test('says what a token may do at a path', async () => {
  const token = await carrying('path "transit/+/orders" { capabilities = ["update", "read"] }');
  const asked = (body: object, path = 'sys/capabilities-self', by = token) => doors.vault('POST', path, body, by);
  const { json } = await asked({ paths: ['transit/encrypt/orders', 'transit/encrypt/other'] });
  const expected = { 'transit/encrypt/orders': ['read', 'update'], 'transit/encrypt/other': ['deny'] };
  assert.deepEqual(as<{ data: unknown }>(json).data, expected);
  const first = textOf(house.first.token);
  const other = (await asked({ token, path: 'transit/encrypt/orders' }, 'sys/capabilities', first)).json;
  assert.deepEqual(as<{ data: { capabilities: unknown } }>(other).data.capabilities, ['read', 'update']);
  const root = as<{ capabilities: unknown }>(
    (await asked({ path: 'sys/mounts' }, 'sys/capabilities-self', first)).json,
  );
  assert.deepEqual(root.capabilities, ['root']);
});

test('policies are listed, read, and refused where they are not understood', async () => {
  const name = fresh('shown');
  const policy = 'path "a" {\n  capabilities = ["read"]\n}\n';
  await doors.vault('POST', `sys/policies/acl/${name.toUpperCase()}`, {
    policy: Buffer.from(policy).toString('base64'),
  });
  const read = as<{ data: Record<string, unknown> }>((await doors.vault('GET', `sys/policies/acl/${name}`)).json);
  assert.deepEqual([read.data.name, read.data.policy, read.data.version], [name, policy, 1]);
  const older = as<Record<string, unknown>>((await doors.vault('GET', `sys/policy/${name}`)).json);
  assert.equal(older.rules, policy);
  const { data } = as<{ data: { keys: string[] } }>((await doors.vault('LIST', 'sys/policies/acl')).json);
  for (const one of ['default', 'root', name]) assert.ok(data.keys.includes(one), one);
  const write = async (at: string, body: object) => (await doors.vault('POST', `sys/policies/acl/${at}`, body)).status;
  assert.equal(await write(name, { policy: 'path "a" { capabilities = ["fly"] }' }), 400);
  assert.equal(await write(name, { policy: '' }), 400);
  assert.equal(await write(name, { policy, cas: 7 }), 400);
  assert.equal(await write('root', { policy }), 400);
  assert.equal(await write('encrypt', { policy }), 400);
  assert.equal(await write('default', { policy }), 204);
  const first = textOf(house.first.token);
  for (const one of ['root', 'default']) {
    assert.equal(await statusOf('DELETE', `sys/policies/acl/${one}`, undefined, first), 400);
  }
  assert.equal(await statusOf('GET', 'sys/policies/acl/none', undefined, first), 404);
});

test('in production officers write policies, and get no use of keys by them', async () => {
  const strict = await House.open({ mode: 'production' });
  const their = new Doors(strict);
  const tokenOf = (set: CredentialSet | { token: Plaintext }) => textOf(set.token);
  const user = await strict.hire('user', 'key-user');
  const keeper = await strict.hire('keeper', 'key-administrator');
  const { key } = await strict.perform(
    { kind: 'create-key', spec: 'aes-256', usages: ['encrypt'], class: 'enveloped', name: 'orders' },
    byToken(keeper),
  );
  const policy = 'path "transit/*" { capabilities = ["update"] }';
  const write = async (who: CredentialSet) =>
    (await their.vault('POST', 'sys/policies/acl/transit', { policy }, tokenOf(who))).status;
  for (const who of [user, keeper]) assert.equal(await write(who), 403);
  assert.equal(await write(strict.first), 204);
  const made = await their.vault('POST', 'auth/token/create', { policies: ['transit'] }, tokenOf(strict.first));
  const token = as<{ auth: { client_token: string } }>(made.json).auth.client_token;
  assert.equal((await their.vault('POST', 'transit/encrypt/orders', { plaintext }, token)).status, 403);
  await strict.perform(
    { kind: 'encrypt', key: byId(key), plaintext: plain('x'), context: {}, scheme: 'natural' },
    byToken(user),
  );
});
