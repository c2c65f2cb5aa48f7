import type { Ed25519Signer } from '#crypto/crypto.ts';
import { fromBase64, toBase64 } from '#encoding/encoding.ts';
import { type Hash, hashBytes, hashLength, hashOf } from './merkle.ts';
import { formatVerifierKey, openNote, signNote, type VerifierKey, verifierKey } from './note.ts';

/** What a log says of itself at one size (c2sp.org/tlog-checkpoint). */
export interface Checkpoint {
  /** The log's name. */
  readonly origin: string;
  readonly size: number;
  readonly root: Hash;
  readonly extensions: readonly string[];
}

export function checkpointText(checkpoint: Checkpoint): string {
  const root = toBase64(hashBytes(checkpoint.root));
  return [checkpoint.origin, checkpoint.size, root, ...checkpoint.extensions, ''].join('\n');
}

/** Undefined for everything that `checkpointText` does not make. */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  if (!text.endsWith('\n')) return undefined;
  const [origin, decimal, base64, ...extensions] = text.slice(0, -1).split('\n');
  if (!origin || decimal === undefined || base64 === undefined || extensions.includes('')) return undefined;
  const size = Number(decimal);
  if (!/^(0|[1-9][0-9]*)$/.test(decimal) || !Number.isSafeInteger(size)) return undefined;
  const root = fromBase64(base64);
  if (root?.length !== hashLength) return undefined;
  return { origin, size, root: hashOf(root), extensions };
}

/** The checkpoint in a note that one of `keys` signed under the log's own name; otherwise undefined. */
export function openCheckpoint(note: string, keys: readonly VerifierKey[]): Checkpoint | undefined {
  const opened = openNote(note, keys);
  if (opened === undefined) return undefined;
  const checkpoint = parseCheckpoint(opened.text);
  return opened.signedBy.some((key) => key.name === checkpoint?.origin) ? checkpoint : undefined;
}

/**
 * The extension line by which each checkpoint but the first names the size of the one before it. C2SP advises against extension
 * lines because a log's monitors can't check them; ours can and does, and without it a checkpoint that somebody took out of the
 * middle would leave no trace.
 */
export function previousExtension(previous: number): readonly string[] {
  return previous === 0 ? [] : [`previous ${previous}`];
}

/** Signs the checkpoints of one log. */
export class CheckpointSigner {
  readonly #origin: string;
  readonly #signer: Ed25519Signer;

  constructor(origin: string, signer: Ed25519Signer) {
    this.#origin = origin;
    this.#signer = signer;
  }

  /** What an auditor needs to verify the log: a line of `ledger.pub`. */
  get verifierKey(): string {
    return formatVerifierKey(verifierKey(this.#origin, this.#signer.publicKey));
  }

  /** A signed note. `previous` is the size at the checkpoint before, 0 for the first. */
  sign(size: number, root: Hash, previous: number): string {
    const checkpoint = { origin: this.#origin, size, root, extensions: previousExtension(previous) };
    return signNote(checkpointText(checkpoint), this.#origin, this.#signer);
  }

  /** A note whose text is JSON: it begins with a brace, and so is never taken for a checkpoint, which begins with the log's name. */
  signReport(facts: object): string {
    return signNote(`${JSON.stringify(facts, undefined, 2)}\n`, this.#origin, this.#signer);
  }
}
