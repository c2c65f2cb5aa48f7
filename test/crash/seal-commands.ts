import { readFileSync } from 'node:fs';
import type { SealFacts } from '#domain/domain.ts';
import { shamirKind } from '#seal/seal.ts';
import { acknowledgeShare } from '#seal/shamir/shares.ts';
import type { CrashCommand } from './commands.ts';
import { type Opener, openersOf, tell } from './openers.ts';
import { passphraseOf, type Victim } from './server.ts';
import type { World } from './world.ts';

/*
 * What is done to the seals of a running server. A command that is cut off may have put its seal in place or not: the server must open
 * again by one that it was told it has, and by every one that was acknowledged.
 */

const first = 'passphrase';
const second = 'a second passphrase for crash tests';
const third = 'a third passphrase for crash tests';

/** Root is given by the seal that there was at first. */
const opener = (victim: Victim) => ({ seal: first, secret: readFileSync(passphraseOf(victim.data), 'utf8') });

const perhaps = (victim: Victim, seal: string, secret: string): Opener =>
  tell(victim.data, { seal, secret, state: 'perhaps' });

const named = (victim: Victim, seal: string): readonly Opener[] =>
  openersOf(victim.data).filter((one) => one.seal === seal && one.state !== 'gone');

async function addPassphrase(victim: Victim, { asker }: World): Promise<void> {
  const added = perhaps(victim, 'second', second);
  const body = { name: 'second', kind: 'passphrase', settings: {}, secret: second, opener: opener(victim) };
  await victim.native(asker.token, 'POST', '/seals', body);
  added.state = 'there';
}

interface Made {
  readonly handouts: ReadonlyArray<{ readonly text: string }>;
}

/** The shares are told by the answer: one that is cut off leaves a seal that counts for nothing until they were used. */
async function addShares(victim: Victim, { asker }: World): Promise<void> {
  const settings = { shares: 3, threshold: 2 };
  const body = { name: 'shares', kind: 'shamir', settings, opener: opener(victim) };
  const { handouts } = (await victim.native(asker.token, 'POST', '/seals', body)) as Made;
  tell(victim.data, { seal: 'shares', secret: twoOf(handouts), state: 'there' });
}

/** What a custodian will say. */
const statements = new WeakMap<Victim, string>();

/** Of these shares, the one of that place. */
async function statementOn(victim: Victim, { asker }: World, { secret }: Opener, at: number): Promise<string> {
  const { seals } = (await victim.native(asker.token, 'GET', '/seals')) as { seals: readonly SealFacts[] };
  const { settings } = seals.find(({ name }) => name === 'shares')!;
  const of = [{ name: 'shares', settings: shamirKind.settings(settings) }];
  return acknowledgeShare(of, Buffer.from(secret.split('\n')[at]!), undefined, '2026-11-24T12:00:00Z');
}

async function statedShare(victim: Victim, world: World): Promise<void> {
  await addShares(victim, world);
  await prove(victim, world, 'shares');
  statements.set(victim, await statementOn(victim, world, named(victim, 'shares')[0]!, 0));
}

const acknowledge = (victim: Victim, { asker }: World): Promise<unknown> =>
  victim.native(asker.token, 'POST', '/shares', { statement: statements.get(victim)! });

/** Of two new shares one is acknowledged. */
async function oneOfTwoStated(victim: Victim, world: World): Promise<void> {
  await addShares(victim, world);
  await prove(victim, world, 'shares');
  await shareAnew(victim, world, 2);
  const [, anew] = named(victim, 'shares') as [Opener, Opener];
  statements.set(victim, await statementOn(victim, world, anew, 0));
  await acknowledge(victim, world);
  statements.set(victim, await statementOn(victim, world, anew, 1));
}

/** What opened the seal before ends with its answer, and may have ended without it. */
async function acknowledgeLast(victim: Victim, world: World): Promise<void> {
  const [former] = named(victim, 'shares') as [Opener];
  const { settled } = (await acknowledge(victim, world)) as { settled: boolean };
  if (!settled) throw new Error('the former shares still open it');
  former.state = 'gone';
}

async function shareAnew(victim: Victim, { asker }: World, shares: number): Promise<void> {
  // They open until the new ones were used, and are no proof of a seal that has others.
  for (const one of named(victim, 'shares')) one.state = 'perhaps';
  const settings = { shares, threshold: 2 };
  const body = { settings, opener: opener(victim) };
  const { handouts } = (await victim.native(asker.token, 'POST', '/seals/shares/rotate', body)) as Made;
  tell(victim.data, { seal: 'shares', secret: twoOf(handouts), state: 'there' });
}

const twoOf = (handouts: Made['handouts']): string =>
  handouts
    .slice(0, 2)
    .map(({ text }) => text)
    .join('\n');

async function changePassphrase(victim: Victim, { asker }: World): Promise<void> {
  // It opens until the new one was used.
  for (const one of named(victim, first)) one.state = 'perhaps';
  const added = perhaps(victim, first, third);
  const body = { settings: {}, secret: third, opener: opener(victim) };
  await victim.native(asker.token, 'POST', `/seals/${first}/rotate`, body);
  added.state = 'there';
}

/** Nobody has what would have been handed out; whoever did it tries again. */
const handsOut = true;

async function remove(victim: Victim, { asker }: World, seal: string): Promise<void> {
  const before = named(victim, seal);
  for (const one of before) one.state = 'perhaps';
  await victim.native(asker.token, 'DELETE', `/seals/${seal}`);
  for (const one of before) one.state = 'gone';
}

async function prove(victim: Victim, { asker }: World, seal: string): Promise<void> {
  for (const secret of named(victim, seal)[0]!.secret.split('\n'))
    await victim.native(asker.token, 'POST', `/seals/${seal}/prove`, { secret });
}

const row = (name: string, action: string, rest: Pick<CrashCommand, 'run'> & Partial<CrashCommand>): CrashCommand => ({
  name,
  action,
  world: 'production',
  seals: {},
  ...rest,
});

export const sealCommands: readonly CrashCommand[] = [
  row('add-seal, a passphrase', 'add-seal', { run: addPassphrase }),
  row('add-seal, shares', 'add-seal', { seals: { handsOut }, run: addShares }),
  row('rotate-seal, a passphrase', 'rotate-seal', { run: changePassphrase }),
  row('rotate-seal, shares anew', 'rotate-seal', {
    seals: { handsOut },
    prepare: async (victim, world) => {
      await addShares(victim, world);
      await prove(victim, world, 'shares');
    },
    run: (victim, world) => shareAnew(victim, world, 5),
  }),
  row('acknowledge-share', 'acknowledge-share', { prepare: statedShare, run: acknowledge }),
  row('acknowledge-share, the last of new ones', 'acknowledge-share', {
    prepare: oneOfTwoStated,
    run: acknowledgeLast,
  }),
  row('remove-seal', 'remove-seal', {
    prepare: addPassphrase,
    run: (victim, world) => remove(victim, world, 'second'),
  }),
  row('remove-seal, the first: the end of a migration', 'remove-seal', {
    prepare: async (victim, world) => {
      await addShares(victim, world);
      await prove(victim, world, 'shares');
    },
    run: (victim, world) => remove(victim, world, first),
  }),
];
