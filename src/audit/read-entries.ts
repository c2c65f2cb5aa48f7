import { type Entry, KmsError } from '#domain/domain.ts';
import type { Store } from '#store/store.ts';
import { decodeEntry } from './entry-line.ts';
import { decodeLeafBlock } from './leaf-block.ts';

export interface IndexedEntry {
  /** From 0. */
  readonly index: number;
  readonly entry: Entry;
}

/** At most `limit` entries from `from` on, oldest first. Rejects with 'tampered' at a line that can't be read. */
export async function readEntries(
  store: Pick<Store, 'ledger'>,
  from: number,
  limit: number,
): Promise<readonly IndexedEntry[]> {
  const entries: IndexedEntry[] = [];
  for (let next = from; entries.length < limit; ) {
    // A block holds a leaf at least, so this many are enough.
    const { blocks } = await store.ledger(next, Math.min(limit - entries.length, 64));
    if (blocks.length === 0) break;
    for (const block of blocks) {
      const leaves = decodeLeafBlock(block);
      if (leaves === undefined || block.first > next || block.first + block.count <= next) throw unreadable(next);
      for (const { bytes } of leaves.slice(next - block.first, next - block.first + limit - entries.length)) {
        const entry = decodeEntry(bytes);
        if (entry === undefined) throw unreadable(next);
        entries.push({ index: next++, entry });
      }
      if (entries.length === limit) break;
    }
  }
  return entries;
}

function unreadable(index: number): KmsError {
  return new KmsError('tampered', `Line ${index + 1} of the ledger can't be read; run "claviger audit verify".`);
}
