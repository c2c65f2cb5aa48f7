import { join } from 'node:path';
import { randomBytes } from '#crypto/crypto.ts';
import { KmsError } from '#domain/domain.ts';
import { FileShelf } from '#store/store.ts';
import type { DataDirectory } from './data-directory.ts';

const file = 'shelf';
const mirrorsFile = 'shelf-mirrors.json';
const idLength = 16;

/**
 * The shelf of a data folder. `isNew`: nothing was ever stored there, so that it may be made; later one that is new would give slots again
 * that others have. Throws 'tampered' where it is gone.
 */
export function openShelf(
  data: DataDirectory,
  { isNew, mirrors, flushes }: { isNew: boolean; mirrors: readonly string[]; flushes: boolean },
): FileShelf {
  if (!isNew && !data.has(file)) {
    throw new KmsError(
      'tampered',
      `${data.file(file)} is gone, and no key opens without it: put a living copy of it there.`,
    );
  }
  const shelf = new FileShelf(data.file(file), randomBytes(idLength), flushes);
  for (const folder of [...mirrors, ...besideBackups(data)]) shelf.mirror(folder);
  return shelf;
}

/** The folders that backups went to: each has a living copy, which a restoration takes. */
function besideBackups(data: DataDirectory): readonly string[] {
  if (!data.has(mirrorsFile)) return [];
  const folders: unknown = JSON.parse(data.read(mirrorsFile));
  if (Array.isArray(folders) && folders.every((one) => typeof one === 'string')) return folders;
  throw new KmsError('tampered', `${data.file(mirrorsFile)} is not understood.`);
}

/** From now on there is a living copy in that folder. Throws 'unavailable' where it can't be written. */
export function keepBeside(data: DataDirectory, shelf: FileShelf, folder: string): void {
  shelf.mirror(folder);
  shelf.catchUp();
  const behind = shelf.behind().find(({ path }) => path === join(folder, file));
  if (behind !== undefined) {
    throw new KmsError(
      'unavailable',
      `The copy of the shelf in ${folder} can't be written, so no backup there could be restored: ${behind.why}.`,
    );
  }
  const known = besideBackups(data);
  if (!known.includes(folder)) data.write(mirrorsFile, `${JSON.stringify([...known, folder])}\n`);
}
