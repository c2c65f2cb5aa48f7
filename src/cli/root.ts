import { setTimeout as sleep } from 'node:timers/promises';
import type { RootStatus } from '#client/client.ts';
import { type Call, type Command, exitCodes } from './command.ts';

/** Milliseconds between looks. */
const every = 500;

/** The root key itself. */
export const rootCommands: readonly Command[] = [
  {
    name: 'root status',
    summary: 'Tell whether the root key is being rotated, and how far',
    async run(call) {
      const status = await call.connect().client.root.status();
      call.out.result(status, () => call.out.line(inWords(status)));
    },
  },
  {
    name: 'root rotate',
    summary:
      'Make another root key for every seal, and put all that is stored under it, while the server goes on serving',
    options: { detach: { type: 'boolean', help: 'do not wait until all is under the new one' } },
    more: [
      'No seal has to be opened for it: passphrases, shares and HSMs stay what they are. Copies of seal.json and of the database that were',
      'made before still belong together, and open what was there then.',
    ],
    async run(call) {
      const { root } = call.connect().client;
      const begun = await root.rotate();
      if (call.flag('detach')) {
        call.out.result(begun, () => call.out.line(inWords(begun)));
        return exitCodes.ok;
      }
      await done(call, begun);
      return exitCodes.ok;
    },
  },
];

function inWords({ rotating, renewed, rows }: RootStatus): string {
  return rotating
    ? `The root key is being rotated: ${renewed} of ${rows} rows are under the new one.`
    : 'The root key is not being rotated.';
}

async function done(call: Call, begun: RootStatus): Promise<void> {
  const { root } = call.connect().client;
  const shown = process.stderr.isTTY && !call.flag('json');
  for (let status = begun; status.rotating; status = await root.status()) {
    if (shown) process.stderr.write(`\r${inWords(status)}\u001b[K`);
    await sleep(every);
  }
  if (shown) process.stderr.write('\r\u001b[K');
  call.out.result({ rotated: true, rows: begun.rows }, () =>
    call.out.line(`The root key is rotated: everything that is stored is under the new one.`),
  );
}
