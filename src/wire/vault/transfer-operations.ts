import { KmsError } from '#domain/domain.ts';
import { decodeExport, decodeExportPublic, decodeWrappedExport } from './decode-export.ts';
import {
  decodeBackup,
  decodeImport,
  decodeImportVersion,
  decodeRestore,
  decodeWrappingKey,
} from './decode-transfer.ts';
import { encodeChainExport, encodeExport, encodePublicExport, encodeWrappedExport } from './encode-export.ts';
import { encodeNothing } from './encode-keys.ts';
import { encodeBackup, encodeWrappingKey } from './encode-transfer.ts';
import { PlacedError } from './errors.ts';
import { type Input, type Row, row, small } from './row.ts';

const KiB = 1024;
/** A key with some thousand versions. */
const large = 4096 * KiB;

const partWords: ReadonlyMap<string | undefined, string> = new Map([
  ['encryption-key', 'encryption'],
  ['signing-key', 'signing'],
]);

/** What Vault says of keys and versions that can't be taken. */
function inWordsOfExport(error: KmsError, { path }: Input): KmsError {
  const words = (text: string) => new PlacedError(400, error.code, text);
  const part = partWords.get(path.type);
  switch (error.code) {
    case 'version-too-old':
      return words('version for export is below minimum decryption version');
    case 'version-not-found':
      return words('version does not exist or cannot be found');
    case 'unsupported':
      return words(path.type === undefined ? 'key is not exportable' : 'private key material is not exportable');
    case 'wrong-usage':
      return part === undefined ? error : words(`${part} not supported for the key`);
    default:
      return error;
  }
}

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
  row({
    operation: 'transit/export',
    method: 'GET',
    paths: ['transit/export/:type/:name', 'transit/export/:type/:name/:version'],
    action: 'export-key',
    maxBody: small,
    decode: decodeExport,
    encode: encodeExport,
    failure: inWordsOfExport,
  }),
  row({
    operation: 'transit/export/public-key',
    method: 'GET',
    paths: ['transit/export/public-key/:name', 'transit/export/public-key/:name/:version'],
    action: 'describe-key',
    maxBody: small,
    decode: decodeExportPublic,
    encode: encodePublicExport,
  }),
  row({
    operation: 'transit/export/certificate-chain',
    method: 'GET',
    paths: ['transit/export/certificate-chain/:name', 'transit/export/certificate-chain/:name/:version'],
    action: 'describe-key',
    maxBody: small,
    decode: decodeExportPublic,
    encode: encodeChainExport,
  }),
  row({
    operation: 'transit/byok-export',
    method: 'GET',
    paths: ['transit/byok-export/:destination/:name', 'transit/byok-export/:destination/:name/:version'],
    action: 'export-wrapped-key',
    maxBody: small,
    decode: decodeWrappedExport,
    encode: encodeWrappedExport,
    failure: inWordsOfExport,
  }),
  row({
    operation: 'transit/backup',
    method: 'GET',
    paths: ['transit/backup/:name'],
    action: 'backup-key',
    maxBody: small,
    decode: decodeBackup,
    encode: encodeBackup,
  }),
  row({
    operation: 'transit/restore',
    method: 'POST',
    paths: ['transit/restore', 'transit/restore/:name'],
    action: 'restore-key',
    maxBody: large,
    decode: decodeRestore,
    encode: encodeNothing,
  }),
];
