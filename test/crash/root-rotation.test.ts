import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ledgerFault } from './picture.ts';
import { Victim } from './server.ts';
import { type Injection, type Step, socketPath, Watch, whyNoStrace } from './strace.ts';
import { copyOf, developmentWorld, discard, oldSecret, untilCheckpointIsDue, type World } from './world.ts';

/*
 * A rotation of the root goes on behind its answer, and a start goes on with it: so what counts is not one step or the other, but that
 * the server opens, that everything is there, and that the rotation comes to its end.
 */
const cannotTrace = whyNoStrace();
const files = ['claviger.db', 'claviger.db-wal', 'anchor', 'seal.json', 'seal.json.new'];
/** Milliseconds in which the few rows of this world are under the new root. */
const rotatedIn = 700;

const sealFile = (data: string): string => readFileSync(join(data, 'seal.json'), 'utf8');

async function settle(victim: Victim, { asker }: World): Promise<void> {
  for (;;) {
    const { rotating } = (await victim.native(asker.token, 'GET', '/root')) as { rotating: boolean };
    if (!rotating) return;
    await sleep(20);
  }
}

async function steps(world: World): Promise<readonly Step[]> {
  const data = copyOf(world);
  const victim = await Victim.start({ data, ...world.launch });
  await victim.native('', 'GET', '/status');
  await untilCheckpointIsDue();
  const watch = await Watch.attach(victim.pid, [...files.map((file) => join(data, file)), victim.socketName!]);
  await victim.native(world.asker.token, 'POST', '/root/rotate');
  await sleep(rotatedIn);
  const found = await watch.end(data);
  await settle(victim, world);
  await victim.kill();
  discard(data);
  return found;
}

/** Answers whether the step was reached. */
async function tried(world: World, step: Step, what: Injection): Promise<boolean> {
  const data = copyOf(world);
  const before = sealFile(data);
  const victim = await Victim.start({ data, ...world.launch });
  await victim.native('', 'GET', '/status');
  await untilCheckpointIsDue();
  const path = step.path === socketPath ? victim.socketName! : join(data, step.path);
  const watch = await Watch.attach(victim.pid, [], { step, what, path });
  const answered = await victim.native(world.asker.token, 'POST', '/root/rotate').then(
    () => true,
    () => false,
  );
  await Promise.race([victim.exited, sleep(rotatedIn)]);
  const reached = what === 'kill' ? !victim.isAlive : watch.hasFailed;
  await victim.kill();
  await watch.end(data);
  const how = `${what} at ${step.meaning} (${step.call} ${step.nth})`;
  // Twice: a start goes on with the rotation, and the next one finds it done.
  for (let start = 1; start <= 2; start++) {
    const again = await Victim.start({ data, ...world.launch }).catch((error: Error) =>
      assert.fail(`${how}, start ${start}: ${error.message}`),
    );
    await settle(again, world);
    for (const ciphertext of world.ciphertexts.slice(0, 4)) {
      const { plaintext } = (await again.native(world.asker.token, 'POST', '/decrypt', { ciphertext })) as {
        plaintext: string;
      };
      assert.equal(plaintext, oldSecret, how);
    }
    if (answered) assert.notEqual(sealFile(data), before, `${how}: acknowledged, and the seals hold the old root`);
    await again.kill('SIGTERM');
    assert.equal(await ledgerFault(data), undefined, how);
  }
  discard(data);
  return reached;
}

const secondsToTry = 20;

for (const what of ['kill', 'ENOSPC'] as const) {
  test(`${what} at durable steps of a rotation of the root: the server opens, has everything, and comes to its end`, {
    skip: cannotTrace === undefined ? false : `SKIPPED: ${cannotTrace}`,
    timeout: 300_000,
  }, async () => {
    const world = await developmentWorld();
    const all = (await steps(world)).filter(({ path }) => what === 'kill' || path !== socketPath);
    assert.ok(all.length > 20, `only ${all.length} steps`);
    assert.ok(
      all.some(({ path, call }) => path.startsWith('seal.json') && call === 'rename'),
      'the seal file is replaced',
    );
    const until = performance.now() + secondsToTry * 1000;
    let reached = 0;
    // Flushes and files that take another's place first, then pages from all over the list.
    const isPage = ({ meaning }: Step) => meaning === 'WAL page' || meaning === 'WAL frame header';
    const spread = all
      .map((step, i) => ({ step, order: (isPage(step) ? 1 : 0) + ((i * 0.618033988749895) % 1) }))
      .sort((a, b) => a.order - b.order);
    for (const { step } of spread) {
      if (performance.now() > until) break;
      if (await tried(world, step, what)) reached++;
    }
    assert.ok(reached > 0, 'no step was reached');
    discard(world.data);
  });
}
