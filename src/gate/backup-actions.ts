import {
  type BackupFacts,
  type BackupSchedule,
  type BackupStatus,
  type Command,
  KmsError,
  type RecordReader,
  type Result,
} from '#domain/domain.ts';
import { restoredId, statusChange, statusOf } from './backup-status.ts';
import type { Backups } from './backups.ts';
import type { Core } from './core.ts';
import { asKmsError, type Line } from './lines.ts';
import type { Unsealed } from './rooms.ts';
import type { OfBackup } from './verbs.ts';

const shortestEvery = 60;
const longestEvery = 366 * 86_400;
const mostKept = 10_000;
/** Seconds until what failed is tried again, at the latest. */
const retryAfter = 600;

export function isOfBackup(command: Command): command is Command<OfBackup> {
  return actions.has(command.kind);
}

const actions: ReadonlySet<string> = new Set<OfBackup>([
  'take-backup',
  'read-backups',
  'schedule-backups',
  'confirm-restore',
  'run-backup-schedule',
]);

interface Asking {
  readonly rooms: Unsealed;
  readonly command: Command<OfBackup>;
}

/** Backups of the whole server. What was written is recorded whatever became of rights meanwhile: it is there. */
export async function keepBackups(
  core: Core,
  { rooms, command }: Asking,
  line: Line,
  holds: () => boolean,
): Promise<Result<OfBackup>> {
  const { records } = rooms.keyring;
  switch (command.kind) {
    case 'read-backups':
      await core.commits.submit(line, undefined, holds);
      return await toldOf(core, records);
    case 'take-backup': {
      if (command.to !== undefined) assertAbsolute(command.to);
      const made = await taken(core, rooms, command.to, line);
      await core.commits.submit(line, await statusChange(records, { last: made }));
      return made;
    }
    case 'schedule-backups': {
      const { schedule } = command;
      if (schedule !== undefined) assertSchedule(schedule);
      line.summary = schedule === undefined ? 'no backups by the clock' : summaryOf(schedule);
      await core.commits.submit(line, await statusChange(records, { schedule, since: core.options.clock() }), holds);
      return await toldOf(core, records);
    }
    case 'confirm-restore': {
      const restored = await records.read('setting', restoredId);
      if (restored === undefined) throw new KmsError('invalid-state', 'This server did not come out of a backup.');
      line.summary = 'the restored server lives on';
      const gone = { kind: 'setting', id: restoredId, expect: restored.revision, value: undefined } as const;
      await core.commits.submit(line, { records: [gone], summary: '' }, holds);
      return await toldOf(core, records);
    }
    case 'run-backup-schedule':
      return await runSchedule(core, rooms, line);
  }
}

async function runSchedule(core: Core, rooms: Unsealed, line: Line): Promise<Result<'run-backup-schedule'>> {
  const { records } = rooms.keyring;
  const { schedule } = await statusOf(records);
  if (schedule === undefined || !(await isBackupDue(core, records))) {
    await core.commits.submit(line);
    return { gone: 0 };
  }
  try {
    const made = await taken(core, rooms, schedule.to, line);
    await core.commits.submit(line, await statusChange(records, { last: made }));
    return { taken: made, gone: await backupsOf(core).prune(rooms, schedule.to, schedule.keep, made.id) };
  } catch (error) {
    const reason = asKmsError(error).message;
    core.options.onInternalError(new Error(`A scheduled backup failed: ${reason}`), line.requestId);
    const failure = { at: core.options.clock(), reason };
    await core.commits.change(await statusChange(records, { failure }));
    throw error;
  }
}

async function taken(core: Core, rooms: Unsealed, to: string | undefined, line: Line): Promise<BackupFacts> {
  const made = await backupsOf(core).take(rooms, to);
  line.summary = `backup ${made.id} of ${made.ledger} lines in ${made.file}, SHA-256 ${made.digest}`;
  return made;
}

function backupsOf({ options }: Core): Backups {
  if (options.backups === undefined) throw new KmsError('unsupported', 'This server keeps nothing to be backed up.');
  return options.backups;
}

/** Whether the clock asks for one by now. */
export async function isBackupDue({ options }: Core, records: RecordReader): Promise<boolean> {
  const { schedule, last, failure, restored } = await statusOf(records);
  if (schedule === undefined || restored !== undefined) return false;
  const now = options.clock();
  const since = (at: number | undefined) => (at === undefined ? Number.POSITIVE_INFINITY : (now - at) / 1000);
  return since(last?.takenAt) >= schedule.every && since(failure?.at) >= Math.min(retryAfter, schedule.every);
}

/** As it is kept, and whether one is missing: also where none is tried, on a restored server that nobody has confirmed. */
async function toldOf({ options }: Core, records: RecordReader): Promise<BackupStatus> {
  const { since = 0, ...status } = await statusOf(records);
  const { schedule, last } = status;
  const due = schedule && Math.max(since, last === undefined ? 0 : last.takenAt + schedule.every * 1000);
  return { ...status, overdue: due !== undefined && options.clock() >= due + retryAfter * 1000 };
}

function assertSchedule({ every, to, keep }: BackupSchedule): void {
  const within = (value: number, least: number, most: number) =>
    Number.isInteger(value) && value >= least && value <= most;
  if (!within(every, shortestEvery, longestEvery))
    throw new KmsError('invalid-parameter', 'Backups are taken every minute at the most and once a year at the least.');
  if (!within(keep, 1, mostKept)) throw new KmsError('invalid-parameter', `1 to ${mostKept} backups are kept.`);
  assertAbsolute(to);
}

function assertAbsolute(path: string): void {
  if (path.startsWith('/') && path.length <= 4096 && !path.includes('\0')) return;
  throw new KmsError('invalid-parameter', 'Where backups go is told by an absolute path on the machine of the server.');
}

const summaryOf = ({ every, to, keep }: BackupSchedule) => `a backup every ${every} s to ${to}, of which ${keep} stay`;
