import { proveEntry, readEntries } from '#audit/audit.ts';
import { type Command, KmsError, type Origin, type Principal, type Proof, type Result } from '#domain/domain.ts';
import { authorize } from './authorize.ts';
import type { Asking } from './ceremonies.ts';
import type { Core, Unsealed } from './core.ts';
import { identified, type Line } from './lines.ts';
import { runSchedule } from './schedule.ts';
import { runSecretSchedule } from './secret-schedule.ts';
import { assertPlace, type TokenUses } from './token-uses.ts';
import { isRoomAction, type ServerAction } from './verbs.ts';

/** What concerns the server as a whole: its ledger, its numbers, its seal, its clock. The same order as for every request. */
export async function serve(
  core: Core,
  uses: TokenUses,
  proof: Proof,
  command: Command,
  line: Line,
  origin: Origin,
): Promise<Result<ServerAction>> {
  if (isRoomAction(command)) throw new KmsError('internal', 'A room does this, not the server.');
  if (command.dryRun === true) throw new KmsError('unsupported', 'What concerns the whole server has no dry run.');
  if (command.kind === 'unseal') return unseal(core, command, line, origin);
  if (command.kind === 'read-status') return core.status();
  const rooms = core.rooms;
  const principal = await uses.settle(rooms, proof, Promise.resolve(rooms.identity.identify(proof, false)));
  identified(line, principal);
  assertPlace(principal, origin);
  core.throttle.admit(principal, line.time);
  await authorize(core, principal, command, [], origin);
  const access = core.commits.accessGeneration;
  if (isOfCeremony(command)) return await goOn(core, rooms, { rooms, principal, command, peer: origin.peer }, line);
  const result = await act(core, principal, command, origin);
  // The schedule itself takes rights away that are over; the server's own don't change.
  const holds = principal.kind === 'system' ? undefined : () => core.commits.accessGeneration === access;
  const recorded = () => core.commits.submit(line, undefined, holds);
  await (command.kind === 'seal' ? core.seal(recorded) : recorded());
  return result;
}

type OfCeremony = 'read-ceremony' | 'start-ceremony' | 'cancel-ceremony' | 'feed-ceremony';
type Act = Exclude<ServerAction, 'unseal' | 'read-status' | OfCeremony>;

function isOfCeremony(command: Command): command is Command<OfCeremony> {
  return command.kind.endsWith('-ceremony');
}

/** A step of a ceremony is taken once its line is durable, and else not. */
async function goOn(core: Core, rooms: Unsealed, asking: Asking, line: Line): Promise<Result<OfCeremony>> {
  const access = core.commits.accessGeneration;
  const step = await core.ceremonies.step(asking);
  line.summary = step.summary;
  const holds = () => core.serves(rooms) && core.commits.accessGeneration === access;
  try {
    await core.commits.submit(line, step.change, holds);
  } catch (error) {
    step.undo?.();
    throw error;
  }
  try {
    step.finish?.();
  } catch (error) {
    // It is done and recorded; what is left over, the next unsealing clears.
    core.options.onInternalError(error, line.requestId);
  }
  return step.result;
}

async function act(core: Core, principal: Principal, command: Command<Act>, origin: Origin): Promise<Result<Act>> {
  const { store, ledger, metrics, clock } = core.options;
  switch (command.kind) {
    case 'read-audit':
      return { entries: await readEntries(store, command.from, command.limit), size: ledger.size };
    case 'prove-audit':
      // A line that is asked for at once has no checkpoint yet.
      if (command.index >= ledger.checkpointed && command.index < ledger.size) await core.commits.checkpoint();
      return await proveEntry(store, command.index);
    case 'read-checkpoint': {
      await core.commits.checkpoint();
      const { checkpoints } = await store.ledger(ledger.checkpointed - 1, 1);
      const newest = checkpoints.at(-1);
      if (newest === undefined) throw new KmsError('not-found', 'There is no checkpoint yet.');
      return { checkpoint: newest.note, verifierKey: core.rooms.signer.verifierKey };
    }
    case 'read-metrics':
      return { text: metrics.text() };
    case 'seal':
      return {};
    case 'read-host':
      return { host: core.options.host() };
    case 'list-audit-sinks':
      return { sinks: [ledgerSink] };
    case 'run-schedule': {
      const now = clock();
      const counts = await runSchedule(core.rooms, core.commits, principal, origin, now);
      await core.coalesced.flush(now);
      await core.lastUses.write();
      const { destroyed, steps } = await runSecretSchedule(core, principal, origin, now);
      return {
        ...counts,
        destroyed: counts.destroyed + destroyed,
        forgotten: await forget(core),
        ...(steps.length > 0 && { steps }),
      };
    }
  }
}

/** Where every line goes before its answer leaves. There is no setting for it, and none that takes it away. */
const ledgerSink = {
  name: 'ledger',
  kind: 'ledger',
  description: 'The tamper-evident ledger in the data folder, which every answer waits for.',
} as const;

/** Takes away what is over: credentials, grants, and signed calls whose window is closed. */
async function forget(core: Core): Promise<number> {
  let forgotten = 0;
  for (;;) {
    const { result, change } = await core.rooms.identity.sweep();
    if (change === undefined) return forgotten;
    await core.commits.change(change);
    forgotten += result;
  }
}

/** The passphrase is its own proof, so nobody is identified; the attempt is recorded like any other. */
async function unseal(
  core: Core,
  { passphrase, ifSealed }: Command<'unseal'>,
  line: Line,
  { peer }: Origin,
): Promise<Result<'unseal'>> {
  if (ifSealed === true && !core.status().sealed) return core.status();
  await core.unseal(passphrase, peer, () => core.commits.submit(line));
  return core.status();
}
