import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command, SecretValue } from '#domain/domain.ts';
import { House, plain, refused, textOf } from '../gate/testing/house.ts';
import { mergePatch } from './merge-patch.ts';

const text = (value: string): SecretValue => ({ form: 'text', bytes: plain(value) });
const secret = { name: 'app/db' } as const;

async function write(house: House, value: string, more: Partial<Command<'write-secret'>> = {}): Promise<number> {
  const { written } = await house.perform({ kind: 'write-secret', secret, value: text(value), ...more });
  return written.number!;
}

/** Undefined where the version has none to show. */
async function read(house: House, number = 0): Promise<string | undefined> {
  const { value } = await house.perform({ kind: 'read-secret-version', secret, number });
  return value && textOf(value.bytes);
}

const change = (house: House, to: Command<'change-secret-versions'>['to'], ...numbers: number[]) =>
  house.perform({ kind: 'change-secret-versions', secret, numbers, to });
const byLabel = async (house: House, label?: string) => {
  const named = label === undefined ? {} : { label };
  return textOf((await house.perform({ kind: 'get-secret-value', secret, ...named })).value.bytes);
};
const configure = (house: House, rules: Command<'configure-secret'>['rules']) =>
  house.perform({ kind: 'configure-secret', secret, rules, merge: false });

test('versions are numbered in the order of their values, whoever writes them', async () => {
  const house = await House.open();
  await house.perform({ kind: 'create-secret', name: secret.name, value: text('one') });
  assert.equal(await write(house, 'two'), 2);
  await house.perform({ kind: 'put-secret-value', secret, value: text('three') });
  assert.equal(await write(house, 'four'), 4);
  assert.deepEqual(await Promise.all([1, 2, 3, 4, 0].map((n) => read(house, n))), [
    ...['one', 'two', 'three', 'four', 'four'],
  ]);
  assert.equal(await byLabel(house), 'four');
  assert.equal(await byLabel(house, 'claviger:previous'), 'three');
});

test('a write that names the current version is done only on that one', async () => {
  const house = await House.open();
  await refused('invalid-state', write(house, 'x', { expected: 1 }));
  await write(house, 'one', { expected: 0 });
  await refused('invalid-state', write(house, 'x', { expected: 0 }));
  const racing = await Promise.allSettled(['a', 'b', 'c'].map((value) => write(house, value, { expected: 1 })));
  assert.equal(racing.filter(({ status }) => status === 'fulfilled').length, 1);
  await configure(house, { checked: true });
  await refused('invalid-state', write(house, 'x'));
  assert.equal(await write(house, 'three', { expected: 2 }), 3);
});

test('a hidden version is read by nobody until it is shown again', async () => {
  const house = await House.open();
  await write(house, 'one');
  await change(house, 'hidden', 0);
  assert.equal(await read(house), undefined);
  await refused('secret-not-found', byLabel(house));
  await refused('secret-not-found', write(house, '{}', { merge: true }));
  await change(house, 'shown', 1);
  assert.equal(await byLabel(house), 'one');
});

test('a destroyed version leaves no row, and nothing brings it back', async () => {
  const house = await House.open();
  await write(house, 'one');
  await write(house, 'two');
  assert.equal((await house.list('secret-version')).length, 2);
  const { secret: after } = await change(house, 'destroyed', 2, 7);
  assert.equal((await house.list('secret-version')).length, 1);
  await change(house, 'shown', 2);
  assert.equal(await read(house, 2), undefined);
  await refused('secret-not-found', byLabel(house));
  const versionId = after!.versions[1]!.id;
  await refused('secret-exists', house.perform({ kind: 'put-secret-value', secret, value: text('two'), versionId }));
  assert.equal(await write(house, 'three'), 3);
});

test('a version is hidden when its time is over, and by that alone', async () => {
  const house = await House.open();
  await house.perform({ kind: 'set-secret-rules', rules: { lifetime: 60_000 } });
  await write(house, 'one');
  await configure(house, { lifetime: 1000 });
  await write(house, 'two');
  house.now += 1000;
  assert.equal(await read(house, 2), undefined);
  assert.equal(await read(house, 1), 'one');
  await change(house, 'shown', 2);
  assert.equal(await read(house, 2), 'two');
  house.now += 60_000;
  assert.equal(await read(house, 1), undefined);
});

