/** One request that succeeds for every row of our own API about backups. */
import { restoredChange } from '#gate/gate.ts';
import type { Cases } from './cases.ts';

const schedule = { every: 3600, to: '/var/backups', keep: 30 };

export const backupCases: Cases = {
  'GET /backups': async (doors) => () => doors.native('GET', '/backups'),
  'POST /backups': async (doors) => () => doors.native('POST', '/backups', { to: '/var/backups' }),
  'PUT /backups/schedule': async (doors) => () => doors.native('PUT', '/backups/schedule', schedule),
  'DELETE /backups/schedule': async (doors) => () => doors.native('DELETE', '/backups/schedule'),
  'POST /restored/confirm': async (doors) => {
    const { commits, rooms } = doors.house.gate.core;
    await commits.change(await restoredChange(rooms.keyring.records, { backup: 'b', at: doors.house.now }));
    return () => doors.native('POST', '/restored/confirm');
  },
};
