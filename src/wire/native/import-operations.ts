import type { Result } from '#domain/domain.ts';
import { importSecret } from './decode-import.ts';
import type { Operations } from './row.ts';

const MiB = 1024 * 1024;

const imported = ({ secret, added, changed }: Result<'import-secret'>) => ({ id: secret.id, added, changed });

/** What comes from another server, each of them whole in one change. */
export const importOperations = {
  'POST /imports/secrets': {
    action: 'import-secret',
    maxBody: 4 * MiB,
    body: ['name', 'rules', 'notes', 'createdAt', 'changedAt', 'versions', 'replace'],
    decode: importSecret,
    encode: imported,
  },
} as const satisfies Operations;
