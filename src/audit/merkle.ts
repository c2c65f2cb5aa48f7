import { digestLatin1 } from '#crypto/crypto.ts';
import { view } from '#encoding/encoding.ts';

/** A SHA-256 digest as 32 characters, one per byte (latin1): half the cost of a Buffer, and `===` compares it. */
export type Hash = string;

export const hashLength = 32;

/** The root of the tree without leaves: the hash of nothing (RFC 6962 section 2.1). */
export const emptyRoot: Hash = digestLatin1('sha256', new Uint8Array(0));

export function hashBytes(hash: Hash): Uint8Array {
  return Buffer.from(hash, 'latin1');
}

/** `bytes` has 32. */
export function hashOf(bytes: Uint8Array): Hash {
  return view(bytes).toString('latin1');
}

// The prefixes 0 and 1 keep a leaf from standing in for a node (RFC 6962 section 2.1). The buffers never leave this file.
const nodeInput = Buffer.alloc(1 + 2 * hashLength, 1);
const leafInput = Buffer.alloc(4 * 1024);

/** Where a leaf's prefix goes when its bytes already stand in a buffer. */
export const leafPrefix = 0;

export function nodeHash(left: Hash, right: Hash): Hash {
  nodeInput.write(left, 1, hashLength, 'latin1');
  nodeInput.write(right, 1 + hashLength, hashLength, 'latin1');
  return digestLatin1('sha256', nodeInput);
}

export function leafHash(leaf: Uint8Array): Hash {
  const input = leaf.length < leafInput.length ? leafInput : Buffer.alloc(leaf.length + 1);
  input[0] = leafPrefix;
  input.set(leaf, 1);
  return digestLatin1('sha256', input.subarray(0, leaf.length + 1));
}

/**
 * All that is needed of a tree to append to it and to know its root: the roots of the perfect subtrees that its size is made of,
 * largest first, one for each bit set in the size (a compact range that begins at 0).
 */
export class Frontier {
  #size: number;
  readonly #peaks: Hash[];

  constructor(size = 0, peaks: readonly Hash[] = []) {
    this.#size = size;
    this.#peaks = peaks.slice();
  }

  get size(): number {
    return this.#size;
  }

  append(leaf: Hash): void {
    let peak = leaf;
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) peak = nodeHash(this.#peaks.pop()!, peak);
    this.#peaks.push(peak);
    this.#size++;
  }

  root(): Hash {
    let root = this.#peaks.at(-1);
    if (root === undefined) return emptyRoot;
    for (let i = this.#peaks.length - 2; i >= 0; i--) root = nodeHash(this.#peaks[i]!, root);
    return root;
  }

  /** A frontier of its own that begins where this one stands. */
  clone(): Frontier {
    return new Frontier(this.#size, this.#peaks);
  }

  /** The peaks one after the other, largest first; the size is kept beside them. */
  encode(): Uint8Array {
    return Buffer.from(this.#peaks.join(''), 'latin1');
  }

  /** Undefined where the bytes don't fit the size. */
  static decode(size: number, bytes: Uint8Array): Frontier | undefined {
    if (!Number.isSafeInteger(size) || size < 0) return undefined;
    const peaks: Hash[] = [];
    let at = 0;
    for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) {
      if (rest % 2 === 0) continue;
      peaks.push(hashOf(bytes.subarray(at, at + hashLength)));
      at += hashLength;
    }
    return at === bytes.length ? new Frontier(size, peaks) : undefined;
  }
}
