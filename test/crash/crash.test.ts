import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commands } from './commands.ts';
import { everyStep } from './every-step.ts';
import { randomFrom, randomKills } from './random-kills.ts';
import { whyNoStrace } from './strace.ts';
import { summary, Tally } from './tally.ts';
import { developmentWorld } from './world.ts';

/*
 * The short form of crash.ts: some commands at every durable step, and some random kills. It stops taking new work in time for a busy
 * machine; what was run must be right.
 */
const cannotTrace = whyNoStrace();
const world = await developmentWorld();

function assertSound(tally: Tally): void {
  assert.deepEqual(tally.failures, [], summary([tally]));
  assert.ok(tally.runs > 0);
}

const seconds = (count: number) => {
  const until = performance.now() + count * 1000;
  return () => performance.now() < until;
};

for (const name of ['rotate-key', 'create-grant', 'put-secret-value in every region (Secrets Manager)']) {
  test(`kill -9 at every durable step of ${name} loses nothing acknowledged and leaves nothing half done`, {
    skip: cannotTrace === undefined ? false : `SKIPPED: ${cannotTrace}`,
    timeout: 120_000,
  }, async () => {
    const tally = new Tally(name);
    await everyStep(commands.find((command) => command.name === name)!, world, tally, seconds(12));
    assertSound(tally);
    assert.ok(tally.steps.length > 8, 'a change has more durable steps than these');
  });
}

test('kill -9 at random moments under load loses nothing acknowledged', { timeout: 120_000 }, async () => {
  const tally = new Tally('random kills');
  const seed = Math.floor(Math.random() * 2 ** 32);
  await randomKills(world, 6, randomFrom(seed), tally, seconds(8));
  assert.deepEqual(tally.failures, [], `seed ${seed}`);
  assert.ok(tally.runs > 0);
});
