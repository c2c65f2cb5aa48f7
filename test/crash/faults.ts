import type { CrashCommand } from './commands.ts';
import { type Failed, Trial } from './every-step.ts';
import { socketPath } from './strace.ts';
import { type Tally, table } from './tally.ts';
import type { World } from './world.ts';

/** What became of the faults that were reached. */
export type Fates = Record<Failed, number>;

/** Lets every durable step of a command fail, with a full disk and with a broken one. */
export async function everyFault(command: CrashCommand, world: World, tally: Tally): Promise<Fates> {
  const fates: Fates = { harmless: 0, 'went on': 0, stopped: 0 };
  const trial = new Trial(command, world);
  try {
    const { steps } = await trial.learn();
    tally.steps = steps.filter(({ path }) => path !== socketPath);
    for (const step of tally.steps) {
      for (const what of step.call === 'pwrite64' ? (['ENOSPC', 'EIO'] as const) : (['EIO'] as const)) {
        const fate = await trial.fail(step, what, tally);
        if (fate !== undefined) fates[fate]++;
      }
    }
    return fates;
  } finally {
    await trial.end();
    tally.done();
  }
}

export function faultSummary(rows: ReadonlyArray<{ readonly tally: Tally; readonly fates: Fates }>): string {
  return table([
    ['command', 'steps', 'faults', 'reached', 'harmless', 'went on', 'stopped', 'wrong', 'seconds'],
    ...rows.map(({ tally: t, fates }) => [
      t.name,
      t.steps.length,
      t.runs,
      t.reached,
      fates.harmless,
      fates['went on'],
      fates.stopped,
      t.failures.length,
      t.seconds.toFixed(1),
    ]),
  ]);
}
