import type { Change, Key, RecordChange, RecordReader } from '#domain/domain.ts';
import type { Shelf } from '#store/store.ts';
import type { Changed, Parts } from './change.ts';

const prefix = 'erasure/';
const idOf = (slot: number) => `${prefix}${String(slot).padStart(12, '0')}`;
const page = 500;

/**
 * What goes with the row of a key that is destroyed. First the row, then the slot: between the two the key is destroyed for everybody but
 * who has a backup, and a restart goes on from here. The other way round a change that loses to another would have taken a living key.
 */
export function erasureOf({ slot, realm, id }: Key): readonly RecordChange[] {
  return slot === undefined ? [] : [{ kind: 'setting', id: idOf(slot), expect: 0, value: { slot, realm, key: id } }];
}

/** The slot is overwritten before the destruction is acknowledged. */
export function erasing(parts: Pick<Parts, 'shelf'>, { slot }: Key, changed: Changed): Changed {
  if (slot === undefined) return changed;
  const finish = async () => {
    await parts.shelf?.erase([slot]);
  };
  return { ...changed, change: { ...changed.change, finish } };
}

/** Finishes erasures that are not known to have reached the shelf and every mirror. `behind`: the mirrors that are not reached yet. */
export async function finishErasures(
  shelf: Shelf | undefined,
  records: RecordReader,
): Promise<{ readonly change?: Change; readonly behind: readonly string[] }> {
  const rows = await records.list('setting', prefix, '', page);
  if (rows.length === 0 || shelf === undefined) return { behind: [] };
  shelf.catchUp();
  const behind = await shelf.erase(rows.map(({ value }) => (value as { readonly slot: number }).slot));
  if (behind.length > 0) return { behind };
  const gone = rows.map(
    ({ id, revision }): RecordChange => ({ kind: 'setting', id, expect: revision, value: undefined }),
  );
  return { change: { records: gone, summary: '' }, behind };
}
