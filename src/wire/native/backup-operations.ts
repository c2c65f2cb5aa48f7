import { type BackupSchedule, type Commands, KmsError } from '#domain/domain.ts';
import { optionalInteger, optionalString, requiredString } from '../common/common.ts';
import type { Input } from './decode.ts';
import { asIs } from './encode.ts';
import type { Operations } from './row.ts';

const KiB = 1024;
const nothing = () => ({});

function scheduled({ body }: Input): Commands['schedule-backups'] {
  const number = (name: string): number => {
    const value = optionalInteger(body, name);
    if (value === undefined) throw new KmsError('malformed', `"${name}" is missing.`);
    return value;
  };
  const schedule: BackupSchedule = { every: number('every'), to: requiredString(body, 'to'), keep: number('keep') };
  return { schedule };
}

function taken({ body }: Input): Commands['take-backup'] {
  const to = optionalString(body, 'to');
  return to === undefined ? {} : { to };
}

/** Backups of the whole server. Places are paths on its machine, times are in seconds. */
export const backupOperations = {
  'GET /backups': { action: 'read-backups', maxBody: 0, decode: nothing, encode: asIs },
  'POST /backups': { action: 'take-backup', maxBody: 8 * KiB, body: ['to'], decode: taken, encode: asIs },
  'PUT /backups/schedule': {
    action: 'schedule-backups',
    maxBody: 8 * KiB,
    body: ['every', 'to', 'keep'],
    decode: scheduled,
    encode: asIs,
  },
  'DELETE /backups/schedule': { action: 'schedule-backups', maxBody: 0, decode: nothing, encode: asIs },
  'POST /restored/confirm': { action: 'confirm-restore', maxBody: KiB, body: [], decode: nothing, encode: asIs },
} as const satisfies Operations;
