import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byId, House } from './testing/house.ts';

const leaving = { exportable: true, backupAllowed: true } as const;

async function lines(house: House, action: string) {
  return (await house.entries()).filter((entry) => entry.action === action).map(({ key, summary }) => [key, summary]);
}

test('the line of a key that leaves says which versions left, and under which key', async () => {
  const house = await House.open();
  const key = await house.key(leaving);
  await house.perform({ kind: 'rotate-key', key: byId(key) });
  const to = await house.key({ spec: 'rsa-2048', usages: ['encrypt'] });
  await house.perform({ kind: 'export-wrapped-key', key: byId(key), destination: byId(to), hash: 'sha256' });
  await house.perform({ kind: 'export-key', key: byId(key), part: 'encrypt', form: 'raw', version: 1 });
  assert.deepEqual(await lines(house, 'export-wrapped-key'), [[key.id, `exported version 1, 2 under ${to.id}`]]);
  assert.deepEqual(await lines(house, 'export-key'), [[key.id, 'exported version 1']]);
});

test('the line of a key that is restored in place of another names both', async () => {
  const house = await House.open();
  const key = await house.key({ ...leaving, name: 'kept' });
  const { backup } = await house.perform({ kind: 'backup-key', key: byId(key) });
  const other = await house.key({ name: 'taken' });
  const asked = { kind: 'restore-key', backup, name: 'taken', force: true } as const;
  const { key: copy } = await house.perform(asked);
  const summary = `restored a copy of ${key.id} as ${copy.id} in place of ${other.id}`;
  assert.deepEqual(await lines(house, 'restore-key'), [[other.id, summary]]);
});
