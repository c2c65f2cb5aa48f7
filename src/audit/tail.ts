import { KmsError } from '#domain/domain.ts';
import { view } from '#encoding/encoding.ts';
import type { Store } from '#store/store.ts';
import { decodeLeafBlock } from './leaf-block.ts';
import type { LedgerState } from './ledger.ts';
import { Frontier, leafHash } from './merkle.ts';

const blocksAtOnce = 64;

/**
 * Rejects with 'tampered' unless the ledger grew from `known`, which somebody vouches for, to `claimed`, which nobody does: the
 * lines between are read and hashed again.
 */
export async function assertGrownFrom(
  store: Pick<Store, 'ledger'>,
  known: Pick<LedgerState, 'size' | 'frontier'>,
  claimed: Pick<LedgerState, 'size' | 'frontier'>,
): Promise<void> {
  const wrong = () =>
    new KmsError(
      'tampered',
      'The ledger lines of the sealed time are not those that were written; run "claviger audit verify".',
    );
  const tree = Frontier.decode(known.size, known.frontier);
  if (tree === undefined) throw wrong();
  while (tree.size < claimed.size) {
    const { blocks } = await store.ledger(tree.size, blocksAtOnce);
    if (blocks.length === 0) throw wrong();
    for (const block of blocks) {
      const leaves = block.first === tree.size ? decodeLeafBlock(block) : undefined;
      if (leaves === undefined) throw wrong();
      for (const { bytes } of leaves) tree.append(leafHash(bytes));
      // What was added since is our own.
      if (tree.size >= claimed.size) break;
    }
  }
  if (tree.size !== claimed.size || !view(tree.encode()).equals(view(claimed.frontier))) throw wrong();
}
