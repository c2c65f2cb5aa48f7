import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ArrivingVersion, Command } from '#domain/domain.ts';
import { House, plain, refused, textOf } from '../gate/testing/house.ts';

const secret = { name: 'app/db' } as const;
const day = 86_400_000;

const version = (number: number, value?: string, more: Partial<ArrivingVersion> = {}): ArrivingVersion => ({
  number,
  createdAt: number * day,
  value: value === undefined ? 'destroyed' : { form: 'text', bytes: plain(value) },
  ...more,
});

const bring = (house: House, versions: readonly ArrivingVersion[], more: Partial<Command<'import-secret'>> = {}) =>
  house.perform({
    ...{ kind: 'import-secret', secret, rules: {}, notes: {}, createdAt: day, changedAt: 9 * day, versions },
    ...more,
  });

async function read(house: House, number = 0): Promise<string | undefined> {
  const { value } = await house.perform({ kind: 'read-secret-version', secret, number });
  return value && textOf(value.bytes);
}

const states = async (house: House) => {
  const { secret: found } = await house.perform({ kind: 'describe-secret', secret });
  return found.versions.map(({ number, createdAt, hiddenAt, destroyed, labels }) => [
    ...[number, createdAt, hiddenAt, destroyed, labels.join()],
  ]);
};

test('a secret comes with its versions under their numbers, their times and their states', async () => {
  const house = await House.open();
  const notes = { owner: 'payments' };
  const rules = { keep: 5, checked: true, lifetime: 1000 };
  const { secret: made, added } = await bring(
    house,
    [version(3), version(4, 'four', { hiddenAt: 5 * day }), version(6, 'six'), version(7, 'seven')],
    { rules, notes },
  );
  assert.equal(added, 4);
  assert.deepEqual([made.createdAt, made.changedAt, made.rules, made.notes], [day, 9 * day, rules, notes]);
  assert.deepEqual(await states(house), [
    [3, 3 * day, undefined, true, ''],
    [4, 4 * day, 5 * day, undefined, ''],
    [6, 6 * day, undefined, undefined, 'claviger:previous'],
    [7, 7 * day, undefined, undefined, 'claviger:current'],
  ]);
  assert.deepEqual(await Promise.all([0, 6, 4, 3].map((number) => read(house, number))), [
    ...['seven', 'six', undefined, undefined],
  ]);
  await house.perform({ kind: 'change-secret-versions', secret, numbers: [4], to: 'shown' });
  assert.equal(await read(house, 4), 'four');
  const { value } = await house.perform({ kind: 'get-secret-value', secret, label: 'claviger:previous' });
  assert.equal(textOf(value.bytes), 'six');
  const { written } = await house.perform({
    ...{ kind: 'write-secret', secret, expected: 7, value: { form: 'text', bytes: plain('eight') } },
  });
  assert.equal(written.number, 8);
});

test('the same again changes nothing, and what came to it or changed its state there does so here', async () => {
  const house = await House.open();
  const first = [version(1, 'one'), version(2, 'two')];
  await bring(house, first);
  const rows = await house.rows();
  const again = await bring(house, first);
  assert.deepEqual([again.added, again.changed], [0, false]);
  assert.deepEqual(await house.rows(), rows);
  const later = [version(1), version(2, 'two', { hiddenAt: 3 * day }), version(3, 'three')];
  assert.equal((await bring(house, later)).added, 1);
  assert.deepEqual(await states(house), [
    [1, day, undefined, true, ''],
    [2, 2 * day, 3 * day, undefined, 'claviger:previous'],
    [3, 3 * day, undefined, undefined, 'claviger:current'],
  ]);
  assert.equal((await house.list('secret-version')).length, 2);
  assert.deepEqual((await bring(house, [version(2, 'two'), version(3, 'three')])).added, 0);
  assert.equal(await read(house, 2), 'two');
});

