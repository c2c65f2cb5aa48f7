import {
  type Action,
  type AuthMountPlace,
  type Change,
  type Command,
  type Gate,
  KmsError,
  type Origin,
  type Principal,
  type Proof,
  type RealmPaths,
  type Result,
  type Status,
} from '#domain/domain.ts';
import { Counter } from '#telemetry/telemetry.ts';
import { Abreast } from './abreast.ts';
import { assertMayAsk } from './acl.ts';
import { assertOutcome, authorize } from './authorize.ts';
import { carryOut } from './carry-out.ts';
import { changesState } from './changing.ts';
import { Core, type GateOptions } from './core.ts';
import { about, asKmsError, done, identified, type Line, lineOf } from './lines.ts';
import type { Unsealed } from './rooms.ts';
import { isSecretCommand, keysOfSecret } from './secret-subjects.ts';
import { makeSecretsKey } from './secrets-key.ts';
import { serve } from './server-actions.ts';
import { subjectsOf } from './subjects.ts';
import { doTogether } from './together.ts';
import { assertPlace, TokenUses } from './token-uses.ts';
import { Turns } from './turns.ts';
import { isRoomAction } from './verbs.ts';

export { restoredChange } from './backup-status.ts';
export type { Backups } from './backups.ts';
export type { GateOptions } from './core.ts';
export type { Unsealed } from './rooms.ts';
export type { Rates } from './throttle.ts';

/** Each attempt but the last loses to somebody who did something. */
const attempts = 10;

/** Of batches, twice what one transaction takes: more would only wait for the disk, and grow old in memory meanwhile. */
const linesAbreast = 2048;

/** The way of every request: identify, find, decide, do, make durable, answer. */
export class WorkingGate implements Gate {
  readonly core: Core;
  readonly #answers: Counter;
  readonly #turns = new Turns();
  readonly #abreast = new Abreast(linesAbreast);
  readonly #uses: TokenUses;

