import { KmsError } from '#domain/domain.ts';
import { fromBase64, toBase64, toUtf8, view } from '#encoding/encoding.ts';
import type { LedgerCheckpoint } from '#store/store.ts';
import { decodeLeafBlock, encodeLeafBlock, type Leaf } from './leaf-block.ts';
import type { LogItem, LogItems } from './log-item.ts';
import { hashBytes, hashLength, hashOf } from './merkle.ts';
import type { VerifierKey } from './note.ts';
import { type Report, type VerifyOptions, verifyLedger } from './verify.ts';

/** Characters of a line of a copy: the longest ledger line with every quote escaped, or the longest note. */
export const maxCopyLine = 512 * 1024;

/** Leaves that are handed on together. */
const blockLeaves = 64;

function leafLine(index: number, leaf: Leaf): string {
  const text = view(leaf.bytes).toString('latin1');
  return `{"i":${index},"h":"${toBase64(hashBytes(leaf.hash))}","leaf":${JSON.stringify(text)}}`;
}

function checkpointLine({ size, note }: LedgerCheckpoint): string {
  return `{"checkpoint":{"size":${size},"note":${JSON.stringify(note)}}}`;
}

/**
 * A copy of the log that needs no database: JSON lines, without their newlines, one for each leaf and for each checkpoint where it
 * stands. The stored hashes go along unchecked. Throws 'tampered' at a block that can't be taken apart.
 */
export async function* exportLedger(log: LogItems): AsyncGenerator<string> {
  for await (const item of log) {
    switch (item.kind) {
      case 'block': {
        const leaves = decodeLeafBlock(item.block);
        if (leaves === undefined) {
          throw new KmsError('tampered', `The ledger's block from line ${item.block.first + 1} on is damaged.`);
        }
        for (const [i, leaf] of leaves.entries()) yield leafLine(item.block.first + i, leaf);
        break;
      }
      case 'checkpoint':
        yield checkpointLine(item.checkpoint);
        break;
      case 'unreadable':
        throw new KmsError('tampered', item.reason);
    }
  }
}

type CopyLine =
  | { readonly kind: 'leaf'; readonly index: number; readonly leaf: Leaf }
  | { readonly kind: 'checkpoint'; readonly checkpoint: LedgerCheckpoint };

/** Only what `exportLedger` writes, character for character, so that no alteration hides in white space or order. */
function parseLine(line: string): CopyLine | undefined {
  if (line.length > maxCopyLine) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (value === null || typeof value !== 'object') return undefined;
  const { i, h, leaf: text, checkpoint } = value as Record<string, unknown>;
  if (checkpoint !== null && typeof checkpoint === 'object') {
    const { size, note } = checkpoint as Record<string, unknown>;
    if (!isIndex(size) || typeof note !== 'string') return undefined;
    return checkpointLine({ size, note }) === line ? { kind: 'checkpoint', checkpoint: { size, note } } : undefined;
  }
  if (!isIndex(i) || typeof h !== 'string' || typeof text !== 'string') return undefined;
  const hash = fromBase64(h);
  if (hash?.length !== hashLength) return undefined;
  const leaf = { hash: hashOf(hash), bytes: toUtf8(text) };
  return leafLine(i, leaf) === line ? { kind: 'leaf', index: i, leaf } : undefined;
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Reads such a copy back. Believes nothing: what isn't a line of a copy ends it as unreadable. */
export async function* readExport(lines: AsyncIterable<string>): LogItems {
  let first = 0;
  let gathered: Leaf[] = [];
  const gather = (): LogItem[] => {
    if (gathered.length === 0) return [];
    const block = encodeLeafBlock(first, gathered);
    gathered = [];
    return [{ kind: 'block', block }];
  };
  let number = 0;
  for await (const line of lines) {
    number++;
    const parsed = parseLine(line);
    if (parsed?.kind === 'leaf') {
      if (gathered.length === blockLeaves || parsed.index !== first + gathered.length) yield* gather();
      if (gathered.length === 0) first = parsed.index;
      gathered.push(parsed.leaf);
      continue;
    }
    yield* gather();
    if (parsed === undefined) {
      yield { kind: 'unreadable', reason: `line ${number} of the copy is not of the form that copies have` };
      return;
    }
    yield { kind: 'checkpoint', checkpoint: parsed.checkpoint };
  }
  yield* gather();
}

export function verifyExport(
  lines: AsyncIterable<string>,
  keys: readonly VerifierKey[],
  options?: VerifyOptions,
): Promise<Report> {
  return verifyLedger(readExport(lines), keys, options);
}
