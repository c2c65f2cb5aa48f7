import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Principal } from '#domain/domain.ts';
import { Doors } from './testing/doors.ts';
import { byToken, House, refused } from './testing/house.ts';
import { Throttle } from './throttle.ts';

const person = (name: string, realm = '1'): Principal => ({ realm, name, kind: 'person', groups: [], credential: 'c' });

/** How many of `count` requests at one time are admitted. */
function admitted(throttle: Throttle, principal: Principal, now: number, count: number): number {
  let some = 0;
  for (let i = 0; i < count; i++) {
    try {
      throttle.admit(principal, now);
      some++;
    } catch {
      // Counted by its absence.
    }
  }
  return some;
}

test('a principal gets its rate, and what it left of the last second', () => {
  const throttle = new Throttle({ principal: 10 });
  const alice = person('alice');
  assert.equal(admitted(throttle, alice, 1_000, 50), 10);
  assert.equal(admitted(throttle, alice, 1_050, 50), 0);
  assert.equal(admitted(throttle, alice, 1_100, 50), 1);
  assert.equal(admitted(throttle, alice, 1_600, 50), 5);
  assert.equal(admitted(throttle, alice, 60_000, 50), 10);
  // A clock that is set back gives nothing away.
  assert.equal(admitted(throttle, alice, 5_000, 50), 0);
  assert.equal(admitted(throttle, alice, 60_100, 50), 1);
});

test('shares are apart by name and realm, and a realm may have a share of its own', () => {
  const throttle = new Throttle({ principal: 10, realm: 15 });
  assert.equal(admitted(throttle, person('alice'), 0, 50), 10);
  assert.equal(admitted(throttle, person('bob'), 0, 50), 5);
  assert.equal(admitted(throttle, person('alice', '2'), 0, 50), 10);
  assert.equal(admitted(new Throttle({}), person('alice'), 0, 5000), 5000);
});

test('the jobs of the server are not held up', () => {
  const throttle = new Throttle({ principal: 1, realm: 1 });
  assert.equal(admitted(throttle, { ...person('scheduler', ''), kind: 'system' }, 0, 50), 50);
});

test('many names don’t stay in memory once their shares are full again', () => {
  const throttle = new Throttle({ principal: 2 });
  for (let i = 0; i < 20_000; i++) throttle.admit(person(`p${i}`), i * 10);
  // Whoever is still in debt is remembered.
  assert.equal(admitted(throttle, person('p19999'), 199_990, 5), 1);
});

test('what is over the share is refused at every door, and costs one line a minute with the number', async () => {
  const house = await House.open({ rates: { principal: 20 } });
  const doors = new Doors(house);
  const key = await house.key({ name: 'k' });
  house.now += 1000;
  const from = house.ledgerSize;
  for (let i = 0; i < 20; i++) await house.encrypt(key, 'x');
  assert.equal(house.ledgerSize - from, 20);
  await refused('throttled', house.encrypt(key, 'x'));
  const aws = await doors.aws('DescribeKey', { KeyId: key.id });
  assert.equal(aws.status, 400);
  assert.equal((aws.json as { __type?: string }).__type, 'ThrottlingException');
  assert.equal((await doors.aws('DescribeKey', { KeyId: 7 })).status, 400);
  assert.equal((await doors.vault('GET', 'transit/keys/k')).status, 429);
  assert.equal((await doors.native('GET', '/keys')).status, 429);
  assert.equal((await doors.native('GET', '/metrics')).status, 429);
  assert.equal(house.ledgerSize - from, 21);
  const other = await house
    .perform({ kind: 'list-keys', after: '', limit: 1 }, byToken(house.first))
    .catch((error) => error.code);
  assert.equal(other, 'throttled');

  house.now += 60_000;
  await house.gate.core.coalesced.flush(house.now);
  const lines = (await house.entries(from + 20)).map(({ outcome, principal, summary }) => [
    outcome,
    principal,
    summary,
  ]);
  assert.deepEqual(lines, [
    ['throttled', 'founder', undefined],
    ['throttled', 'founder', '6 refusals of this minute'],
  ]);
  await house.assertLedgerVerifies();
});

test('failed logins of one network have a thousand lines in a minute, and one more that counts the others', async () => {
  const house = await House.open();
  const stranger = { kind: 'token', token: 'clv.nobody' } as const;
  const knock = (peer: string) =>
    refused(
      'invalid-proof',
      house.gate.perform(stranger, { kind: 'list-keys', after: '', limit: 1 }, { ...house.origin(), peer }),
    );
  const from = house.ledgerSize;
  for (let i = 0; i < 1200; i++) await knock(`[2001:db8:1:2::${i.toString(16)}]:${i + 1}`);
  await knock('[2001:db8:1:3::1]:7');
  await knock('203.0.113.9:7');
  assert.equal(house.ledgerSize - from, 1002);
  house.now += 60_000;
  await knock('203.0.113.9:8');
  await house.gate.core.coalesced.flush(house.now, true);
  const entries = await house.entries(from);
  assert.equal(entries.length, 1004);
  assert.deepEqual(
    entries.filter(({ summary }) => summary !== undefined).map(({ peer, summary }) => [peer, summary]),
    [['[2001:db8:1:2::3e8]:1001', '200 refusals of this minute']],
  );
});

test('a refusal is not merely counted where the ledger can’t be written', async () => {
  const house = await House.open({ rates: { principal: 5 } });
  const key = await house.key();
  house.now += 1000;
  for (let i = 0; i < 5; i++) await house.encrypt(key, 'x');
  await refused('throttled', house.encrypt(key, 'x'));
  house.store.broken = 'unavailable';
  await refused('audit-unavailable', house.perform({ kind: 'create-key' } as never, { kind: 'none' }));
  await refused('audit-unavailable', house.encrypt(key, 'x'));
  house.store.broken = undefined;
});
