import { Frontier, type Hash, nodeHash } from './merkle.ts';

/** Leaves `start` up to, not including, `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** The largest power of two below `size`, which is at least 2: where a tree of that size parts (RFC 6962 section 2.1). */
function split(size: number): number {
  let k = 1;
  while (k * 2 < size) k *= 2;
  return k;
}

/** The subtrees whose roots are the audit path of a leaf, from its sibling up (RFC 6962 section 2.1.1). */
export function inclusionRanges(index: number, size: number): readonly Range[] {
  if (!(index >= 0 && index < size)) throw new RangeError('the tree has no such leaf');
  const path: Range[] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const middle = start + split(end - start);
    if (index < middle) {
      path.push({ start: middle, end });
      end = middle;
    } else {
      path.push({ start, end: middle });
      start = middle;
    }
  }
  return path.reverse();
}

/** The subtrees whose roots show that the tree of `first` leaves is the beginning of that of `second` (RFC 6962 section 2.1.2). */
export function consistencyRanges(first: number, second: number): readonly Range[] {
  if (!(first >= 0 && first <= second)) throw new RangeError('the first tree is not the smaller one');
  if (first === 0 || first === second) return [];
  const path: Range[] = [];
  let start = 0;
  let end = second;
  while (first < end) {
    const middle = start + split(end - start);
    if (first <= middle) {
      path.push({ start: middle, end });
      end = middle;
    } else {
      path.push({ start, end: middle });
      start = middle;
    }
  }
  // From the start on, the node is the first tree's own root, which the verifier has.
  if (start > 0) path.push({ start, end });
  return path.reverse();
}

/** The root of the leaves of a range, taken as a tree of their own. */
export type RangeRoot = (range: Range) => Hash;

export function rootsOfList(leaves: readonly Hash[]): RangeRoot {
  return ({ start, end }) => {
    if (end > leaves.length) throw new RangeError('the list has no such leaf');
    const tree = new Frontier();
    for (let i = start; i < end; i++) tree.append(leaves[i]!);
    return tree.root();
  };
}

export function inclusionProof(index: number, size: number, rootOf: RangeRoot): readonly Hash[] {
  return inclusionRanges(index, size).map(rootOf);
}

export function consistencyProof(first: number, second: number, rootOf: RangeRoot): readonly Hash[] {
  return consistencyRanges(first, second).map(rootOf);
}

const half = (n: number) => Math.floor(n / 2);
const isOdd = (n: number) => n % 2 === 1;

/** Whether `path` leads from the leaf's hash at `index` to `root` (RFC 9162 section 2.1.3.2). */
export function verifyInclusion(leaf: Hash, index: number, size: number, path: readonly Hash[], root: Hash): boolean {
  if (!isSize(index) || !isSize(size) || index >= size) return false;
  let node = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of path) {
    if (last === 0) return false;
    if (isOdd(node) || node === last) {
      hash = nodeHash(sibling, hash);
      while (!isOdd(node) && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    node = half(node);
    last = half(last);
  }
  return last === 0 && hash === root;
}

/** Whether `path` shows that a tree with `firstRoot` is the beginning of one with `secondRoot` (RFC 9162 section 2.1.4.2). */
export function verifyConsistency(
  first: number,
  second: number,
  firstRoot: Hash,
  secondRoot: Hash,
  path: readonly Hash[],
): boolean {
  if (!isSize(first) || !isSize(second) || first > second) return false;
  if (first === second) return path.length === 0 && firstRoot === secondRoot;
  // Every tree begins with the empty one, and there is nothing to show.
  if (first === 0) return path.length === 0 && firstRoot === new Frontier().root();
  let node = first - 1;
  let last = second - 1;
  while (isOdd(node)) {
    node = half(node);
    last = half(last);
  }
  const rest = node === 0 ? [firstRoot, ...path] : path;
  const seed = rest[0];
  if (seed === undefined) return false;
  let firstHash = seed;
  let secondHash = seed;
  for (const sibling of rest.slice(1)) {
    if (last === 0) return false;
    if (isOdd(node) || node === last) {
      firstHash = nodeHash(sibling, firstHash);
      secondHash = nodeHash(sibling, secondHash);
      while (!isOdd(node) && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else {
      secondHash = nodeHash(secondHash, sibling);
    }
    node = half(node);
    last = half(last);
  }
  return last === 0 && firstHash === firstRoot && secondHash === secondRoot;
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
