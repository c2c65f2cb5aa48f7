import type { CheckpointSigner, Ledger } from '#audit/audit.ts';
import {
  type Action,
  type Change,
  type Command,
  type Gate,
  KmsError,
  type Origin,
  type Plaintext,
  type Principal,
  type Proof,
  type Result,
  type Status,
} from '#domain/domain.ts';
import type { Mode } from '#policy/policy.ts';
import type { Store } from '#store/store.ts';
import { Counter, Gauge, type Metrics } from '#telemetry/telemetry.ts';
import { assertDutiesStaySeparate, authorize } from './authorize.ts';
import { CommitQueue } from './commit-queue.ts';
import { Decisions } from './decisions.ts';
import { asKmsError, done, identified, type Line, lineOf } from './lines.ts';
import { serve } from './server-actions.ts';
import { subjectsOf } from './subjects.ts';
import { changesState, isRoomAction, type Rooms, verbOf } from './verbs.ts';

export type { Rooms } from './verbs.ts';

/** An unsealed server: its working rooms, and what signs its checkpoints. */
export interface Unsealed extends Rooms {
  readonly signer: CheckpointSigner;
  /** Forgets all secrets. */
  dispose(): void;
}

export interface GateOptions {
  readonly store: Store;
  readonly ledger: Ledger;
  /** The sealed part of the stored head; empty for a new store. */
  readonly sealedHead: Uint8Array;
  readonly mode: Mode;
  readonly version: string;
  readonly sealKind: string;
  readonly clock: () => number;
  readonly metrics: Metrics;
  /** Opens the rooms. Rejects with 'invalid-unseal' or 'tampered'. */
  readonly open: (passphrase: Plaintext) => Promise<Unsealed>;
  /** Told of every failure that is the server's own fault, for its log. */
  readonly onInternalError: (error: unknown, requestId: string) => void;
}

const attempts = 3;

/** The way of every request: identify, find, decide, do, make durable, answer. */
export class WorkingGate implements Gate {
  readonly commits: CommitQueue;
  readonly decisions = new Decisions();
  readonly options: GateOptions;
  readonly #answers: Counter;
  #rooms: Unsealed | undefined;

  constructor(options: GateOptions) {
    this.options = options;
    this.commits = new CommitQueue(options);
    const { metrics, ledger } = options;
    this.#answers = metrics.add(
      new Counter('claviger_answers_total', 'Answers by action and outcome.', ['action', 'outcome']),
    );
    metrics.add(new Gauge('claviger_ledger_lines', 'Lines in the ledger.', () => ledger.size));
    metrics.add(
      new Gauge('claviger_sealed', '1 while the server is sealed.', () => (this.#rooms === undefined ? 1 : 0)),
    );
  }

  async perform<A extends Action>(proof: Proof, command: Command<A>, origin: Origin): Promise<Result<A>> {
    for (let attempt = 1; ; attempt++) {
      const line = lineOf(origin, command.kind, this.options.clock());
      try {
        const result = await this.#attempt(proof, command as Command, line, origin);
        this.#answers.add(command.kind, 'ok');
        return result as Result<A>;
      } catch (error) {
        // What it was decided on changed before it was written: decide again on what is so now.
        if (error instanceof KmsError && error.code === 'conflict' && attempt < attempts) continue;
        return await this.#refused(line, error);
      }
    }
  }

  async refuse(proof: Proof, action: Action | '', error: KmsError, origin: Origin): Promise<never> {
    const line = lineOf(origin, action, this.options.clock());
    try {
      const rooms = this.unsealed();
      identified(line, await rooms.identity.identify(proof, changesState(action)));
    } catch (unproven) {
      return await this.#refused(line, unproven);
    }
    return await this.#refused(line, error);
  }

  status(): Status {
    const { mode, version, sealKind, clock, ledger } = this.options;
    const sealed = this.#rooms === undefined;
    return {
      initialized: true,
      sealed,
      sealKind,
      version,
      mode,
      time: clock(),
      ledgerSize: ledger.size,
      ready: !sealed,
    };
  }

  /** The working rooms. Throws 'sealed'. */
  unsealed(): Unsealed {
    if (this.#rooms === undefined) throw new KmsError('sealed', 'The server is sealed; unseal it first.');
    return this.#rooms;
  }

  /** Takes the rooms into service, or out of it for undefined: answers under way are finished first. */
  async entrust(rooms: Unsealed | undefined): Promise<void> {
    const former = this.#rooms;
    this.#rooms = undefined;
    await this.commits.entrust(rooms);
    former?.dispose();
    this.#rooms = rooms;
  }

  async #attempt(proof: Proof, command: Command, line: Line, origin: Origin): Promise<object> {
    if (!isRoomAction(command)) return serve(this, proof, command, line, origin);
    const rooms = this.unsealed();
    const access = this.commits.accessGeneration;

    const proven = rooms.identity.identify(proof, changesState(command.kind));
    const principal = proven instanceof Promise ? await proven : proven;
    identified(line, principal);

    const found = subjectsOf(rooms.keyring, principal.realm, command);
    const keys = found instanceof Promise ? await found : found;
    if (keys.length > 0 && keys[0]!.id !== '') line.key = keys[0]!.id;

    const authorized = authorize(this, principal, command, keys);
    if (authorized instanceof Promise) await authorized;
    if (principal.replayDigest !== undefined) await assertFirst(rooms, principal.replayDigest);

    const now = this.options.clock();
    const doing = verbOf(command)({ rooms, principal, command, keys, now });
    const outcome = doing instanceof Promise ? await doing : doing;
    if (outcome.change !== undefined) await assertDutiesStaySeparate(this, principal, command, outcome.result);

    const holds = () => this.commits.accessGeneration === access && keys.every((key) => rooms.keyring.isCurrent(key));
    const change = withReplay(rooms, command, outcome.change, principal);
    await this.commits.submit(done(line, outcome.result, outcome.change), change, holds);
    return outcome.result;
  }

  /** Records the refusal, and rejects with it; with 'audit-unavailable' where it can't be recorded. */
  async #refused(line: Line, error: unknown): Promise<never> {
    const refusal = asKmsError(error);
    if (refusal !== error) this.options.onInternalError(error, line.requestId);
    this.#answers.add(line.action || 'unknown', refusal.code);
    line.outcome = refusal.code;
    if (refusal.code !== 'audit-unavailable' && refusal.code !== 'storage-full') await this.commits.submit(line);
    throw refusal;
  }
}

/** A signed call that was answered once is not done again. */
async function assertFirst(rooms: Unsealed, replayDigest: string): Promise<void> {
  if (await rooms.identity.seenBefore(replayDigest)) {
    throw new KmsError('replayed', 'This signed request was already answered; sign a new one.');
  }
}

/** Remembers a changing call that signed a unique id, even if it changed nothing: later the same call could. */
function withReplay(
  { identity }: Unsealed,
  command: Command,
  change: Change | undefined,
  principal: Principal,
): Change | undefined {
  const seen = changesState(command.kind) ? identity.replayRecord(principal) : undefined;
  if (seen === undefined) return change;
  return { ...change, summary: change?.summary ?? '', records: [...(change?.records ?? []), seen] };
}
