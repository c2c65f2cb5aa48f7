import type { LeafBlock, LedgerCheckpoint, Store } from '#store/store.ts';

/** A log as it is read: blocks of leaves and, where they stand, checkpoints. Nothing in it is believed. */
export type LogItem =
  | { readonly kind: 'block'; readonly block: LeafBlock }
  | { readonly kind: 'checkpoint'; readonly checkpoint: LedgerCheckpoint }
  /** The copy's own form is broken here, and nothing after it is read. */
  | { readonly kind: 'unreadable'; readonly reason: string };

export type LogItems = AsyncIterable<LogItem>;

/** Blocks asked for at a time. */
const pageSize = 256;

/**
 * A store's whole ledger, page by page, each checkpoint behind the block that it stands after. The server may be adding to it
 * meanwhile.
 */
export async function* storeLog(store: Pick<Store, 'ledger'>): LogItems {
  let next = 0;
  let lastCheckpoint = -1;
  let atEnd = false;
  for (;;) {
    const page = await store.ledger(next, pageSize);
    const checkpoints = page.checkpoints.filter(({ size }) => !(size <= lastCheckpoint));
    const last = page.blocks.at(-1);
    // A checkpoint that came in between the store's two reads is ahead of its blocks: the next page has them, or they are missing.
    if (last === undefined && checkpoints.some(({ size }) => size > next) && !atEnd) {
      atEnd = true;
      continue;
    }
    atEnd = false;
    const end = last === undefined ? Number.POSITIVE_INFINITY : last.first + last.count;
    const standing = checkpoints.filter(({ size }) => !(size > end));
    if (standing.length > page.blocks.length + 1) {
      yield { kind: 'unreadable', reason: 'There are more checkpoints than commits.' };
      return;
    }
    yield* interleaved(page.blocks, standing);
    lastCheckpoint = standing.at(-1)?.size ?? lastCheckpoint;
    // A damaged block may not lead forwards; what was told of it is enough for a verifier to stop at.
    if (last === undefined || !(end > next)) return;
    next = end;
  }
}

function* interleaved(blocks: readonly LeafBlock[], checkpoints: readonly LedgerCheckpoint[]): Generator<LogItem> {
  let told = 0;
  for (const block of blocks) {
    for (; told < checkpoints.length && checkpoints[told]!.size <= block.first; told++) {
      yield { kind: 'checkpoint', checkpoint: checkpoints[told]! };
    }
    yield { kind: 'block', block };
  }
  for (const checkpoint of checkpoints.slice(told)) yield { kind: 'checkpoint', checkpoint };
}
