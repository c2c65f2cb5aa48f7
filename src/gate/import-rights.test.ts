import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ArrivingVersion, Command } from '#domain/domain.ts';
import { byToken, House, plain, refused, textOf } from './testing/house.ts';

const secret = { name: 'app/db' } as const;

const version = (number: number, more: Partial<ArrivingVersion> = {}): ArrivingVersion => ({
  ...{ number, createdAt: number, value: { form: 'text', bytes: plain(`value ${number}`) } },
  ...more,
});

test('whoever may only use a secret brings values to it, and changes nothing else of what is there', async () => {
  const house = await House.open({ mode: 'production' });
  const user = byToken(await house.hire('user', 'key-user'));
  const rules = { keep: 5, checked: true };
  const bring = (versions: readonly ArrivingVersion[], more: Partial<Command<'import-secret'>> = {}) =>
    house.perform(
      {
        ...{ kind: 'import-secret', secret, rules, notes: {}, createdAt: 1, changedAt: 2, versions },
        ...more,
      },
      user,
    );
  const hidden = { hiddenAt: 9 };
  const all = [version(1), version(2, hidden), version(3)];
  assert.equal((await bring(all)).added, 3);
  assert.equal((await bring(all)).changed, false);
  assert.equal((await bring([...all, version(4)])).added, 1);
  const rows = await house.rows();
  await refused('denied', bring([version(1, { value: 'destroyed' }), version(2, hidden), version(3), version(4)]));
  await refused('denied', bring([version(1, hidden), version(2, hidden), version(3), version(4)]));
  await refused('denied', bring([version(1), version(2), version(3), version(4), version(5)]));
  await refused('denied', bring([...all, version(4)], { rules: {} }));
  await refused('denied', bring([...all, version(4)], { notes: { owner: 'me' } }));
  await refused('denied', bring([version(9)], { replace: true }));
  assert.deepEqual(await house.rows(), rows);
  const { value } = await house.perform({ kind: 'read-secret-version', secret, number: 1 }, user);
  assert.equal(value && textOf(value.bytes), 'value 1');
});

test('a value that counts no versions takes the place of the one before by use alone', async () => {
  const house = await House.open({ mode: 'production' });
  const user = byToken(await house.hire('user', 'key-user'));
  const put = (one: ArrivingVersion) =>
    house.perform(
      {
        ...{ kind: 'import-secret', secret, rules: {}, notes: {}, createdAt: 1, changedAt: 2 },
        ...{ versions: [one], replace: true },
      },
      user,
    );
  await put(version(1));
  await put(version(2));
  const { value } = await house.perform({ kind: 'read-secret-version', secret, number: 0 }, user);
  assert.equal(value && textOf(value.bytes), 'value 2');
});
