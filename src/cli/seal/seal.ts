import type { MadeSeal, Seal, SealOpener } from '#client/client.ts';
import { type Call, type Command, pairs, present } from '../command.ts';
import { custodianOptions, readCustodians } from '../share/custodians.ts';
import { assertCanHandOut, handOut } from '../share/hand-out.ts';
import { askFor, bringing, givenSecret, newSecret, newSecretOptions, openerOptions } from './secrets.ts';

const settingOptions = {
  set: {
    type: 'string',
    multiple: true,
    value: 'NAME=VALUE',
    help: 'a setting of the seal, as docs/seals.md lists them',
  },
  shares: { type: 'string', value: 'N', help: 'how many shares are handed out' },
  threshold: { type: 'string', value: 'M', help: 'how many of them open it' },
  ...custodianOptions,
  out: { type: 'string', value: 'DIR', help: 'write each share to a file of its own there, instead of showing it' },
} as const;

const opener = {
  opener: { type: 'string', value: 'SEAL', help: 'which seal is opened for it (default: whichever opens)' },
} as const;

const bringShares = [
  'It takes what opens a seal that is there, unless one opens by itself. Shares are brought one after another at this terminal, or',
  'each by its custodian at his own with the very same command: those that are brought for one thing count for no other.',
];

/** The ways to the root key. Before `claviger seal`, which seals the server. */
export const sealCommands: readonly Command[] = [
  { name: 'seal status', summary: 'List the seals, and who has acknowledged a share', run: status },
  {
    name: 'seal add',
    takes: 'NAME',
    summary: 'Let another seal open the same root key, while the server goes on serving',
    words: [1, 1],
    options: {
      kind: {
        type: 'string',
        value: 'KIND',
        help: 'shamir, passphrase, pkcs11, or a cloud or Vault, as docs/seals.md lists them',
      },
      ...settingOptions,
      ...newSecretOptions,
      ...opener,
      ...openerOptions,
    },
    more: bringShares,
    run: add,
  },
  {
    name: 'seal rotate',
    takes: 'NAME',
    summary: 'Give a seal another key, passphrase or set of shares, while the server goes on serving',
    words: [1, 1],
    options: { ...settingOptions, ...newSecretOptions, ...opener, ...openerOptions },
    more: [
      ...bringShares,
      'With any --custodian those named are all there are, each with the keys that are given now; without, they stay as they are.',
      'Former shares open it too until each new one was acknowledged, or enough of them have opened it.',
    ],
    run: rotate,
  },
  { name: 'seal remove', takes: 'NAME', summary: 'Take a seal away; the last one stays', words: [1, 1], run: remove },
  {
    name: 'seal prove',
    takes: 'NAME',
    summary: 'Open a seal as an unsealing would, to know that it can be, while the server goes on serving',
    words: [1, 1],
    options: openerOptions,
    run: prove,
  },
];

async function status(call: Call): Promise<void> {
  const { client } = call.connect();
  const [seals, shares] = await Promise.all([client.seals.list(), client.seals.acknowledgements()]);
  call.out.result({ seals, shares }, () => {
    call.out.table(
      ['NAME', 'KIND', 'ASKS FOR', 'STATE'],
      seals.map((seal) => [seal.name, seal.kind, asksFor(seal), stateOf(seal)]),
    );
    for (const seal of seals.filter(({ asks }) => asks === 'shares')) {
      const said = new Map(shares.filter((share) => share.seal === seal.name).map((share) => [share.number, share]));
      call.out.line();
      call.out.table(
        [`SHARE OF ${seal.name}`, 'CUSTODIAN', 'ACKNOWLEDGED'],
        custodiansOf(seal).map((name, i) => {
          const share = said.get(i + 1);
          const when = share === undefined ? 'not yet' : `${share.date.slice(0, 10)}${share.signed ? ', signed' : ''}`;
          return [String(i + 1), name, when];
        }),
      );
    }
  });
}

function custodiansOf({ settings, shares }: Seal): readonly string[] {
  const named = (settings.custodians ?? []) as ReadonlyArray<{ readonly name: string }>;
  return Array.from({ length: shares?.total ?? 0 }, (_, i) => named[i]?.name ?? `custodian ${i + 1}`);
}

const asksFor = ({ asks, shares }: Seal) =>
  shares === undefined ? asks : `${shares.threshold} of ${shares.total} shares`;

