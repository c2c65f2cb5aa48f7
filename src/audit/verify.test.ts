import assert from 'node:assert/strict';
import test from 'node:test';
import { entryLine } from './entry-line.ts';
import { blockOfLines, decodeLeafBlock, encodeLeafBlock } from './leaf-block.ts';
import { newLedger, openLedger } from './ledger.ts';
import { type LogItem, storeLog } from './log-item.ts';
import { leafHash } from './merkle.ts';
import { gather, keyOf, rowsOf, type SampleLog, sampleEntry, sampleLog, sampleSigner } from './sample-log.ts';
import { type VerifyOptions, verifyLedger } from './verify.ts';

const signer = sampleSigner(1);
const keys = [keyOf(signer)];
// Lines 1-4, 5-8, 9-12 (a checkpoint over 12), 13-16, 17-20, 21-24 (a checkpoint over 24), 25-28 unsigned.
const batches = [4, 4, 4, 4, 4, 4, 4];
const fresh = () => sampleLog(signer, batches, { signLast: false });

const verify = (log: SampleLog, options?: VerifyOptions) => verifyLedger(storeLog(rowsOf(log)), keys, options);

async function wrongWith(change: (log: SampleLog) => void, options?: VerifyOptions) {
  const log = fresh();
  change(log);
  const report = await verify(log, options);
  assert.equal(report.ok, false);
  const { line, through, reason } = report.firstWrong!;
  return { at: line === through ? line : [line, through], reason };
}

/** The leaf's bytes changed, with or without its stored hash; a leaf of line `line`, from 1. */
function rewrite(log: SampleLog, line: number, bytes: Uint8Array, rehash: boolean): void {
  const b = Math.floor((line - 1) / 4);
  const block = log.blocks[b]!;
  const leaves = decodeLeafBlock(block)!.map((leaf, i) =>
    block.first + i === line - 1 ? { hash: rehash ? leafHash(bytes) : leaf.hash, bytes } : leaf,
  );
  log.blocks[b] = encodeLeafBlock(block.first, leaves);
}

const otherLine = Buffer.from(entryLine(sampleEntry(99)));

test('finds a log right, and says how much of it no checkpoint vouches for', async () => {
  assert.deepEqual(await verify(fresh()), {
    ok: true,
    size: 28,
    checkpoints: 2,
    lastCheckpoint: { size: 24, time: sampleEntry(23).time },
    unsignedTail: 4,
  });
});

test('names the very line whose bytes are not those of its stored hash, in the unsigned tail too', async () => {
  for (const line of [1, 4, 5, 12, 13, 24, 25, 28]) {
    const { at, reason } = await wrongWith((log) => rewrite(log, line, otherLine, false));
    assert.equal(at, line);
    assert.match(reason, new RegExp(`^line ${line} is wrong: its bytes are not those`));
  }
});

test('names the checkpoints between which a line and its stored hash were both altered', async () => {
  assert.deepEqual((await wrongWith((log) => rewrite(log, 2, otherLine, true))).at, [1, 12]);
  const { at, reason } = await wrongWith((log) => rewrite(log, 17, otherLine, true));
  assert.deepEqual(at, [13, 24]);
  assert.match(reason, /^lines 13 to 24 are not those that their checkpoint is over/);
});

test('names a line that is not a ledger entry', async () => {
  assert.match(
    (await wrongWith((log) => rewrite(log, 6, Buffer.from('{}'), true))).reason,
    /^line 6 .* not a ledger entry/,
  );
});

test('names the line where one is missing, comes again, or stands in the place of another', async () => {
  assert.deepEqual(await wrongWith(({ blocks }) => blocks.splice(1, 1)), {
    at: 5,
    reason: 'line 5 is wrong: it is missing, the log goes on with line 9',
  });
  assert.deepEqual(await wrongWith(({ blocks }) => blocks.splice(2, 0, blocks[1]!)), {
    at: 9,
    reason: 'line 9 is wrong: line 5 stands in its place',
  });
  const swapped = await wrongWith(({ blocks }) =>
    blocks.splice(1, 2, { ...blocks[2]!, first: 4 }, { ...blocks[1]!, first: 8 }),
  );
  assert.deepEqual(swapped.at, [1, 12]);
  const doubled = await wrongWith(({ blocks }) =>
    blocks.push({ ...blocks[0]!, first: 28 }, { ...blocks[1]!, first: 28 }),
  );
  assert.equal(doubled.at, 33);
});

test('names the line at which a block and its count part', async () => {
  const recount = (count: number) => wrongWith(({ blocks }) => (blocks[1] = { ...blocks[1]!, count }));
  assert.deepEqual(await recount(5), { at: 9, reason: 'line 9 is wrong: its block says 5 lines and holds 4' });
  assert.deepEqual(await recount(3), { at: 8, reason: 'line 8 is wrong: its block says 3 lines and holds more' });
  assert.equal((await recount(0)).at, 5);
  assert.equal((await recount(-1)).at, 5);
  assert.equal((await recount(Number.NaN)).at, 5);
});

test('notices a log that was cut before its last checkpoint', async () => {
  const { at, reason } = await wrongWith(({ blocks }) => blocks.splice(5));
  assert.equal(at, 21);
  assert.match(reason, /it is missing, the next checkpoint is over 24 lines/);
});

