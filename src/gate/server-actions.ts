import { proveEntry, readEntries } from '#audit/audit.ts';
import { type Command, KmsError, type Origin, type Principal, type Proof, type Result } from '#domain/domain.ts';
import { authorize } from './authorize.ts';
import { isBackupDue, isOfBackup, keepBackups } from './backup-actions.ts';
import { isRestored } from './backup-status.ts';
import type { Asking } from './ceremonies.ts';
import type { Core } from './core.ts';
import { identified, type Line } from './lines.ts';
import { isOfRoot } from './root-rotation.ts';
import { runSchedule } from './schedule.ts';
import { changeSeals, isOfSeal } from './seal-actions.ts';
import { runSecretSchedule } from './secret-schedule.ts';
import { isOfShare, keepAcknowledgements } from './share-actions.ts';
import { assertPlace, type TokenUses } from './token-uses.ts';
import { isRoomAction, type OfBackup, type OfRoot, type OfSeal, type OfShare, type ServerAction } from './verbs.ts';

/** A request, and which attempt at it this is. */
interface ServerRequest {
  readonly proof: Proof;
  readonly command: Command;
  readonly line: Line;
  readonly origin: Origin;
  readonly attempt: number;
}

/** What concerns the server as a whole: its ledger, its numbers, its seal, its clock. The same order as for every request. */
export async function serve(
  core: Core,
  uses: TokenUses,
  { proof, command, line, origin, attempt }: ServerRequest,
): Promise<Result<ServerAction>> {
  if (isRoomAction(command)) throw new KmsError('internal', 'A room does this, not the server.');
  if (command.dryRun === true) throw new KmsError('unsupported', 'What concerns the whole server has no dry run.');
  if (command.kind === 'unseal') return unseal(core, command, line, origin);
  if (command.kind === 'read-status') return core.status();
  const rooms = core.rooms;
  const access = core.commits.accessGeneration;
  const principal = await uses.settle(rooms, proof, Promise.resolve(rooms.identity.identify(proof, false)));
  identified(line, principal);
  assertPlace(principal, origin);
  if (attempt === 1) core.throttle.admit(principal, line.time);
  await authorize(core, principal, command, [], origin);
  // The schedule itself takes rights away that are over; the server's own don't change.
  const rightsHold = () => principal.kind === 'system' || core.commits.accessGeneration === access;
  // Asked here too: what is done to the server as a whole is done before its line, and can't be decided again for nothing.
  if (!(core.serves(rooms) && rightsHold()))
    throw new KmsError('conflict', 'What this was decided on changed; ask again.');
  if (isOfCeremony(command)) {
    const holds = () => core.stillHolds(rooms, access, []);
    return await goOn(core, { rooms, principal, command, peer: origin.peer }, line, holds);
  }
  if (isOfSeal(command)) {
    const holds = () => core.stillHolds(rooms, access, []);
    return await changeSeals(core, { rooms, command, peer: origin.peer }, line, holds);
  }
  if (isOfBackup(command)) return await keepBackups(core, { rooms, command }, line, rightsHold);
  if (isOfRoot(command)) {
    const holds = () => core.stillHolds(rooms, access, []);
    return await core.rootRotation.perform(rooms, command, line, holds);
  }
  if (isOfShare(command)) {
    const holds = () => core.stillHolds(rooms, access, []);
    return await keepAcknowledgements(core, { rooms, command }, line, holds);
  }
  const result = await act(core, principal, command, origin);
  const recorded = () => core.commits.submit(line, undefined, rightsHold);
  await (command.kind === 'seal' ? core.seal(recorded) : recorded());
  return result;
}

type OfCeremony = 'read-ceremony' | 'start-ceremony' | 'cancel-ceremony' | 'feed-ceremony';
type Act = Exclude<ServerAction, 'unseal' | 'read-status' | OfCeremony | OfSeal | OfShare | OfRoot | OfBackup>;

function isOfCeremony(command: Command): command is Command<OfCeremony> {
  return command.kind.endsWith('-ceremony');
}

/** A step of a ceremony is taken once its line is durable, and else not. */
async function goOn(core: Core, asking: Asking, line: Line, holds: () => boolean): Promise<Result<OfCeremony>> {
  const step = await core.ceremonies.step(asking);
  line.summary = step.summary;
  try {
    await core.commits.submit(line, step.change, holds);
  } catch (error) {
    step.undo?.();
    throw error;
  }
  try {
    step.finish?.();
    await core.noteSeals();
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
      const { records } = core.rooms.keyring;
      await core.backupWatch.look(records);
      // Another one may live on: what both did would be done twice.
      if (await isRestored(records)) return { rotated: 0, destroyed: 0, forgotten: 0 };
      const backupDue = await isBackupDue(core, records);
      await finishErasures(core);
      await deleteOrphans(core);
      const counts = await runSchedule(core.rooms, core.commits, principal, origin, now);
      await core.coalesced.flush(now);
      await core.lastUses.write();
      const { destroyed, steps } = await runSecretSchedule(core, principal, origin, now);
      return {
        ...counts,
        destroyed: counts.destroyed + destroyed,
        forgotten: await forget(core),
        ...(steps.length > 0 && { steps }),
        ...(backupDue && { backupDue }),
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

/** Of keys that were destroyed when not every copy of the shelf was in reach. What is out of reach is left for the next time. */
async function finishErasures(core: Core): Promise<void> {
  try {
    const { change, behind } = await core.rooms.keyring.finishErasures();
    if (change !== undefined) await core.commits.change(change);
    for (const { path, why } of behind) {
      const what = `The copy of the shelf ${path} lacks keys that were made, or still has those that were destroyed`;
      core.options.onInternalError(new Error(`${what}: ${why}`), 'shelf');
    }
  } catch (error) {
    core.options.onInternalError(error, 'shelf');
  }
}

/** In an HSM, of keys that were to be made there or were destroyed. What is out of reach is left for the next time. */
async function deleteOrphans(core: Core): Promise<void> {
  const { residents } = core.rooms.keyring;
  try {
    for (const step of [() => residents.writeOff(), () => residents.deleteWrittenOff()]) {
      const change = await step();
      if (change !== undefined) await core.commits.change(change);
    }
  } catch (error) {
    core.options.onInternalError(error, 'hsm');
  }
}

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

/** What is brought is its own proof, so nobody is identified; the attempt is recorded like any other. */
async function unseal(
  core: Core,
  { passphrase, seal, reset, ifSealed }: Command<'unseal'>,
  line: Line,
  { peer }: Origin,
): Promise<Result<'unseal'>> {
  if (ifSealed === true && !core.status().sealed) return core.status();
  if (reset === true) {
    line.summary = 'shares forgotten';
    await core.commits.submit(line);
    core.options.custody.forgetShares();
    return core.status();
  }
  const opener = { secret: passphrase, ...(seal !== undefined && { seal }) };
  await core.unseal(opener, peer, (opened) => {
    if (!opened) line.summary = 'a share, more are needed';
    return core.commits.submit(line);
  });
  return core.status();
}
