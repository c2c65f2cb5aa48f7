import type { AcknowledgedShare, Command, RecordChange, RecordReader, Result } from '#domain/domain.ts';
import type { Core } from './core.ts';
import type { Line } from './lines.ts';
import type { Unsealed } from './rooms.ts';
import type { OfShare } from './verbs.ts';

interface Stored {
  readonly share: AcknowledgedShare;
  readonly statement: string;
}

export function isOfShare(command: Command): command is Command<OfShare> {
  return command.kind === 'acknowledge-share' || command.kind === 'list-acknowledgements';
}

/** What custodians say of their shares: kept as they said it, beside what was found true. */
export async function keepAcknowledgements(
  core: Core,
  { rooms, command }: { readonly rooms: Unsealed; readonly command: Command<OfShare> },
  line: Line,
  holds: () => boolean,
): Promise<Result<OfShare>> {
  const { custody, acknowledgements, clock } = core.options;
  const { records } = rooms.keyring;
  if (command.kind === 'list-acknowledgements') {
    await core.commits.submit(line, undefined, holds);
    const found = await Promise.all(acknowledgements.issues(custody.list()).map(({ set }) => storedOf(records, set)));
    return { shares: found.flat().map(({ share, statement }) => ({ ...share, statement })) };
  }
  const share = acknowledgements.verify(custody.list(), command.statement, clock());
  const { seal, set, number, total, custodian, signed } = share;
  line.summary = `${custodian} acknowledged share ${number} of ${total} of the seal ${seal}, set ${set}${signed ? '' : ', unsigned'}`;
  const statement = new TextDecoder().decode(command.statement);
  await core.commits.submit(line, { records: [await kept(records, { share, statement })], summary: '' }, holds);
  try {
    return { share, settled: await settle(core, records, set) };
  } catch (error) {
    // It is said and recorded; the next one who says it, or the new shares themselves, end what was before.
    core.options.onInternalError(error, line.requestId);
    return { share, settled: false };
  }
}

/** Once each share of the set is known to have arrived, what the seal took before ends. */
async function settle(core: Core, records: RecordReader, set: string): Promise<boolean> {
  const { custody, acknowledgements } = core.options;
  const arrived = await storedOf(records, set);
  const issue = acknowledgements.issues(custody.list()).find((one) => one.set === set);
  if (issue === undefined || arrived.length < issue.total) return false;
  custody.settle(issue.seal);
  await core.noteSeals();
  return true;
}

async function kept(records: RecordReader, value: Stored): Promise<RecordChange> {
  const { set, number } = value.share;
  const id = `${set}/${String(number).padStart(3, '0')}`;
  return {
    kind: 'share-acknowledgement',
    id,
    expect: (await records.read('share-acknowledgement', id))?.revision ?? 0,
    value,
  };
}

async function storedOf(records: RecordReader, set: string): Promise<readonly Stored[]> {
  const rows = await records.list('share-acknowledgement', `${set}/`, '', 255);
  return rows.map(({ value }) => value as Stored);
}
