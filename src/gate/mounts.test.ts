import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { Mount } from '#domain/domain.ts';
import { Doors } from './testing/doors.ts';
import { byToken, House, refused, textOf } from './testing/house.ts';

const plaintext = 'aGVsbG8=';
let house: House;
let doors: Doors;
let counted = 0;
const fresh = (word: string) => `${word}-${++counted}`;

before(async () => {
  house = await House.open();
  doors = new Doors(house);
});

const as = <T>(json: object) => json as T;
const enable = (path: string, type = 'transit', more: object = {}) =>
  doors.vault('POST', `sys/mounts/${path}`, { type, ...more });

async function carrying(policy: string): Promise<string> {
  const name = fresh('policy');
  await doors.vault('POST', `sys/policies/acl/${name}`, { policy });
  const { json } = await doors.vault('POST', 'auth/token/create', { policies: [name] });
  return as<{ auth: { client_token: string } }>(json).auth.client_token;
}

test('what is at a mount is the same to every door, under its whole name', async () => {
  assert.equal((await enable('team')).status, 204);
  assert.equal((await doors.vault('POST', 'team/keys/pay', {})).status, 200);
  const { json } = await doors.vault('POST', 'team/encrypt/pay', { plaintext });
  const { ciphertext } = as<{ data: { ciphertext: string } }>(json).data;
  for (const path of ['team/decrypt/pay', 'transit/decrypt/team%2Fpay']) {
    const { json: opened } = await doors.vault('POST', path, { ciphertext });
    assert.equal(as<{ data: { plaintext: string } }>(opened).data.plaintext, plaintext);
  }
  const aws = await doors.aws('Decrypt', {
    CiphertextBlob: ciphertext.replace('vault:v1:', ''),
    KeyId: 'alias/team/pay',
  });
  assert.equal(as<{ Plaintext: string }>(aws.json).Plaintext, plaintext);
  assert.equal((await enable('kept', 'kv', { options: { version: '2' } })).status, 204);
  assert.equal((await doors.vault('POST', 'kept/data/db', { data: { a: 'b' } })).status, 200);
  const secret = await doors.secretsManager('GetSecretValue', { SecretId: 'kept/db' });
  assert.equal(as<{ SecretString: string }>(secret.json).SecretString, '{"a":"b"}');
  assert.equal((await doors.vault('GET', 'secret/data/kept/db')).status, 200);
});

test('a change of the mounts holds from the next request on, and ids stay what they are', async () => {
  const shown = async (path: string) =>
    as<{ data: { uuid: string; accessor: string; options: { version?: string } } }>(
      (await doors.vault('GET', `sys/mounts/${path}`)).json,
    ).data;
  assert.equal((await doors.vault('GET', 'changing/x')).status, 404);
  await enable('changing', 'kv');
  const before = await shown('changing');
  assert.equal((await doors.vault('POST', 'changing/x', { a: '1' })).status, 204);
  assert.equal((await doors.vault('POST', 'sys/mounts/changing/tune', { options: { version: '2' } })).status, 204);
  assert.equal((await doors.vault('GET', 'changing/x')).status, 404);
  assert.equal((await doors.vault('GET', 'changing/data/x')).status, 200);
  assert.equal((await doors.vault('POST', 'sys/mounts/changing/tune', { options: { version: '1' } })).status, 400);
  assert.deepEqual(await shown('changing'), { ...before, options: { version: '2' } });
});

test('mounts and their ids are the same after a restart', async () => {
  const stopped = await House.open();
  await stopped.perform({ kind: 'enable-mount', path: 'a/b', engine: 'kv', version: 2, sealWrap: true });
  const { mounts } = await stopped.perform({ kind: 'list-mounts' });
  const next = await stopped.reopen();
  await next.unseal();
  assert.deepEqual((await next.perform({ kind: 'list-mounts' })).mounts, mounts);
  assert.equal(new Set(mounts.flatMap(({ id, accessor }) => [id, accessor])).size, 8);
});

