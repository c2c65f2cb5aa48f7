import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { KmsError } from '#domain/domain.ts';
import { MonotoneClock } from '../clock.ts';
import { Doors, signed } from './testing/doors.ts';
import { byId, byToken, House, passphrase, plain, refused, startTime, textOf } from './testing/house.ts';

const minute = 60_000;
const day = 24 * 60 * minute;

test('a sealed server refuses everything with a line for each, and works again once unsealed', async () => {
  const house = await House.open();
  const key = await house.key();
  const { ciphertext } = await house.encrypt(key, 'kept');
  await house.perform({ kind: 'seal' });
  const size = house.ledgerSize;
  await refused('sealed', house.encrypt(key, 'x'));
  await refused('sealed', house.perform({ kind: 'list-keys', after: '', limit: 1 }, { kind: 'none' }));
  await refused('sealed', house.gate.refuse(house.proof, 'encrypt', new KmsError('malformed', 'x'), house.origin()));
  await refused('sealed', house.perform({ kind: 'read-audit', from: 0, limit: 1 }));
  await refused('sealed', house.perform({ kind: 'run-schedule' }, { kind: 'system', name: 'scheduler' }));
  assert.equal(house.ledgerSize, size + 5);
  assert.deepEqual(
    (await house.entries(size)).map(({ outcome }) => outcome),
    Array(5).fill('sealed'),
  );
  assert.equal((await house.unseal()).sealed, false);
  assert.equal(await house.decrypt(key, ciphertext), 'kept');
  await house.assertLedgerVerifies();
});

test('what opens by itself at the start does not open a server that was sealed since', async () => {
  const house = await House.open();
  await house.perform({ kind: 'seal' });
  const { core } = house.gate;
  const next = await house.reopen();
  const alone = (one: House) =>
    one.gate.core.unsealAlone(
      async () => (await one.gate.core.options.open({ secret: plain(passphrase) }))!,
      async () => {},
    );
  await refused('not-sealed', alone(house));
  assert.equal(core.sealed, true);
  await alone(next);
  assert.equal(next.gate.status().sealed, false);
});

test('a right that is taken away while it is decided on seals nothing', async () => {
  const house = await House.open({ mode: 'production' });
  const officer = byToken(await house.hire('officer', 'security-officer'));
  const { identity } = house.gate.core.rooms;
  const { grantsOf } = identity;
  let decisions = 0;
  // What was read of his rights is old by the time that it is judged.
  const slowly: typeof grantsOf = async (principal) => {
    const found = await grantsOf(principal);
    if (principal.name === 'officer' && decisions++ === 0) {
      await house.perform({ kind: 'disable-identity', name: 'officer' });
    }
    return found;
  };
  Object.assign(identity, { grantsOf: slowly });
  await refused('invalid-proof', house.perform({ kind: 'seal' }, officer));
  assert.equal(decisions, 1);
  assert.equal(house.gate.status().sealed, false);
  await house.assertLedgerVerifies();
});

test('who loses his rights while others try passphrases proves no seal', async () => {
  const house = await House.open({ mode: 'production' });
  const officer = byToken(await house.hire('officer', 'security-officer'));
  const { attempts, options } = house.gate.core;
  const renewal = await options.custody.renew({ secret: plain(passphrase) });
  renewal.keep();
  const before = house.seal.text;
  const { promise: trying, resolve: tried } = Promise.withResolvers<void>();
  const other = attempts.take('192.0.2.1:1', house.clock, () => trying);
  const proving = house.perform({ kind: 'prove-seal', name: 'main', secret: renewal.passphrase }, officer);
  const refusal = refused('invalid-proof', proving);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await house.perform({ kind: 'disable-identity', name: 'officer' });
  tried();
  await Promise.all([other, refusal]);
  assert.equal(house.seal.text, before);
});

