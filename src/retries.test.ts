import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KmsError } from '#domain/domain.ts';
import { Retries } from './retries.ts';

const away = new KmsError('unavailable', 'it is away');

/** Attempts end so, one after the other. */
async function tried(ends: ReadonlyArray<boolean | Error>, stopAfter = ends.length) {
  const log: string[] = [];
  let count = 0;
  const retries = new Retries(
    async () => {
      const end = ends[count++]!;
      if (count === stopAfter) retries.stop();
      if (end instanceof Error) throw end;
      return end;
    },
    (line) => log.push(line),
  );
  await retries.first();
  return { log, count: () => count };
}

const settled = () => new Promise(setImmediate);

test('what is out of reach is tried ever more seldom, each minute at last, until it is done', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { log, count } = await tried([...Array<Error>(8).fill(away), true]);
  for (const [i, wait] of [1, 2, 4, 8, 16, 32, 60, 60].entries()) {
    assert.match(log.at(-1)!, new RegExp(`trying again in ${wait} s: it is away`));
    t.mock.timers.tick(wait * 1000 - 1);
    await settled();
    assert.equal(count(), i + 1);
    t.mock.timers.tick(1);
    await settled();
  }
  assert.match(log.at(-1)!, /is unsealed/);
  t.mock.timers.tick(600_000);
  assert.equal(count(), 9);
});

test('an end that was not the own doing is not called one', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { log } = await tried([away, false]);
  t.mock.timers.tick(1000);
  await settled();
  assert.equal(log.length, 1);
});

test('what fails otherwise is not tried again, and nothing is once it is stopped', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  await assert.rejects(tried([new KmsError('tampered', 'another key')]), /another key/);
  const { log, count } = await tried([away, new KmsError('tampered', 'another key')]);
  t.mock.timers.tick(1000);
  await settled();
  assert.match(log.at(-1)!, /stays sealed: another key/);
  t.mock.timers.tick(600_000);
  assert.equal(count(), 2);
  const stopped = await tried([away, away], 1);
  t.mock.timers.tick(600_000);
  assert.equal(stopped.count(), 1);
});
