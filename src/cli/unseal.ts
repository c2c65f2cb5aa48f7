import type { Status } from '#client/client.ts';
import { type Call, type Command, exitCodes } from './command.ts';
import { askFor, givenSecret, openerOptions } from './seal/secrets.ts';

export const unsealCommand: Command = {
  name: 'unseal',
  summary: 'Open the root key of a sealed server',
  options: {
    seal: { type: 'string', value: 'NAME', help: 'by this seal (default: whichever opens)' },
    ...openerOptions,
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
    await client.seals.forgetShares();
    call.out.result({ reset: true }, () => call.out.line('What was brought of shares is forgotten.'));
    return exitCodes.ok;
  }
  const seal = call.text('seal');
  const given = givenSecret(call);
  const asked = async () => (await client.status()).seals.filter(({ name }) => seal === undefined || name === seal);
  const secret = given ?? (await askFor(await asked()));
  const status = await client.unseal(secret, seal);
  call.out.result(status, () => call.out.line(told(status, seal)));
  return status.sealed ? exitCodes.failed : exitCodes.ok;
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
