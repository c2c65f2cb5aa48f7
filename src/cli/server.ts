import type { SealStatus, Status } from '#client/client.ts';
import type { Call, Command } from './command.ts';
import { shortTime } from './output.ts';
import { unsealCommand } from './unseal.ts';

/** The server as a whole, and its realms. */
export const serverCommands: readonly Command[] = [
  {
    name: 'status',
    summary: 'Say whether the server is there, unsealed and ready',
    more: ['Exits 0 when it is ready, 1 otherwise.'],
    async run(call) {
      const { client } = call.connect(true);
      const status = await client.status();
      call.out.result(status, () => showStatus(call, client.url, status));
      return status.ready ? 0 : 1;
    },
  },
  unsealCommand,
  {
    name: 'seal',
    summary: 'Forget the root key: nothing works until the server is unsealed',
    async run(call) {
      await call.connect().client.seal();
      call.out.result({ sealed: true }, () => call.out.line('The server is sealed.'));
    },
  },
  {
    name: 'metrics',
    summary: 'Print the metrics in the form of Prometheus',
    async run(call) {
      const text = await call.connect().client.metrics();
      call.out.result({ text }, () => call.out.line(text.trimEnd()));
    },
  },
  {
    name: 'realm list',
    summary: 'List the realms',
    async run(call) {
      const realms = await Array.fromAsync(call.connect().client.listRealms());
      call.out.result({ realms }, () =>
        call.out.table(
          ['NAME', 'ACCOUNT', 'REGION'],
          realms.map(({ name, account, region }) => [name, account, region]),
        ),
      );
    },
  },
  {
    name: 'realm create',
    takes: 'NAME',
    summary: 'Make a realm: keys, identities and grants of their own; or a further region of yours, for keys',
    words: [1, 1],
    makesRegion: true,
    more: ['With --region: a further region of your own account, such as eu-west-1, with keys and names apart.'],
    async run(call) {
      const region = call.text('region');
      if (region !== undefined) {
        const made = await call.connect().client.createRegion(call.words[0]!, region);
        call.out.result(made, () => call.out.line(`The realm ${made.name} is ${region} of account ${made.account}.`));
        return;
      }
      const realm = await call.connect().client.createRealm(call.words[0]!);
      call.out.result(realm, () => call.out.line(`The realm ${realm.name} is account ${realm.account}.`));
    },
  },
];

function showStatus({ out }: Call, url: string, status: Status): void {
  out.facts([
    ['server', url],
    ['version', status.version],
    ['mode', status.mode],
    ['FIPS module', status.fips ?? 'none'],
    ['state', stateOf(status)],
    ...status.seals.map((seal) => ['seal', wordsOf(seal)] as const),
    ['ledger lines', String(status.ledgerSize)],
    ['time', `${shortTime(status.time)} UTC`],
  ]);
}

/** What it waits for, where it waits for something. */
function wordsOf({ name, kind, shares, trouble }: SealStatus): string {
  const brought =
    shares === undefined || shares.progress === 0 ? '' : `, ${shares.progress} of ${shares.threshold} shares`;
  return `${name} (${kind})${brought}${trouble === undefined ? '' : `: ${trouble}`}`;
}

function stateOf(status: Status): string {
  if (!status.initialized) return 'not initialized: run "claviger init"';
  if (status.sealed) return 'sealed: run "claviger unseal"';
  return status.ready ? 'ready' : 'unsealed, not ready yet';
}
