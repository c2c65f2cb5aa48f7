import { proveEntry, readEntries } from '#audit/audit.ts';
import { type Command, KmsError, type Origin, type Principal, type Proof, type Result } from '#domain/domain.ts';
import { authorize } from './authorize.ts';
import type { WorkingGate } from './gate.ts';
import { identified, type Line } from './lines.ts';
import { runSchedule } from './schedule.ts';
import { isRoomAction, type ServerAction } from './verbs.ts';

/** What concerns the server as a whole: its ledger, its numbers, its seal, its clock. The same order as for every request. */
export async function serve(
  gate: WorkingGate,
  proof: Proof,
  command: Command,
  line: Line,
  origin: Origin,
): Promise<Result<ServerAction>> {
  if (isRoomAction(command)) throw new KmsError('internal', 'A room does this, not the server.');
  if (command.kind === 'unseal') return unseal(gate, command, line);
  if (command.kind === 'read-status') return gate.status();
  const rooms = gate.unsealed();
  const principal = await rooms.identity.identify(proof, false);
  identified(line, principal);
  await authorize(gate, principal, command, []);
  const access = gate.commits.accessGeneration;
  const result = await act(gate, principal, command, origin);
  await gate.commits.submit(line, undefined, () => gate.commits.accessGeneration === access);
  if (command.kind === 'seal') await gate.entrust(undefined);
  return result;
}

type Act = Exclude<ServerAction, 'unseal' | 'read-status'>;

async function act(
  gate: WorkingGate,
  principal: Principal,
  command: Command<Act>,
  origin: Origin,
): Promise<Result<Act>> {
  const { store, ledger, metrics, clock } = gate.options;
  switch (command.kind) {
    case 'read-audit':
      return { entries: await readEntries(store, command.from, command.limit), size: ledger.size };
    case 'prove-audit':
      // A line that is asked for at once has no checkpoint yet.
      if (command.index >= ledger.checkpointed && command.index < ledger.size) await gate.commits.checkpoint();
      return await proveEntry(store, command.index);
    case 'read-checkpoint': {
      await gate.commits.checkpoint();
      const { checkpoints } = await store.ledger(ledger.checkpointed - 1, 1);
      const newest = checkpoints.at(-1);
      if (newest === undefined) throw new KmsError('not-found', 'There is no checkpoint yet.');
      return { checkpoint: newest.note, verifierKey: gate.unsealed().signer.verifierKey };
    }
    case 'read-metrics':
      return { text: metrics.text() };
    case 'seal':
      return {};
    case 'run-schedule': {
      const { keyring } = gate.unsealed();
      const now = clock();
      const counts = await runSchedule(keyring, gate.commits, principal, origin, now);
      return { ...counts, forgotten: await forget(gate) };
    }
  }
}

/** Takes away what is over: credentials, grants, and signed calls whose window is closed. */
async function forget(gate: WorkingGate): Promise<number> {
  let forgotten = 0;
  for (;;) {
    const { result, change } = await gate.unsealed().identity.sweep();
    if (change === undefined) return forgotten;
    await gate.commits.change(change);
    forgotten += result;
  }
}

/** The passphrase is its own proof, so nobody is identified; the attempt is recorded like any other. */
async function unseal(gate: WorkingGate, command: Command<'unseal'>, line: Line): Promise<Result<'unseal'>> {
  if (!gate.status().sealed) throw new KmsError('not-sealed', 'The server is not sealed.');
  const rooms = await gate.options.open(command.passphrase);
  await gate.entrust(rooms);
  await gate.commits.submit(line);
  return gate.status();
}
