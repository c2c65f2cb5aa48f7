import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Proof, Result } from '#domain/domain.ts';
import { Doors } from './testing/doors.ts';
import { byToken, House, passphrase, plain, refused, textOf } from './testing/house.ts';

const nobody: Proof = { kind: 'none' };
const rootToken = { ceremony: 'root-token' } as const;
const rekey = { ceremony: 'rekey' } as const;

const start = (house: House, verified = false) => house.perform({ kind: 'start-ceremony', ...rekey, verified });
const feed = (house: House, nonce: string, given: string, more: { verification?: true } = {}) =>
  house.perform({ kind: 'feed-ceremony', ...rekey, nonce, passphrase: plain(given), ...more });

/** Whether a start of the server would be opened by it. */
async function opensBy(house: House, given: string): Promise<boolean> {
  try {
    const started = await house.reopen();
    (await started.gate.core.options.open({ secret: plain(given) }))!.dispose();
    return true;
  } catch (error) {
    assert.equal((error as { code: string }).code, 'invalid-unseal');
    return false;
  }
}

test('a root token is the asking identity’s own, an orphan with policy root, hidden under the one-time pad', async () => {
  const house = await House.open({ mode: 'production' });
  const doors = new Doors(house);
  const begun = (await doors.vault('POST', 'sys/generate-root/attempt', {})).json as unknown as {
    nonce: string;
    otp: string;
    otp_length: number;
  };
  assert.equal(begun.otp.length, begun.otp_length);
  const fed = await doors.vault('POST', 'sys/generate-root/update', { key: passphrase, nonce: begun.nonce });
  const { encoded_token, otp } = fed.json as unknown as { encoded_token: string; otp: string };
  assert.equal(otp, '');
  const bytes = Buffer.from(encoded_token, 'base64').map((byte, i) => byte ^ begun.otp.charCodeAt(i));
  const token = Buffer.from(bytes).toString();
  const answer = await doors.vault('GET', 'auth/token/lookup-self', undefined, token);
  const { data: shown } = answer.json as unknown as {
    data: { orphan: boolean; policies: readonly string[]; meta: { identity: string } };
  };
  assert.deepEqual([shown.orphan, shown.policies, shown.meta.identity], [true, ['root'], 'founder']);
  // It may do what the identity's grants say, and no more.
  assert.equal((await doors.vault('POST', 'transit/keys/mine', {}, token)).status, 403);
  await refused(
    'invalid-parameter',
    house.perform({ kind: 'feed-ceremony', ...rootToken, nonce: begun.nonce, passphrase: plain(passphrase) }),
  );
  const line = (await house.entries()).find(({ summary }) => summary?.includes('by root generation'));
  assert.equal(line?.principal, 'founder');
});

test('only a security officer of the first realm starts, sees, feeds or cancels a ceremony', async () => {
  const house = await House.open({ mode: 'production' });
  const others = [
    await house.hire('admin', 'key-administrator'),
    await house.hire('user', 'key-user'),
    await house.hire('auditor', 'auditor'),
    await house.hire('abroad', 'security-officer', { realm: 'elsewhere' }),
  ];
  const { nonce } = await start(house);
  for (const set of others) {
    const proof = byToken(set);
    const command = { ...rekey, passphrase: plain(passphrase), nonce };
    await refused('denied', house.perform({ kind: 'start-ceremony', ...rootToken }, proof));
    await refused('denied', house.perform({ kind: 'read-ceremony', ...rekey }, proof));
    await refused('denied', house.perform({ kind: 'feed-ceremony', ...command }, proof));
    await refused('denied', house.perform({ kind: 'cancel-ceremony', ...rekey }, proof));
  }
  await refused('unauthenticated', house.perform({ kind: 'cancel-ceremony', ...rekey }, nobody));
  assert.equal((await house.perform({ kind: 'read-ceremony', ...rekey })).started, true);
  // Another officer may go on with it.
  const second = byToken(await house.hire('second', 'security-officer'));
  const fed = await house.perform({ kind: 'feed-ceremony', ...rekey, passphrase: plain(passphrase), nonce }, second);
  assert.equal(fed.complete, true);
});

test('one of each kind at a time, by its nonce, until it is cancelled, the server is sealed or started again', async () => {
  const house = await House.open({ mode: 'production' });
  const { nonce } = await start(house);
  await refused('invalid-parameter', start(house));
  await refused('invalid-parameter', feed(house, 'another', passphrase));
  await house.perform({ kind: 'start-ceremony', ...rootToken });
  await house.perform({ kind: 'cancel-ceremony', ...rekey });
  await house.perform({ kind: 'cancel-ceremony', ...rekey });
  await refused('invalid-parameter', feed(house, nonce, passphrase));
  const second = await start(house);
  assert.notEqual(second.nonce, nonce);
  await house.perform({ kind: 'seal' });
  await refused('sealed', feed(house, second.nonce, passphrase));
  await house.unseal();
  assert.deepEqual(await house.perform({ kind: 'read-ceremony', ...rekey }), { started: false, nonce: '' });
  await refused('invalid-parameter', feed(house, second.nonce, passphrase));
  assert.equal(await opensBy(house, passphrase), true);
});

test('a new passphrase opens the seal from when it is answered, the former until the new one has been used', async () => {
  const house = await House.open({ mode: 'production' });
  const key = textOf((await feed(house, (await start(house)).nonce, passphrase)).passphrase!);
  assert.match(key, /^[0-9a-f]{64}$/);
  assert.equal(await opensBy(house, passphrase), true);
  assert.equal(await opensBy(house, 'neither of both'), false);
  assert.equal(await opensBy(house, key), true);
  assert.equal(await opensBy(house, passphrase), false);
  assert.equal(await opensBy(house, key), true);
});

