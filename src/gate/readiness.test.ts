import assert from 'node:assert/strict';
import { test } from 'node:test';
import { House, refused } from './testing/house.ts';

test('a server that can not write its ledger says that it is not ready, until it can again', async () => {
  const house = await House.open();
  const key = await house.key();
  assert.equal(house.gate.status().ready, true);
  for (const [fault, code] of [
    ['storage-full', 'storage-full'],
    ['unavailable', 'audit-unavailable'],
  ] as const) {
    house.store.broken = fault;
    await refused(code, house.encrypt(key, 'lost'));
    assert.equal(house.gate.status().ready, false);
    house.store.broken = undefined;
    await house.encrypt(key, 'found');
    assert.equal(house.gate.status().ready, true);
  }
});
