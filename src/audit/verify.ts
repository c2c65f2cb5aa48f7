import { KmsError } from '#domain/domain.ts';
import type { LeafBlock, LedgerCheckpoint } from '#store/store.ts';
import { type Checkpoint, openCheckpoint, previousExtension } from './checkpoint.ts';
import { decodeEntry } from './entry-line.ts';
import { type Leaf, readLeaves } from './leaf-block.ts';
import type { LogItem, LogItems } from './log-item.ts';
import { Frontier, leafHash } from './merkle.ts';
import type { VerifierKey } from './note.ts';

/** Lines are counted from 1, as people do: line 1 is the leaf with index 0. */
export interface FirstWrong {
  readonly line: number;
  /** The first wrong line is one from `line` to `through`; the same where the evidence names it. */
  readonly through: number;
  /** A sentence for people. */
  readonly reason: string;
}

export interface Report {
  readonly ok: boolean;
  /** Lines read and found right one by one, up to the end or to the first wrong one. */
  readonly size: number;
  /** Checkpoints that hold. */
  readonly checkpoints: number;
  /** `time`: of the newest line under it, in milliseconds since the epoch. */
  readonly lastCheckpoint?: { readonly size: number; readonly time?: number };
  readonly firstWrong?: FirstWrong;
  /** Lines after the last checkpoint that holds: whoever can write the log could have written these. */
  readonly unsignedTail: number;
}

export interface VerifyOptions {
  /** A checkpoint note that the auditor kept: the log must still hold it and have grown from it. Shows that nothing was rolled back. */
  readonly kept?: string;
  /** Called after each block with the lines that were read so far. */
  readonly onProgress?: (lines: number) => void;
}

/**
 * Reads a whole log and says whether it is what its checkpoints say, or where it is first wrong. Needs no server and a fixed amount
 * of memory. A log without a checkpoint is never right. Throws 'invalid-parameter' if no key is given or `kept` is not a checkpoint
 * of theirs.
 */
export async function verifyLedger(
  log: LogItems,
  keys: readonly VerifierKey[],
  options: VerifyOptions = {},
): Promise<Report> {
  const verifier = new Verifier(keys, options.kept);
  for await (const item of log) {
    const goesOn = verifier.take(item);
    options.onProgress?.(verifier.size);
    if (!goesOn) break;
  }
  return verifier.report();
}

class Verifier {
  readonly #keys: readonly VerifierKey[];
  readonly #kept: Checkpoint | undefined;
  readonly #tree = new Frontier();
  #lastTime: number | undefined;
  #checkpoints = 0;
  #last: Report['lastCheckpoint'];
  #wrong: FirstWrong | undefined;

  constructor(keys: readonly VerifierKey[], kept: string | undefined) {
    if (keys.length === 0) throw new KmsError('invalid-parameter', 'A log is verified with at least one verifier key.');
    this.#keys = keys;
    this.#kept = kept === undefined ? undefined : openCheckpoint(kept, keys);
    if (kept !== undefined && this.#kept === undefined) {
      throw new KmsError('invalid-parameter', 'The checkpoint that was kept is not signed by a verifier key.');
    }
  }

  get size(): number {
    return this.#tree.size;
  }

  /** False once something is wrong: no more is taken. */
  take(item: LogItem): boolean {
    this.#wrong ??= this.#fault(item);
    return this.#wrong === undefined;
  }

