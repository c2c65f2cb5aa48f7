import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CrashCommand } from './commands.ts';
import { openByAny, wrongSeals } from './openers.ts';
import { changes, ledgerFault, type Picture, pictureOf } from './picture.ts';
import { Refused, Victim } from './server.ts';
import { type At, type Injection, type Step, socketPath, Watch } from './strace.ts';
import type { Tally } from './tally.ts';
import { copyOf, discard, oldSecret, untilCheckpointIsDue, type World } from './world.ts';

const files = [
  'claviger.db',
  'claviger.db-wal',
  'claviger.db-journal',
  'anchor',
  'server.json',
  'ledger.pub',
  'seal.json',
  'seal.json.new',
];

/** Milliseconds in which a copied WAL is on disk, and in which a killed process is gone. */
const busyFor = 500;
const goneWithin = 40;

/** What a command does where nothing is in its way. */
export interface Course {
  readonly steps: readonly Step[];
  readonly changes: readonly string[];
  /** The same once a start has swept away what is over, such as a revoked credential. */
  readonly sweptChanges: readonly string[];
  /** How each of the world's ciphertexts decrypts before and after: 'ok' or the refusal. */
  readonly opensBefore: readonly string[];
  readonly opensAfter: readonly string[];
}

export type Outcome = 'acknowledged' | 'refused' | 'cut off';

/** After a fault: not hurt by it, refused and fit again once it was gone, or refusing everything until it is started again. */
export type Failed = 'harmless' | 'went on' | 'stopped';

/** Tries one command in one world, run after run, on a server that is made anew only where it must be. */
export class Trial {
  readonly command: CrashCommand;
  readonly world: World;
  #victim: Victim | undefined;
  /** Ledger lines that are accounted for. */
  #lines = 0;
  #course: Course | undefined;
  /** What the folder of this run holds when its command is tried. */
  #before: Picture | undefined;

  constructor(command: CrashCommand, world: World) {
    this.command = command;
    this.world = world;
  }

  /** Runs the command once and notes its steps and its effect. Rejects where it does not do what it should. */
  async learn(): Promise<Course> {
    const victim = await this.#ready(true);
    const opensBefore = await this.#openings(victim);
    await this.#prepare(victim);
    // What the openings left is none of the command's.
    const before = await pictureOf(victim.data);
    const linesBefore = before.lines.length;
    await untilCheckpointIsDue();
    const paths = [...files.map((file) => join(victim.data, file)), victim.socketName!];
    const watch = await Watch.attach(victim.pid, paths);
    await this.command.run(victim, this.world);
    await sleep(this.command.busyAfterwards ? busyFor : goneWithin);
    const steps = await watch.end(victim.data);
    const after = await pictureOf(victim.data, linesBefore);
    if (this.#okLines(after) !== 1) throw new Error(`${this.command.name} left ${this.#okLines(after)} ok lines`);
    await this.#drop();
    const again = await this.#start(victim.data);
    const opensAfter = await this.#openings(again);
    await sleep(busyFor);
    const swept = await pictureOf(victim.data);
    await this.#drop();
    discard(victim.data);
    this.#course = {
      steps,
      changes: changes(before, after),
      sweptChanges: changes(before, swept),
      opensBefore,
      opensAfter,
    };
    return this.#course;
  }

  /** Kills the server at the step, starts it again and judges what is there. Answers whether the step was reached. */
  async kill(step: Step, checkpointDue: boolean, tally: Tally): Promise<boolean> {
    const victim = await this.#ready(false);
    await this.#prepare(victim);
    if (checkpointDue) await untilCheckpointIsDue();
    const watch = await Watch.attach(victim.pid, [], this.at(victim, step, 'kill'));
    const { outcome } = await this.attempt(victim);
    await Promise.race([victim.exited, sleep(this.command.busyAfterwards ? busyFor : goneWithin)]);
    const reached = !victim.isAlive;
    await this.#drop();
    await watch.end(victim.data);
    tally.runs++;
    await this.judge(victim.data, outcome, `killed at ${step.meaning} (${step.call} ${step.nth})`, tally);
    return reached;
  }