test('notices a checkpoint that is altered, of another key, or over another tree', async () => {
  const noteOf = (note: (log: SampleLog) => string) =>
    wrongWith((log) => (log.checkpoints[1] = { size: 24, note: note(log) }));
  const { root } = openLedger(newLedger);
  const text = Buffer.from(root).toString('latin1');
  assert.match(
    (await noteOf(({ checkpoints }) => checkpoints[1]!.note.replace('\n24\n', '\n25\n'))).reason,
    /no valid signature/,
  );
  assert.match((await noteOf(() => sampleSigner(2).sign(24, text, 12))).reason, /no valid signature/);
  assert.match((await noteOf(() => sampleSigner(1, 'claviger/other').sign(24, text, 12))).reason, /no valid signature/);
  assert.deepEqual((await noteOf(() => signer.sign(24, text, 12))).at, [13, 24]);
  assert.match(
    (await noteOf(({ checkpoints }) => checkpoints[0]!.note)).reason,
    /the checkpoint after it is over 12 lines/,
  );
});

test('notices a checkpoint that is missing, misplaced or doubled', async () => {
  const missing = await wrongWith(({ checkpoints }) => checkpoints.shift());
  assert.deepEqual(missing, {
    at: 24,
    reason:
      'the log is wrong at line 24: the checkpoint before the one after it should be "previous 12" and is "previous 0"',
  });
  assert.match((await wrongWith(({ checkpoints }) => checkpoints.push(checkpoints[1]!))).reason, /a second checkpoint/);
  const moved = await wrongWith(({ checkpoints }) => (checkpoints[1] = { ...checkpoints[1]!, size: 23 }));
  assert.deepEqual(moved, {
    at: 24,
    reason: 'the log is wrong at line 24: a checkpoint over 23 lines stands after it',
  });
});

test('a log without a checkpoint, or without a line, is not right', async () => {
  const none = await wrongWith(({ checkpoints }) => checkpoints.splice(0));
  assert.deepEqual(none.at, [1, 28]);
  assert.match(none.reason, /vouched for by no checkpoint/);
  assert.match(
    (await wrongWith((log) => [log.blocks.splice(0), log.checkpoints.splice(0)])).reason,
    /the log is empty/,
  );
});

test('with a checkpoint that was kept, notices a log that was rolled back or forked', async () => {
  const kept = fresh().checkpoints[1]!.note;
  assert.equal((await verify(fresh(), { kept })).ok, true);
  const rollBack = (log: SampleLog) => [log.blocks.splice(3), log.checkpoints.splice(1)];
  const rolledBack = fresh();
  rollBack(rolledBack);
  assert.equal((await verify(rolledBack)).ok, true);
  assert.match(
    (await wrongWith(rollBack, { kept })).reason,
    /line 13 is wrong: it is missing, the kept checkpoint is over 24/,
  );
  assert.match(
    (await wrongWith(({ checkpoints }) => checkpoints.pop(), { kept })).reason,
    /the kept checkpoint, over 24 lines, is missing/,
  );
  const fork = sampleLog(signer, [...batches, 1], { random: () => 0.3 });
  assert.equal((await verify(fork)).ok, true);
  assert.deepEqual((await verify(fork, { kept })).firstWrong?.through, 24);
});

test('accepts the checkpoints of an older signer with its key, and not without', async () => {
  const log = sampleLog(sampleSigner(2), [4]);
  const ledger = openLedger(newLedger);
  ledger.adopt(
    ledger.extend(
      Array.from({ length: 4 }, (_, i) => sampleEntry(i)),
      sampleSigner(2),
    ),
  );
  const older = await verifyLedger(storeLog(rowsOf(log)), [keyOf(signer), keyOf(sampleSigner(2))]);
  assert.equal(older.ok, true);
  assert.equal((await verify(log)).ok, false);
});

test('asks for keys, and for a kept checkpoint that one of them signed', async () => {
  await assert.rejects(verifyLedger(storeLog(rowsOf(fresh())), []), { code: 'invalid-parameter' });
  await assert.rejects(verify(fresh(), { kept: sampleSigner(2).sign(1, 'x', 0) }), { code: 'invalid-parameter' });
});

test('reads no further than the first wrong line, and tells how far it is', async () => {
  const items = await gather(storeLog(rowsOf(fresh())));
  let read = 0;
  async function* log(): AsyncGenerator<LogItem> {
    for (const item of items) {
      read++;
      yield read === 3 ? { kind: 'block', block: blockOfLines(8, ['no entry'], () => {}) } : item;
    }
  }
  const told: number[] = [];
  const report = await verifyLedger(log(), keys, { onProgress: (lines) => told.push(lines) });
  assert.equal(report.firstWrong?.line, 9);
  assert.equal(read, 3);
  assert.deepEqual(told, [4, 8, 8]);
});

test('reads a store page by page, each checkpoint once and where it stands', async () => {
  const log = sampleLog(
    signer,
    Array.from({ length: 700 }, () => 1),
    { every: 7 },
  );
  const items = await gather(storeLog(rowsOf(log)));
  const told = items.flatMap((item) => (item.kind === 'checkpoint' ? [item.checkpoint.size] : []));
  assert.deepEqual(
    told,
    log.checkpoints.map(({ size }) => size),
  );
  assert.equal(items.length, 800);
  assert.equal((await verify(log)).ok, true);
});

test('does not take lines for missing that are added while it reads', async () => {
  const log = fresh();
  const rows = rowsOf({ ...log, blocks: log.blocks.slice(0, 3), checkpoints: log.checkpoints.slice(0, 1) });
  let reads = 0;
  const growing: typeof rows = {
    async ledger(from, limit) {
      reads++;
      const before = await rows.ledger(from, limit);
      const after = await rowsOf(log).ledger(from, limit);
      // The second page finds no block, and then a checkpoint that came meanwhile.
      return reads === 2 ? { blocks: before.blocks, checkpoints: after.checkpoints } : reads === 1 ? before : after;
    },
  };
  const report = await verifyLedger(storeLog(growing), keys);
  assert.deepEqual([report.ok, report.size, report.checkpoints], [true, 28, 2]);
});
