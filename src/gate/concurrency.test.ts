import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Entry, Key } from '#domain/domain.ts';
import { BreakableStore, later } from './testing/breakable-store.ts';
import { byId, byName, byToken, House, refused } from './testing/house.ts';

const isOf = (action: string, key: Key) => (entry: Entry) =>
  entry.action === action && entry.outcome === 'ok' && entry.key === key.id;

/** No use of the key stands as done behind the line that took it away. */
async function assertNoUseAfter(house: House, change: string, key: Key, action = 'encrypt'): Promise<void> {
  const entries = await house.entries();
  const at = entries.findIndex(isOf(change, key));
  assert.ok(at >= 0, `${change} has its line`);
  assert.equal(entries.slice(at).findIndex(isOf(action, key)), -1, `a use stands behind ${change}`);
}

test('two concurrent changes of one key both happen, the second on the state that the first left', async () => {
  const house = await House.open();
  const key = await house.key();
  await Promise.all([
    house.perform({ kind: 'tag-key', key: byId(key), tags: { a: '1' } }),
    house.perform({ kind: 'tag-key', key: byId(key), tags: { b: '2' } }),
    house.perform({ kind: 'update-key', key: byId(key), patch: { description: 'third' } }),
  ]);
  const after = await house.describe(key);
  assert.deepEqual(after.tags, { a: '1', b: '2' });
  assert.equal(after.description, 'third');
  assert.equal(after.revision, key.revision + 3);
});

test('a crowd of changes of one key costs a transaction for each that is done, and others do not wait for it', async () => {
  const house = await House.open();
  const [key, other] = [await house.key(), await house.key()];
  await house.encrypt(other, 'warm');
  const before = house.store.commits;
  const crowd = Array.from({ length: 300 }, (_, i) =>
    house.perform({ kind: 'tag-key', key: byId(key), tags: { [`t${i % 40}`]: `${i}` } }),
  );
  let transactions = 0;
  const using = house.encrypt(other, 'meanwhile').then(() => {
    transactions = house.store.commits - before;
  });
  const settled = await Promise.allSettled([...crowd, using]);
  assert.ok(transactions <= 2, `an encryption waited for ${transactions} transactions`);
  const done = settled.filter(({ status }) => status === 'fulfilled').length - 1;
  const refusals = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
  assert.deepEqual([...new Set(refusals)], ['conflict']);
  assert.equal((await house.describe(key)).revision, key.revision + done);
  assert.ok(house.store.commits - before < 40, `${house.store.commits - before} transactions`);
});

test('two concurrent rotations make two versions, and no version twice', async () => {
  const house = await House.open();
  const key = await house.key();
  await Promise.all([1, 2].map(() => house.perform({ kind: 'rotate-key', key: byId(key) })));
  const { versions } = await house.perform({ kind: 'describe-key', key: byId(key), withVersions: true });
  assert.deepEqual(
    versions.map(({ version, state }) => [version, state]),
    [
      [1, 'deactivated'],
      [2, 'deactivated'],
      [3, 'active'],
    ],
  );
});

