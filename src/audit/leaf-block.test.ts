import assert from 'node:assert/strict';
import test from 'node:test';
import { blockOfLines, decodeLeafBlock, encodeLeafBlock, readLeaves } from './leaf-block.ts';
import { type Hash, leafHash } from './merkle.ts';
import { below, seeded } from './sample-log.ts';

const lines = ['one', '', 'three'.repeat(2000), '{"x":1}'];

test('lays out length, leaf hash and leaf, and hands the hashes on in order', () => {
  const hashes: Hash[] = [];
  const block = blockOfLines(41, lines, (hash) => hashes.push(hash));
  assert.deepEqual([block.first, block.count], [41, 4]);
  assert.deepEqual(
    hashes,
    lines.map((line) => leafHash(Buffer.from(line))),
  );
  const bytes = Buffer.from(block.bytes);
  assert.equal(bytes.readUInt32BE(0), 3);
  assert.equal(bytes.toString('latin1', 4, 36), hashes[0]);
  assert.equal(bytes.toString('latin1', 36, 39), 'one');
  assert.deepEqual(
    decodeLeafBlock(block)?.map((leaf) => [leaf.hash, Buffer.from(leaf.bytes).toString()]),
    lines.map((line, i) => [hashes[i], line]),
  );
});

test('lays out a line that is there many times in a row as any other', () => {
  const again = ['one', 'two', 'two', 'two', '', '', 'one'];
  const hashes: Hash[] = [];
  const block = blockOfLines(0, again, (hash) => hashes.push(hash));
  assert.deepEqual(
    decodeLeafBlock(block)?.map((leaf) => [leaf.hash, Buffer.from(leaf.bytes).toString()]),
    again.map((line) => [leafHash(Buffer.from(line)), line]),
  );
  assert.deepEqual(
    hashes,
    again.map((line) => leafHash(Buffer.from(line))),
  );
});

test('owns its memory, so that it can move to another thread', () => {
  const { bytes } = blockOfLines(0, ['one'], () => {});
  assert.equal(bytes.byteLength, bytes.buffer.byteLength);
});

test('copies leaves with the hashes that they came with', () => {
  const block = blockOfLines(5, lines, () => {});
  const copy = encodeLeafBlock(5, decodeLeafBlock(block)!);
  assert.deepEqual(Buffer.from(copy.bytes), Buffer.from(block.bytes));
});

test('refuses a wrong count, cut and trailing bytes', () => {
  const block = blockOfLines(0, lines, () => {});
  for (const count of [-1, 0, 3, 5, 4.5, Number.NaN]) assert.equal(decodeLeafBlock({ ...block, count }), undefined);
  for (let cut = 1; cut < 100; cut++) {
    const bytes = block.bytes.subarray(0, block.bytes.length - cut);
    assert.equal(decodeLeafBlock({ ...block, bytes }), undefined);
    assert.ok(readLeaves(bytes).leaves.length <= 3);
  }
  assert.equal(decodeLeafBlock({ ...block, bytes: Buffer.concat([block.bytes, Uint8Array.of(0)]) }), undefined);
});

test('never throws on random bytes, and reads no leaf beyond them', () => {
  const random = seeded(2);
  for (let i = 0; i < 50_000; i++) {
    const bytes = Uint8Array.from({ length: below(random, 120) }, () => (random() < 0.7 ? 0 : below(random, 256)));
    const { leaves, unread } = readLeaves(bytes);
    assert.equal(
      leaves.reduce((sum, leaf) => sum + 36 + leaf.bytes.length, unread),
      bytes.length,
    );
  }
});
