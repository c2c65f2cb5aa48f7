import assert from 'node:assert/strict';
import test from 'node:test';
import type { LedgerCheckpoint } from '#store/store.ts';
import { entryLine } from './entry-line.ts';
import { exportLedger, verifyExport } from './export.ts';
import { decodeLeafBlock, encodeLeafBlock, type Leaf } from './leaf-block.ts';
import { storeLog } from './log-item.ts';
import { leafHash } from './merkle.ts';
import {
  below,
  gather,
  keyOf,
  linesOf,
  rowsOf,
  type SampleLog,
  sampleEntry,
  sampleLog,
  sampleSigner,
  seeded,
} from './sample-log.ts';
import { type FirstWrong, type Report, verifyLedger } from './verify.ts';

// Whoever can write the log can alter it in these ways and more. Each kind is tried equally often, at random places of random logs;
// every alteration must be found, and where the evidence allows it the very line named. A run repeats from its seed.

const seed = 20_261_124;
const rounds = 10_500;

const signer = sampleSigner(1);
const keys = [keyOf(signer)];

type Random = () => number;

/** What the report must say beyond 'not ok': the altered line exactly, or a span that it is in. Counted from 1. */
type Expected = { readonly line: number } | { readonly within: number } | undefined;

const pick = <T>(list: readonly T[], random: Random): number => below(random, list.length);

function flipBit(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Buffer.from(bytes);
  copy[below(random, copy.length)]! ^= 1 << below(random, 8);
  return copy;
}

const forged = (random: Random): Leaf => hashed(Buffer.from(entryLine(sampleEntry(1000 + below(random, 1000)))));

const hashed = (bytes: Uint8Array): Leaf => ({ hash: leafHash(bytes), bytes });

/** The leaves of all blocks, changed and cut into blocks again that are numbered as if nothing had happened. */
function changeLeaves(log: SampleLog, change: (leaves: Leaf[]) => void): void {
  const leaves = log.blocks.flatMap((block) => decodeLeafBlock(block)!);
  const cuts = log.blocks.map(({ first }) => first);
  change(leaves);
  const blocks = cuts.map((first, i) => encodeLeafBlock(first, leaves.slice(first, cuts[i + 1])));
  log.blocks.splice(0, log.blocks.length, ...blocks.filter(({ count }) => count > 0));
}

function renumber(log: SampleLog): void {
  let first = 0;
  for (const [i, block] of log.blocks.entries()) {
    log.blocks[i] = { ...block, first };
    first += block.count;
  }
}

function changeBlock(log: SampleLog, random: Random, change: (leaves: Leaf[], at: number) => Leaf[]): Expected {
  const b = pick(log.blocks, random);
  const { first, count, bytes } = log.blocks[b]!;
  const leaves = [...decodeLeafBlock({ first, count, bytes })!];
  const at = pick(leaves, random);
  log.blocks[b] = { ...encodeLeafBlock(first, change(leaves, at)), count };
  return { within: first + at + 1 };
}

function changeCheckpoint(
  log: SampleLog,
  random: Random,
  change: (checkpoint: LedgerCheckpoint) => LedgerCheckpoint,
): Expected {
  const c = pick(log.checkpoints, random);
  log.checkpoints[c] = change(log.checkpoints[c]!);
  return undefined;
}

