import { KmsError } from '#domain/domain.ts';
import { decodeSegment } from './names.ts';
import type { Input } from './row.ts';

const maxName = 512;

/** A path whose every step says something, so that one name has one path. */
export function isCanonical(path: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
  return !/[\x00-\x1f\x7f]/.test(path) && !path.split('/').some((step) => step === '' || step === '.' || step === '..');
}

/** The secret's name. Percent-encoding is undone once. Throws 'malformed'. */
export function secretName({ path }: Input): string {
  const name = decodeSegment(path.rest ?? '');
  if (!isCanonical(name) || name.length > maxName) {
    throw new KmsError('malformed', `A path has 1 to ${maxName} characters, and no empty or dotted steps.`);
  }
  return name;
}

/** What the names of a folder begin with. */
export function folderName(input: Input): string {
  return input.path.rest === undefined ? input.folder : `${secretName(input)}/`;
}
