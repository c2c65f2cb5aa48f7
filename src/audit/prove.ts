import { type Entry, KmsError } from '#domain/domain.ts';
import { fromBase64, fromUtf8, toBase64 } from '#encoding/encoding.ts';
import type { LedgerCheckpoint, Store } from '#store/store.ts';
import { openCheckpoint, parseCheckpoint } from './checkpoint.ts';
import { decodeEntry } from './entry-line.ts';
import { decodeLeafBlock } from './leaf-block.ts';
import { type LogItems, storeLog } from './log-item.ts';
import { Frontier, type Hash, hashBytes, hashLength, hashOf, leafHash } from './merkle.ts';
import { parseNote, type VerifierKey } from './note.ts';
import { inclusionRanges, type Range, verifyInclusion } from './proofs.ts';

/** That a line is in the log, for somebody who has only the verifier key. */
export interface InclusionProof {
  /** From 0. */
  readonly index: number;
  /** The line's bytes as hashed. */
  readonly leaf: Uint8Array;
  /** The audit path from the leaf's sibling up (RFC 6962 section 2.1.1), 32 bytes each. */
  readonly path: readonly Uint8Array[];
  /** The signed note that the path leads to. */
  readonly checkpoint: string;
}

/**
 * Proves line `index` under the first checkpoint that covers it; 'not-found' where there is none yet. Reads the ledger up to there
 * once, in a fixed amount of memory. Rejects with 'tampered' rather than give a proof that does not hold.
 */
export async function proveEntry(store: Pick<Store, 'ledger'>, index: number): Promise<InclusionProof> {
  const { checkpoints } = await store.ledger(index, 1);
  const covering = checkpoints.find(({ size }) => size > index);
  if (covering === undefined) throw new KmsError('not-found', 'No checkpoint covers this ledger line yet.');
  return proveUnder(storeLog(store), index, covering);
}

/** The same from any copy of the log; the caller chooses the checkpoint. */
export async function proveUnder(log: LogItems, index: number, under: LedgerCheckpoint): Promise<InclusionProof> {
  const subtrees = new Subtrees(inclusionRanges(index, under.size));
  let bytes: Uint8Array | undefined;
  let next = 0;
  read: for await (const item of log) {
    if (item.kind === 'checkpoint') continue;
    const leaves = item.kind === 'block' && item.block.first === next ? decodeLeafBlock(item.block) : undefined;
    if (leaves === undefined) throw damaged(next);
    for (const leaf of leaves) {
      if (next === index) bytes = leaf.bytes;
      else subtrees.append(next, leaf.hash);
      if (++next === under.size) break read;
    }
  }
  const text = parseNote(under.note)?.text;
  const checkpoint = text === undefined ? undefined : parseCheckpoint(text);
  const path = subtrees.roots();
  if (
    bytes === undefined ||
    checkpoint?.size !== under.size ||
    !verifyInclusion(leafHash(bytes), index, under.size, path, checkpoint.root)
  ) {
    throw damaged(index);
  }
  return { index, leaf: bytes, path: path.map(hashBytes), checkpoint: under.note };
}

function damaged(index: number): KmsError {
  return new KmsError('tampered', `The ledger can't prove line ${index + 1}; run "claviger audit verify".`);
}

/** The roots of ranges that follow one another but for a gap, from leaves that come in order. */
class Subtrees {
  readonly #trees: ReadonlyArray<{ readonly range: Range; readonly tree: Frontier }>;
  readonly #inOrder: Array<{ readonly range: Range; readonly tree: Frontier }>;

  constructor(ranges: readonly Range[]) {
    this.#trees = ranges.map((range) => ({ range, tree: new Frontier() }));
    this.#inOrder = this.#trees.toSorted((a, b) => b.range.start - a.range.start);
  }

  append(index: number, leaf: Hash): void {
    while (this.#inOrder.length > 1 && this.#inOrder.at(-1)!.range.end <= index) this.#inOrder.pop();
    this.#inOrder.at(-1)!.tree.append(leaf);
  }

  roots(): readonly Hash[] {
    return this.#trees.map(({ tree }) => tree.root());
  }
}

export interface Proven {
  readonly entry: Entry;
  /** Lines in the log that the proof is about. */
  readonly size: number;
}

/** What the proof shows: the entry, as the log signed it. Undefined if it shows nothing. */
export function verifyProof(proof: InclusionProof, keys: readonly VerifierKey[]): Proven | undefined {
  const checkpoint = openCheckpoint(proof.checkpoint, keys);
  if (checkpoint === undefined || proof.path.some((hash) => hash.length !== hashLength)) return undefined;
  const { size, root } = checkpoint;
  const entry = decodeEntry(proof.leaf);
  const holds = verifyInclusion(leafHash(proof.leaf), proof.index, size, proof.path.map(hashOf), root);
  return holds && entry !== undefined ? { entry, size } : undefined;
}

const proofHeader = 'c2sp.org/tlog-proof@v1';

/** The proof as text (c2sp.org/tlog-proof), with the leaf as its extra data. */
export function encodeProof(proof: InclusionProof): string {
  const path = proof.path.map((hash) => `${toBase64(hash)}\n`).join('');
  return `${proofHeader}\nextra ${toBase64(proof.leaf)}\nindex ${proof.index}\n${path}\n${proof.checkpoint}`;
}

/** Undefined for everything that `encodeProof` does not make. */
export function decodeProof(bytes: Uint8Array): InclusionProof | undefined {
  if (bytes.length > maxProof) return undefined;
  const text = fromUtf8(bytes);
  const parts = /^([^\n]*)\nextra ([^\n]*)\nindex (0|[1-9][0-9]{0,15})\n((?:[^\n]+\n)*)\n([\s\S]*)$/.exec(text ?? '');
  if (parts === null || parts[1] !== proofHeader) return undefined;
  const leaf = fromBase64(parts[2]!);
  const index = Number(parts[3]);
  const path = parts[4]!.split('\n').slice(0, -1).map(fromBase64);
  if (leaf === undefined || !Number.isSafeInteger(index) || path.length > maxPath) return undefined;
  if (!path.every((hash) => hash?.length === hashLength)) return undefined;
  return { index, leaf, path: path as Uint8Array[], checkpoint: parts[5]! };
}

const maxProof = 512 * 1024;
/** A tree of 2^53 leaves is no deeper. */
const maxPath = 53;
