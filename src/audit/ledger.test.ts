import assert from 'node:assert/strict';
import test from 'node:test';
import { openCheckpoint } from './checkpoint.ts';
import { encodeEntry } from './entry-line.ts';
import { decodeLeafBlock } from './leaf-block.ts';
import { newLedger, openLedger } from './ledger.ts';
import { Frontier, hashBytes, leafHash } from './merkle.ts';
import { keyOf, sampleEntry, sampleSigner } from './sample-log.ts';

const signer = sampleSigner(1);
const entries = Array.from({ length: 100 }, (_, i) => sampleEntry(i));
const rootOf = (count: number) => {
  const tree = new Frontier();
  for (const entry of entries.slice(0, count)) tree.append(leafHash(encodeEntry(entry)));
  return hashBytes(tree.root());
};

test('extends by batches of any size to the tree of all entries', () => {
  const ledger = openLedger(newLedger);
  for (const [from, to] of [
    [0, 1],
    [1, 3],
    [3, 35],
    [35, 36],
    [36, 100],
  ] as const) {
    const extension = ledger.extend(entries.slice(from, to));
    assert.deepEqual([extension.block?.first, extension.block?.count, extension.size], [from, to - from, to]);
    assert.deepEqual(extension.root, rootOf(to));
    assert.deepEqual(
      decodeLeafBlock(extension.block!)?.map((leaf) => Buffer.from(leaf.bytes)),
      entries.slice(from, to).map((entry) => Buffer.from(encodeEntry(entry))),
    );
    ledger.adopt(extension);
    assert.deepEqual([ledger.size, ledger.root], [to, rootOf(to)]);
  }
});

test('forgets an extension that was not adopted', () => {
  const ledger = openLedger(newLedger);
  ledger.adopt(ledger.extend(entries.slice(0, 5)));
  const lost = ledger.extend(entries.slice(50, 60), signer);
  assert.deepEqual([ledger.size, ledger.root, ledger.checkpointed], [5, rootOf(5), 0]);
  ledger.adopt(ledger.extend(entries.slice(5, 9)));
  assert.deepEqual(ledger.root, rootOf(9));
  assert.throws(() => ledger.adopt(lost), /not of this ledger/);
  assert.deepEqual(ledger.root, rootOf(9));
});

test('goes on from the state that an extension left', () => {
  const ledger = openLedger(newLedger);
  const { size, frontier, checkpointed } = ledger.extend(entries.slice(0, 37), signer);
  const reopened = openLedger({ size, frontier, checkpointed });
  assert.deepEqual([reopened.size, reopened.root, reopened.checkpointed], [37, rootOf(37), 37]);
  reopened.adopt(reopened.extend(entries.slice(37)));
  assert.deepEqual(reopened.root, rootOf(100));
});

test('signs a checkpoint over what it extends, names the one before, and signs no size twice', () => {
  const ledger = openLedger(newLedger);
  const first = ledger.extend(entries.slice(0, 3), signer);
  ledger.adopt(first);
  assert.equal(ledger.extend([], signer).checkpoint, undefined);
  ledger.adopt(ledger.extend(entries.slice(3, 7)));
  const second = ledger.extend([], signer);
  assert.deepEqual([second.block, second.size, second.checkpointed], [undefined, 7, 7]);
  ledger.adopt(second);
  const opened = [first, second].map(({ checkpoint }) => openCheckpoint(checkpoint!.note, [keyOf(signer)])!);
  assert.deepEqual(
    opened.map(({ size, extensions }) => [size, extensions]),
    [
      [3, []],
      [7, ['previous 3']],
    ],
  );
  assert.deepEqual(hashBytes(opened[1]!.root), rootOf(7));
});

test('an extension by nothing changes nothing', () => {
  const ledger = openLedger(newLedger);
  const extension = ledger.extend([]);
  assert.deepEqual([extension.block, extension.size, extension.checkpoint], [undefined, 0, undefined]);
  ledger.adopt(extension);
  assert.equal(ledger.size, 0);
});

test('refuses to open a state that contradicts itself', () => {
  const frontier = new Uint8Array(32);
  for (const state of [
    { size: 0, frontier, checkpointed: 0 },
    { size: 3, frontier, checkpointed: 0 },
    { size: 1, frontier, checkpointed: 2 },
    { size: 1, frontier, checkpointed: Number.NaN },
  ]) {
    assert.throws(() => openLedger(state), { code: 'tampered' });
  }
});
