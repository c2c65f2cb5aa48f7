import assert from 'node:assert/strict';
import test from 'node:test';
import { digest } from '#crypto/crypto.ts';
import { readVectors, vectorsMissing } from '../../test/vectors.ts';
import { emptyRoot, Frontier, type Hash, hashBytes, hashOf, leafHash, nodeHash } from './merkle.ts';
import {
  consistencyProof,
  inclusionProof,
  type RangeRoot,
  rootsOfList,
  verifyConsistency,
  verifyInclusion,
} from './proofs.ts';
import { below, seeded } from './sample-log.ts';

// The slow twin: RFC 6962 sections 2.1, 2.1.1 and 2.1.2 word for word, over lists.

const sha256 = (...parts: Uint8Array[]) => digest('sha256', Buffer.concat(parts));
const memo = new Map<string, Buffer>();

function mth(d: readonly Buffer[]): Buffer {
  if (d.length === 0) return sha256();
  if (d.length === 1) return sha256(Uint8Array.of(0), d[0]!);
  const id = `${d.length} ${d[0]!.toString()}`;
  const known = memo.get(id);
  if (known !== undefined) return known;
  const k = 2 ** Math.floor(Math.log2(d.length - 1));
  const root = sha256(Uint8Array.of(1), mth(d.slice(0, k)), mth(d.slice(k)));
  memo.set(id, root);
  return root;
}

function path(m: number, d: readonly Buffer[]): Buffer[] {
  if (d.length === 1) return [];
  const k = 2 ** Math.floor(Math.log2(d.length - 1));
  return m < k ? [...path(m, d.slice(0, k)), mth(d.slice(k))] : [...path(m - k, d.slice(k)), mth(d.slice(0, k))];
}

function subproof(m: number, d: readonly Buffer[], whole: boolean): Buffer[] {
  if (m === d.length) return whole ? [] : [mth(d)];
  const k = 2 ** Math.floor(Math.log2(d.length - 1));
  return m <= k
    ? [...subproof(m, d.slice(0, k), whole), mth(d.slice(k))]
    : [...subproof(m - k, d.slice(k), false), mth(d.slice(0, k))];
}

const most = 200;
const data = Array.from({ length: most }, (_, i) => Buffer.from(`leaf ${i}`));
const leaves = data.map(leafHash);
const slowRoots = Array.from({ length: most + 1 }, (_, n) => hashOf(mth(data.slice(0, n))));

// Each range's root once; `rootsOfList` itself is held against it below.
const fastRoots = new Map<number, Hash>();
const listed = rootsOfList(leaves);
const rootOf: RangeRoot = (range) => {
  const id = range.start * 1000 + range.end;
  const root = fastRoots.get(id) ?? listed(range);
  fastRoots.set(id, root);
  return root;
};

/** The hash with one bit of one byte flipped. */
function altered(hash: Hash, which: number): Hash {
  return hashOf(hashBytes(hash).map((byte, i) => (i === which % 32 ? byte ^ 1 : byte)));
}

test('hashes nothing and the empty leaf as RFC 6962 says', { skip: vectorsMissing('rfc/small.json') }, () => {
  const { emptyTree, emptyLeaf } = JSON.parse(readVectors('rfc/small.json')!.toString()).rfc6962_hashes;
  assert.equal(Buffer.from(hashBytes(emptyRoot)).toString('hex'), emptyTree);
  assert.equal(Buffer.from(hashBytes(leafHash(new Uint8Array(0)))).toString('hex'), emptyLeaf);
});

test('hashes leaves longer than its buffer', () => {
  for (const length of [4094, 4095, 4096, 4097, 100_000]) {
    const leaf = Buffer.alloc(length, 7);
    assert.equal(leafHash(leaf), hashOf(mth([leaf])));
  }
});

test('a frontier has the root of the slow tree at every size, also after it was written down and read back', () => {
  let frontier = new Frontier();
  for (let n = 0; n <= most; n++) {
    assert.equal(frontier.size, n);
    assert.equal(frontier.root(), slowRoots[n]);
    frontier = Frontier.decode(n, frontier.encode())!;
    assert.equal(frontier.root(), slowRoots[n]);
    if (n < most) frontier.append(leaves[n]!);
  }
});

test('a clone grows apart from its original', () => {
  const original = new Frontier();
  for (const leaf of leaves.slice(0, 7)) original.append(leaf);
  const clone = original.clone();
  clone.append(leaves[7]!);
  assert.equal(original.root(), slowRoots[7]);
  assert.equal(clone.root(), slowRoots[8]);
});

test('refuses a frontier whose bytes do not fit its size', () => {
  for (const [size, length] of [
    [0, 32],
    [1, 0],
    [1, 31],
    [1, 64],
    [3, 32],
    [4, 64],
    [-1, 0],
    [1.5, 32],
    [2 ** 53, 32],
  ] as const) {
    assert.equal(Frontier.decode(size, new Uint8Array(length)), undefined);
  }
  assert.equal(Frontier.decode(2 ** 40, new Uint8Array(32))?.size, 2 ** 40);
});

