import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Key } from '#domain/domain.ts';
import { toBase64 } from '#encoding/encoding.ts';
import { Doors } from './testing/doors.ts';
import { byId, byToken, House, plain, refused, startTime } from './testing/house.ts';

const lastUse = async (house: House, key: Key) =>
  (await house.perform({ kind: 'read-last-use', key: byId(key) })).lastUse;

const schedule = (house: House) =>
  house.gate.perform(
    { kind: 'system', name: 'scheduler' },
    { kind: 'run-schedule' },
    { protocol: 'job', operation: 'schedule', peer: '', requestId: 'job' },
  );

test('a key tells when it was last used, by what and by which request', async () => {
  const house = await House.open();
  const key = await house.key();
  assert.equal(await lastUse(house, key), undefined);
  const origin = house.origin('some operation');
  house.now += 5000;
  await house.gate.perform(
    house.proof,
    { kind: 'encrypt', key: byId(key), plaintext: plain('p'), context: {}, scheme: 'natural' },
    origin,
  );
  const used = {
    at: startTime + 5000,
    action: 'encrypt',
    protocol: 'test',
    operation: 'some operation',
    requestId: origin.requestId,
  };
  assert.deepEqual(await lastUse(house, key), used);
  // Neither looking at it, nor what is refused, nor another key's use is a use.
  house.now += 5000;
  await house.describe(key);
  await refused(
    'invalid-parameter',
    house.encrypt(key, 'x', {
      context: {
        pairs: [
          ['a', '1'],
          ['a', '2'],
        ],
      },
    }),
  );
  await house.encrypt(await house.key(), 'other');
  await refused('dry-run', house.encrypt(key, 'x', { dryRun: true }));
  assert.deepEqual(await lastUse(house, key), used);
});

test('a verification counts where it says yes, and re-encryption uses both keys', async () => {
  const house = await House.open();
  const signing = await house.key({ spec: 'ec-p256', usages: ['sign'] });
  const scheme = { family: 'ecdsa', hash: 'sha256' } as const;
  const message = plain('m');
  const verify = (signature: Uint8Array) =>
    house.perform({ kind: 'verify', key: byId(signing), message, messageType: 'raw', scheme, context: {}, signature });
  await verify(new Uint8Array(64));
  assert.equal(await lastUse(house, signing), undefined);

  const [source, target] = [await house.key(), await house.key()];
  const { ciphertext } = await house.encrypt(source, 'text');
  house.now += 1000;
  await house.perform({
    ...{ kind: 're-encrypt', source: byId(source), target: byId(target), ciphertext, sourceContext: {} },
    ...{ targetContext: {}, sourceScheme: 'natural', targetScheme: 'natural' },
  });
  for (const at of ['memory', 'ledger']) {
    const asked = at === 'memory' ? house : await restarted(house);
    for (const key of [source, target]) {
      const use = await lastUse(asked, key);
      assert.deepEqual([use?.action, use?.at], ['re-encrypt', startTime + 1000], at);
    }
    assert.equal(await lastUse(asked, signing), undefined, at);
  }
});

async function restarted(house: House): Promise<House> {
  const next = await house.reopen();
  await next.unseal();
  return next;
}

test('what was used since the last writing is known after a restart, and what was written is not read again', async () => {
  const house = await House.open();
  const [early, late, never] = [await house.key(), await house.key(), await house.key()];
  await house.encrypt(early, 'x');
  await house.encrypt(late, 'x');
  const first = await lastUse(house, early);
  house.now += 60_000;
  await schedule(house);
  assert.equal((await house.list('last-use')).length, 2);
  assert.deepEqual(await lastUse(house, early), first);
  house.now += 1000;
  await house.encrypt(late, 'y');
  const second = await lastUse(house, late);
  assert.equal(second?.at, house.now);

  const next = await restarted(house);
  assert.deepEqual(await lastUse(next, early), first);
  assert.deepEqual(await lastUse(next, late), second);
  assert.equal(await lastUse(next, never), undefined);
  await schedule(next);
  assert.equal((await next.list('last-use')).length, 2);
  const third = await restarted(next);
  assert.deepEqual(await lastUse(third, late), second);
});

test('uses beyond one transaction are written in several, and a disk that fails loses none of them', async () => {
  const house = await House.open({ capacity: 2000 });
  const key = await house.key();
  const others: Key[] = [];
  for (let i = 0; i < 600; i++) others.push(await house.key());
  for (const one of [key, ...others]) await house.encrypt(one, 'x');
  house.store.broken = 'storage-full';
  await assert.rejects(schedule(house));
  house.store.broken = undefined;
  house.now += 1000;
  await house.encrypt(key, 'y');
  const commits = house.store.commits;
  await schedule(house);
  assert.ok(house.store.commits - commits >= 2);
  assert.equal((await house.list('last-use')).length, 601);
  assert.equal((await lastUse(house, key))?.at, house.now);
  assert.equal((await lastUse(house, others[7]!))?.at, startTime);
});

test('a sealed and unsealed server still knows', async () => {
  const house = await House.open();
  const key = await house.key();
  await house.encrypt(key, 'x');
  const use = await lastUse(house, key);
  await house.perform({ kind: 'seal' });
  await house.unseal();
  assert.deepEqual(await lastUse(house, key), use);
});

test('the AWS door tells it in the words of AWS, whatever door the key was used through', async () => {
  const house = await House.open();
  const doors = new Doors(house);
  const key = await house.key({ name: 'payments' });
  const ask = async () => (await doors.aws('GetKeyLastUsage', { KeyId: key.id })).json as Record<string, unknown>;
  assert.deepEqual(await ask(), {
    KeyId: key.id,
    KeyLastUsage: {},
    TrackingStartDate: startTime / 1000,
    KeyCreationDate: startTime / 1000,
  });
  const operation = async () => ((await ask()).KeyLastUsage as { Operation: string }).Operation;
  await doors.aws('GenerateDataKeyWithoutPlaintext', { KeyId: key.id, KeySpec: 'AES_256' });
  assert.equal(await operation(), 'GenerateDataKeyWithoutPlaintext');
  house.now += 1;
  await doors.vault('POST', 'transit/encrypt/payments', { plaintext: toBase64(new Uint8Array(3)) });
  assert.equal(await operation(), 'Encrypt');
  const alias = await doors.aws('GetKeyLastUsage', { KeyId: 'alias/payments' });
  assert.equal(alias.status, 400);
});

test('it is told to whom the key is shown only', async () => {
  const house = await House.open();
  const key = await house.key();
  const nobody = await house.hire('nobody');
  await refused('denied', house.perform({ kind: 'read-last-use', key: byId(key) }, byToken(nobody)));
  const auditor = await house.hire('auditor', 'auditor');
  assert.equal((await house.perform({ kind: 'read-last-use', key: byId(key) }, byToken(auditor))).lastUse, undefined);
});

test('what is done to a secret’s value is a use of the key that protects it', async () => {
  const house = await House.open();
  const key = await house.key();
  const value = { form: 'text', bytes: plain('v') } as const;
  const secret = { name: 'password' };
  await house.perform({ kind: 'create-secret', ...secret, protection: byId(key), value });
  assert.equal((await lastUse(house, key))?.action, 'create-secret');
  await house.perform({ kind: 'describe-secret', secret });
  assert.equal((await lastUse(house, key))?.action, 'create-secret');
  await house.perform({ kind: 'get-secret-value', secret });
  assert.equal((await lastUse(house, key))?.action, 'get-secret-value');
});
