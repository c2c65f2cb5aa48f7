import { readFileSync } from 'node:fs';
import { type Call, CliError, type OptionSpec, UsageError, wholeNumber } from '../command.ts';
import { askSecret } from '../prompt.ts';
import { shareOnSheet } from './sheet.ts';

/** Of each command that takes one share: never an argument, which other users of the machine can read. */
export const shareOptions = {
  'share-fd': { type: 'string', value: 'N', help: 'read the share from this file descriptor' },
  'share-file': { type: 'string', value: 'FILE', help: 'read it from a file: its letters alone, or a sheet' },
} as const satisfies Record<string, OptionSpec>;

/** As it was typed, or lies in a file. Undefined where no option says where. Throws CliError. */
export function givenShare(call: Call): Uint8Array | undefined {
  const [fd, file] = [call.text('share-fd'), call.text('share-file')];
  if (fd !== undefined && file !== undefined) throw new UsageError('Give --share-fd or --share-file, not both.');
  if (fd === undefined && file === undefined) return undefined;
  return shareIn(readSecret('share', fd === undefined ? file! : wholeNumber('--share-fd', fd)));
}

/** The share on a sheet, whose bytes are wiped then; else the bytes as they are. Throws CliError. */
export function shareIn(bytes: Buffer): Uint8Array {
  if (!bytes.subarray(0, 9).equals(Buffer.from('<!doctype'))) return bytes;
  const share = shareOnSheet(bytes.toString('utf8'));
  bytes.fill(0);
  if (share === undefined) throw new CliError('There is no share on that page.');
  return Buffer.from(share);
}

/** Asks for it on the terminal unless an option says where it is. */
export async function readShare(call: Call, question = 'Share: '): Promise<Uint8Array> {
  return givenShare(call) ?? Buffer.from(await askSecret(question, 'the share: use --share-fd or --share-file'));
}

/** A file, or what comes from a descriptor until it ends. Throws CliError. */
export function readSecret(what: string, from: string | number): Buffer {
  try {
    return readFileSync(from);
  } catch (error) {
    throw new CliError(`The ${what} can't be read: ${(error as Error).message}.`);
  }
}