test('proves and verifies each leaf of each tree as the slow twin does', () => {
  for (let n = 1; n <= most; n++) {
    for (let m = 0; m < n; m++) {
      const proof = inclusionProof(m, n, rootOf);
      assert.deepEqual(proof, path(m, data.slice(0, n)).map(hashOf));
      assert.ok(verifyInclusion(leaves[m]!, m, n, proof, slowRoots[n]!));
    }
  }
});

test('proves and verifies that each tree is the beginning of each larger one as the slow twin does', () => {
  for (let n = 1; n <= most; n++) {
    for (let m = 1; m <= n; m++) {
      const proof = consistencyProof(m, n, rootOf);
      assert.deepEqual(proof, subproof(m, data.slice(0, n), true).map(hashOf));
      assert.ok(verifyConsistency(m, n, slowRoots[m]!, slowRoots[n]!, proof));
    }
  }
  assert.ok(verifyConsistency(0, 5, emptyRoot, slowRoots[5]!, consistencyProof(0, 5, rootOf)));
});

test('the proofs of the example in RFC 6962 section 2.1.3 have its nodes', () => {
  const [a, b, c, d, e, f, j] = leaves as [Hash, Hash, Hash, Hash, Hash, Hash, Hash];
  const [g, h, i] = [nodeHash(a, b), nodeHash(c, d), nodeHash(e, f)];
  const k = nodeHash(g, h);
  const l = nodeHash(i, j);
  assert.deepEqual(inclusionProof(0, 7, rootOf), [b, h, l]);
  assert.deepEqual(inclusionProof(3, 7, rootOf), [c, g, l]);
  assert.deepEqual(inclusionProof(4, 7, rootOf), [f, j, k]);
  assert.deepEqual(inclusionProof(6, 7, rootOf), [i, k]);
  assert.deepEqual(consistencyProof(3, 7, rootOf), [c, d, g, l]);
  assert.deepEqual(consistencyProof(4, 7, rootOf), [l]);
  assert.deepEqual(consistencyProof(6, 7, rootOf), [i, j, k]);
});

test('refuses altered, cut, lengthened and misplaced inclusion proofs', () => {
  const random = seeded(3);
  for (let round = 0; round < 5000; round++) {
    const n = 1 + below(random, most);
    const m = below(random, n);
    const proof = inclusionProof(m, n, rootOf);
    const root = slowRoots[n]!;
    const at = below(random, proof.length);
    const other = below(random, most);
    assert.ok(!verifyInclusion(altered(leaves[m]!, round), m, n, proof, root));
    assert.ok(!verifyInclusion(leaves[m]!, m, n, proof, altered(root, round)));
    assert.ok(!verifyInclusion(leaves[m]!, m, n, [...proof, root], root));
    if (other !== m) assert.ok(!verifyInclusion(leaves[m]!, other, n, proof, root));
    for (const index of [-1, n, 0.5, Number.NaN]) assert.ok(!verifyInclusion(leaves[m]!, index, n, proof, root));
    if (proof.length === 0) continue;
    assert.ok(!verifyInclusion(leaves[m]!, m, n, proof.with(at, altered(proof[at]!, round)), root));
    assert.ok(!verifyInclusion(leaves[m]!, m, n, proof.toSpliced(at, 1), root));
    assert.ok(!verifyInclusion(leaves[m]!, m, n, proof.toSpliced(at, 0, proof[at]!), root));
  }
});

test('refuses altered, cut and lengthened consistency proofs', () => {
  const random = seeded(5);
  for (let round = 0; round < 5000; round++) {
    const n = 2 + below(random, most - 1);
    const m = 1 + below(random, n - 1);
    const proof = consistencyProof(m, n, rootOf);
    const [first, second] = [slowRoots[m]!, slowRoots[n]!];
    const at = below(random, proof.length);
    assert.ok(!verifyConsistency(m, n, second, second, proof));
    assert.ok(!verifyConsistency(m, n, first, first, proof));
    assert.ok(!verifyConsistency(m, n, first, second, proof.with(at, altered(proof[at]!, round))));
    assert.ok(!verifyConsistency(m, n, first, second, proof.toSpliced(at, 1)));
    assert.ok(!verifyConsistency(m, n, first, second, [...proof, first]));
    assert.ok(!verifyConsistency(n, m, second, first, proof));
  }
  assert.ok(!verifyConsistency(0, 5, slowRoots[1]!, slowRoots[5]!, []));
  assert.ok(!verifyConsistency(5, 5, slowRoots[5]!, slowRoots[5]!, [slowRoots[1]!]));
});

test('does not ask for what no tree has', () => {
  assert.throws(() => inclusionProof(3, 3, rootOf), RangeError);
  assert.throws(() => inclusionProof(-1, 3, rootOf), RangeError);
  assert.throws(() => consistencyProof(4, 3, rootOf), RangeError);
  assert.throws(() => rootsOfList(leaves)({ start: 0, end: most + 1 }), RangeError);
});
