import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { changes, ledgerFault, nothing, type Picture, pictureOf } from './picture.ts';
import { type Credential, commandLine, passphraseOf, Victim } from './server.ts';
import { readSteps, type Step, straceArgs } from './strace.ts';
import type { Tally } from './tally.ts';
import { copyOf, discard, newFolder, oldSecret, type World } from './world.ts';

/** Something that a server does by itself, from the start of its process to a moment when it is done. */
export interface Stretch {
  readonly name: string;
  /** A folder to do it in. */
  prepare(): string;
  /** The program, under `under`. */
  command(data: string, under: readonly string[]): readonly string[];
  /** Resolves when it is done; the process may be gone by then. */
  done(child: ChildProcess, output: () => string): Promise<void>;
  /** Goes on from what a killed process left, and answers the server; `output` is what the killed one said. */
  recover(data: string, output: string): Promise<{ victim: Victim; credential: Credential }>;
  /** Ledger lines of these actions must be there, so often. */
  readonly lines: Readonly<Record<string, number>>;
  /** The name of a key that must work; absent where nobody may use keys yet. */
  readonly key?: string;
}

/** Milliseconds in which the work is done that a server does at its start. */
const settles = 400;

const ended = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;

async function ready(child: ChildProcess, output: () => string): Promise<void> {
  await until(() => /^ready /m.test(output()) || ended(child));
  if (!ended(child)) await sleep(settles);
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(10);
}

const developer = (data: string) =>
  JSON.parse(readFileSync(join(data, 'identities/developer.json'), 'utf8')) as Credential;

const officerIn = (output: string): Credential | undefined => {
  const token = /CLAVIGER_TOKEN=(\S+)/.exec(output)?.[1];
  return token === undefined ? undefined : { token };
};

function initFolder(): string {
  const data = newFolder();
  writeFileSync(passphraseOf(data), 'a passphrase for crash tests');
  return data;
}

export const firstStart: Stretch = {
  name: 'first start (development)',
  prepare: newFolder,
  command: (data, under) => commandLine({ data, mode: 'dev', under }),
  done: ready,
  async recover(data) {
    const victim = await Victim.start({ data, mode: 'dev' });
    return { victim, credential: developer(data) };
  },
  lines: { 'create-identity': 1, 'create-key': 1 },
  key: 'first',
};

/** Killed, it is either to be called again, or has shown a credential that is good. */
export const init: Stretch = {
  name: 'init (production)',
  prepare: initFolder,
  command: (data, under) => commandLine({ data, mode: 'init', under }),
  done: (child) => until(() => ended(child)),
  async recover(data, output) {
    const again = await runToEnd(commandLine({ data, mode: 'init' }));
    const credential = again.code === 0 ? officerIn(again.output) : officerIn(output);
    if (credential === undefined) throw new Error(`no credential was ever shown; init says: ${again.output}`);
    return { victim: await Victim.start({ data, mode: 'server' }), credential };
  },
  lines: { 'create-identity': 1 },
};

/** `made` is a folder that `init` finished and no server was started on. */
export const firstProductionStart = (made: World): Stretch => ({
  name: 'first start (production)',
  prepare: () => copyOf(made),
  command: (data, under) => commandLine({ data, mode: 'server', under }),
  done: ready,
  recover: async (data) => ({ victim: await Victim.start({ data, mode: 'server' }), credential: made.asker }),
  lines: { 'create-identity': 1 },
});

/** A rotation, a destruction and the ends of imported material and of a secret are due when the server starts, and then it stops as it should. */
export const scheduledWork = (due: World): Stretch => ({
  name: 'scheduled work, graceful stop',
  prepare: () => copyOf(due),
  command: (data, under) => commandLine({ data, ...due.launch, under }),
  async done(child, output) {
    await ready(child, output);
    signalTraced(child, 'SIGTERM');
    await until(() => ended(child));
  },
  async recover(data) {
    const victim = await Victim.start({ data, ...due.launch });
    await sleep(settles);
    return { victim, credential: due.asker };
  },
  // The secret was deleted by somebody first, and then for good.
  lines: { 'destroy-key': 1, 'delete-imported-material': 1, 'delete-secret': 2 },
  key: 'daily',
});

