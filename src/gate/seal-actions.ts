import {
  type Command,
  KmsError,
  type Result,
  type SealAwaited,
  type SealFacts,
  type StagedSeals,
} from '#domain/domain.ts';
import { sealsWritten } from '#keyring/keyring.ts';
import type { Core } from './core.ts';
import type { Line } from './lines.ts';
import type { Unsealed } from './rooms.ts';
import type { OfSeal } from './verbs.ts';

export function isOfSeal(command: Command): command is Command<OfSeal> {
  return command.kind.endsWith('-seal') || command.kind === 'list-seals';
}

interface Asking {
  readonly rooms: Unsealed;
  readonly command: Command<OfSeal>;
  readonly peer: string;
}

/**
 * The ways to the root key, seen and changed. The seal file is written first and the line behind it, with what tells the database of the
 * file: a crash between the two leaves a seal more or less than the ledger says, which nobody was told of, and never none.
 */
export async function changeSeals(
  core: Core,
  { rooms, command, peer }: Asking,
  line: Line,
  holds: () => boolean,
): Promise<Result<OfSeal>> {
  const { attempts, options } = core;
  const { custody, clock } = options;
  // Asked once more when its turn has come: what is opened may end what opened a seal before, without a line to wait for.
  const guess = <T>(attempt: () => Promise<T>) =>
    attempts.take(peer, clock, async () => {
      assertHolds(holds);
      return await attempt();
    });
  const kept = (staged: StagedSeals) => keep(core, rooms, staged, line, holds);
  const awaited = async (brought: SealAwaited, what: string) => {
    const { progress, threshold } = brought.awaits;
    line.summary = `share ${progress} of ${threshold} ${what}`;
    await core.commits.submit(line, undefined, holds);
    return brought;
  };
  switch (command.kind) {
    case 'list-seals':
      await core.commits.submit(line, undefined, holds);
      return { seals: custody.list() };
    case 'add-seal': {
      const { name, sealKind } = command;
      const staged = await guess(() => custody.add(sealKind, command, command.opener));
      if ('awaits' in staged) return await awaited(staged, `to add the seal ${name} (${sealKind})`);
      line.summary = `added the seal ${name} (${sealKind})`;
      const { handouts } = await kept(staged);
      return { seal: named(custody.list(), name), handouts };
    }
    case 'rotate-seal': {
      const { name } = command;
      const staged = await guess(() => custody.rotate(command, command.opener));
      if ('awaits' in staged) return await awaited(staged, `to rotate the seal ${name}`);
      line.summary = `rotated the seal ${name}`;
      const { handouts } = await kept(staged);
      return { seal: named(custody.list(), name), handouts };
    }
    case 'remove-seal':
      line.summary = `removed the seal ${command.name}`;
      await kept(custody.remove(command.name));
      return { seals: custody.list() };
    case 'prove-seal': {
      const { name, secret } = command;
      const proven = await guess(() => custody.proveSeal(name, secret));
      line.summary = proven ? `the seal ${name} opens` : `a share of the seal ${name}, more are needed`;
      await core.commits.submit(line, await changeFor(core, rooms), holds);
      return { seal: named(custody.list(), name), proven };
    }
  }
}

/** Written, and recorded; as it was before where it can't be recorded. */
async function keep(
  core: Core,
  rooms: Unsealed,
  staged: StagedSeals,
  line: Line,
  holds: () => boolean,
): Promise<StagedSeals> {
  assertHolds(holds);
  staged.keep();
  try {
    await core.commits.submit(line, await changeFor(core, rooms), holds);
  } catch (error) {
    try {
      staged.undo();
    } catch (left) {
      core.options.onInternalError(left, line.requestId);
    }
    throw error;
  }
  return staged;
}

function assertHolds(holds: () => boolean): void {
  if (!holds()) throw new KmsError('conflict', 'What this was decided on changed; ask again.');
}

async function changeFor(core: Core, { keyring }: Unsealed) {
  const record = await sealsWritten(keyring.records, core.options.custody.revision);
  return record === undefined ? undefined : { records: [record], summary: '' };
}

function named(seals: readonly SealFacts[], name: string): SealFacts {
  const seal = seals.find((one) => one.name === name);
  if (seal === undefined) throw new KmsError('conflict', `The seal "${name}" was removed meanwhile.`);
  return seal;
}