/** The rows as a store holds them. */
const storedMutations: Readonly<Record<string, (log: SampleLog, random: Random) => Expected>> = {
  'flip: a bit of a leaf': (log, random) => {
    const { within: line } = changeBlock(log, random, (leaves, at) =>
      leaves.with(at, { hash: leaves[at]!.hash, bytes: flipBit(leaves[at]!.bytes, random) }),
    ) as { within: number };
    return { line };
  },
  'flip: a bit of a stored hash': (log, random) => {
    const { within: line } = changeBlock(log, random, (leaves, at) => {
      const hash = Buffer.from(flipBit(Buffer.from(leaves[at]!.hash, 'latin1'), random)).toString('latin1');
      return leaves.with(at, { hash, bytes: leaves[at]!.bytes });
    }) as { within: number };
    return { line };
  },
  'flip: a bit of a leaf, its hash made to fit': (log, random) =>
    changeBlock(log, random, (leaves, at) => leaves.with(at, hashed(flipBit(leaves[at]!.bytes, random)))),
  'flip: any bit of a block': (log, random) => {
    const b = pick(log.blocks, random);
    log.blocks[b] = { ...log.blocks[b]!, bytes: flipBit(log.blocks[b]!.bytes, random) };
  },
  'forge: another entry with its right hash': (log, random) =>
    changeBlock(log, random, (leaves, at) => leaves.with(at, forged(random))),
  'delete: a leaf, the count kept': (log, random) =>
    changeBlock(log, random, (leaves, at) => leaves.toSpliced(at, 1)) && undefined,
  'delete: a leaf, the rest numbered anew': (log, random) =>
    changeLeaves(log, (leaves) => leaves.splice(pick(leaves, random), 1)) as undefined,
  'delete: a block': (log, random) => void log.blocks.splice(pick(log.blocks, random), 1),
  'delete: a block, the rest numbered anew': (log, random) => {
    log.blocks.splice(pick(log.blocks, random), 1);
    renumber(log);
  },
  'insert: a forged leaf, the count kept': (log, random) =>
    changeBlock(log, random, (leaves, at) => leaves.toSpliced(at, 0, forged(random))) && undefined,
  'insert: a forged leaf, the rest numbered anew': (log, random) =>
    changeLeaves(log, (leaves) => leaves.splice(pick(leaves, random), 0, forged(random))) as undefined,
  'reorder: two leaves': (log, random) =>
    changeLeaves(log, (leaves) => {
      const [a, b] = [pick(leaves, random), pick(leaves, random)];
      [leaves[a], leaves[b]] = [leaves[b]!, leaves[a]!];
    }) as undefined,
  'reorder: two blocks': (log, random) => {
    const [a, b] = [pick(log.blocks, random), pick(log.blocks, random)];
    [log.blocks[a], log.blocks[b]] = [log.blocks[b]!, log.blocks[a]!];
    renumber(log);
  },
  'replay: a leaf over another': (log, random) =>
    changeLeaves(log, (leaves) => {
      leaves[pick(leaves, random)] = leaves[pick(leaves, random)]!;
    }) as undefined,
  'replay: a leaf once more': (log, random) =>
    changeLeaves(log, (leaves) => leaves.splice(pick(leaves, random), 0, leaves[pick(leaves, random)]!)) as undefined,
  'replay: a block over another': (log, random) => {
    const b = pick(log.blocks, random);
    log.blocks[b] = { ...log.blocks[pick(log.blocks, random)]!, first: log.blocks[b]!.first };
  },
  'replay: a block once more': (log, random) =>
    void log.blocks.splice(pick(log.blocks, random), 0, log.blocks[pick(log.blocks, random)]!),
  'truncate: leaves before the last checkpoint': (log, random) =>
    changeLeaves(log, (leaves) => leaves.splice(below(random, leaves.length))) as undefined,
  'truncate: blocks before the last checkpoint': (log, random) => void log.blocks.splice(pick(log.blocks, random)),
  'block: another number': (log, random) => {
    const b = pick(log.blocks, random);
    log.blocks[b] = { ...log.blocks[b]!, first: below(random, 60) };
  },
  'block: another count': (log, random) => {
    const b = pick(log.blocks, random);
    log.blocks[b] = { ...log.blocks[b]!, count: below(random, 9) - 1 };
  },
  'checkpoint: a bit flipped': (log, random) =>
    changeCheckpoint(log, random, ({ size, note }) => ({
      size,
      note: Buffer.from(flipBit(Buffer.from(note), random)).toString(),
    })),
  'checkpoint: another size': (log, random) =>
    changeCheckpoint(log, random, ({ note }) => ({ size: below(random, 60), note })),
  'checkpoint: one but the last deleted': (log, random) =>
    void log.checkpoints.splice(below(random, log.checkpoints.length - 1), 1),
  'checkpoint: all deleted': (log) => void log.checkpoints.splice(0),
  'checkpoint: another in its place': (log, random) => {
    const { note } = log.checkpoints[pick(log.checkpoints, random)]!;
    return changeCheckpoint(log, random, ({ size }) => ({ size, note }));
  },
  'checkpoint: one once more': (log, random) => {
    const { note } = log.checkpoints[pick(log.checkpoints, random)]!;
    log.checkpoints.push({ size: below(random, 60), note });
  },
  'checkpoint: by another key': (log, random) =>
    changeCheckpoint(log, random, ({ size }) => ({ size, note: sampleSigner(2).sign(size, forged(random).hash, 0) })),
  'checkpoint: over another tree': (log, random) => {
    const other = sampleLog(
      signer,
      log.blocks.map(({ count }) => count),
      { random },
    );
    const c = pick(log.checkpoints, random);
    log.checkpoints[c] = other.checkpoints[c]!;
  },
};

/** The lines of a copy, some as lines and some as the characters of the file. */
const copyMutations: Readonly<Record<string, (lines: string[], random: Random) => void>> = {
  'copy: a bit flipped': (lines, random) => retext(lines, (text) => Buffer.from(flipBit(text, random))),
  'copy: a byte deleted': (lines, random) =>
    retext(lines, (text) => Buffer.from([...text].toSpliced(pick([...text], random), 1))),
  'copy: a byte inserted': (lines, random) =>
    retext(lines, (text) => Buffer.from([...text].toSpliced(pick([...text], random), 0, below(random, 128)))),
  'copy: a line deleted': (lines, random) => void lines.splice(below(random, lines.length - 1), 1),
  'copy: a line once more': (lines, random) => void lines.splice(pick(lines, random), 0, lines[pick(lines, random)]!),
  'copy: two lines reordered': (lines, random) => {
    const [a, b] = [pick(lines, random), pick(lines, random)];
    [lines[a], lines[b]] = [lines[b]!, lines[a]!];
  },
  'copy: lines cut out before the last checkpoint': (lines, random) => {
    const at = below(random, lines.length - 1);
    lines.splice(at, 1 + below(random, lines.length - 1 - at));
  },
};

