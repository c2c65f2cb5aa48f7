import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { KmsError } from '#domain/domain.ts';
import { Attempts } from './attempts.ts';
import { House, passphrase, plain, refused } from './testing/house.ts';

const wrong = () => Promise.reject(new KmsError('invalid-unseal', 'wrong'));
const right = () => Promise.resolve('open');

test('each wrong passphrase from the fifth on doubles the wait of its network, and the right one ends it', async () => {
  const attempts = new Attempts();
  let now = 1_000_000;
  const take = (act: () => Promise<unknown>, peer = '192.0.2.1:5') => attempts.take(peer, () => now, act);
  for (let i = 0; i < 5; i++) await refused('invalid-unseal', take(wrong));
  for (const wait of [1000, 2000, 4000]) {
    await refused('throttled', take(right));
    now += wait - 1;
    await refused('throttled', take(right));
    now += 1;
    await refused('invalid-unseal', take(wrong));
  }
  // Others are not held up, other ports are no others.
  assert.equal(await take(right, '192.0.2.2:5'), 'open');
  await refused('throttled', take(right, '192.0.2.1:99'));
  now += 60_000;
  assert.equal(await take(right), 'open');
  for (let i = 0; i < 4; i++) await refused('invalid-unseal', take(wrong));
  assert.equal(await take(right), 'open');
});

test('the wait is never longer than a minute', async () => {
  const attempts = new Attempts();
  let now = 0;
  for (let i = 0; i < 20; i++) {
    await refused(
      'invalid-unseal',
      attempts.take('192.0.2.1:5', () => now, wrong),
    );
    now += 60_000;
  }
});

test('one is tried at a time, and more than a few don’t wait for it', async () => {
  const attempts = new Attempts();
  let running = 0;
  let most = 0;
  const slow = async () => {
    most = Math.max(most, ++running);
    await turn();
    running--;
    return 'open';
  };
  const all = await Promise.allSettled(
    Array.from({ length: 20 }, (_, i) => attempts.take(`192.0.2.${i}:1`, () => 0, slow)),
  );
  assert.equal(most, 1);
  assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 8);
  assert.equal(await attempts.take('192.0.2.1:1', () => 0, slow), 'open');
});

test('a server that is being guessed at stays open to who knows, and its ledger does not fill', async () => {
  const house = await House.open();
  await house.perform({ kind: 'seal' });
  const size = house.ledgerSize;
  const guess = (peer: string, text: string) =>
    house.gate.perform({ kind: 'none' }, { kind: 'unseal', passphrase: plain(text) }, { ...house.origin(), peer });
  for (let i = 0; i < 5; i++) await refused('invalid-unseal', guess('198.51.100.7:1', `guess ${i}`));
  for (let i = 0; i < 50; i++) await refused('throttled', guess('198.51.100.7:1', `guess ${i}`));
  assert.equal(house.ledgerSize, size + 6);
  await guess('127.0.0.1:1', passphrase);
  assert.equal(house.gate.status().sealed, false);
  // An unsealed server says so without trying anything.
  const asked = { kind: 'unseal', passphrase: plain('wrong'), ifSealed: true } as const;
  assert.equal((await house.perform(asked, { kind: 'none' })).sealed, false);
});