  constructor(options: GateOptions) {
    this.core = new Core(options);
    this.#uses = new TokenUses(this.core);
    this.#answers = options.metrics.add(
      new Counter('claviger_answers_total', 'Answers by action and outcome.', ['action', 'outcome']),
    );
  }

  perform<A extends Action>(proof: Proof, command: Command<A>, origin: Origin): Promise<Result<A>> {
    return this.#attempt(proof, command as Command, origin, 1) as Promise<Result<A>>;
  }

  async performAll(
    proof: Proof,
    size: number,
    read: () => readonly Command[],
    origin: Origin,
  ): Promise<readonly PromiseSettledResult<Result>[]> {
    const { outcomes, others } = await this.#abreast.take(size, () => this.#together(proof, read(), origin));
    await Promise.all(others);
    return outcomes;
  }

  /** What was done together is settled when it resolves; `others` go on by themselves. */
  async #together(proof: Proof, commands: readonly Command[], origin: Origin) {
    const outcomes: PromiseSettledResult<Result>[] = [];
    const { core } = this;
    const { results, lines, admitted, holds } = doTogether(core, proof, commands, origin);
    const alone = (i: number) =>
      this.#attempt(proof, commands[i]!, origin, i < admitted ? 2 : 1).then(
        (value) => {
          outcomes[i] = { status: 'fulfilled', value: value as Result };
        },
        (reason: unknown) => {
          outcomes[i] = { status: 'rejected', reason };
        },
      );
    const others = commands.flatMap((_, i) => (results[i] === undefined ? alone(i) : []));
    if (lines.length > 0) {
      try {
        await core.commits.submitAll(lines, holds);
        for (const line of lines) this.#done(line);
        for (const [i, value] of results.entries()) {
          if (value !== undefined) outcomes[i] = { status: 'fulfilled', value };
        }
      } catch {
        // What they were decided on changed, or nothing can be written: each finds that out.
        others.push(...results.flatMap((value, i) => (value === undefined ? [] : alone(i))));
      }
    }
    return { outcomes, others };
  }

  async refuse(proof: Proof, action: Action | '', error: KmsError, origin: Origin): Promise<never> {
    const line = lineOf(origin, action, this.core.options.clock());
    if (proof.kind === 'none' && proof.unread === true) return await this.#refused(line, error);
    try {
      const { rooms } = this.core;
      const principal = await rooms.identity.identify(proof, changesState(action));
      identified(line, principal);
      assertPlace(principal, origin);
      this.core.throttle.admit(principal, line.time);
      // Whose policies let nothing be asked for there is not told what is.
      if (origin.asked !== undefined) await assertMayAsk(rooms.identity, principal, origin.asked);
    } catch (unproven) {
      return await this.#refused(line, unproven);
    }
    return await this.#refused(line, error);
  }

  async paths(proof: Proof, origin: Origin): Promise<RealmPaths> {
    const { identity } = this.core.rooms;
    const principal = await identity.identify(proof, false);
    if (principal.kind !== 'person') throw new KmsError('unauthenticated', 'This needs a credential.');
    assertPlace(principal, origin);
    return identity.mounts.of(principal.realm);
  }

  async authMountAt(proof: Proof, realm: string | undefined, path: string): Promise<AuthMountPlace | undefined> {
    try {
      const { identity } = this.core.rooms;
      const who = async () => (await identity.identify(proof, false)).realm;
      return await identity.authMountAt(realm ?? (await who().catch(() => undefined)), path);
    } catch {
      // What is wrong is said, and recorded, when it is asked for.
      return undefined;
    }
  }

  status(): Status {
    return this.core.status();
  }

  /** One function rather than one for each step: every asynchronous frame on this way costs each request a turn. */
  async #attempt(proof: Proof, command: Command, origin: Origin, attempt: number): Promise<object> {
    const { core } = this;
    const line = lineOf(origin, command.kind, core.options.clock());
    try {
      if (!isRoomAction(command)) {
        const result = await serve(core, this.#uses, { proof, command, line, origin, attempt });
        this.#answers.add(command.kind, 'ok');
        return result;
      }
      const { rooms } = core;
      const access = core.commits.accessGeneration;

      const proven = rooms.identity.identify(proof, changesState(command.kind));
      const principal = proven instanceof Promise ? await this.#uses.settle(rooms, proof, proven) : proven;
      identified(line, principal);
      if (principal.cidrs !== undefined) assertPlace(principal, origin);
      if (attempt === 1) core.throttle.admit(principal, line.time);

      const secret = isSecretCommand(command) ? await rooms.secrets.subjectOf(principal.realm, command) : undefined;
      const found =
        secret === undefined ? subjectsOf(rooms, principal.realm, command) : keysOfSecret(principal.realm, secret);
      const keys = found instanceof Promise ? await found : found;
      if (secret !== undefined) line.summary = `secret ${secret.target.names[0] ?? ''}`;
      about(line, keys);

      const authorized = authorize(core, principal, command, keys, origin, secret);
      if (authorized instanceof Promise) await authorized;
      if (principal.replayDigest !== undefined) await assertFirst(rooms, principal.replayDigest);

      if (secret?.lacksOwnKey !== undefined) {
        await makeSecretsKey(core, principal, secret.lacksOwnKey, origin, line.time);
        return this.#attempt(proof, command, origin, attempt + 1);
      }

      const doing = carryOut(core, { rooms, principal, command, keys, secret, now: line.time }, origin);
      const outcome = doing instanceof Promise ? await doing : doing;
      if (outcome.change !== undefined) await assertOutcome(core, principal, command, outcome.result, origin, secret);

      if (command.dryRun === true) throw rehearsed(command, outcome.result);

      const holds = () => core.stillHolds(rooms, access, keys);
      const change = withReplay(rooms, command, outcome.change, principal);
      await core.commits.submit(done(line, outcome.result, outcome.change), change, holds);
      this.#done(line);
      return outcome.result;
    } catch (error) {
      // What it was decided on changed before it was written: decide again on what is so now.
      const sealed = core.status().sealed && command.kind !== 'unseal';
      if (isOvertaken(error, sealed) && attempt < attempts) {
        const again = () => this.#attempt(proof, command, origin, attempt + 1);
        // Grants on one key are given by many at once, where services do it for their callers: these wait for one another.
        return attempt === 1 && changesKeyGrants(command)
          ? this.#turns.take(`${line.realm}/${line.key}`, again)
          : again();
      }
      return await this.#refused(line, error);
    }
  }

  /** What follows once the line of what was done is durable. */
  #done(line: Line): void {
    this.core.lastUses.note(line);
    this.#answers.add(line.action || 'unknown', 'ok');
  }

  /** Records the refusal, or counts it among many of a kind, and rejects with it; with 'audit-unavailable' where it can't be recorded. */
  async #refused(line: Line, error: unknown): Promise<never> {
    const refusal = asKmsError(error);
    if (refusal !== error) this.core.options.onInternalError(error, line.requestId);
    this.#answers.add(line.action || 'unknown', refusal.code);
    line.outcome = refusal.code;
    const { commits, coalesced } = this.core;
    if (refusal.code === 'audit-unavailable' || refusal.code === 'storage-full') throw refusal;
    if (!(commits.writable && coalesced.takes(line))) await commits.submit(line);
    throw refusal;
  }
}

function changesKeyGrants({ kind }: Command): boolean {
  return kind === 'create-key-grant' || kind === 'retire-key-grant' || kind === 'revoke-key-grant';
}

/** How what was not done would have ended. What does not verify is a refusal to most callers, so it is one here. */
function rehearsed({ kind }: Command, result: object): KmsError {
  if ('valid' in result && result.valid === false) {
    return kind === 'verify'
      ? new KmsError('invalid-signature', 'The signature does not fit the message.')
      : new KmsError('invalid-mac', 'The MAC does not fit the message.');
  }
  return new KmsError('dry-run', 'The request would have succeeded, but it asked for a dry run.');
}

/** Rooms that were sealed in the midst of a call fail anyhow: their secrets are gone. */
function isOvertaken(error: unknown, sealed: boolean): boolean {
  return error instanceof KmsError ? error.code === 'conflict' : sealed;
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
