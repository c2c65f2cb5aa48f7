import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { openPublicKey, randomUuid, rsaEncrypt } from '#crypto/crypto.ts';
import type { Key } from '#domain/domain.ts';
import { byId, byToken, House, plain, refused } from '../gate/testing/house.ts';
import { startJobs } from './jobs.ts';

const day = 24 * 60 * 60 * 1000;
const scheduler = { kind: 'system', name: 'scheduler' } as const;
const run = (house: House) => house.perform({ kind: 'run-schedule' }, scheduler);

const lines = async (house: House, from: number) =>
  (await house.entries(from)).map(({ action, principal, outcome, key }) => [action, principal, outcome, key]);

test('a rotation that is due happens by the clock, with a line of its own', async () => {
  const house = await House.open();
  const key = await house.key({ rotationPeriodDays: 30 });
  const { ciphertext } = await house.encrypt(key, 'before');
  house.now += 30 * day - 1;
  assert.deepEqual(await run(house), { rotated: 0, destroyed: 0, forgotten: 0 });
  house.now += 1;
  const size = house.ledgerSize;
  assert.deepEqual(await run(house), { rotated: 1, destroyed: 0, forgotten: 0 });
  assert.deepEqual(await lines(house, size), [
    ['rotate-key', 'scheduler', 'ok', key.id],
    ['run-schedule', 'scheduler', 'ok', undefined],
  ]);
  const after = await house.describe(key);
  assert.deepEqual(
    [after.current.version, after.rotation!.nextAt, after.onDemandRotations],
    [2, house.now + 30 * day, 0],
  );
  assert.equal(await house.decrypt(after, ciphertext), 'before');
  assert.deepEqual(await run(house), { rotated: 0, destroyed: 0, forgotten: 0 });
});

test('a rotation that was missed for years happens once', async () => {
  const house = await House.open();
  const key = await house.key({ rotationPeriodDays: 1 });
  house.now += 1000 * day;
  assert.equal((await run(house)).rotated, 1);
  assert.equal((await house.describe(key)).current.version, 2);
});

test('a key is destroyed when its waiting period is over, not before, and never if it was rescued', async () => {
  const house = await House.open();
  const [doomed, rescued] = [await house.key({ name: 'doomed' }), await house.key()];
  for (const key of [doomed, rescued]) await house.perform({ kind: 'schedule-destruction', key: byId(key), days: 7 });
  house.now += 7 * day - 1;
  assert.equal((await run(house)).destroyed, 0);
  await house.perform({ kind: 'cancel-destruction', key: byId(rescued) });
  house.now += 1;
  const size = house.ledgerSize;
  assert.deepEqual(await run(house), { rotated: 0, destroyed: 1, forgotten: 0 });
  assert.deepEqual((await lines(house, size))[0], ['destroy-key', 'scheduler', 'ok', doomed.id]);
  await refused('not-found', house.describe(doomed));
  assert.equal((await house.describe(rescued)).enabled, false);
  const row = (await house.list('key')).find(({ id }) => id.endsWith(doomed.id))!;
  assert.doesNotMatch(Buffer.from(row.body).toString(), /wrapped/);
});

test('more that is due than fits one page is done in one run', async () => {
  const house = await House.open();
  for (let i = 0; i < 230; i++) await house.key({ rotationPeriodDays: 1 + (i % 3) });
  house.now += 3 * day;
  assert.equal((await run(house)).rotated, 230);
  assert.equal((await run(house)).rotated, 0);
  await house.assertLedgerVerifies();
});

test('what fails is recorded, stops nothing else, and is tried again', async () => {
  const house = await House.open();
  const [sick, well] = [await house.key({ rotationPeriodDays: 1 }), await house.key({ rotationPeriodDays: 2 })];
  house.now += 2 * day;
  const { read } = house.store;
  house.store.read = async (kind, id) => {
    const row = await read.call(house.store, kind, id);
    // The row was altered behind the back of the server.
    return kind === 'key' && id.endsWith(sick.id) && row ? { ...row, mac: new Uint8Array(32) } : row;
  };
  const next = await house.reopen();
  next.now = house.now;
  await next.unseal();
  const size = next.ledgerSize;
  assert.equal((await run(next)).rotated, 1);
  assert.deepEqual(await lines(next, size), [
    ['rotate-key', 'scheduler', 'tampered', sick.id],
    ['rotate-key', 'scheduler', 'ok', well.id],
    ['run-schedule', 'scheduler', 'ok', undefined],
  ]);
  house.store.read = read;
  assert.equal((await run(next)).rotated, 1);
});

