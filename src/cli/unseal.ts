import { readFileSync } from 'node:fs';
import type { SealStatus, Status } from '#client/client.ts';
import { type Call, CliError, type Command, exitCodes, UsageError, wholeNumber } from './command.ts';
import { askSecret } from './prompt.ts';
import { givenShare, shareOptions } from './share/read-share.ts';

export const unsealCommand: Command = {
  name: 'unseal',
  summary: 'Open the root key of a sealed server',
  options: {
    seal: { type: 'string', value: 'NAME', help: 'by this seal (default: whichever opens)' },
    'passphrase-fd': { type: 'string', value: 'N', help: 'read the passphrase from this file descriptor' },
    'passphrase-file': { type: 'string', value: 'FILE', help: 'read it from a file, such as a systemd credential' },
    ...shareOptions,
    reset: { type: 'boolean', help: 'forget the shares that were brought so far' },
  },
  more: [
    'Asks on the terminal unless one of the options says where what opens it is. It is never an argument. A seal of shares takes one',
    'share at a time, from as many terminals as there are custodians: those that are not enough are forgotten after ten minutes.',
    'Exits 1 as long as the server is sealed.',
  ],
  run: unseal,
};

async function unseal(call: Call): Promise<number> {
  const { client } = call.connect(true);
  if (call.flag('reset')) {
    await client.forgetShares();
    call.out.result({ reset: true }, () => call.out.line('What was brought of shares is forgotten.'));
    return exitCodes.ok;
  }
  const seal = call.text('seal');
  const given = givenSecret(call);
  const secret = given ?? (await ask((await client.status()).seals, seal));
  const status = await client.unseal(secret, seal);
  call.out.result(status, () => call.out.line(told(status, seal)));
  return status.sealed ? exitCodes.failed : exitCodes.ok;
}

function ask(seals: readonly SealStatus[], name: string | undefined): Promise<string> {
  const asked = seals.filter((seal) => (name === undefined || seal.name === name) && seal.asks !== 'nothing');
  const kinds = new Set(asked.map(({ asks }) => asks));
  if (kinds.size === 0)
    throw new CliError('The seals of this server ask for nothing: it opens once they are in reach.');
  const words = { passphrase: 'Passphrase', pin: 'PIN', shares: 'Share', nothing: '' };
  const question = [...kinds].map((kind) => words[kind]).join(' or ');
  return askSecret(`${question}: `, 'it: use --passphrase-fd, --passphrase-file, --share-fd or --share-file');
}

function told({ sealed, seals }: Status, name: string | undefined): string {
  if (!sealed) return 'The server is unsealed.';
  const brought = seals.filter(({ shares, name: own }) => (shares?.progress ?? 0) > 0 && (name ?? own) === own);
  if (brought.length === 0) return 'The server is still sealed.';
  const counts = brought.map(
    ({ name: own, shares }) => `${shares!.progress} of ${shares!.threshold} shares for "${own}"`,
  );
  return `The server is still sealed: ${counts.join(', ')}. Others bring theirs within ten minutes of the first.`;
}

function givenSecret(call: Call): string | undefined {
  const [fd, file] = [call.text('passphrase-fd'), call.text('passphrase-file')];
  const share = givenShare(call);
  if ([fd, file, share].filter((one) => one !== undefined).length > 1)
    throw new UsageError('Give one of --passphrase-fd, --passphrase-file, --share-fd and --share-file.');
  if (share !== undefined) return oneShare(share);
  return fd === undefined && file === undefined ? undefined : readPassphrase(fd, file);
}

/** Typed, a share may stand on several lines; the server takes one a line. */
function oneShare(share: Uint8Array): string {
  const text = Buffer.from(share).toString('latin1').replace(/\s/g, '');
  share.fill(0);
  return text;
}

function readPassphrase(fd: string | undefined, file: string | undefined): string {
  let text: string;
  try {
    text = readFileSync(fd === undefined ? file! : wholeNumber('--passphrase-fd', fd), 'utf8');
  } catch (error) {
    throw new CliError(`The passphrase can't be read: ${(error as Error).message}.`);
  }
  const passphrase = text.replace(/\r?\n$/, '');
  if (passphrase === '') throw new CliError('The passphrase is empty.');
  return passphrase;
}
