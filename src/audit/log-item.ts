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

/** A store's whole ledger, page by page, each checkpoint behind the block that it stands after. */
export async function* storeLog(store: Pick<Store, 'ledger'>): LogItems {
  let next = 0;
  let told = -1;
  for (;;) {
    const page = await store.ledger(next, pageSize);
    const checkpoints = page.checkpoints.filter(({ size }) => !(size <= told)).values();
    let pending = checkpoints.next();
    for (const block of page.blocks) {
      for (; !pending.done && pending.value.size <= block.first; pending = checkpoints.next()) {
        yield { kind: 'checkpoint', checkpoint: pending.value };
      }
      yield { kind: 'block', block };
    }
    const last = page.blocks.at(-1);
    const end = last === undefined ? Number.POSITIVE_INFINITY : last.first + last.count;
    for (; !pending.done && !(pending.value.size > end); pending = checkpoints.next()) {
      yield { kind: 'checkpoint', checkpoint: pending.value };
    }
    // A damaged block may not lead forwards; what was told of it is enough for a verifier to stop at.
    if (!(end > next) || last === undefined) return;
    next = end;
    told = end;
  }
}
