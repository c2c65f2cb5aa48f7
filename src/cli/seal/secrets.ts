import type { SealOpener, SealStatus } from '#client/client.ts';
import { type Call, CliError, type OptionSpec, UsageError, wholeNumber } from '../command.ts';
import { askSecret } from '../prompt.ts';
import { givenShare, readSecret, shareOptions } from '../share/read-share.ts';

const from = (what: string) =>
  ({
    fd: { type: 'string', value: 'N', help: `read ${what} from this file descriptor` },
    file: { type: 'string', value: 'FILE', help: `read ${what} from a file` },
  }) as const;

/** Of each command that takes what opens a seal: never an argument, which other users of the machine can read. */
export const openerOptions = {
  'passphrase-fd': from('the passphrase of a seal that is there').fd,
  'passphrase-file': from('it').file,
  'pin-fd': from('the PIN of a seal that is there').fd,
  'pin-file': from('it').file,
  ...shareOptions,
} as const satisfies Record<string, OptionSpec>;

export const newSecretOptions = {
  'new-passphrase-fd': from('the new passphrase').fd,
  'new-passphrase-file': from('it').file,
  'new-pin-fd': from('the PIN of the token of the new seal').fd,
  'new-pin-file': from('it').file,
} as const satisfies Record<string, OptionSpec>;

/** What an option says where; undefined: none does. Throws UsageError where two do. */
export function givenSecret(call: Call): string | undefined {
  const share = givenShare(call);
  const given = [
    secretFrom(call, 'passphrase'),
    secretFrom(call, 'pin'),
    share && Buffer.from(share).toString('latin1').replace(/\s/g, ''),
  ].filter((one) => one !== undefined);
  share?.fill(0);
  if (given.length > 1) throw new UsageError('Give a passphrase, a PIN or a share, and not several of them.');
  return given[0];
}

const words = { passphrase: 'Passphrase', pin: 'PIN', shares: 'Share' } as const;

/** Asks on the terminal for whatever one of these seals takes. Throws CliError where they take nothing, or there are none. */
export function askFor(seals: readonly SealStatus[]): Promise<string> {
  if (seals.length === 0) throw new CliError('This server has no seal of that name: "claviger status" tells which.');
  const kinds = new Set(seals.flatMap(({ asks }) => (asks === 'nothing' ? [] : [asks])));
  if (kinds.size === 0)
    throw new CliError('The seals of this server ask for nothing: it opens once they are in reach.');
  const question = [...kinds].map((kind) => words[kind]).join(' or ');
  return askSecret(`${question}: `, 'it: use --passphrase-fd, --pin-fd, --share-fd, or the same with -file');
}

/** Of a new seal of that kind; undefined where it takes none. Asks on the terminal unless an option says where it is. */
export async function newSecret(call: Call, kind: string): Promise<string | undefined> {
  if (kind === 'pkcs11') {
    return (
      secretFrom(call, 'new-pin') ??
      (await askSecret('PIN of the token: ', 'the PIN: use --new-pin-fd or --new-pin-file'))
    );
  }
  if (kind !== 'passphrase') return undefined;
  return secretFrom(call, 'new-passphrase') ?? (await askTwice());
}

async function askTwice(): Promise<string> {
  const instead = 'the new passphrase: use --new-passphrase-fd or --new-passphrase-file';
  const passphrase = await askSecret('New passphrase: ', instead);
  if ((await askSecret('Again: ', instead)) === passphrase) return passphrase;
  throw new CliError('The two passphrases are not the same.');
}

function secretFrom(call: Call, what: string): string | undefined {
  const [fd, file] = [call.text(`${what}-fd`), call.text(`${what}-file`)];
  if (fd !== undefined && file !== undefined) throw new UsageError(`Give --${what}-fd or --${what}-file, not both.`);
  if (fd === undefined && file === undefined) return undefined;
  const bytes = readSecret(what, fd === undefined ? file! : wholeNumber(`--${what}-fd`, fd));
  const text = bytes.toString('utf8').replace(/\r?\n$/, '');
  bytes.fill(0);
  if (text === '') throw new CliError(`The ${what} is empty.`);
  return text;
}

/** What somebody brought, or is yet to bring; undefined: a seal that opens by itself gives the root key. */
export type Bringing = (again: boolean) => Promise<SealOpener | undefined>;

/** Asks once by the options, or on the terminal as often as it is called. Rejects where an option gave one share and more are needed. */
export function bringing(call: Call, seals: readonly SealStatus[]): Bringing {
  const given = givenSecret(call);
  const seal = call.text('opener');
  const named = seal === undefined ? {} : { seal };
  return async (again) => {
    if (given !== undefined) {
      if (!again) return { secret: given, ...named };
      throw new CliError('Nothing was changed yet: the others bring their shares by the very same command.');
    }
    const asked = seals.filter(({ name }) => seal === undefined || name === seal);
    if (asked.some(({ asks }) => asks === 'nothing')) return undefined;
    return { secret: await askFor(asked), ...named };
  };
}
