import { type Entry, KmsError } from '#domain/domain.ts';
import type { LeafBlock, LedgerCheckpoint } from '#store/store.ts';
import type { CheckpointSigner } from './checkpoint.ts';
import { entryLine } from './entry-line.ts';
import { blockOfLines } from './leaf-block.ts';
import { Frontier, hashBytes } from './merkle.ts';

/** What must be kept of a ledger to go on with it; whoever keeps it authenticates it. */
export interface LedgerState {
  readonly size: number;
  /** The tree's right edge: 32 bytes for each bit set in `size`. */
  readonly frontier: Uint8Array;
  /** The size at the newest checkpoint; 0 before the first. */
  readonly checkpointed: number;
}

/** What one commit adds: `block` and `checkpoint` as a store's batch takes them, and the state after it. */
export class Extension implements LedgerState {
  readonly block: LeafBlock | undefined;
  readonly checkpoint: LedgerCheckpoint | undefined;
  readonly checkpointed: number;
  /** Not to be appended to. */
  readonly tree: Frontier;

  constructor(
    tree: Frontier,
    checkpointed: number,
    block: LeafBlock | undefined,
    checkpoint: LedgerCheckpoint | undefined,
  ) {
    this.tree = tree;
    this.checkpointed = checkpointed;
    this.block = block;
    this.checkpoint = checkpoint;
  }

  get size(): number {
    return this.tree.size;
  }

  get frontier(): Uint8Array {
    return this.tree.encode();
  }

  /** 32 bytes. Computed when asked for: the frontier says as much. */
  get root(): Uint8Array {
    return hashBytes(this.tree.root());
  }
}

export const newLedger: LedgerState = Object.freeze({ size: 0, frontier: new Uint8Array(0), checkpointed: 0 });

/** An entry that is there many times in a row is one string so often. */
function linesOf(entries: readonly Entry[]): readonly string[] {
  const lines: string[] = [];
  for (const [i, entry] of entries.entries()) {
    lines.push(i > 0 && entry === entries[i - 1] ? lines[i - 1]! : entryLine(entry));
  }
  return lines;
}

/** Throws 'tampered' for a state that can't be one. */
export function openLedger(state: LedgerState): Ledger {
  const tree = Frontier.decode(state.size, state.frontier);
  if (tree === undefined || !(state.checkpointed >= 0 && state.checkpointed <= state.size)) {
    throw new KmsError('tampered', "The ledger's stored state contradicts itself.");
  }
  return new Ledger(tree, state.checkpointed);
}

/** The growing end of the log. Extends tentatively: what isn't adopted never was. */
export class Ledger {
  #tree: Frontier;
  #checkpointed: number;

  constructor(tree: Frontier, checkpointed: number) {
    this.#tree = tree;
    this.#checkpointed = checkpointed;
  }

  /** Lines so far. */
  get size(): number {
    return this.#tree.size;
  }

  /** Lines that a checkpoint vouches for. */
  get checkpointed(): number {
    return this.#checkpointed;
  }

  /** 32 bytes. */
  get root(): Uint8Array {
    return hashBytes(this.#tree.root());
  }

  /**
   * The adopted ledger with `entries` after it, and with a `signer` a checkpoint over the whole, unless there is one already.
   * Changes nothing: after a failed commit, extend again.
   */
  extend(entries: readonly Entry[], signer?: CheckpointSigner): Extension {
    const tree = this.#tree.clone();
    const lines = linesOf(entries);
    const block = lines.length === 0 ? undefined : blockOfLines(tree.size, lines, (hash) => tree.append(hash));
    const { size } = tree;
    if (signer === undefined || size === this.#checkpointed) {
      return new Extension(tree, this.#checkpointed, block, undefined);
    }
    const note = signer.sign(size, tree.root(), this.#checkpointed);
    return new Extension(tree, size, block, { size, note });
  }

  /** The extension is durable: go on from it. It must be of the state that this ledger is in. */
  adopt(extension: Extension): void {
    const grown = extension.block?.count ?? 0;
    if (extension.size - grown !== this.size) throw new Error('the extension is not of this ledger as it stands');
    this.#tree = extension.tree;
    this.#checkpointed = extension.checkpointed;
  }
}
