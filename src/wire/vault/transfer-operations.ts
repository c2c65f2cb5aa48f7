import { KmsError } from '#domain/domain.ts';
import { decodeImport, decodeImportVersion, decodeWrappingKey } from './decode-transfer.ts';
import { encodeNothing } from './encode-keys.ts';
import { encodeWrappingKey } from './encode-transfer.ts';
import { type Row, row } from './row.ts';

const KiB = 1024;
/** An RSA key of 4096 bits, wrapped, and words. */
const small = 64 * KiB;

/** Keys on their way in and out. */
export const transferOperations: readonly Row[] = [
  row({
    operation: 'transit/wrapping_key',
    method: 'GET',
    paths: ['transit/wrapping_key'],
    action: 'get-wrapping-key',
    maxBody: small,
    decode: decodeWrappingKey,
    encode: encodeWrappingKey,
  }),
  row({
    operation: 'transit/keys/import',
    method: 'POST',
    paths: ['transit/keys/:name/import'],
    action: 'import-key',
    maxBody: small,
    decode: decodeImport,
    encode: encodeNothing,
    failure: (error) =>
      error.code === 'already-exists'
        ? new KmsError(
            'already-exists',
            'the import path cannot be used with an existing key; use import-version to rotate an existing imported key',
          )
        : error,
  }),
  row({
    operation: 'transit/keys/import_version',
    method: 'POST',
    paths: ['transit/keys/:name/import_version'],
    action: 'import-key-version',
    maxBody: small,
    decode: decodeImportVersion,
    encode: encodeNothing,
  }),
];
