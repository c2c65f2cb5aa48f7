import type { RootStatus } from '#domain/domain.ts';
import type { Operations } from './row.ts';

const status = ({ rotatingSince, renewed, rows }: RootStatus) =>
  rotatingSince === undefined ? { rotating: false } : { rotating: true, rotatingSince, renewed, rows };

/** The root key itself. */
export const rootOperations = {
  'GET /root': { action: 'read-root', maxBody: 0, decode: () => ({}), encode: status },
  'POST /root/rotate': { action: 'rotate-root', maxBody: 1024, decode: () => ({}), encode: status },
} satisfies Operations;