test('refuses what differs from the secret that is here', async () => {
  const house = await House.open();
  await bring(house, [version(1, 'one'), version(2, 'two')]);
  const rows = await house.rows();
  await refused('secret-exists', bring(house, [version(1, 'one'), version(2, 'other')]));
  await refused('secret-exists', bring(house, [version(1, 'one')]));
  await refused('secret-exists', bring(house, []));
  assert.deepEqual(await house.rows(), rows);
  await house.perform({ kind: 'change-secret-versions', secret, numbers: [1], to: 'destroyed' });
  await refused('secret-exists', bring(house, [version(1, 'one'), version(2, 'two')]));
  await house.perform({ kind: 'delete-secret', secret, days: 7 });
  await refused('secret-deleted', bring(house, [version(2, 'two')]));
});

test('a hidden version whose value stayed behind gets it once it can be read', async () => {
  const house = await House.open();
  const hidden = { hiddenAt: 2 * day };
  await bring(house, [version(1, undefined, { ...hidden, value: 'withheld' }), version(2, 'two')]);
  assert.deepEqual(await states(house), [
    [1, day, 2 * day, undefined, 'claviger:previous'],
    [2, 2 * day, undefined, undefined, 'claviger:current'],
  ]);
  assert.equal(await read(house, 1), undefined);
  const again = await bring(house, [version(1, undefined, { ...hidden, value: 'withheld' }), version(2, 'two')]);
  assert.equal(again.changed, false);
  await bring(house, [version(1, 'one'), version(2, 'two')]);
  assert.equal(await read(house, 1), 'one');
  await bring(house, [version(1, undefined, { ...hidden, value: 'withheld' }), version(2, 'two')]);
  await house.perform({ kind: 'change-secret-versions', secret, numbers: [1], to: 'shown' });
  assert.equal(await read(house, 1), 'one');
});

test('where versions are not counted, another value takes the place of the one that came before', async () => {
  const house = await House.open();
  await bring(house, [version(1, 'one')]);
  await refused('secret-exists', bring(house, [version(1, 'other')]));
  const replaced = await bring(house, [version(1, 'other')], { replace: true });
  assert.deepEqual(
    [replaced.added, await read(house), await states(house)],
    [...[1, 'other', [[2, day, undefined, undefined, 'claviger:current']]]],
  );
  assert.equal((await house.list('secret-version')).length, 1);
  assert.equal((await bring(house, [version(1, 'other')], { replace: true })).changed, false);
  await refused('invalid-parameter', bring(house, [], { replace: true }));
});

test('refuses versions out of their order, too many of them, and rules that nobody could keep', async () => {
  const house = await House.open();
  await refused('invalid-parameter', bring(house, [version(2, 'two'), version(1, 'one')]));
  await refused('invalid-parameter', bring(house, [version(0, 'zero')]));
  await refused(
    'limit-exceeded',
    bring(
      house,
      Array.from({ length: 101 }, (_, i) => version(i + 1)),
    ),
  );
  await refused('invalid-parameter', bring(house, [version(1, 'one')], { rules: { keep: 101 } }));
  await refused('invalid-parameter', bring(house, [version(1, 'one')], { notes: { empty: '' } }));
  assert.equal((await house.list('secret')).length, 0);
});

test('what is cut off in the middle of it leaves no trace', async () => {
  const house = await House.open();
  await bring(house, [version(1, 'one')], { secret: { name: 'other' } });
  const rows = await house.rows();
  house.store.broken = 'unavailable';
  await refused('audit-unavailable', bring(house, [version(1, 'one'), version(2, 'two')]));
  assert.deepEqual(await house.rows(), rows);
});

test('a version that is hidden here is shown by nobody who does not bring its value', async () => {
  const house = await House.open();
  await bring(house, [version(1, 'one'), version(2, 'two', { hiddenAt: 3 * day })]);
  const far = house.now + 1000 * day;
  for (const hidden of [{}, { hiddenAt: far }]) {
    const { changed } = await bring(house, [
      version(1, 'one'),
      version(2, undefined, { value: 'withheld', ...hidden }),
    ]);
    assert.deepEqual([changed, await read(house, 2)], [false, undefined]);
  }
  await bring(house, [version(1, undefined, { value: 'withheld', hiddenAt: 2 * day }), version(2, 'two')]);
  assert.deepEqual([await read(house, 1), await read(house, 2)], [undefined, 'two']);
});