test('a wrong passphrase opens nothing, is recorded, and does not stop the right one', async () => {
  const house = await House.open();
  await house.perform({ kind: 'seal' });
  for (const wrong of ['', 'wrong', `${passphrase} `, passphrase.toUpperCase()]) {
    await refused('invalid-unseal', house.unseal(wrong));
    assert.equal(house.gate.status().sealed, true);
  }
  const refusals = (await house.entries()).filter(({ outcome }) => outcome === 'invalid-unseal');
  assert.equal(refusals.length, 4);
  await house.unseal();
  await refused('not-sealed', house.unseal());
  await refused('not-sealed', house.unseal('wrong'));
});

test('sealed and unsealed over and over, with refusals between, the ledger verifies, also after restarts', async () => {
  let house = await House.open();
  const key = await house.key();
  for (let turn = 0; turn < 6; turn++) {
    await house.encrypt(key, `${turn}`);
    if (turn % 2 === 0) await house.perform({ kind: 'seal' });
    else house = await house.reopen();
    for (let i = 0; i <= turn; i++) await refused('sealed', house.encrypt(key, 'x'));
    await refused('invalid-unseal', house.unseal('wrong'));
    if (turn % 3 === 0) {
      house = await house.reopen();
      await refused('sealed', house.encrypt(key, 'x'));
    }
    await house.unseal();
    await house.assertLedgerVerifies();
  }
  const outcomes = (await house.entries()).map(({ outcome }) => outcome);
  assert.equal(outcomes.filter((outcome) => outcome === 'sealed').length, 1 + 2 + 3 + 4 + 5 + 6 + 2);
});

test('a ledger line of the sealed time that was altered stops the unsealing', async () => {
  const house = await House.open();
  const key = await house.key();
  await house.perform({ kind: 'seal' });
  await refused('sealed', house.encrypt(key, 'x'));
  const next = await house.reopen();
  const { ledger } = house.store;
  house.store.ledger = async (from, limit) => {
    const { blocks, checkpoints } = await ledger(from, limit);
    const altered = blocks.map((block) => {
      const text = Buffer.from(block.bytes).toString('latin1').replace('"outcome":"sealed"', '"outcome":"denied"');
      return { ...block, bytes: Buffer.from(text, 'latin1') };
    });
    return { blocks: altered, checkpoints };
  };
  await refused('tampered', next.unseal());
  assert.equal(next.gate.status().sealed, true);
  house.store.ledger = ledger;
  await next.unseal();
});

test('unsealing whose line can not be written leaves the server sealed', async () => {
  const house = await House.open();
  await house.perform({ kind: 'seal' });
  house.store.broken = 'storage-full';
  await refused('storage-full', house.unseal());
  assert.equal(house.gate.status().sealed, true);
  house.store.broken = undefined;
  await house.unseal();
});

test('sealing whose line can not be written leaves the server open', async () => {
  const house = await House.open();
  house.store.broken = 'unavailable';
  await refused('audit-unavailable', house.perform({ kind: 'seal' }));
  house.store.broken = undefined;
  assert.ok(await house.key());
});

test('the clock never goes back, whatever the machine says, and not below what the ledger knew', (t) => {
  let machine = 1_000_000;
  t.mock.method(Date, 'now', () => machine);
  const clock = new MonotoneClock(500);
  assert.equal(clock.now(), 1_000_000);
  machine -= 900_000;
  assert.equal(clock.now(), 1_000_000);
  machine = 1_000_001;
  assert.equal(clock.now(), 1_000_001);
  assert.equal(new MonotoneClock(2_000_000).now(), 2_000_000);
  mock.reset();
});

test('a clock that was set back before a restart revives no token and takes nothing due back', async () => {
  const house = await House.open();
  const { token } = await house.perform({ kind: 'create-token', ttl: minute });
  const key = await house.key({ rotationPeriodDays: 1 });
  house.now += 2 * day;
  await refused('expired-proof', house.encrypt(key, 'x', {}, byToken({ token })));
  // The head keeps the time; `assemble.ts` hands it to the clock as its floor, as here.
  const { readHead } = await import('#keyring/keyring.ts');
  const floor = readHead((await house.store.head())!)!.sealed.time;
  assert.equal(floor, house.now);
  const next = await house.reopen();
  const clock = new MonotoneClock(floor);
  const machine = Date.now;
  Date.now = () => startTime;
  try {
    next.now = clock.now();
  } finally {
    Date.now = machine;
  }
  await next.unseal();
  await refused('expired-proof', next.encrypt(key, 'x', {}, byToken({ token })));
  assert.equal((await next.gate.core.rooms.keyring.due(next.now, 5)).length, 1);
});

