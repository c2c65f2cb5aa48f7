import type { Result } from '#domain/domain.ts';
import { toBase64 } from '#encoding/encoding.ts';
import { importKeyVersions, importSecret } from './decode-import.ts';
import type { Operations } from './row.ts';

const MiB = 1024 * 1024;

const importedSecret = ({ secret, added, changed }: Result<'import-secret'>) => ({ id: secret.id, added, changed });
const importedKey = ({ key, added, changed }: Result<'import-key-versions'>) => ({ id: key.id, added, changed });

/** What comes from another server, each of them whole in one change. */
export const importOperations = {
  'GET /imports/wrapping-key': {
    action: 'get-wrapping-key',
    maxBody: 0,
    decode: () => ({}),
    encode: ({ publicKey }) => ({ publicKey: toBase64(publicKey) }),
  },
  'POST /imports/keys': {
    action: 'import-key-versions',
    maxBody: 4 * MiB,
    body: [
      ...['name', 'spec', 'usages', 'versions', 'wrapped', 'minDecryptionVersion', 'minEncryptionVersion', 'derived'],
      ...['convergent', 'exportable', 'backupAllowed', 'deletionAllowed', 'rotationPeriodSeconds'],
    ],
    decode: importKeyVersions,
    encode: importedKey,
  },
  'POST /imports/secrets': {
    action: 'import-secret',
    maxBody: 4 * MiB,
    body: ['name', 'rules', 'notes', 'createdAt', 'changedAt', 'versions', 'replace'],
    decode: importSecret,
    encode: importedSecret,
  },
} as const satisfies Operations;
