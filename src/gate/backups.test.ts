import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KmsError } from '#domain/domain.ts';
import { restoredChange } from './gate.ts';
import { House } from './testing/house.ts';

const scheduler = { kind: 'system', name: 'scheduler' } as const;
const schedule = { every: 3600, to: '/var/backups', keep: 3 };
const due = async (house: House) => (await house.perform({ kind: 'run-schedule' }, scheduler)).backupDue === true;
const take = (house: House) => house.perform({ kind: 'run-backup-schedule' }, scheduler);
const refusedAs = (code: string) => (error: unknown) => error instanceof KmsError && error.code === code;

test('a backup is due at once, and then each time that its period is over', async () => {
  const house = await House.open();
  assert.equal(await due(house), false);
  await house.perform({ kind: 'schedule-backups', schedule });
  assert.equal(await due(house), true);
  house.now += 1000;
  const { taken } = await take(house);
  assert.equal(taken?.file, '/var/backups');
  const { last, failure } = await house.perform({ kind: 'read-backups' });
  assert.deepEqual([last?.id, failure], [taken?.id, undefined]);
  assert.equal(await due(house), false);
  house.now += 3600 * 1000;
  assert.equal(await due(house), true);
  await house.perform({ kind: 'schedule-backups' });
  assert.equal(await due(house), false);
});

test('a backup is overdue once ten minutes have passed since it was due, also where none is tried', async () => {
  const house = await House.open();
  const overdue = async () => (await house.perform({ kind: 'read-backups' })).overdue;
  assert.equal(await overdue(), false);
  assert.equal((await house.perform({ kind: 'schedule-backups', schedule })).overdue, false);
  house.now += 600 * 1000;
  assert.equal(await overdue(), true, 'none was ever taken');
  await take(house);
  assert.equal(await overdue(), false);
  house.now += (3600 - 1) * 1000; // The house says of each backup that it was taken at the start.
  assert.equal(await overdue(), false);
  house.now += 1000;
  assert.equal(await overdue(), true);
  const { commits, rooms } = house.gate.core;
  await commits.change(await restoredChange(rooms.keyring.records, { backup: 'b', at: house.now }));
  await take(house);
  assert.equal(await overdue(), true);
  await house.perform({ kind: 'schedule-backups' });
  assert.equal(await overdue(), false);
});

test('a schedule that makes no sense is refused', async () => {
  const house = await House.open();
  const wrong = [{ every: 1 }, { every: 1.5e9 }, { keep: 0 }, { keep: 1.5 }, { to: 'here' }, { to: '/a\0b' }];
  for (const one of wrong) {
    const asked = house.perform({ kind: 'schedule-backups', schedule: { ...schedule, ...one } });
    await assert.rejects(asked, refusedAs('invalid-parameter'), JSON.stringify(one));
  }
  await assert.rejects(house.perform({ kind: 'take-backup', to: 'here' }), refusedAs('invalid-parameter'));
});

test('a restored server does nothing by the clock until it is said to be the one that lives on', async () => {
  const house = await House.open();
  const { commits, rooms } = house.gate.core;
  await house.perform({ kind: 'schedule-backups', schedule });
  await commits.change(await restoredChange(rooms.keyring.records, { backup: 'b', at: house.now }));
  assert.equal(await due(house), false);
  assert.deepEqual(await take(house), { gone: 0 });
  assert.equal((await house.perform({ kind: 'read-backups' })).restored?.backup, 'b');
  await house.perform({ kind: 'confirm-restore' });
  assert.equal(await due(house), true);
  await assert.rejects(house.perform({ kind: 'confirm-restore' }), refusedAs('invalid-state'));
});