test('a mount that holds something is not taken away, and leaves nothing behind when it is', async () => {
  await enable('full', 'kv-v2');
  await doors.vault('POST', 'full/config', { max_versions: 3 });
  await doors.vault('POST', 'full/data/x', { data: { a: 'b' } });
  assert.match((await doors.vault('DELETE', 'sys/mounts/full')).text, /still holds secrets/);
  await doors.vault('DELETE', 'full/metadata/x');
  assert.equal((await doors.vault('DELETE', 'sys/mounts/full')).status, 204);
  await enable('full', 'kv-v2');
  const { json } = await doors.vault('GET', 'full/config');
  assert.equal(as<{ data: { max_versions: number } }>(json).data.max_versions, 0);
  await enable('keys');
  await doors.vault('POST', 'keys/keys/one', {});
  assert.match((await doors.vault('DELETE', 'sys/mounts/keys')).text, /still holds keys/);
  assert.equal((await doors.vault('POST', 'keys/keys/one/config', { deletion_allowed: true })).status, 200);
  await doors.vault('DELETE', 'keys/keys/one');
  assert.equal((await doors.vault('DELETE', 'sys/mounts/keys')).status, 204);
  for (const path of ['transit', 'secret', 'kv']) {
    assert.match((await doors.vault('DELETE', `sys/mounts/${path}`)).text, /cannot unmount/);
  }
});