export async function runToEnd(command: readonly string[]): Promise<{ code: number | null; output: string }> {
  const { child, output, exited } = launch(command);
  await exited;
  return { code: child.exitCode, output: output() };
}

function launch([program, ...args]: readonly string[]) {
  const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  const take = (chunk: Buffer) => {
    text += chunk.toString();
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return { child, output: () => text, exited };
}

/** To what runs under strace. */
function signalTraced(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    const tracees = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
    for (const pid of tracees === '' ? [] : tracees.split(' ')) process.kill(Number(pid), signal);
  } catch {
    // It is gone already.
  }
}

/** Kills the stretch at each of its steps. */
export async function everyStepOf(stretch: Stretch, tally: Tally): Promise<void> {
  const { steps, expected } = await learn(stretch);
  tally.steps = steps;
  for (const step of steps) {
    const data = stretch.prepare();
    const at = { step, what: 'kill', path: join(data, step.path) } as const;
    const { child, output, exited } = launch(stretch.command(data, ['strace', ...straceArgs('/dev/null', [], at)]));
    await Promise.race([exited, stretch.done(child, output)]);
    if (child.signalCode !== null) tally.reached++;
    else tally.missed.push(step);
    signalTraced(child, 'SIGKILL');
    await exited;
    tally.runs++;
    await judge(stretch, data, output(), expected, `killed at ${step.meaning} (${step.call} ${step.nth})`, tally);
    discard(data);
  }
  tally.done();
}

async function learn(stretch: Stretch): Promise<{ steps: readonly Step[]; expected: readonly string[] }> {
  const data = stretch.prepare();
  const log = `${data}.strace`;
  const { child, output, exited } = launch(stretch.command(data, ['strace', ...straceArgs(log, [])]));
  await stretch.done(child, output);
  signalTraced(child, 'SIGKILL');
  await exited;
  const steps = readSteps(log, data);
  const expected = changes(nothing, await pictureOf(data)).filter(isCounted);
  discard(data);
  discard(log);
  return { steps, expected };
}

async function judge(
  stretch: Stretch,
  data: string,
  output: string,
  expected: readonly string[],
  how: string,
  tally: Tally,
): Promise<void> {
  let recovered: Awaited<ReturnType<Stretch['recover']>>;
  try {
    recovered = await stretch.recover(data, output);
  } catch (error) {
    tally.count('unverified', `${how}, it does not start again: ${(error as Error).message}`);
    return;
  }
  const { victim, credential } = recovered;
  const picture = await pictureOf(data);
  const found = changes(nothing, picture).filter(isCounted);
  const missing = expected.filter((line) => !found.includes(line));
  const extra = found.filter((line) => !expected.includes(line));
  if (missing.length + extra.length > 0) {
    tally.count('torn', `${how}, missing:\n  ${missing.join('\n  ')}\n too much:\n  ${extra.join('\n  ')}`);
  }
  for (const [action, wanted] of Object.entries(stretch.lines)) {
    const lines = okLines(picture, action);
    if (lines !== wanted) tally.count('torn', `${how}, ${lines} lines of ${action}`);
  }
  const fault = await ledgerFault(data);
  if (fault !== undefined) tally.count('unverified', `${how}, the ledger: ${fault}`);
  await use(stretch, victim, credential).catch((error: Error) => tally.count('lost', `${how}, ${error.message}`));
  await victim.kill();
}

/** Each unsealing takes note of the revision of the seals' file. */
const isCounted = (line: string) => !line.startsWith('setting seal-file:');

const okLines = ({ lines }: Picture, action: string) =>
  lines.filter((line) => line.action === action && line.outcome === 'ok').length;

/** The credential is good, and so is the key. */
async function use({ key }: Stretch, victim: Victim, { token }: Credential): Promise<void> {
  await victim.native(token, 'GET', '/identities');
  if (key === undefined) return;
  const { ciphertext } = (await victim.native(token, 'POST', `/keys/${key}/encrypt`, {
    plaintext: oldSecret,
  })) as { ciphertext: string };
  await victim.native(token, 'POST', '/decrypt', { ciphertext });
}
