import assert from 'node:assert/strict';
import test from 'node:test';
import { toUtf8 } from '#encoding/encoding.ts';
import { encodeEntry } from './entry-line.ts';
import { exportLedger, readExport } from './export.ts';
import { storeLog } from './log-item.ts';
import { decodeProof, encodeProof, proveEntry, proveUnder, verifyProof } from './prove.ts';
import { readEntries } from './read-entries.ts';
import { below, gather, keyOf, linesOf, rowsOf, sampleEntry, sampleLog, sampleSigner, seeded } from './sample-log.ts';

const signer = sampleSigner(1);
const keys = [keyOf(signer)];
// Checkpoints over 6, 13 and 23 lines; 4 lines after the last.
const log = sampleLog(signer, [1, 5, 3, 4, 2, 8, 4], { every: 2, signLast: false });
const store = rowsOf(log);
const size = 23;

test('proves each line under the first checkpoint that covers it, to somebody who has only the key', async () => {
  for (let index = 0; index < size; index++) {
    const proof = await proveEntry(store, index);
    const covering = log.checkpoints.find((checkpoint) => checkpoint.size > index)!;
    assert.equal(proof.checkpoint, covering.note);
    const proven = verifyProof(proof, keys)!;
    assert.equal(proven.size, covering.size);
    assert.deepEqual(Buffer.from(encodeEntry(proven.entry)), Buffer.from(proof.leaf));
    assert.equal(proven.entry.requestId, `request-${index}`);
  }
});

test('proves a line under an older checkpoint and from a copy', async () => {
  const copy = await gather(exportLedger(storeLog(store)));
  for (const checkpoint of log.checkpoints) {
    const proof = await proveUnder(readExport(linesOf(copy)), 4, checkpoint);
    assert.equal(verifyProof(proof, keys)?.size, checkpoint.size);
  }
});

test('says that a line after the last checkpoint is not covered yet', async () => {
  for (const index of [23, 26, 27, 1000]) await assert.rejects(proveEntry(store, index), { code: 'not-found' });
});

test('gives no proof from a damaged ledger', async () => {
  const bytes = Buffer.from(log.blocks[1]!.bytes);
  bytes[bytes.length - 3]! ^= 1;
  const altered = rowsOf({ ...log, blocks: log.blocks.with(1, { ...log.blocks[1]!, bytes }) });
  await assert.rejects(proveEntry(altered, 5), { code: 'tampered' });
  const missing = rowsOf({ ...log, blocks: log.blocks.toSpliced(2, 1) });
  await assert.rejects(proveEntry(missing, 20), { code: 'tampered' });
  const cut = rowsOf({ ...log, blocks: log.blocks.slice(0, 2) });
  await assert.rejects(proveEntry(cut, 10), { code: 'tampered' });
});

test('a proof shows nothing once anything in it is altered', async () => {
  const proof = await proveEntry(store, 9);
  const flip = (bytes: Uint8Array, i: number) => bytes.map((byte, at) => (at === i ? byte ^ 1 : byte));
  assert.equal(verifyProof(proof, [keyOf(sampleSigner(2))]), undefined);
  for (let index = -1; index <= size; index++) {
    if (index !== 9) assert.equal(verifyProof({ ...proof, index }, keys), undefined);
  }
  for (let i = 0; i < proof.leaf.length; i++) {
    assert.equal(verifyProof({ ...proof, leaf: flip(proof.leaf, i) }, keys), undefined);
  }
  for (const [k, hash] of proof.path.entries()) {
    assert.equal(verifyProof({ ...proof, path: proof.path.with(k, flip(hash, k)) }, keys), undefined);
    assert.equal(verifyProof({ ...proof, path: proof.path.with(k, hash.subarray(1)) }, keys), undefined);
    assert.equal(verifyProof({ ...proof, path: proof.path.toSpliced(k, 1) }, keys), undefined);
  }
  const { note } = log.checkpoints.at(-1)!;
  assert.equal(verifyProof({ ...proof, checkpoint: note }, keys), undefined);
});

test('a proof as text is a tlog-proof with the line beside it, and reads back', async () => {
  for (const index of [0, 9, 22]) {
    const proof = await proveEntry(store, index);
    const text = encodeProof(proof);
    assert.match(
      text,
      new RegExp(`^c2sp.org/tlog-proof@v1\nextra [A-Za-z0-9+/=]+\nindex ${index}\n([A-Za-z0-9+/]{43}=\n)+\nclaviger/`),
    );
    assert.equal(encodeProof(decodeProof(toUtf8(text))!), text);
    assert.equal(verifyProof(decodeProof(toUtf8(text))!, keys)?.entry.requestId, `request-${index}`);
  }
  const alone = sampleLog(signer, [1]);
  const only = await proveEntry(rowsOf(alone), 0);
  assert.deepEqual(only.path, []);
  assert.equal(verifyProof(decodeProof(toUtf8(encodeProof(only)))!, keys)?.size, 1);
});

test('reads no altered text as the same proof, and never throws', async () => {
  const proof = await proveEntry(store, 9);
  const text = Buffer.from(encodeProof(proof));
  const random = seeded(6);
  for (let i = 0; i < 5000; i++) {
    const altered = Buffer.from(text);
    altered[below(random, altered.length)]! ^= 1 << below(random, 8);
    const read = decodeProof(altered);
    if (read !== undefined) assert.equal(verifyProof(read, keys), undefined);
    decodeProof(altered.subarray(0, below(random, altered.length)));
  }
  for (const form of [
    '',
    'c2sp.org/tlog-proof@v1\n',
    encodeProof(proof).replace('index 9', 'index 09'),
    encodeProof(proof).replace('@v1', '@v2'),
  ]) {
    assert.equal(decodeProof(toUtf8(form)), undefined);
  }
});

test('reads entries from any index, across blocks, up to a limit', async () => {
  for (let from = 0; from < 30; from++) {
    for (const limit of [1, 2, 5, 9, 1000]) {
      const entries = await readEntries(store, from, limit);
      const expected = Array.from({ length: Math.max(0, Math.min(limit, 27 - from)) }, (_, i) => from + i);
      assert.deepEqual(
        entries.map(({ index }) => index),
        expected,
      );
      for (const { index, entry } of entries) assert.equal(entry.time, sampleEntry(index).time);
    }
  }
  const damaged = rowsOf({ ...log, blocks: log.blocks.with(1, { ...log.blocks[1]!, count: 4 }) });
  await assert.rejects(readEntries(damaged, 0, 10), { code: 'tampered' });
});
