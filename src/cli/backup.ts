import { resolve } from 'node:path';
import { type BackupStatus, ClavigerClient } from '#client/client.ts';
import { type Call, type Command, duration, UsageError, wholeNumber } from './command.ts';
import { size } from './output.ts';

/** Backups of the whole server, taken by itself while it serves. */
export const backupCommands: readonly Command[] = [
  {
    name: 'backup',
    summary: 'Take a backup of the whole server while it serves: one file, which any of its seals opens',
    options: {
      to: { type: 'string', value: 'PATH', help: 'a folder, or a new file, of the server (default: DATA/backups)' },
    },
    more: [
      'The server writes it on its own machine, encrypted, and says so once it is on disk and was read back. It holds the database,',
      'the seal file and the TLS files, and nothing that opens them: keep what opens a seal elsewhere.',
    ],
    async run(call) {
      const to = call.text('to');
      const client = new ClavigerClient({ ...call.connect().endpoint, timeout: hour });
      const made = await client.backups.take(to === undefined ? undefined : placed(to));
      call.out.result(made, () => {
        call.out.line(`${made.file}: ${size(made.bytes)}, ${made.ledger} lines of the ledger.`);
        call.out.line(`SHA-256 ${made.digest}`);
      });
    },
  },
  {
    name: 'backup schedule',
    summary: 'Let the server take backups by itself',
    options: {
      every: { type: 'string', value: 'TIME', help: 'how often, such as 24h' },
      to: { type: 'string', value: 'DIR', help: 'a folder of the server, best on another disk' },
      keep: { type: 'string', value: 'N', help: 'how many stay there (default 30)' },
      off: { type: 'boolean', help: 'none from now on' },
    },
    async run(call) {
      const { backups } = call.connect().client;
      const status = await (call.flag('off') ? backups.unschedule() : backups.schedule(scheduleOf(call)));
      call.out.result(status, () => show(call, status));
    },
  },
  {
    name: 'backup status',
    summary: 'Say when backups are taken, and what came of the last one',
    more: ['Exits 1 when the last one failed, or when the next is overdue by ten minutes.'],
    async run(call) {
      const status = await call.connect().client.backups.status();
      call.out.result(status, () => show(call, status));
      return status.failure === undefined && !status.overdue ? 0 : 1;
    },
  },
  {
    name: 'backup confirm-restore',
    summary: 'Say that this server, which came out of a backup, is the one that lives on',
    more: [
      'Until then it does nothing by the clock. Say it only where the server that was backed up will never run again.',
    ],
    async run(call) {
      const status = await call.connect().client.backups.confirmRestore();
      call.out.result(status, () => call.out.line('This server lives on: it does again what the clock asks for.'));
    },
  },
];

/** Milliseconds: as long as a very large one may take. */
const hour = 3_600_000;

/** A folder that is named with a slash at its end stays one. */
const placed = (path: string) => (path.endsWith('/') ? `${resolve(path)}/` : resolve(path));

function scheduleOf(call: Call) {
  const [every, to] = [call.text('every'), call.text('to')];
  if (every === undefined || to === undefined) throw new UsageError('Give --every and --to, or --off.');
  return { every: duration(every), to: resolve(to), keep: wholeNumber('--keep', call.text('keep') ?? '30') };
}

function show({ out }: Call, { schedule, last, failure, overdue, restored }: BackupStatus): void {
  const time = (ms: number) => new Date(ms).toISOString();
  out.facts([
    [
      'by the clock',
      schedule === undefined ? 'none' : `every ${schedule.every} s to ${schedule.to}, of which ${schedule.keep} stay`,
    ],
    ['last', last === undefined ? 'none' : `${time(last.takenAt)}, ${last.file}, ${size(last.bytes)}`],
    ['failed since', failure === undefined ? 'no' : `${time(failure.at)}: ${failure.reason}`],
    ...(overdue ? [['overdue', 'yes: no backup is as young as the schedule says'] as const] : []),
    ...(restored === undefined
      ? []
      : [['restored', `${time(restored.at)} from ${restored.backup}; not confirmed yet`] as const]),
  ]);
}