test('no mount is in the way of another, or of what has a meaning of its own', async () => {
  await enable('one/two');
  for (const [path, words] of [
    ['one', /already in use at one\/two\//],
    ['one/two', /already in use/],
    ['one/two/three', /already in use/],
    ['transit', /already in use at transit\//],
    ['secret/x', /already in use at secret\//],
    ['sys', /cannot mount/],
    ['cubbyhole/x', /cannot mount/],
    ['identity', /cannot mount/],
    ['main', /namespace/],
    ['main/x', /namespace/],
    ['a%20b', /letters/],
    ['a%2Fb', /slash/],
    ['.a', /letters/],
    ['!a', /letters/],
    [`${'x'.repeat(101)}`, /letters/],
    ['1/2/3/4/5/6/7/8/9', /letters/],
  ] as const) {
    const { status, text } = await enable(path);
    assert.equal(status, 400, `${path} ${text}`);
    assert.match(text, words, path);
  }
  const many = await Promise.all(['both', 'both/x', 'both/x/y', 'both'].map((path) => enable(path)));
  assert.deepEqual(many.map(({ status }) => status).sort(), [204, 400, 400, 400]);
});

test('mounts are of one realm: another one neither sees nor reaches them', async () => {
  await enable('ours');
  const other = await house.perform({ kind: 'create-identity', name: 'far', role: 'developer', realm: fresh('realm') });
  const token = textOf(other.token);
  await doors.vault('POST', 'ours/keys/k', {});
  assert.equal((await doors.vault('POST', 'ours/encrypt/k', { plaintext }, token)).status, 404);
  assert.equal((await doors.vault('GET', 'sys/mounts/ours', undefined, token)).status, 400);
  const { json } = await doors.vault('GET', 'sys/mounts', undefined, token);
  assert.deepEqual(Object.keys(as<{ data: object }>(json).data), ['kv/', 'secret/', 'transit/']);
  assert.equal((await doors.vault('POST', 'sys/mounts/ours', { type: 'kv' }, token)).status, 204);
  assert.equal((await doors.vault('POST', 'ours/k', { a: 'b' }, token)).status, 204);
  assert.equal((await doors.vault('GET', 'ours/keys/k')).status, 200);
});

test('who asks with no token, a wrong one or from a wrong place learns of no mount', async () => {
  await enable('hidden');
  const made = await house.perform({ kind: 'create-token', cidrs: ['10.0.0.0/8'] });
  for (const token of ['', 'clv.wrong', textOf(made.token)]) {
    const [there, nowhere] = await Promise.all([
      doors.vault('POST', 'hidden/encrypt/k', { plaintext }, token),
      doors.vault('POST', 'nowhere/encrypt/k', { plaintext }, token),
    ]);
    assert.deepEqual([there.status, there.text], [nowhere.status, nowhere.text]);
  }
  const line = (await house.entries(house.ledgerSize - 1))[0]!;
  assert.equal(line.outcome, 'denied');
});

test('policies judge the path as it is written, and tell of no mount that they let nothing be asked for at', async () => {
  await enable('narrow');
  await enable('wide', 'kv-v2');
  await doors.vault('POST', 'narrow/keys/k', {});
  const token = await carrying('path "narrow/encrypt/k" { capabilities = ["update"] }');
  const statusOf = async (method: string, path: string, body?: object) =>
    (await doors.vault(method, path, body, token)).status;
  assert.equal(await statusOf('POST', 'narrow/encrypt/k', { plaintext }), 200);
  assert.equal(await statusOf('POST', 'transit/encrypt/narrow%2Fk', { plaintext }), 403);
  assert.equal(await statusOf('GET', 'narrow/keys/k'), 403);
  assert.equal(await statusOf('GET', 'wide/data/k'), 403);
  assert.equal(await statusOf('GET', 'nowhere/data/k'), 403);
  assert.equal(await statusOf('GET', 'sys/mounts'), 403);
  assert.equal(await statusOf('GET', 'sys/internal/ui/mounts/narrow/x'), 200);
  assert.equal(await statusOf('GET', 'sys/internal/ui/mounts/wide'), 403);
  const { json } = await doors.vault('GET', 'sys/internal/ui/mounts', undefined, token);
  const { secret, auth } = as<{ data: { secret: object; auth: object } }>(json).data;
  // The policy `default` lets every token look itself up.
  assert.deepEqual([Object.keys(secret), Object.keys(auth)], [['narrow/'], ['token/']]);
  const { json: said } = await doors.vault('POST', 'sys/capabilities-self', { paths: ['narrow/encrypt/k'] }, token);
  assert.deepEqual(as<{ data: { capabilities: string[] } }>(said).data.capabilities, ['update']);
  // What can't be read, or is too long, tells no more of it.
  const long = { type: 'x'.repeat(70_000) };
  for (const path of ['narrow/keys/k', 'nowhere/keys/k', 'wide/data/k']) {
    for (const body of [{ type: 7 }, { data: 7 }, long]) assert.equal(await statusOf('POST', path, body), 403, path);
  }
  assert.equal(await statusOf('POST', 'narrow/encrypt/k', { plaintext: 7 }), 400);
  const makes = await carrying('path "narrow/encrypt/*" { capabilities = ["create"] }');
  assert.equal((await doors.vault('POST', 'narrow/encrypt/new', { plaintext: 7 }, makes)).status, 400);
});

test('a token with a number of uses spends one at a mount, as anywhere', async () => {
  await enable('used');
  await doors.vault('POST', 'used/keys/k', {});
  const made = await house.perform({ kind: 'create-token', uses: 2 });
  const encrypt = () => doors.vault('POST', 'used/encrypt/k', { plaintext }, textOf(made.token));
  assert.deepEqual([(await encrypt()).status, (await encrypt()).status, (await encrypt()).status], [200, 200, 403]);
});

test('rules of secrets hold for the mount that they were set at', async () => {
  await enable('checked', 'kv-v2');
  await doors.vault('POST', 'checked/config', { cas_required: true });
  const write = (path: string, options: object = {}) => doors.vault('POST', path, { data: { a: 'b' }, options });
  assert.equal((await write('checked/data/x')).status, 400);
  assert.equal((await write('checked/data/x', { cas: 0 })).status, 200);
  assert.equal((await write('secret/data/elsewhere')).status, 200);
});

test('only who governs the realm makes and changes mounts; whoever holds a token may ask for them', async () => {
  const production = await House.open({ mode: 'production' });
  const admin = byToken(await production.hire('admin', 'key-administrator'));
  const mount = { kind: 'enable-mount', path: 'x', engine: 'kv', sealWrap: false } as const;
  await refused('denied', production.perform(mount, admin));
  await production.perform(mount);
  const { mounts } = await production.perform({ kind: 'list-mounts' }, admin);
  assert.deepEqual(
    mounts.map(({ path, version }: Mount) => [path, version]),
    [
      ['kv/', 1],
      ['secret/', 2],
      ['transit/', undefined],
      ['x/', 1],
    ],
  );
  await refused('denied', production.perform({ kind: 'disable-mount', path: 'x' }, admin));
});

test('keys travel within a mount: what is exported, backed up and restored there is of its folder', async () => {
  for (const path of ['here', 'there']) await enable(path);
  await doors.vault('POST', 'here/keys/k', { exportable: true, allow_plaintext_backup: true });
  const exported = await doors.vault('GET', 'here/export/encryption-key/k');
  assert.equal(as<{ data: { name: string } }>(exported.json).data.name, 'k');
  const { json } = await doors.vault('GET', 'here/backup/k');
  const { backup } = as<{ data: { backup: string } }>(json).data;
  assert.match((await doors.vault('POST', 'there/restore', { backup })).text, /begins with there\//);
  assert.equal((await doors.vault('POST', 'there/restore/copy', { backup })).status, 204);
  assert.equal((await doors.vault('POST', 'there/restore', { backup, name: 'other' })).status, 204);
  assert.match((await doors.vault('POST', 'here/restore', { backup })).text, /already exists/);
  const names = async (path: string) =>
    as<{ data: { keys: string[] } }>((await doors.vault('LIST', `${path}/keys`)).json).data.keys;
  assert.deepEqual([await names('here'), await names('there')], [['k'], ['copy', 'other']]);
});