  /**
   * Lets the step fail, and every further call of its kind on its file, while the command is tried; then tries it again. Answers how
   * it went, undefined where the step was not reached.
   */
  async fail(step: Step, what: Injection, tally: Tally): Promise<Failed | undefined> {
    const victim = await this.#ready(false);
    await this.#prepare(victim);
    await untilCheckpointIsDue();
    const watch = await Watch.attach(victim.pid, [], this.at(victim, step, what));
    const first = await this.attempt(victim);
    await sleep(this.command.busyAfterwards ? busyFor : 0);
    const failed = watch.hasFailed;
    await watch.end(victim.data);
    const how = `${what} at ${step.meaning} (${step.call} ${step.nth})`;
    const { records } = await pictureOf(victim.data, Number.MAX_SAFE_INTEGER);
    const changed = changes(this.#before!, { records, lines: [] });
    const second = first.outcome === 'refused' ? await this.attempt(victim) : undefined;
    await this.#drop();
    tally.runs++;
    if (failed) tally.reached++;
    if (first.outcome === 'cut off') tally.count('lost', `${how}, the server broke the connection`);
    for (const { outcome, refusal } of [first, second ?? first]) {
      if (outcome === 'refused' && !isHonest(refusal)) tally.count('torn', `${how}, it answered: ${String(refusal)}`);
    }
    const wentOn = second?.outcome === 'acknowledged';
    if (wentOn && changed.length > 0) tally.count('torn', `${how}, refused, and changed: ${changed.join('\n  ')}`);
    await this.judge(victim.data, wentOn ? 'acknowledged' : first.outcome, how, tally);
    if (!failed) return undefined;
    if (first.outcome === 'acknowledged') return 'harmless';
    return wentOn ? 'went on' : 'stopped';
  }

  /** Starts the server on what a killed one left, and counts what is wrong with it. */
  async judge(data: string, outcome: Outcome, how: string, tally: Tally): Promise<void> {
    let victim: Victim;
    try {
      victim = await this.#start(data);
    } catch (error) {
      tally.count('unverified', `${how}, it does not start again: ${(error as Error).message}`);
      discard(data);
      return;
    }
    const { opensBefore, opensAfter } = this.#course!;
    const expected = [this.#course!.changes, this.#course!.sweptChanges].map((lines) =>
      this.#counted(lines).join('\n'),
    );
    const picture = await pictureOf(data, this.#lines);
    this.#lines += picture.lines.length;
    const changed = this.#counted(changes(this.#before!, picture));
    const lines = this.#okLines(picture);
    const isBefore = changed.length === 0 && lines === 0;
    const isAfter = expected.includes(changed.join('\n')) && lines === 1;
    if (!isBefore && !isAfter) {
      tally.count('torn', `${how}, ${lines} ok lines, changed:\n  ${changed.join('\n  ') || 'nothing'}`);
    } else if (outcome === 'acknowledged' && !isAfter) {
      tally.count('lost', `${how}, acknowledged, and nothing of it is there`);
    }
    const fault = await ledgerFault(data);
    if (fault !== undefined) tally.count('unverified', `${how}, the ledger: ${fault}`);
    const opens = await this.#openings(victim);
    const shouldOpen = isAfter ? opensAfter : opensBefore;
    if (opens.join() !== shouldOpen.join()) {
      tally.count('unverified', `${how}, old ciphertexts: ${opens.join()} instead of ${shouldOpen.join()}`);
    }
    if (this.command.seals !== undefined) {
      for (const wrong of await wrongSeals(victim, this.world.asker.token)) {
        const unknown = this.command.seals.handsOut === true && outcome !== 'acknowledged' && / is listed/.test(wrong);
        if (!unknown) tally.count('lost', `${how}, ${wrong}`);
      }
    }
    this.#lines += (await pictureOf(data, this.#lines)).lines.length;
    // A server on which nothing happened serves the next run.
    if (changed.length > 0 || this.command.busyAfterwards || this.command.seals) {
      await this.#drop();
      discard(data);
    }
  }

  async end(): Promise<void> {
    const data = this.#victim?.data;
    await this.#drop();
    if (data !== undefined) discard(data);
  }

  /** Where in this server's files a step is. */
  at(victim: Victim, step: Step, what: Injection): At {
    return { step, what, path: step.path === socketPath ? victim.socketName! : join(victim.data, step.path) };
  }

  async attempt(victim: Victim): Promise<{ readonly outcome: Outcome; readonly refusal?: unknown }> {
    try {
      await this.command.run(victim, this.world);
      return { outcome: 'acknowledged' };
    } catch (error) {
      const refused = error instanceof Refused || isServiceException(error);
      return { outcome: refused ? 'refused' : 'cut off', refusal: error };
    }
  }

  /** A running server in the world's state, with a connection. */
  async #ready(anew: boolean): Promise<Victim> {
    if (this.#victim !== undefined && !anew) return this.#victim;
    const data = copyOf(this.world);
    const victim = await this.#start(data);
    await victim.native('', 'GET', '/status');
    await this.#note(data);
    return victim;
  }

  /** What that leaves in the ledger is none of the command's. */
  async #prepare(victim: Victim): Promise<void> {
    if (this.command.prepare === undefined) return;
    await this.command.prepare(victim, this.world);
    await this.#note(victim.data);
  }

  async #note(data: string): Promise<void> {
    this.#before = await pictureOf(data);
    this.#lines = this.#before.lines.length;
  }

