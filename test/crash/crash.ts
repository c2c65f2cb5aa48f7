import { parseArgs } from 'node:util';
import { commands, type WorldName } from './commands.ts';
import { everyStep } from './every-step.ts';
import { everyFault, type Fates, faultSummary } from './faults.ts';
import { randomFrom, randomKills } from './random-kills.ts';
import { everyStepOf, firstStart, init, type Stretch, scheduledWork } from './starts.ts';
import { whyNoStrace } from './strace.ts';
import { listOf, summary, Tally } from './tally.ts';
import { developmentWorld, dueWorld, productionWorld, type World } from './world.ts';

/*
 * Kills servers (kill -9) at every durable step of every command that changes something, and at random moments under load, and judges
 * what is there when they start again:
 *
 *   node test/crash/crash.ts [--runs 500] [--seed 1] [--command NAME ...]
 *
 * With --faults each of the steps fails instead, with a full disk and with a broken one, and the command must be refused as what it is
 * and change nothing.
 *
 * Exits 1 if anything acknowledged was lost, anything was half done, or a ledger does not verify.
 */

/** Random kills even where the steps alone are as many runs as were asked for. */
const fewestRandom = 60;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    command: { type: 'string', multiple: true },
    faults: { type: 'boolean', default: false },
  },
});

const isWanted = ({ name }: { readonly name: string }) => values.command?.includes(name) ?? true;
const tallies: Tally[] = [];

function report({ name, runs, failures, steps, missed }: Tally): void {
  const list = steps.length === 0 ? '' : `\n  ${steps.length} steps: ${listOf(steps)}`;
  console.log(`${name}: ${runs} runs, ${failures.length} failures${list}`);
  if (missed.length > 0) console.log(`  not reached: ${listOf(missed)}`);
  for (const failure of failures) console.log(`FAILED ${failure}`);
}

async function row(name: string, fill: (tally: Tally) => Promise<void>): Promise<void> {
  const tally = new Tally(name);
  tallies.push(tally);
  await fill(tally).catch((error: Error) => tally.count('unverified', `the test itself failed: ${error.stack}`));
  tally.done();
  report(tally);
}

/** The table of faults; answers whether all went well. */
async function faults(worlds: Readonly<Record<WorldName, World>>): Promise<boolean> {
  const rows: Array<{ tally: Tally; fates: Fates }> = [];
  for (const command of commands.filter(isWanted)) {
    const tally = new Tally(command.name);
    rows.push({ tally, fates: await everyFault(command, worlds[command.world], tally) });
    report(tally);
  }
  console.log(`\n${faultSummary(rows)}`);
  return rows.every(({ tally }) => tally.failures.length === 0);
}

const cannotTrace = whyNoStrace();
const development = await developmentWorld();
if (cannotTrace === undefined) {
  const worlds = { development, production: await productionWorld() };
  if (values.faults) process.exit((await faults(worlds)) ? 0 : 1);
  const stretches: Stretch[] = [firstStart, init, scheduledWork(await dueWorld(development))];
  for (const command of commands.filter(isWanted)) {
    await row(command.name, (tally) => everyStep(command, worlds[command.world], tally));
  }
  for (const stretch of stretches.filter(isWanted)) await row(stretch.name, (tally) => everyStepOf(stretch, tally));
} else {
  console.log(`SKIPPED every step of every command: ${cannotTrace}`);
}
const random = { name: 'random kills under load' };
if (isWanted(random)) {
  const done = tallies.reduce((total, { runs }) => total + runs, 0);
  const runs = Math.max(fewestRandom, Number(values.runs) - done);
  await row(random.name, (tally) => randomKills(development, runs, randomFrom(Number(values.seed)), tally));
}
console.log(`\n${summary(tallies)}`);
process.exit(tallies.some(({ failures }) => failures.length > 0) ? 1 : 0);
