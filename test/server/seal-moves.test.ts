/** One server that moves its root from every kind of seal to every other while it serves. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SealedServer } from '../seals/sealed-server.ts';
import { tableSeals } from '../seals/table-seals.ts';

/** Of the numbers from `from` up: goes from each to each other exactly once, and ends where it began. */
function tour(from: number, last: number): readonly number[] {
  if (from === last) return [from];
  const rest = Array.from({ length: last - from - 1 }, (_, i) => from + 2 + i);
  return [from, ...tour(from + 1, last), from, ...rest.flatMap((next) => [next, from])];
}

/** To each once and back, in a minute less: with CLAVIGER_EVERY_MOVE=1 from each to each other. */
const everyMove = process.env.CLAVIGER_EVERY_MOVE === '1';
const round = (length: number): readonly number[] => [...Array(length).keys(), 0];

test('a server moves from any kind of seal to any other, and serves all the time', { timeout: 240_000 }, async (t) => {
  for (const { absent } of tableSeals) if (absent !== undefined) t.diagnostic(absent);
  const home = mkdtempSync(join(tmpdir(), 'claviger-moves-'));
  const seals = await Promise.all(
    tableSeals
      .filter(({ absent }) => absent === undefined)
      .map(async ({ kind, begin }) => ({ kind, seal: await begin(home) })),
  );
  const server = new SealedServer(join(home, 'data'), Object.assign({}, ...seals.map(({ seal }) => seal.env)));
  const moves = new Set<string>();
  try {
    let [now, ...steps] = (everyMove ? tour(0, seals.length - 1) : round(seals.length)).map((i) => seals[i]!);
    await server.init(now!.kind, now!.seal.init());
    await server.open(now!.seal);
    for (const next of steps) {
      const { name } = server.onlySeal();
      const to = `seal-${moves.size}`;
      await server.commandBy(['seal', 'add', to, '--kind', next.kind, ...next.seal.add()], now!.seal.bring());
      await server.commandBy(['seal', 'prove', to], next.seal.bring());
      await server.commandBy(['seal', 'remove', name], []);
      await server.assertWorks();
      assert.equal(server.onlySeal().kind, next.kind);
      moves.add(`${now!.kind} to ${next.kind}`);
      now = next;
    }
    assert.equal(moves.size, seals.length * (everyMove ? seals.length - 1 : 1));
    t.diagnostic(`${moves.size} moves between ${seals.length} kinds`);
    await server.open(now!.seal);
    await server.stop();
  } finally {
    await server.kill();
    for (const { seal } of seals) await seal.stop();
    rmSync(home, { recursive: true, force: true });
  }
});
