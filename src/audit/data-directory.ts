import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KmsError } from '#domain/domain.ts';
import { openSqliteStore, type Store } from '#store/store.ts';
import { exportLedger, maxCopyLine, verifyExport } from './export.ts';
import { storeLog } from './log-item.ts';
import { parseVerifierKeys, type VerifierKey } from './note.ts';
import { type Report, type VerifyOptions, verifyLedger } from './verify.ts';

/** The verifier keys of a data folder. Throws 'invalid-parameter' where there are none. */
export async function readVerifierKeys(dir: string): Promise<readonly VerifierKey[]> {
  const path = join(dir, 'ledger.pub');
  const text = await readFile(path, 'utf8').catch(() => undefined);
  const keys = text === undefined ? undefined : parseVerifierKeys(text);
  if (keys === undefined) throw new KmsError('invalid-parameter', `There is no verifier key in ${path}.`);
  return keys;
}

function openForReading(dir: string): Promise<Store> {
  return openSqliteStore({ path: join(dir, 'claviger.db'), anchorPath: join(dir, 'anchor'), readOnly: true });
}

/** Verifies the ledger of a data folder, also while its server runs: it is only read. */
export async function verifyDataDirectory(dir: string, options?: VerifyOptions): Promise<Report> {
  const keys = await readVerifierKeys(dir);
  const store = await openForReading(dir);
  try {
    return await verifyLedger(storeLog(store), keys, options);
  } finally {
    await store.close();
  }
}

/** The lines of a copy of the ledger of a data folder, also while its server runs. Nothing of it is verified. */
export async function* exportDataDirectory(dir: string): AsyncGenerator<string> {
  const store = await openForReading(dir);
  try {
    yield* exportLedger(storeLog(store));
  } finally {
    await store.close();
  }
}

/** Verifies a copy of the log that `exportLedger` made. */
export function verifyExportFile(path: string, keys: readonly VerifierKey[], options?: VerifyOptions): Promise<Report> {
  return verifyExport(fileLines(path), keys, options);
}

/** The lines of a file without their newlines. An endless line is cut where it is too long for a copy anyway. */
async function* fileLines(path: string): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of createReadStream(path, { encoding: 'utf8' })) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop()!;
    yield* lines;
    if (rest.length > maxCopyLine) break;
  }
  if (rest !== '') yield rest;
}
