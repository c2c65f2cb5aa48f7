import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Secret } from '#domain/domain.ts';
import { House, plain, refused } from '../gate/testing/house.ts';
import { Rotations, type Rotator, type RotatorCall, RotatorFailure } from './rotations.ts';

const minute = 60_000;
const day = 24 * 60 * minute;
const rotator = 'arn:aws:lambda:eu-central-1:123456789012:function:turner';
const secret = { name: 'rotated' } as const;

interface World {
  readonly house: House;
  readonly calls: RotatorCall[];
  readonly errors: unknown[];
  /** One run of the clockwork, and all that follows from it. */
  run(): Promise<void>;
  described(): Promise<Secret>;
}

async function world(act: (house: House, call: RotatorCall) => Promise<void>): Promise<World> {
  const house = await House.open();
  const calls: RotatorCall[] = [];
  const errors: unknown[] = [];
  const turn: Rotator = async (call) => {
    calls.push(call);
    await act(house, call);
  };
  await house.perform({ kind: 'create-secret', name: 'rotated', value: { form: 'text', bytes: plain('old') } });
  return {
    house,
    calls,
    errors,
    async run() {
      const rotations = new Rotations(house.gate, {
        rotators: { find: () => turn },
        newRequestId: () => 'r',
        onFailure: (error) => errors.push(error),
      });
      const { steps = [] } = await house.perform({ kind: 'run-schedule' }, { kind: 'system', name: 'scheduler' });
      rotations.begin(steps);
      await rotations.settled();
    },
    described: async () => (await house.perform({ kind: 'describe-secret', secret })).secret,
  };
}

/** What a rotation function does. */
async function rotate(house: House, { Step, ClientRequestToken: versionId }: RotatorCall): Promise<void> {
  if (Step === 'createSecret') {
    const value = { form: 'text', bytes: plain(`new ${versionId}`) } as const;
    await house.perform({ kind: 'put-secret-value', secret, versionId, value, labels: ['claviger:pending'] });
  }
  if (Step !== 'finishSecret') return;
  const { secret: now } = await house.perform({ kind: 'describe-secret', secret });
  const from = now.versions.find(({ labels }) => labels.includes('claviger:current'))!.id;
  await house.perform({ kind: 'move-secret-label', secret, label: 'claviger:current', from, to: versionId });
}

const stepsOf = ({ calls }: World) => calls.map(({ Step }) => Step.replace('Secret', ''));

test('a secret is rotated by its schedule, again and again', async () => {
  const it = await world(rotate);
  await it.house.perform({ kind: 'rotate-secret', secret, rotator, schedule: { days: 10 }, atOnce: true });
  await it.run();
  assert.deepEqual(stepsOf(it), ['create', 'set', 'test', 'finish']);
  const { rotation } = await it.described();
  assert.equal(rotation!.lastAt, it.house.now);
  assert.equal(rotation!.run, undefined);
  await it.run();
  assert.equal(it.calls.length, 4);
  it.house.now = rotation!.nextAt! - 1;
  await it.run();
  assert.equal(it.calls.length, 4);
  it.house.now = rotation!.nextAt!;
  await it.run();
  assert.equal(it.calls.length, 8);
  assert.equal((await it.described()).versions.length, 3);
  assert.deepEqual(it.errors, []);
  await it.house.assertLedgerVerifies();
});

test('a step that fails is tried again later and later, then given up and told', async () => {
  let broken = true;
  const it = await world(async (house, call) => {
    if (broken && call.Step === 'setSecret') throw new RotatorFailure('The webhook answered 503.');
    await rotate(house, call);
  });
  await it.house.perform({ kind: 'rotate-secret', secret, rotator, schedule: { days: 1 }, atOnce: true });
  await it.run();
  assert.deepEqual(stepsOf(it), ['create', 'set']);
  await it.run();
  assert.equal(it.calls.length, 2, 'not before its time');
  const waits = [1, 2, 4, 8];
  for (const [i, wait] of waits.entries()) {
    it.house.now += wait * minute - 1;
    await it.run();
    assert.equal(it.calls.length, 2 + i);
    it.house.now += 1;
    await it.run();
    assert.equal(it.calls.length, 3 + i);
  }
  const { rotation } = await it.described();
  assert.equal(rotation!.run, undefined);
  assert.deepEqual(rotation!.failure, { at: it.house.now, step: 'set', reason: 'The webhook answered 503.' });
  assert.ok((await it.house.entries()).some(({ summary }) => summary?.includes('set failed, time 5; given up')));
  await refused('invalid-state', it.house.perform({ kind: 'rotate-secret', secret, atOnce: true }));
  // The next window takes up the version that was left unfinished.
  broken = false;
  it.house.now += 2 * day;
  await it.run();
  assert.deepEqual(stepsOf(it).slice(-4), ['create', 'set', 'test', 'finish']);
  assert.equal((await it.described()).rotation!.failure, undefined);
  assert.equal((await it.described()).versions.length, 2);
});

test('a rotator that ends without a new current version has failed', async () => {
  const it = await world(async () => {});
  await it.house.perform({ kind: 'rotate-secret', secret, rotator, atOnce: true });
  await it.run();
  assert.match((await it.described()).rotation!.failure!.reason, /without making the new version/);
});

test('after a restart it goes on with the step that was not told', async () => {
  const it = await world(async (house, call) => {
    if (call.Step === 'testSecret') await house.perform({ kind: 'seal' });
    await rotate(house, call);
  });
  await it.house.perform({ kind: 'rotate-secret', secret, rotator, atOnce: true });
  await it.run();
  assert.deepEqual(stepsOf(it), ['create', 'set', 'test']);
  const next = await it.house.reopen();
  await next.unseal();
  const { steps } = await next.perform({ kind: 'run-schedule' }, { kind: 'system', name: 'scheduler' });
  assert.deepEqual(
    steps?.map(({ step }) => step),
    ['test'],
  );
});

test('nobody but the server tells what became of a step', async () => {
  const it = await world(rotate);
  await it.house.perform({ kind: 'rotate-secret', secret, rotator, atOnce: true });
  const { realm, id, rotation } = await it.described();
  const told = { realm, secretId: id, versionId: rotation!.run!.versionId, step: 'create' } as const;
  await refused('denied', it.house.perform({ kind: 'report-rotation', ...told }));
});

test('a secret is gone for good when its time is over, and not before', async () => {
  const it = await world(rotate);
  const { id } = await it.described();
  await it.house.perform({ kind: 'delete-secret', secret, days: 7 });
  it.house.now += 7 * day - 1;
  await it.run();
  assert.equal((await it.house.list('secret-version')).length, 1);
  it.house.now += 1;
  await it.run();
  for (const kind of ['secret', 'secret-name', 'secret-version'] as const) {
    assert.deepEqual(await it.house.list(kind), [], kind);
  }
  await refused('secret-not-found', it.house.perform({ kind: 'restore-secret', secret }));
  assert.ok(
    (await it.house.entries()).some(({ summary }) => summary === 'secret rotated: gone for good, with 1 values'),
  );
  await it.house.perform({ kind: 'create-secret', name: 'rotated' });
  assert.notEqual((await it.described()).id, id);
  await it.house.assertLedgerVerifies();
});