test('a signed mutating call is answered once, also by a server that was started again', async () => {
  const house = await House.open();
  const doors = new Doors(house);
  const unique = ['amz-sdk-invocation-id', '5b0c0e0a-1111-4222-8333-444455556666'];
  const request = signed(house.first, 'CreateKey', '{"Description":"once"}', house.now, unique);
  const keys = async (of: House) => (await of.list('key')).length;
  assert.equal((await doors.send(request)).status, 200);
  const replay = await doors.send(request);
  assert.equal(replay.status, 400);
  assert.equal((await house.entries()).at(-1)!.outcome, 'replayed');
  const next = await house.reopen();
  await next.unseal();
  assert.equal((await new Doors(next).send(request)).status, 400);
  assert.equal((await next.entries()).at(-1)!.outcome, 'replayed');
  assert.equal(await keys(next), 1);
  // Forgotten only when the signature itself is too old to be shown.
  const system = { kind: 'system', name: 'scheduler' } as const;
  for (const later of [5 * minute - 1, 1, 1, minute]) {
    next.now += later;
    await next.perform({ kind: 'run-schedule' }, system);
    assert.notEqual((await new Doors(next).send(request)).status, 200, `${next.now - startTime} ms later`);
  }
  assert.equal(await keys(next), 1);
});

test('of two equal signed calls at once one is done, and the same call signed twice is two calls', async () => {
  const house = await House.open();
  const doors = new Doors(house);
  const unique = ['amz-sdk-invocation-id', 'id-1'];
  const request = signed(house.first, 'CreateKey', '{}', house.now, unique);
  const statuses = (await Promise.all([doors.send(request), doors.send(request)])).map(({ status }) => status);
  assert.deepEqual(statuses.sort(), [200, 400]);
  // boto3 signs no id of its own: two equal calls within one second are two calls.
  const plainRequest = signed(house.first, 'CreateKey', '{}', house.now);
  for (let i = 0; i < 2; i++) assert.equal((await doors.send(plainRequest)).status, 200);
  assert.equal((await house.list('key')).length, 3);
});

test('a token ends when its time is over, and what it made ends with it', async () => {
  const house = await House.open();
  const key = await house.key();
  const parent = await house.perform({ kind: 'create-token', ttl: 10 * minute });
  const child = await house.perform({ kind: 'create-token', ttl: day }, byToken(parent));
  house.now += 10 * minute - 1;
  assert.ok(await house.encrypt(key, 'x', {}, byToken(child)));
  house.now += 1;
  for (const { token } of [parent, child])
    await refused('expired-proof', house.encrypt(key, 'x', {}, byToken({ token })));
});

test('what a revocation takes away is refused from the moment that it is answered', async () => {
  const house = await House.open();
  const key = await house.key();
  const somebody = await house.hire('somebody', 'developer');
  const proof = byToken(somebody);
  await house.encrypt(key, 'x', {}, proof);
  await house.perform({ kind: 'revoke-credential', id: somebody.tokenAccessor });
  await refused('invalid-proof', house.encrypt(key, 'x', {}, proof));
  const next = await house.reopen();
  await next.unseal();
  await refused('invalid-proof', next.encrypt(key, 'x', {}, proof));
  assert.ok(textOf(somebody.token).startsWith('clv.'));
  assert.ok(await next.perform({ kind: 'hash', hash: 'sha256', input: plain('x') }));
  assert.ok(await next.perform({ kind: 'describe-key', key: byId(key) }));
});