  /** By whatever it was told it has, where the command is about that. */
  async #start(data: string): Promise<Victim> {
    if (this.command.seals !== undefined) {
      this.#victim = await Victim.start({ data, ...this.world.launch, sealed: true });
      await openByAny(this.#victim);
      return this.#victim;
    }
    this.#victim = await Victim.start({ data, ...this.world.launch });
    return this.#victim;
  }

  /**
   * The file of the seals is written before the line, as it must be: where the line never comes, the next unsealing takes note of the
   * file's revision. What opens the server is judged for itself.
   */
  #counted(lines: readonly string[]): readonly string[] {
    return this.command.seals === undefined ? lines : lines.filter((line) => !line.startsWith('setting seal-file:'));
  }

  async #drop(): Promise<void> {
    await this.#victim?.kill();
    this.#victim = undefined;
  }

  async #openings(victim: Victim): Promise<readonly string[]> {
    const token = this.world.facts.decrypter ?? this.world.asker.token;
    const opened: string[] = [];
    for (const ciphertext of this.world.ciphertexts) {
      const answer = victim.native(token, 'POST', '/decrypt', { ciphertext }) as Promise<{ plaintext: string }>;
      opened.push(
        await answer.then(
          ({ plaintext }) => (plaintext === oldSecret ? 'ok' : 'other bytes'),
          (error: Error) => (error instanceof Refused ? error.code : error.message),
        ),
      );
    }
    return opened;
  }

  /** Lines that say that the command was done; what the server does at its start is not meant. */
  #okLines({ lines }: Picture): number {
    return lines.filter(
      ({ action, outcome, protocol }) =>
        action === this.command.action && outcome === 'ok' && protocol !== 'start' && protocol !== 'job',
    ).length;
  }
}

/** The server says that it can't, and not that the request was wrong. */
function isHonest(refusal: unknown): boolean {
  if (!(refusal instanceof Refused)) return isServiceException(refusal);
  const { code, status } = refusal;
  return status >= 500 && ['', 'storage-full', 'audit-unavailable', 'unavailable'].includes(code);
}

function isServiceException(error: unknown): boolean {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode !== undefined;
}

/** Every durable step of a command, each reached where it can be. */
export async function everyStep(
  command: CrashCommand,
  world: World,
  tally: Tally,
  timeLeft: () => boolean = () => true,
): Promise<void> {
  const trial = new Trial(command, world);
  try {
    tally.steps = (await trial.learn()).steps;
    for (const step of tally.steps) {
      if (!timeLeft()) break;
      // Only a commit that carries a checkpoint has all of the steps; most are there without waiting for one.
      if ((await trial.kill(step, false, tally)) || (await trial.kill(step, true, tally))) tally.reached++;
      else tally.missed.push(step);
    }
  } finally {
    await trial.end();
    tally.done();
  }
}
