import { toUtf8 } from '#encoding/encoding.ts';
import { requiredString } from '../common/common.ts';
import type { Operations } from './row.ts';

const KiB = 1024;

/** What custodians say of their shares. A statement is the text that `claviger share acknowledge` makes. */
export const shareOperations = {
  'GET /shares': {
    action: 'list-acknowledgements',
    maxBody: 0,
    decode: () => ({}),
    encode: ({ shares }) => ({ shares }),
  },
  'POST /shares': {
    action: 'acknowledge-share',
    maxBody: 16 * KiB,
    body: ['statement'],
    decode: ({ body }) => ({ statement: toUtf8(requiredString(body, 'statement')) }),
    encode: ({ share, settled }) => ({ share, settled }),
  },
} as const satisfies Operations;
