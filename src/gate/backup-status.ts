import type { BackupStatus, Change, RecordReader } from '#domain/domain.ts';

const statusId = 'backups';
export const restoredId = 'restored';

/** What is kept of them. */
export async function statusOf(records: RecordReader): Promise<Kept & Pick<BackupStatus, 'restored'>> {
  const [stored, restored] = await Promise.all([
    records.read('setting', statusId),
    records.read('setting', restoredId),
  ]);
  return {
    ...(stored?.value as Kept | undefined),
    ...(restored !== undefined && { restored: restored.value as NonNullable<BackupStatus['restored']> }),
  };
}

type Kept = Pick<BackupStatus, 'schedule' | 'last' | 'failure'> & {
  /** When the schedule was set, in milliseconds since the epoch. */
  readonly since?: number;
};

/** A success ends the failure before it. */
export async function statusChange(
  records: RecordReader,
  change: { readonly [K in keyof Kept]?: Kept[K] | undefined },
): Promise<Change> {
  const stored = await records.read('setting', statusId);
  const kept = { ...(stored?.value as Kept | undefined), ...(change.last && { failure: undefined }), ...change };
  const value = Object.fromEntries(Object.entries(kept).filter(([, one]) => one !== undefined));
  return { records: [{ kind: 'setting', id: statusId, expect: stored?.revision ?? 0, value }], summary: '' };
}

/** Whether nobody has said yet that this server, out of a backup, is the one that lives on. */
export async function isRestored(records: RecordReader): Promise<boolean> {
  return (await records.read('setting', restoredId)) !== undefined;
}

/** The record that says so. */
export async function restoredChange(
  records: RecordReader,
  restored: NonNullable<BackupStatus['restored']>,
): Promise<Change> {
  const expect = (await records.read('setting', restoredId))?.revision ?? 0;
  return { records: [{ kind: 'setting', id: restoredId, expect, value: restored }], summary: '' };
}
