import type { Change, Key, RecordChange, RecordReader } from '#domain/domain.ts';
import type { Behind, Shelf } from '#store/store.ts';
import type { Changed, Parts } from './change.ts';
import { keyRecordId } from './key-record.ts';

const prefix = 'erasure/';
/** With the key: where the shelf is not the living one, two keys may know the same slot. */
const idOf = (slot: number, key: Pick<Key, 'realm' | 'id'>) =>
  `${prefix}${String(slot).padStart(12, '0')}/${keyRecordId(key)}`;
const page = 500;

/**
 * What goes with the row of a key that is destroyed. First the row, then the slot: between the two the key is destroyed for everybody but
 * who has a backup, and a restart goes on from here. The other way round a change that loses to another would have taken a living key.
 */
export function erasureOf({ slot, realm, id }: Key): readonly RecordChange[] {
  if (slot === undefined) return [];
  const value: Erasure = { slot, realm, key: id };
  return [{ kind: 'setting', id: idOf(slot, { realm, id }), expect: 0, value }];
}

interface Erasure {
  readonly slot: number;
  readonly realm: string;
  readonly key: string;
}

/** The slot is overwritten before the destruction is acknowledged, which names the mirrors that may still have it. */
export function erasing(parts: Pick<Parts, 'shelf'>, key: Key, changed: Changed): Destroyed {
  const { slot } = key;
  const { shelf } = parts;
  if (slot === undefined || shelf === undefined) return { ...changed, result: { ...changed.result, pending: [] } };
  const known = pathsOf(shelf);
  const pending = [...known];
  const finish = async () => {
    await shelf.erase([{ slot, owner: keyRecordId(key) }]);
    pending.splice(0, pending.length, ...pathsOf(shelf));
  };
  const summary =
    known.length === 0 ? changed.change.summary : `${changed.change.summary}, pending in ${known.join(', ')}`;
  return { result: { ...changed.result, pending }, change: { ...changed.change, summary, finish } };
}

/** `pending`: mirrors that are erased later. Filled once the change is finished. */
export type Destroyed = Changed & { readonly result: { readonly pending: readonly string[] } };

const pathsOf = (shelf: Shelf) => shelf.behind().map(({ path }) => path);

/** Brings mirrors along, and finishes erasures that are not known to have reached the shelf and all of them. `behind`: those that are not reached. */
export async function finishErasures(
  shelf: Shelf | undefined,
  records: RecordReader,
): Promise<{ readonly change?: Change; readonly behind: readonly Behind[] }> {
  if (shelf === undefined) return { behind: [] };
  shelf.catchUp();
  const rows = await records.list('setting', prefix, '', page);
  if (rows.length === 0) return { behind: shelf.behind() };
  const erasures = rows.map(({ value }) => value as Erasure);
  await shelf.erase(erasures.map(({ slot, realm, key: id }) => ({ slot, owner: keyRecordId({ realm, id }) })));
  const behind = shelf.behind();
  if (behind.length > 0) return { behind };
  const gone = rows.map(
    ({ id, revision }): RecordChange => ({ kind: 'setting', id, expect: revision, value: undefined }),
  );
  return { change: { records: gone, summary: '' }, behind };
}
