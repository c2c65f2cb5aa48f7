import { KmsError } from '#domain/domain.ts';
import { decodeSegment } from './names.ts';
import type { Input } from './row.ts';

/** Which secrets a mount shows: those of one folder, by their names below it. */
export interface KvMount {
  /** '' for all of them, else it ends in '/'. */
  readonly folder: string;
}

/** The mount of version 2 shows every secret of the realm; that of version 1 is the folder `kv/` of it. */
export const versioned: KvMount = { folder: '' };
export const plain: KvMount = { folder: 'kv/' };

const maxName = 512;

/** A path whose every step says something, so that one name has one path. */
export function isCanonical(path: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
  return !/[\x00-\x1f\x7f]/.test(path) && !path.split('/').some((step) => step === '' || step === '.' || step === '..');
}

/** The secret's name. Percent-encoding is undone once. Throws 'malformed'. */
export function secretName({ folder }: KvMount, { path }: Input): string {
  const name = folder + decodeSegment(path.rest ?? '');
  if (!isCanonical(name) || name.length > maxName) {
    throw new KmsError('malformed', `A path has 1 to ${maxName} characters, and no empty or dotted steps.`);
  }
  return name;
}

/** What the names of a folder begin with. */
export function folderName(mount: KvMount, input: Input): string {
  return input.path.rest === undefined ? mount.folder : `${secretName(mount, input)}/`;
}