function stateOf({ trouble, unproven, former }: Seal): string {
  if (trouble !== undefined) return trouble;
  if (unproven === true) return 'not proven yet';
  return former === true ? 'opens by the former ones too' : 'in force';
}

async function add(call: Call): Promise<number> {
  const [name] = call.words as [string];
  const kind = call.text('kind') ?? (call.text('shares') === undefined ? 'passphrase' : 'shamir');
  const { client } = call.connect();
  const { seals } = await client.status();
  const settings = settingsOf(call);
  if (kind === 'shamir') assertHandsOut(call, settings);
  const secret = await newSecret(call, kind);
  const asked = { settings, ...present({ secret }) };
  return await make(call, seals, (given) => client.seals.add(name, kind, { ...asked, ...given }));
}

async function rotate(call: Call): Promise<number> {
  const [name] = call.words as [string];
  const { client } = call.connect();
  const seals = await client.seals.list();
  const seal = seals.find((one) => one.name === name);
  const settings = settingsOf(call);
  if (seal?.kind === 'shamir') assertHandsOut(call, { ...seal.settings, ...settings });
  const secret = await newSecret(call, seal?.kind ?? '');
  const asked = { settings, ...present({ secret }) };
  return await make(call, seals, (given) => client.seals.rotate(name, { ...asked, ...given }));
}

/** Brings what opens a seal, as often as shares are still to come, and hands out what there is for people. */
async function make(
  call: Call,
  seals: Parameters<typeof bringing>[1],
  ask: (given: { readonly opener?: SealOpener }) => Promise<MadeSeal>,
): Promise<number> {
  const bring = bringing(call, seals);
  for (let again = false; ; again = true) {
    const opened = await bring(again);
    const made = await ask(opened === undefined ? {} : { opener: opened });
    if ('awaits' in made) {
      call.out.note(`${made.awaits.progress} of ${made.awaits.threshold} shares: the next one.`);
      continue;
    }
    const { seal, handouts } = made;
    const shares = handouts.map(({ custodian, text }) => ({ custodian, text: Buffer.from(text) }));
    const server = new URL(call.connect(true).client.url).host;
    const files = await handOut(shares, { seal: seal.name, server, dir: call.text('out'), now: new Date() });
    for (const { text } of shares) text.fill(0);
    call.out.result({ seal, files }, () => {
      for (const file of files) call.out.line(file);
      call.out.line(`The seal "${seal.name}" (${seal.kind}) opens the server: ${stateOf(seal)}.`);
    });
    return 0;
  }
}

async function remove(call: Call): Promise<void> {
  const [name] = call.words as [string];
  const seals = await call.connect().client.seals.remove(name);
  call.out.result({ seals }, () =>
    call.out.line(
      `The seal "${name}" is gone. Old copies of seal.json still open by it, until "claviger root rotate".`,
    ),
  );
}

async function prove(call: Call): Promise<number> {
  const [name] = call.words as [string];
  const { client } = call.connect();
  const seal = (await client.seals.list()).find((one) => one.name === name);
  const given = givenSecret(call);
  for (;;) {
    const asks = seal !== undefined && seal.asks !== 'nothing';
    const proof = await client.seals.prove(name, given ?? (asks ? await askFor([seal]) : undefined));
    if (proof.proven || given !== undefined) {
      const words = proof.proven
        ? `The seal "${name}" opens.`
        : 'More shares are needed: others bring theirs in the same way.';
      call.out.result(proof, () => call.out.line(words));
      return proof.proven ? 0 : 1;
    }
    call.out.note('The next share.');
  }
}

function settingsOf(call: Call): Record<string, unknown> {
  const custodians = readCustodians(call.texts('custodian'), call.texts('custodian-key'));
  const [shares, threshold] = [call.text('shares'), call.text('threshold')];
  return { ...Object.fromEntries(pairs(call.texts('set'))), ...present({ shares, threshold, custodians }) };
}

/** Before any shares are made: where there is no way to show each alone, none are. */
function assertHandsOut(call: Call, { shares, custodians }: Readonly<Record<string, unknown>>): void {
  const named = (custodians ?? []) as ReadonlyArray<{ readonly recipient?: string }>;
  const encrypted = named.filter(({ recipient }) => recipient !== undefined).length === Number(shares);
  assertCanHandOut(call.text('out'), encrypted);
}
