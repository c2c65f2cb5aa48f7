import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openSqliteStore, type Store } from './store.ts';

const writer = fileURLToPath(new URL('./crash-writer.ts', import.meta.url));
const runs = 15;

/** Runs the writer and kills it a while after its first acknowledgement. The last number that it acknowledged. */
async function killedWriter(places: readonly string[], delay: number): Promise<number> {
  const child = spawn(process.execPath, [writer, ...places], { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  const ended = new Promise((resolve) => child.once('close', resolve));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
      resolve();
    });
    child.once('exit', () => reject(new Error('the writer ended by itself')));
  });
  await sleep(delay);
  child.kill('SIGKILL');
  await ended;
  // What follows the last line break was cut short.
  return Number(printed.slice(0, printed.lastIndexOf('\n')).split('\n').at(-1));
}

/** Everything that the store holds is what batches 0 to its head wrote, no more and no less. The number of its head. */
async function assertWhole(store: Store): Promise<number> {
  const last = Number(Buffer.from((await store.head())!).toString());
  let next = 0;
  for (;;) {
    const { blocks } = await store.ledger(2 * next, 1000);
    if (blocks.length === 0) break;
    for (const { first, count, bytes } of blocks) {
      assert.deepEqual([first, count], [2 * next, 2]);
      assert.equal(Buffer.from(bytes).toString(), `${next}`.padEnd(next % 5000, '.'));
      next++;
    }
  }
  assert.equal(next, last + 1, 'the ledger ends at the head');
  const { checkpoints } = await store.ledger(0, last + 1);
  assert.deepEqual(
    checkpoints.map(({ note }) => Number(note)),
    multiples(7, last),
  );
  const keys = await store.list('key', 'key ', '', last + 2);
  assert.deepEqual(
    keys.map(({ id }) => Number(id.slice(4))).sort((a, b) => a - b),
    multiples(3, last),
  );
  assert.equal((await store.read('key', 'counter'))!.revision, keys.length);
  return last;
}

async function assertRecovered(store: Store, acknowledged: number): Promise<void> {
  const committed = await assertWhole(store);
  assert.ok(acknowledged <= committed, `batch ${acknowledged} was acknowledged; the store ends at ${committed}`);
  const [anchor] = (await store.anchors()).map((bytes) => Number(Buffer.from(bytes).toString()));
  assert.ok(anchor! <= committed, `the anchor says ${anchor}; the store ends at ${committed}`);
  assert.ok(anchor! >= acknowledged, `the anchor says ${anchor}; batch ${acknowledged} was acknowledged`);
}

function multiples(of: number, upTo: number): readonly number[] {
  return Array.from({ length: Math.floor(upTo / of) + 1 }, (_, i) => i * of);
}

test(`loses nothing acknowledged and shows no half batch after kill -9, ${runs} times`, {
  timeout: 120_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'claviger-store-crash-'));
  const places = { path: join(folder, 'claviger.db'), anchorPath: join(folder, 'anchor') };
  try {
    for (let run = 0; run < runs; run++) {
      const acknowledged = await killedWriter([places.path, places.anchorPath], Math.random() * 300);
      const store = await openSqliteStore(places);
      // An open store would keep the process alive behind a failure.
      await assertRecovered(store, acknowledged).finally(() => store.close());
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