  #fault(item: LogItem): FirstWrong | undefined {
    switch (item.kind) {
      case 'block':
        return this.#block(item.block);
      case 'checkpoint':
        return this.#checkpoint(item.checkpoint);
      case 'unreadable':
        return this.#next(item.reason);
    }
  }

  #block({ first, count, bytes }: LeafBlock): FirstWrong | undefined {
    if (first > this.size) return this.#next(`it is missing, the log goes on with line ${first + 1}`);
    if (first !== this.size) return this.#next(`line ${first + 1} stands in its place`);
    if (!Number.isSafeInteger(count) || count < 1) return this.#next(`its block says that it has ${count} lines`);
    const { leaves, unread } = readLeaves(bytes);
    for (const leaf of leaves.slice(0, count)) {
      const fault = this.#leaf(leaf);
      if (fault !== undefined) return fault;
    }
    if (leaves.length < count) return this.#next(`its block says ${count} lines and holds ${leaves.length}`);
    if (leaves.length > count || unread > 0) return this.#next(`its block says ${count} lines and holds more`);
    return undefined;
  }

  #leaf(leaf: Leaf): FirstWrong | undefined {
    if (leafHash(leaf.bytes) !== leaf.hash) return this.#next('its bytes are not those of its stored hash');
    const entry = decodeEntry(leaf.bytes);
    if (entry === undefined) return this.#next('it is not a ledger entry');
    this.#tree.append(leaf.hash);
    this.#lastTime = entry.time;
    if (this.size !== this.#kept?.size || this.#tree.root() === this.#kept.root) return undefined;
    return this.#unproven('are not those that the kept checkpoint is over');
  }

  #checkpoint({ size, note }: LedgerCheckpoint): FirstWrong | undefined {
    const previous = this.#last?.size ?? 0;
    if (size > this.size) return this.#next(`it is missing, the next checkpoint is over ${size} lines`);
    if (size !== this.size) return this.#here(`a checkpoint over ${size} lines stands after it`);
    if (this.#last?.size === size) return this.#here('a second checkpoint stands after it');
    const checkpoint = openCheckpoint(note, this.#keys);
    if (checkpoint === undefined)
      return this.#here('the checkpoint after it carries no valid signature by a known key');
    if (checkpoint.size !== size) return this.#here(`the checkpoint after it is over ${checkpoint.size} lines`);
    if (checkpoint.root !== this.#tree.root()) return this.#unproven('are not those that their checkpoint is over');
    if (checkpoint.extensions.join('\n') !== previousExtension(previous).join('\n')) {
      const named = checkpoint.extensions.join(', ') || 'none';
      return this.#here(`the checkpoint before the one after it should be "${named}" and is "previous ${previous}"`);
    }
    this.#checkpoints++;
    this.#last = { size, ...(this.#lastTime !== undefined && { time: this.#lastTime }) };
    return undefined;
  }

  report(): Report {
    this.#wrong ??= this.#end();
    const { size } = this;
    return {
      ok: this.#wrong === undefined,
      size,
      checkpoints: this.#checkpoints,
      ...(this.#last !== undefined && { lastCheckpoint: this.#last }),
      ...(this.#wrong !== undefined && { firstWrong: this.#wrong }),
      unsignedTail: size - (this.#last?.size ?? 0),
    };
  }

  #end(): FirstWrong | undefined {
    if (this.#kept !== undefined && this.size < this.#kept.size) {
      return this.#next(`it is missing, the kept checkpoint is over ${this.#kept.size} lines`);
    }
    if (this.size === 0) return this.#next('the log is empty');
    if (this.#kept !== undefined && (this.#last?.size ?? 0) < this.#kept.size) {
      return this.#here(`the kept checkpoint, over ${this.#kept.size} lines, is missing`);
    }
    if (this.#last === undefined) return this.#unproven('are vouched for by no checkpoint');
    return undefined;
  }

  /** The line that should come now is wrong. */
  #next(why: string): FirstWrong {
    const line = this.size + 1;
    return { line, through: line, reason: `line ${line} is wrong: ${why}` };
  }

  /** What stands behind the last line is wrong, not a line itself. */
  #here(why: string): FirstWrong {
    const line = Math.max(this.size, 1);
    return { line, through: line, reason: `the log is wrong at line ${line}: ${why}` };
  }

  /** Each line agrees with its stored hash, and together they aren't what was signed: somewhere both were altered. */
  #unproven(why: string): FirstWrong {
    const line = (this.#last?.size ?? 0) + 1;
    const through = this.size;
    return { line, through, reason: `lines ${line} to ${through} ${why}; the first wrong line is one of them` };
  }
}
