import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { flushFolder, readBackupHeader } from './file.ts';
import type { BackupHeader } from './header.ts';

const fileName = /^claviger-\d{8}T\d{6}Z-[0-9a-f]{8}\.backup$/;

/** `claviger-20261125T081500Z-0f3c2a11.backup`: the time, and the first digits of its id. */
export function nameOfBackup({ id, takenAt }: Pick<BackupHeader, 'id' | 'takenAt'>): string {
  const time = new Date(takenAt).toISOString().replace(/[-:]|\.\d{3}/g, '');
  return `claviger-${time}-${id.slice(0, 8)}.backup`;
}

export interface KeptBackup {
  readonly path: string;
  readonly header: BackupHeader;
}

/** The backups in a folder by their own names, newest first; of `server` only where it is given. What can't be read is passed over. */
export async function backupsIn(folder: string, server?: string): Promise<readonly KeptBackup[]> {
  const names = (await readdir(folder)).filter((name) => fileName.test(name));
  const kept: KeptBackup[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const header = await readBackupHeader(path).catch(() => undefined);
    if (header !== undefined && (server === undefined || header.server === server)) kept.push({ path, header });
  }
  return kept.sort((a, b) => b.header.takenAt - a.header.takenAt || b.header.ledger - a.header.ledger);
}

/** Deletes what is older than the newest `keep`, which are 1 at the least, and never `last`. Answers how many went. */
export async function prune(folder: string, server: string, keep: number, last: string): Promise<number> {
  const gone = (await backupsIn(folder, server)).slice(Math.max(1, keep)).filter(({ header }) => header.id !== last);
  for (const { path } of gone) await rm(path);
  if (gone.length > 0) await flushFolder(folder);
  return gone.length;
}
