import { KmsError, type RecordChange, type RecordReader, type SecretBytes } from '#domain/domain.ts';
import { fromUtf8 } from '#encoding/encoding.ts';
import type { Store } from '#store/store.ts';
import { openBundle, type Root, type WrappedBundle, wrapBundle } from './root.ts';

const id = 'root-rotation';
const names = ['records', 'anchor'] as const;

interface Stored {
  readonly startedAt: number;
  /** What hung from the root before, under the one of now. */
  readonly former: WrappedBundle<(typeof names)[number]>;
}

/**
 * What is still needed of the root before while a rotation is under way: rows that it vouched for are believed until each has been
 * written anew, and so is the head. Once it is gone, nothing opens what was wrapped under that root.
 */
export interface FormerRoot {
  readonly records: SecretBytes;
  readonly anchor: SecretBytes;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

/** Undefined where no rotation to `root` is under way: one that never came to its new root has left a record that it can't open. */
export async function formerRoot(root: Root, store: Store): Promise<FormerRoot | undefined> {
  // Whether its MAC holds is known only with what is in it; nobody else could have wrapped that.
  const row = await store.read('setting', id);
  if (row === undefined) return undefined;
  try {
    const { startedAt, former } = JSON.parse(fromUtf8(row.body) ?? '') as Stored;
    const secrets = openBundle(root.wrapping, id, names, former);
    return secrets && { ...secrets, startedAt };
  } catch {
    throw new KmsError('tampered', 'The record of the rotation of the root is damaged; restore a backup.');
  }
}

/** Keeps what is needed of `root` for the one that comes next. */
export async function rememberRoot(root: Root, next: Root, records: RecordReader, now: number): Promise<RecordChange> {
  const value: Stored = { startedAt: now, former: wrapBundle(next.wrapping, id, names, root) };
  return { kind: 'setting', id, expect: (await records.read('setting', id))?.revision ?? 0, value };
}

/** Forgets the root before for good. */
export async function forgetRoot(records: RecordReader): Promise<RecordChange> {
  return { kind: 'setting', id, expect: (await records.read('setting', id))?.revision ?? 0, value: undefined };
}

export function disposeFormer(former: FormerRoot | undefined): void {
  former?.records.dispose();
  former?.anchor.dispose();
}
