import assert from 'node:assert/strict';
import { test } from 'node:test';
import { later } from './testing/breakable-store.ts';
import { byId, House, refused } from './testing/house.ts';

const uses = { limit: 20, block: 8 };

test('a crowd that finds no use left reserves once, and all of it is answered', async () => {
  const house = await House.open();
  const key = await house.key({ class: 'raw' });
  const before = house.store.commits;
  const made = await Promise.all(Array.from({ length: 60 }, () => house.encrypt(key, 'm')));
  assert.equal(new Set(made.map(({ ciphertext }) => Buffer.from(ciphertext.slice(0, 12)).toString('hex'))).size, 60);
  const after = await house.describe(key);
  assert.equal(after.revision, key.revision + 1);
  assert.equal(after.current.reservedUses, 2 ** 20);
  assert.ok(house.store.commits - before < 10, `${house.store.commits - before} transactions`);
  assert.equal(await house.decrypt(key, made[59]!.ciphertext), 'm');
  const lines = (await house.entries()).filter(({ action, outcome }) => action === 'encrypt' && outcome === 'ok');
  assert.equal(lines.length, 60);
  assert.deepEqual([...new Set(lines.flatMap(({ summary }) => summary ?? []))], ['reserved 1048576 uses of version 1']);
});

test('no more is answered than the limit, however many ask at once and however often the server restarts', async () => {
  let house = await House.open({ uses });
  const key = await house.key({ class: 'raw' });
  let done = 0;
  const crowd = async () => {
    const settled = await Promise.allSettled(Array.from({ length: 15 }, () => house.encrypt(key, 'm')));
    for (const one of settled) {
      if (one.status === 'fulfilled') done++;
      else assert.ok(['limit-exceeded', 'conflict'].includes(one.reason.code), one.reason.message);
    }
  };
  await crowd();
  house = await house.reopen();
  await house.unseal();
  for (let i = 0; i < 3; i++) await crowd();
  assert.ok(done > 8 && done <= uses.limit, `${done} answered`);
  await refused('limit-exceeded', house.encrypt(key, 'one more'));
  assert.equal((await house.describe(key)).current.reservedUses, uses.limit);
  await house.perform({ kind: 'rotate-key', key: byId(key) });
  assert.equal((await house.encrypt(key, 'anew')).version, 2);
});

test('uses that were reserved under the old version are not spent on the new one', async () => {
  const house = await House.open({ uses });
  const key = await house.key({ class: 'raw' });
  await house.encrypt(key, 'warm');
  house.store.hold();
  const waiting = house.store.held();
  const rotation = house.perform({ kind: 'rotate-key', key: byId(key) });
  await waiting;
  const crowd = Array.from({ length: 5 }, () => house.encrypt(key, 'meanwhile'));
  await later(5);
  house.store.release();
  await rotation;
  for (const { version } of await Promise.all(crowd)) assert.equal(version, 2);
  const { key: now, versions } = await house.perform({ kind: 'describe-key', key: byId(key), withVersions: true });
  assert.deepEqual([versions[0]!.reservedUses, now.current.reservedUses], [8, 8]);
});
