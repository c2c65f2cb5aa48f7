import type { Step } from './strace.ts';

/** What a row of the table at the end says. */
export class Tally {
  readonly name: string;
  readonly started = performance.now();
  steps: readonly Step[] = [];
  /** Steps that did not come in the run that was to end there: a checkpoint is due by the clock, and threads share files. */
  readonly missed: Step[] = [];
  /** Steps at which a run ended indeed. */
  reached = 0;
  runs = 0;
  /** Acknowledged, and not there afterwards. */
  lost = 0;
  /** Neither the state before nor the state after, or state and ledger line disagree. */
  torn = 0;
  /** The ledger does not verify, an old ciphertext does not decrypt, or the server does not start again. */
  unverified = 0;
  readonly failures: string[] = [];
  seconds = 0;

  constructor(name: string) {
    this.name = name;
  }

  count(kind: 'lost' | 'torn' | 'unverified', what: string): void {
    this[kind]++;
    this.failures.push(`${this.name}: ${kind}: ${what}`);
  }

  done(): this {
    this.seconds = (performance.now() - this.started) / 1000;
    return this;
  }
}

export function table(rows: ReadonlyArray<readonly (string | number)[]>): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  const cell = (value: string | number, column: number) =>
    column === 0 ? String(value).padEnd(widths[0]!) : String(value).padStart(widths[column]!);
  return rows.map((row) => row.map(cell).join('  ')).join('\n');
}

export function summary(tallies: readonly Tally[]): string {
  const row = (t: Tally) => [
    t.name,
    t.steps.length,
    t.reached,
    t.runs,
    t.lost,
    t.torn,
    t.unverified,
    t.seconds.toFixed(1),
  ];
  const sum = (of: (t: Tally) => number) => tallies.reduce((total, tally) => total + of(tally), 0);
  return table([
    ['command', 'steps', 'reached', 'runs', 'lost', 'torn', 'unverified', 'seconds'],
    ...tallies.map(row),
    [
      'all',
      sum((t) => t.steps.length),
      sum((t) => t.reached),
      sum((t) => t.runs),
      sum((t) => t.lost),
      sum((t) => t.torn),
      sum((t) => t.unverified),
      sum((t) => t.seconds).toFixed(1),
    ],
  ]);
}

/** Steps as a person reads them: runs of the same one counted. */
export function listOf(steps: readonly Step[]): string {
  const parts: Array<{ text: string; times: number }> = [];
  for (const { call, meaning } of steps) {
    const text = `${meaning} (${call})`;
    const last = parts.at(-1);
    if (last?.text === text) last.times++;
    else parts.push({ text, times: 1 });
  }
  return parts.map(({ text, times }) => (times === 1 ? text : `${times} x ${text}`)).join(', ');
}