test('the newest so many are kept, and what somebody put a label on', async () => {
  const house = await House.open();
  for (let i = 1; i <= 12; i++) await write(house, `${i}`);
  assert.equal((await house.list('secret-version')).length, 10);
  const { secret: now } = await house.perform({ kind: 'describe-secret', secret });
  await house.perform({ kind: 'move-secret-label', secret, label: 'mine', to: now.versions[0]!.id });
  await configure(house, { keep: 2 });
  assert.equal((await house.list('secret-version')).length, 10);
  await write(house, '13');
  assert.deepEqual(await Promise.all([3, 13].map((n) => read(house, n))), ['3', '13']);
  assert.equal((await house.list('secret-version')).length, 2);
  await refused('secret-not-found', read(house, 12));
  await refused('invalid-parameter', configure(house, { keep: 101 }));
  await write(house, 'alone', { keep: 1 });
  assert.equal((await house.list('secret-version')).length, 2);
});

test('copies in other regions lose what the secret loses', async () => {
  const house = await House.open();
  await house.perform({ kind: 'create-region', name: 'other', region: 'eu-west-3' });
  await write(house, 'one');
  await house.perform({ kind: 'replicate-secret', secret, places: [{ region: 'eu-west-3' }] });
  await write(house, 'two');
  assert.equal((await house.list('secret-version')).length, 4);
  await change(house, 'destroyed', 1);
  assert.equal((await house.list('secret-version')).length, 2);
  await change(house, 'hidden', 2);
  const copies = (await house.list('secret')).map(({ body }) => JSON.parse(Buffer.from(body).toString()));
  for (const { versions } of copies) {
    assert.equal(versions[0].destroyed, true);
    assert.equal(versions[1].hiddenAt, house.now);
  }
});

test('what one door deletes with a window can not be written through another', async () => {
  const house = await House.open();
  await write(house, 'one');
  await house.perform({ kind: 'delete-secret', secret, days: 7 });
  await refused('secret-deleted', write(house, 'two'));
  await refused('secret-deleted', read(house));
  await refused('secret-deleted', change(house, 'destroyed', 1));
});

test('a merge takes its target from the version that it comes after', async () => {
  const house = await House.open();
  await write(house, '{"a":1,"b":{"c":2,"d":3}}');
  await Promise.all(['{"x":1}', '{"y":2}', '{"b":{"c":null}}'].map((value) => write(house, value, { merge: true })));
  assert.deepEqual(JSON.parse((await read(house))!), { a: 1, b: { d: 3 }, x: 1, y: 2 });
  await write(house, 'no object');
  await refused('invalid-state', write(house, '{}', { merge: true }));
});

test('merges as RFC 7396, appendix A, does', () => {
  const cases = [
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', '{}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
    ['{}', '{"__proto__":{"polluted":1}}', '{"__proto__":{"polluted":1}}'],
  ] as const;
  for (const [target, patch, merged] of cases) {
    assert.equal(JSON.stringify(mergePatch(JSON.parse(target), JSON.parse(patch))), merged);
  }
});

test('a secret that was read lately is not read from the database again, until it changes', async () => {
  const house = await House.open();
  await write(house, 'one');
  await read(house);
  await read(house);
  const asked: string[] = [];
  const stored = house.store.read;
  house.store.read = (kind, id) => {
    asked.push(kind);
    return stored.call(house.store, kind, id);
  };
  assert.equal(await read(house), 'one');
  assert.equal(asked.length, 0);
  await write(house, 'two');
  assert.equal(await read(house), 'two');
  assert.ok(asked.includes('secret'));
});

test('whoever reads a secret after a write was answered finds at least that, however late the database answers', async () => {
  const house = await House.open();
  await write(house, '0');
  const stored = house.store.read;
  let turns = 0;
  house.store.read = async (kind, id) => {
    const row = await stored.call(house.store, kind, id);
    for (let i = turns++ % 5; i > 0; i--) await new Promise((resolve) => setImmediate(resolve));
    return row;
  };
  let newest = 0;
  let ended = false;
  const readers = Array.from({ length: 6 }, async () => {
    while (!ended) {
      const atLeast = newest;
      const found = Number(await read(house));
      assert.ok(found >= atLeast, `${found} after ${atLeast} was answered`);
    }
  });
  for (let i = 1; i <= 40; i++) {
    await write(house, `${i}`);
    newest = i;
  }
  ended = true;
  await Promise.all(readers);
});