test('of two keys created at once under one name, one is made and the other told that the name is taken', async () => {
  const house = await House.open();
  const made = await Promise.allSettled([1, 2].map(() => house.key({ name: 'twin' })));
  assert.deepEqual(made.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  assert.equal((await house.perform({ kind: 'list-keys', after: '', limit: 10 })).keys.length, 1);
  const again = await Promise.all([1, 2].map(() => house.key({ name: 'shared', ifAbsent: true })));
  assert.equal(again[0]!.id, again[1]!.id);
});

test('the first keys of a realm, made all at once, hang from one realm key', async () => {
  const house = await House.open();
  const keys = await Promise.all(Array.from({ length: 8 }, () => house.key()));
  const made = await Promise.all(keys.map((key) => house.encrypt(key, key.id)));
  assert.equal((await house.list('setting')).filter(({ id }) => id.startsWith('realm-key/')).length, 1);
  const next = await house.reopen();
  await next.unseal();
  for (const [i, key] of keys.entries()) assert.equal(await next.decrypt(key, made[i]!.ciphertext), key.id);
});

test('an encryption decided before a disabling that became durable first is decided again', async () => {
  const house = await House.open();
  const key = await house.key();
  house.store.hold();
  const waiting = house.store.held();
  const disabling = house.perform({ kind: 'disable-key', key: byId(key) });
  await waiting;
  // The disabling is on its way to the disk; this is decided on the enabled key.
  const encryption = house.encrypt(key, 'late');
  await later(5);
  house.store.release();
  await disabling;
  await refused('disabled', encryption);
  await assertNoUseAfter(house, 'disable-key', key);
});

test('a use and the disabling of its key in one transaction stand in the order of their decisions', async () => {
  for (const order of ['disable first', 'encrypt first'] as const) {
    const house = await House.open();
    const [key, other] = [await house.key(), await house.key()];
    await house.encrypt(key, 'warm');
    house.store.hold();
    const waiting = house.store.held();
    const busy = house.encrypt(other, 'keeps the disk busy');
    await waiting;
    const disable = () => house.perform({ kind: 'disable-key', key: byId(key) });
    const encrypt = () => house.encrypt(key, 'meanwhile').catch(() => undefined);
    const both = order === 'disable first' ? [disable(), later(5).then(encrypt)] : [encrypt(), later(5).then(disable)];
    await later(15);
    house.store.release();
    await Promise.all([busy, ...both]);
    await assertNoUseAfter(house, 'disable-key', key);
  }
});

test('who lost a right in the same transaction does nothing behind the line that took it', async () => {
  const house = await House.open();
  const [key, other] = [await house.key(), await house.key()];
  const user = await house.hire('user', 'developer');
  const as = byToken(user);
  await house.encrypt(key, 'warm', {}, as);
  house.store.hold();
  const waiting = house.store.held();
  const busy = house.encrypt(other, 'keeps the disk busy');
  await waiting;
  const disabling = house.perform({ kind: 'disable-identity', name: 'user' });
  await later(5);
  const late = [
    house.perform({ kind: 'tag-key', key: byId(key), tags: { late: 'yes' } }, as),
    house.perform({ kind: 'create-key', spec: 'aes-256', usages: ['encrypt'], class: 'enveloped' }, as),
    house.encrypt(key, 'late', {}, as),
  ];
  const settled = Promise.allSettled(late);
  await later(15);
  house.store.release();
  await Promise.all([busy, disabling, settled]);
  const entries = await house.entries();
  const at = entries.findIndex(({ action, outcome }) => action === 'disable-identity' && outcome === 'ok');
  const behind = entries.slice(at).filter(({ principal, outcome }) => principal === 'user' && outcome === 'ok');
  assert.deepEqual(behind, []);
});

test('under a storm of uses and switchings of one key, no use stands behind a switching off', async () => {
  const store = new BreakableStore();
  const house = await House.open({ store });
  const key = await house.key();
  store.slowness = 1;
  let ended = false;
  const using = Array.from({ length: 16 }, async () => {
    while (!ended) await house.encrypt(key, 'x').catch(() => later(1));
  });
  for (let i = 0; i < 15; i++) {
    await house.perform({ kind: i % 2 === 0 ? 'disable-key' : 'enable-key', key: byId(key) });
    await later(3);
  }
  ended = true;
  await Promise.all(using);
  let enabled = true;
  for (const { action, outcome, key: id } of await house.entries()) {
    if (id !== key.id || outcome !== 'ok') continue;
    if (action === 'disable-key') enabled = false;
    if (action === 'enable-key') enabled = true;
    if (action === 'encrypt') assert.ok(enabled, 'an encryption stands while the key is disabled');
  }
  await house.assertLedgerVerifies();
});

test('uses go on while others make tokens without a pause', async () => {
  const house = await House.open();
  const key = await house.key();
  house.store.slowness = 1;
  let ended = false;
  let tokens = 0;
  const making = Array.from({ length: 8 }, async () => {
    while (!ended) {
      await house.perform({ kind: 'create-token' });
      tokens++;
    }
  });
  const uses = Array.from({ length: 60 }, (_, i) => i).reduce<Promise<unknown>>(
    (before, i) => before.then(() => house.encrypt(key, `${i}`)),
    Promise.resolve(),
  );
  await uses.finally(() => {
    ended = true;
  });
  await Promise.all(making);
  assert.ok(tokens > 60);
});

test('a key that nobody used lately is found while others are changed without a pause', async () => {
  const house = await House.open({ capacity: 4 });
  const cold = await house.key({ name: 'cold' });
  for (let i = 0; i < 8; i++) await house.key();
  house.store.slowness = 1;
  let ended = false;
  const changing = Array.from({ length: 8 }, async () => {
    const own = await house.key();
    while (!ended) await house.perform({ kind: 'tag-key', key: byId(own), tags: { t: '1' } }).catch(() => {});
  });
  const found = house.perform({ kind: 'describe-key', key: byName('cold') }).then(({ key }) => key.id);
  const answer = await Promise.race([found, later(1500).then(() => 'starved')]).finally(() => {
    ended = true;
  });
  await Promise.all(changing);
  assert.equal(answer, cold.id);
});

test('a change under way when the server is sealed is whole or not at all, and the server opens again', async () => {
  for (let turn = 0; turn < 25; turn++) {
    const house = await House.open();
    const key = await house.key();
    // Each turn seals a step of the loop later.
    const change = house.perform({ kind: 'tag-key', key: byId(key), tags: { t: '1' } }).then(
      () => true,
      () => false,
    );
    for (let step = 0; step < turn; step++) await null;
    const sealing = house.gate.core.entrust(undefined);
    const done = await change;
    await sealing;
    await house.unseal();
    assert.deepEqual((await house.describe(key)).tags, done ? { t: '1' } : {});
    await house.assertLedgerVerifies();
  }
});

test('no use stands behind the line of the sealing', async () => {
  for (let turn = 0; turn < 12; turn++) {
    const house = await House.open();
    const key = await house.key();
    await house.encrypt(key, 'warm');
    const uses = Array.from({ length: 8 }, async (_, i) => {
      for (let step = 0; step < i; step++) await null;
      await house.encrypt(key, 'x').catch(() => undefined);
    });
    for (let step = 0; step < turn; step++) await null;
    const sealing = house.perform({ kind: 'seal' });
    const late = Array.from({ length: 8 }, () => house.encrypt(key, 'late').catch(() => undefined));
    await Promise.all([sealing, ...uses, ...late]);
    const entries = await house.entries();
    const at = entries.findIndex(({ action, outcome }) => action === 'seal' && outcome === 'ok');
    assert.ok(at > 0);
    assert.deepEqual(
      entries.slice(at + 1).filter(({ outcome }) => outcome === 'ok'),
      [],
      `turn ${turn}`,
    );
  }
});

test('sealing does not wait for the callers that come after it', async () => {
  const house = await House.open();
  const key = await house.key();
  house.store.slowness = 1;
  let ended = false;
  // Four waves out of step, so that the disk is never idle.
  const using = Array.from({ length: 32 }, async (_, i) => {
    await later(i % 4);
    while (!ended) await house.encrypt(key, 'x').catch(() => {});
  });
  await later(10);
  const sealed = house.perform({ kind: 'seal' }).then(() => 'sealed');
  const answer = await Promise.race([sealed, later(2000).then(() => 'waits for ever')]);
  ended = true;
  await Promise.all(using);
  assert.equal(answer, 'sealed');
  await house.unseal();
  assert.ok(await house.describe(key));
  await house.assertLedgerVerifies();
});

test('checkpoints asked for all at once, amid other work, disturb nobody', async () => {
  const house = await House.open();
  const key = await house.key();
  house.store.slowness = 1;
  const work = Array.from({ length: 40 }, async (_, i) => {
    await later(i % 7);
    return i % 2 === 0
      ? house.perform({ kind: 'read-checkpoint' })
      : house.perform({ kind: 'tag-key', key: byId(await house.key()), tags: { t: `${i}` } });
  });
  const settled = await Promise.allSettled(work);
  assert.deepEqual(
    settled.filter(({ status }) => status === 'rejected'),
    [],
  );
  assert.ok(await house.describe(key));
  await house.assertLedgerVerifies();
  const next = await house.reopen();
  await next.unseal();
});

test('two unsealings at once open one server, and what is written between them holds', async () => {
  const house = await House.open();
  const key = await house.key();
  await house.perform({ kind: 'seal' });
  let openings = 0;
  house.whileOpening = async () => {
    // The second one to come has read the state, and then is late.
    if (++openings === 2) await later(30);
  };
  const both = Promise.allSettled([house.unseal(), house.unseal()]);
  await later(15);
  await house.perform({ kind: 'tag-key', key: byId(key), tags: { t: '1' } }).catch(() => undefined);
  await both;
  const { tags } = await house.describe(key);
  await house.perform({ kind: 'tag-key', key: byId(key), tags: { u: '2' } });
  const next = await house.reopen();
  await next.unseal();
  assert.deepEqual((await next.describe(key)).tags, { ...tags, u: '2' });
});
