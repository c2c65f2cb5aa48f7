import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KmsError } from '#domain/domain.ts';
import { type LeafBlock, memoryStore, type Store } from '#store/store.ts';
import { decodeLeafBlock, encodeLeafBlock } from './leaf-block.ts';
import { newLedger, openLedger } from './ledger.ts';
import { sampleEntry } from './sample-log.ts';
import { assertGrownFrom } from './tail.ts';

const state = ({ size, frontier }: { size: number; frontier: Uint8Array }) => ({ size, frontier });

/** A ledger that grew batch by batch, with the state after each. */
async function grown(batches: readonly number[], from = 0) {
  const store = memoryStore();
  const ledger = openLedger(newLedger);
  const states = [{ size: 0, frontier: new Uint8Array(0) as Uint8Array }];
  const blocks: LeafBlock[] = [];
  let next = from;
  for (const count of batches) {
    const extension = ledger.extend(Array.from({ length: count }, () => sampleEntry(next++)));
    await store.commit({ changes: [], block: extension.block, head: new Uint8Array(1), anchor: undefined });
    ledger.adopt(extension);
    blocks.push(extension.block!);
    states.push(state(extension));
  }
  return { store, states, blocks };
}

const refused = (act: Promise<void>, what?: string) =>
  assert.rejects(act, (error) => error instanceof KmsError && error.code === 'tampered', what);

const storeOf = (blocks: readonly LeafBlock[]): Pick<Store, 'ledger'> => ({
  ledger: async (from, limit) => ({
    blocks: blocks.filter(({ first, count }) => first + count > from).slice(0, limit),
    checkpoints: [],
  }),
});

const batches = [3, 1, 7, 2, 1, 16, 5];

test('every later state is one that the ledger grew to from every earlier one', async () => {
  const { store, states } = await grown(batches);
  for (const [i, known] of states.entries()) {
    for (const claimed of states.slice(i)) await assertGrownFrom(store, known, claimed);
  }
});

test('no state is grown to from a later one, nor from that of another ledger', async () => {
  const { store, states } = await grown(batches);
  for (const [i, known] of states.entries()) {
    for (const claimed of states.slice(0, i)) await refused(assertGrownFrom(store, known, claimed));
  }
  const other = await grown([4, 9], 1000);
  await refused(assertGrownFrom(store, other.states[1]!, states.at(-1)!));
  await refused(assertGrownFrom(other.store, states[1]!, states.at(-1)!));
});

test('a claimed edge of the right size and other hashes is refused, and so is one that is no edge', async () => {
  const { store, states } = await grown(batches);
  const [known, { size, frontier }] = [states[2]!, states.at(-1)!];
  for (let byte = 0; byte < frontier.length; byte++) {
    const flipped = Uint8Array.from(frontier);
    flipped[byte]! ^= 1;
    await refused(assertGrownFrom(store, known, { size, frontier: flipped }), `byte ${byte}`);
  }
  for (const wrong of [frontier.subarray(32), new Uint8Array(0), Buffer.concat([frontier, frontier])]) {
    await refused(assertGrownFrom(store, known, { size, frontier: wrong }));
  }
  await refused(assertGrownFrom(store, { size: known.size, frontier: new Uint8Array(1) }, { size, frontier }));
});

test('a line that was altered, left out, doubled or moved since is found', async () => {
  const { states, blocks } = await grown(batches);
  const [known, claimed] = [states[1]!, states.at(-1)!];
  await assertGrownFrom(storeOf(blocks), known, claimed);
  for (const [i, block] of blocks.entries()) {
    const without = blocks.filter((_, other) => other !== i);
    if (i === 0) continue;
    await refused(assertGrownFrom(storeOf(without), known, claimed), `without block ${i}`);
    const leaves = decodeLeafBlock(block)!;
    for (const [n, leaf] of leaves.entries()) {
      const bytes = Uint8Array.from(leaf.bytes);
      bytes[(n * 29) % bytes.length]! ^= 4;
      const turned = leaves.map((one, other) => (other === n ? { ...leaf, bytes } : one));
      const altered = blocks.map((one, other) => (other === i ? encodeLeafBlock(block.first, turned) : one));
      await refused(assertGrownFrom(storeOf(altered), known, claimed), `line ${n} of block ${i}`);
    }
    const moved = blocks.map((one, other) => (other === i ? { ...blocks[1]!, first: block.first } : one));
    if (i > 1) await refused(assertGrownFrom(storeOf(moved), known, claimed), `block 1 in the place of ${i}`);
  }
  await refused(assertGrownFrom(storeOf([]), known, claimed));
});

test('lines that the server itself added behind what is claimed do not matter', async () => {
  const { store, states } = await grown(batches);
  await assertGrownFrom(store, states[0]!, states[3]!);
});