/** Only with the last checkpoint in the auditor's own hands: without it, an earlier log is a right one. */
const rollbacks: Readonly<Record<string, (lines: string[], random: Random) => void>> = {
  'rollback: the end of a copy cut off': (lines, random) => void lines.splice(pick(lines, random)),
  'rollback: the last checkpoint deleted': (lines) => void lines.pop(),
  'rollback: back to an earlier checkpoint': (lines, random) => {
    const earlier = lines.flatMap((line, i) => (line.startsWith('{"checkpoint"') ? [i + 1] : [])).slice(0, -1);
    lines.splice(earlier[pick(earlier, random)]!);
  },
};

function retext(lines: string[], change: (text: Buffer) => Buffer): void {
  const text = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  const changed = change(text).toString().split('\n');
  if (changed.at(-1) === '') changed.pop();
  lines.splice(0, lines.length, ...changed);
}

/** About 28 lines in blocks of 1 to 5, and three checkpoints, the last at the end. */
function randomLog(random: Random): SampleLog {
  const batches = Array.from({ length: 10 + below(random, 2) }, () => 1 + below(random, 5));
  return sampleLog(signer, batches, { every: 4, random });
}

interface Original {
  readonly log: SampleLog;
  readonly lines: readonly string[];
  readonly kept: string;
}

async function originals(random: Random): Promise<readonly Original[]> {
  return Promise.all(
    Array.from({ length: 20 }, async () => {
      const log = randomLog(random);
      const lines = await gather(exportLedger(storeLog(rowsOf(log))));
      return { log, lines, kept: log.checkpoints.at(-1)!.note };
    }),
  );
}

interface Outcome {
  readonly report: Report;
  readonly expected: Expected;
}

/** All that a reader of the store gets. */
async function seen(log: SampleLog): Promise<string> {
  const parts: (string | number)[] = [];
  for await (const item of storeLog(rowsOf(log))) {
    if (item.kind === 'block')
      parts.push(item.block.first, item.block.count, Buffer.from(item.block.bytes).toString('latin1'));
    if (item.kind === 'checkpoint') parts.push(item.checkpoint.size, item.checkpoint.note);
  }
  return parts.join();
}

/** Undefined when the mutation happened to change nothing. */
async function tryOne(kind: string, { log, lines, kept }: Original, random: Random): Promise<Outcome | undefined> {
  const stored = storedMutations[kind];
  if (stored !== undefined) {
    const altered = { blocks: log.blocks.slice(), checkpoints: log.checkpoints.slice() };
    const expected = stored(altered, random);
    if ((await seen(altered)) === (await seen(log))) return undefined;
    return { report: await verifyLedger(storeLog(rowsOf(altered)), keys), expected };
  }
  const altered = lines.slice();
  const rollback = rollbacks[kind];
  (rollback ?? copyMutations[kind])!(altered, random);
  if (altered.length === lines.length && altered.every((line, i) => line === lines[i])) return undefined;
  const report = await verifyExport(linesOf(altered), keys, rollback === undefined ? {} : { kept });
  return { report, expected: undefined };
}

function names({ line, through }: FirstWrong, expected: Expected): boolean {
  if (expected === undefined) return line >= 1 && line <= through;
  if ('line' in expected) return line === expected.line && through === expected.line;
  return line <= expected.within && expected.within <= through;
}

test(`ledger mutations: each of ${rounds} random alterations of a log is found`, async (t) => {
  const random = seeded(seed);
  const logs = await originals(random);
  for (const { log, lines, kept } of logs) {
    assert.equal((await verifyLedger(storeLog(rowsOf(log)), keys, { kept })).ok, true);
    assert.equal((await verifyExport(linesOf(lines), keys, { kept })).ok, true);
  }
  const kinds = [...Object.keys(storedMutations), ...Object.keys(copyMutations), ...Object.keys(rollbacks)];
  const counts = new Map(kinds.map((kind) => [kind, { tried: 0, found: 0, exact: 0 }]));
  for (let tried = 0; tried < rounds; ) {
    const kind = kinds[tried % kinds.length]!;
    const outcome = await tryOne(kind, logs[pick(logs, random)]!, random);
    if (outcome === undefined) continue;
    const { report, expected } = outcome;
    tried++;
    const count = counts.get(kind)!;
    count.tried++;
    if (!report.ok) count.found++;
    assert.equal(report.ok, false, `${kind} was not found (seed ${seed}, alteration ${tried})`);
    assert.ok(names(report.firstWrong!, expected), `${kind}: ${JSON.stringify([expected, report.firstWrong])}`);
    if (report.firstWrong!.line === report.firstWrong!.through) count.exact++;
  }
  for (const [kind, { tried, found, exact }] of counts)
    t.diagnostic(`${kind}: ${found} of ${tried} found, ${exact} at one line`);
  const found = [...counts.values()].reduce((sum, count) => sum + count.found, 0);
  t.diagnostic(`${found} of ${rounds} alterations of ${kinds.length} kinds found, seed ${seed}`);
  assert.equal(found, rounds);
});