test('what is over is forgotten: tokens, grants, and signatures past their window', async () => {
  const house = await House.open();
  await house.hire('guest', 'auditor', { ttl: day });
  const { token } = await house.perform({ kind: 'create-token', ttl: day });
  await house.perform({
    ...{ kind: 'create-grant', grantee: { kind: 'principal', name: 'guest' }, role: 'key-user', ttl: day },
    scope: { kind: 'realm' },
  });
  const before = (await house.list('credential')).length;
  assert.equal((await run(house)).forgotten, 0);
  house.now += day;
  assert.equal((await run(house)).forgotten, 4);
  assert.equal((await house.list('credential')).length, before - 3);
  await refused(
    'invalid-proof',
    house.perform({ kind: 'hash', hash: 'sha256', input: plain('x') }, byToken({ token })),
  );
  const next = await house.reopen();
  await next.unseal();
});

test('nobody but the server itself runs the schedule', async () => {
  const house = await House.open();
  await refused('denied', house.perform({ kind: 'run-schedule' }));
  await refused('unauthenticated', house.perform({ kind: 'run-schedule' }, { kind: 'none' }));
  await refused('denied', house.perform({ kind: 'list-keys', after: '', limit: 1 }, scheduler));
});

function timed(t: TestContext, house: House, failures: unknown[]) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const jobs = startJobs(house.gate, { newRequestId: randomUuid, onFailure: (error) => failures.push(error) });
  return { jobs, minute: () => t.mock.timers.tick(60_000) };
}

test('the clockwork asks at its start and every minute, and rests while the server is sealed', async (t) => {
  const house = await House.open();
  const failures: unknown[] = [];
  const key = await house.key({ rotationPeriodDays: 1 });
  const { jobs, minute } = timed(t, house, failures);
  const runs = async () => (await house.entries()).filter(({ action }) => action === 'run-schedule').length;
  const settled = async () => {
    for (let i = 0; i < 30; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  await settled();
  assert.equal(await runs(), 1);
  house.now += day;
  minute();
  await settled();
  assert.equal(await runs(), 2);
  assert.equal((await house.describe(key)).current.version, 2);
  await house.perform({ kind: 'seal' });
  const size = house.ledgerSize;
  minute();
  await settled();
  assert.equal(house.ledgerSize, size);
  await house.unseal();
  house.store.broken = 'storage-full';
  minute();
  await settled();
  assert.equal(failures.length, 1);
  house.store.broken = undefined;
  minute();
  await settled();
  assert.equal(await runs(), 3);
  await jobs.stop();
  minute();
  await settled();
  assert.equal(await runs(), 3);
});

test('a run that takes longer than a minute is not overtaken, and stopping waits for it', async (t) => {
  const house = await House.open();
  const { jobs, minute } = timed(t, house, []);
  house.store.hold();
  for (let i = 0; i < 5; i++) minute();
  let stopped = false;
  const stopping = jobs.stop().then(() => {
    stopped = true;
  });
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(stopped, false);
  house.store.release();
  await stopping;
  assert.equal((await house.entries()).filter(({ action }) => action === 'run-schedule').length, 1);
});

describe('imported material', () => {
  const material = new Uint8Array(32).fill(9);

  async function imported(house: House, expiresAt: number): Promise<Key> {
    const key = await house.key({ origin: 'external' });
    const { token, wrappingKey } = await house.perform({
      ...{ kind: 'get-import-parameters', key: byId(key), wrapping: 'rsa-oaep-sha256', wrappingSpec: 'rsa-2048' },
    });
    const wrapped = rsaEncrypt(openPublicKey('rsa-2048', wrappingKey), 'rsa-oaep-sha256', material);
    const answer = await house.perform({ kind: 'import-key-material', key: byId(key), token, wrapped, expiresAt });
    return answer.key;
  }

  test('is erased when it ends, with a line of its own, and is of no use a moment earlier', async () => {
    const house = await House.open();
    const key = await imported(house, house.now + day);
    const { ciphertext } = await house.encrypt(key, 'until then');
    house.now += day - 1;
    await run(house);
    assert.equal(await house.decrypt(key, ciphertext), 'until then');
    house.now += 1;
    await refused('invalid-state', house.decrypt(key, ciphertext));
    const size = house.ledgerSize;
    await run(house);
    assert.deepEqual((await lines(house, size))[0], ['delete-imported-material', 'scheduler', 'ok', key.id]);
    const row = (await house.list('key')).find(({ id }) => id.endsWith(key.id))!;
    assert.doesNotMatch(Buffer.from(row.body).toString(), /wrapped/);
    const again = house.ledgerSize;
    await run(house);
    assert.equal((await lines(house, again)).length, 1, 'once');
  });

  test('that ends after its key was to be destroyed is gone with it', async () => {
    const house = await House.open();
    const key = await imported(house, house.now + 8 * day);
    await house.perform({ kind: 'schedule-destruction', key: byId(key), days: 7 });
    house.now += 9 * day;
    const size = house.ledgerSize;
    await run(house);
    assert.deepEqual(await lines(house, size), [
      ['destroy-key', 'scheduler', 'ok', key.id],
      ['run-schedule', 'scheduler', 'ok', undefined],
    ]);
  });
});
