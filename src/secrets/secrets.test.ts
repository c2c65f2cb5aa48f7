import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command, SecretValue } from '#domain/domain.ts';
import { secretsKeyName } from '#keyring/keyring.ts';
import { byToken, House, plain, refused, textOf } from '../gate/testing/house.ts';

const text = (value: string): SecretValue => ({ form: 'text', bytes: plain(value) });
const secret = { name: 'app/db' } as const;
const day = 24 * 60 * 60 * 1000;

const create = (house: House, more: Partial<Command<'create-secret'>> = {}) =>
  house.perform({ kind: 'create-secret', name: secret.name, value: text('first'), ...more });
const put = (house: House, value: string, more: Partial<Command<'put-secret-value'>> = {}) =>
  house.perform({ kind: 'put-secret-value', secret, value: text(value), ...more });
async function read(house: House, more: Partial<Command<'get-secret-value'>> = {}): Promise<string> {
  const { value } = await house.perform({ kind: 'get-secret-value', secret, ...more });
  return textOf(value.bytes);
}

test('the key of a realm for secrets is made once, at first use, by a line of its own', async () => {
  const house = await House.open();
  await Promise.all(['a', 'b', 'c', 'd'].map((name) => create(house, { name })));
  const made = (await house.entries()).filter(({ action, outcome }) => action === 'create-key' && outcome === 'ok');
  assert.equal(made.length, 1);
  const { keys } = await house.perform({ kind: 'list-keys', after: '', limit: 10 });
  assert.deepEqual(
    keys.map(({ names }) => names),
    [[secretsKeyName]],
  );
  const { key } = await house.perform({ kind: 'describe-key', key: { by: 'name', name: secretsKeyName } });
  assert.equal(key.exportable, false);
});

test('names of the server are nobody’s to give, move or take', async () => {
  const house = await House.open();
  await create(house);
  const other = await house.key({ name: 'other' });
  await refused('invalid-parameter', house.key({ name: 'aws/mine' }));
  const named = { key: { by: 'id', id: other.id }, name: secretsKeyName } as const;
  await refused('invalid-parameter', house.perform({ kind: 'create-alias', ...named, name: 'aws/x' }));
  await refused('invalid-parameter', house.perform({ kind: 'update-alias', ...named }));
  await refused('invalid-parameter', house.perform({ kind: 'delete-alias', name: secretsKeyName }));
  assert.equal(await read(house), 'first');
});

test('who may not make a secret does not make the key either', async () => {
  const house = await House.open();
  const nobody = await house.hire('nobody');
  await refused('denied', house.perform({ kind: 'create-secret', name: 'x', value: text('v') }, byToken(nobody)));
  assert.deepEqual((await house.perform({ kind: 'list-keys', after: '', limit: 10 })).keys, []);
});

test('values written at the same moment are all kept, and one of them is the current one', async () => {
  const house = await House.open();
  await create(house);
  await Promise.all(Array.from({ length: 8 }, (_, i) => put(house, `value ${i}`)));
  const { secret: now } = await house.perform({ kind: 'describe-secret', secret });
  assert.equal(now.versions.length, 9);
  const current = now.versions.filter(({ labels }) => labels.includes('claviger:current'));
  const previous = now.versions.filter(({ labels }) => labels.includes('claviger:previous'));
  assert.deepEqual([current.length, previous.length], [1, 1]);
  const values = await Promise.all(now.versions.map(({ id }) => read(house, { versionId: id })));
  assert.deepEqual(values.sort(), ['first', ...Array.from({ length: 8 }, (_, i) => `value ${i}`)].sort());
});

test('what is older than a day and the newest hundred is forgotten, save what has a label', async () => {
  const house = await House.open();
  await create(house, { versionId: 'the-first' });
  await house.perform({ kind: 'move-secret-label', secret, label: 'kept', to: 'the-first' });
  for (let i = 0; i < 99; i++) await put(house, `${i}`, { versionId: `version-${i}` });
  house.now += day + 1;
  for (let i = 0; i < 5; i++) await put(house, `later ${i}`);
  const { secret: now } = await house.perform({ kind: 'describe-secret', secret });
  assert.equal(now.versions.length, 100);
  assert.equal((await house.list('secret-version')).length, 100);
  assert.equal(await read(house, { label: 'kept' }), 'first');
  await refused('secret-not-found', read(house, { versionId: 'version-0' }));
});

test('a read of a day is noted once', async () => {
  const house = await House.open();
  await create(house);
  await read(house);
  const rows = await house.rows();
  await read(house);
  assert.deepEqual(await house.rows(), rows);
  house.now += day;
  await read(house);
  assert.notDeepEqual(await house.rows(), rows);
  const { secret: now } = await house.perform({ kind: 'describe-secret', secret });
  assert.equal(now.versions[0]!.accessedAt, house.now - (house.now % day));
});

test('a label can be made to name two versions by nobody', async () => {
  const house = await House.open();
  await create(house, { versionId: 'one' });
  await put(house, 'second', { versionId: 'two', labels: ['mine'] });
  const move = (from: string | undefined, to: string) =>
    house.perform({ kind: 'move-secret-label', secret, label: 'mine', to, ...(from !== undefined && { from }) });
  await refused('invalid-parameter', move(undefined, 'one'));
  await refused('invalid-parameter', move('one', 'one'));
  await Promise.allSettled([move('two', 'one'), move('two', 'one')]);
  const { secret: now } = await house.perform({ kind: 'describe-secret', secret });
  assert.deepEqual(
    now.versions.map(({ labels }) => labels.includes('mine')),
    [true, false],
  );
});

test('a value of another form is another value', async () => {
  const house = await House.open();
  await create(house, { versionId: 'one' });
  const binary = { form: 'binary', bytes: plain('first') } as const;
  await refused('secret-exists', house.perform({ kind: 'put-secret-value', secret, versionId: 'one', value: binary }));
  await put(house, 'first', { versionId: 'one' });
});

test('every line about a secret names it', async () => {
  const house = await House.open();
  await create(house);
  await read(house);
  await house.perform({ kind: 'describe-secret', secret });
  await refused('secret-not-found', read(house, { secret: { name: 'none' } }));
  const lines = (await house.entries()).filter(({ action }) => action.endsWith('secret') || action.includes('secret-'));
  assert.deepEqual(
    lines.map(({ summary }) => summary?.replace(/[0-9a-f-]{36}/, 'ID')),
    ['secret app/db: created, with version ID', 'secret app/db: version ID read', 'secret app/db', 'secret none'],
  );
  assert.ok(lines.slice(0, 2).every(({ key }) => key !== undefined));
});

test('a secret outlives a restart, and its rows hold no value', async () => {
  const house = await House.open();
  await create(house, { value: text('a very plain value') });
  const next = await house.reopen();
  await next.unseal();
  assert.equal(await read(next), 'a very plain value');
  for (const kind of ['secret', 'secret-version'] as const) {
    for (const { body } of await next.list(kind)) assert.ok(!Buffer.from(body).toString().includes('plain'));
  }
});