test('a lost answer leaves the passphrase that there was, which makes another new one', async () => {
  const house = await House.open({ mode: 'production' });
  const lost = textOf((await feed(house, (await start(house)).nonce, passphrase)).passphrase!);
  const again = textOf((await feed(house, (await start(house)).nonce, passphrase)).passphrase!);
  assert.equal(await opensBy(house, lost), false);
  assert.equal(await opensBy(house, passphrase), true);
  assert.equal(await opensBy(house, again), true);
  assert.equal(await opensBy(house, passphrase), false);
});

test('with verification the new passphrase is in force once it was given back, and the former is not any more', async () => {
  const house = await House.open({ mode: 'production' });
  const made = await feed(house, (await start(house, true)).nonce, passphrase);
  const key = textOf(made.passphrase!);
  assert.equal(await opensBy(house, key), false);
  await refused('invalid-unseal', feed(house, made.verificationNonce!, passphrase, { verification: true }));
  await refused('invalid-parameter', feed(house, made.nonce, key, { verification: true }));
  const restarted = await house.perform({ kind: 'cancel-ceremony', ...rekey, verification: true });
  await refused('invalid-parameter', feed(house, made.verificationNonce!, key, { verification: true }));
  assert.equal(await opensBy(house, passphrase), true);
  await feed(house, restarted.verificationNonce!, key, { verification: true });
  assert.equal(await opensBy(house, passphrase), false);
  assert.equal(await opensBy(house, key), true);
  const said = (await house.entries()).map(({ summary }) => summary ?? '').filter((summary) => /rekey/.test(summary));
  assert.ok(said.some((summary) => /not in force yet/.test(summary)));
  assert.ok(said.some((summary) => /in force, by rekey/.test(summary)));
});

test('without its line a step of a ceremony is not taken, and the former passphrase stays', async () => {
  const house = await House.open({ mode: 'production' });
  house.store.broken = 'storage-full';
  await refused('storage-full', start(house));
  house.store.broken = undefined;
  const { nonce } = await start(house, true);
  house.store.broken = 'storage-full';
  await refused('storage-full', feed(house, nonce, passphrase));
  house.store.broken = undefined;
  const made = await feed(house, nonce, passphrase);
  const key = textOf(made.passphrase!);
  house.store.broken = 'storage-full';
  await refused('storage-full', feed(house, made.verificationNonce!, key, { verification: true }));
  house.store.broken = undefined;
  assert.equal(await opensBy(house, passphrase), true);
  await feed(house, made.verificationNonce!, key, { verification: true });
  assert.equal(await opensBy(house, passphrase), false);
});

test('of two that go on with a ceremony at once one does', async () => {
  const house = await House.open({ mode: 'production' });
  const { nonce } = await house.perform({ kind: 'start-ceremony', ...rootToken });
  const both = await Promise.allSettled(
    [1, 2].map(() => house.perform({ kind: 'feed-ceremony', ...rootToken, nonce, passphrase: plain(passphrase) })),
  );
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  const tokens = await house.list('credential');
  assert.equal(tokens.filter(({ body }) => Buffer.from(body).includes('auth/token/root')).length, 1);
});

test('what somebody is going on with is not cancelled, and ends none that begins after it', async () => {
  const house = await House.open({ mode: 'production' });
  const made = await feed(house, (await start(house, true)).nonce, passphrase);
  const key = textOf(made.passphrase!);
  const verifying = feed(house, made.verificationNonce!, key, { verification: true });
  await Promise.all([
    refused('throttled', house.perform({ kind: 'cancel-ceremony', ...rekey })),
    refused('throttled', house.perform({ kind: 'cancel-ceremony', ...rekey, verification: true })),
    verifying,
  ]);
  assert.deepEqual(await house.perform({ kind: 'cancel-ceremony', ...rekey }), { started: false, nonce: '' });
  const { nonce } = await house.perform({ kind: 'start-ceremony', ...rootToken });
  const feeding = house.perform({ kind: 'feed-ceremony', ...rootToken, nonce, passphrase: plain(key) });
  await Promise.all([
    refused('throttled', house.perform({ kind: 'cancel-ceremony', ...rootToken })),
    feeding.then(({ complete }) => assert.equal(complete, true)),
  ]);
});

test('a step that a sealing overtakes writes nothing', async () => {
  const house = await House.open({ mode: 'production' });
  const { nonce } = await start(house);
  const genuine = house.seal.text;
  // Somebody tries his before it.
  const sealing = house.gate.core.attempts.take('192.0.2.1:1', house.clock, () => house.perform({ kind: 'seal' }));
  await refused('sealed', feed(house, nonce, passphrase));
  await sealing;
  assert.equal(house.seal.text, genuine);
});

test('a seal that somebody put in its place does not prove anything', async () => {
  const house = await House.open({ mode: 'production' });
  const forged = (await House.open()).seal.text;
  const { nonce } = await house.perform({ kind: 'start-ceremony', ...rootToken });
  const genuine = house.seal.text;
  house.seal.write(forged);
  const fed = () => house.perform({ kind: 'feed-ceremony', ...rootToken, nonce, passphrase: plain(passphrase) });
  await refused('invalid-unseal', fed());
  house.seal.write(genuine);
  const result: Result<'feed-ceremony'> = await fed();
  assert.equal(result.complete, true);
});
