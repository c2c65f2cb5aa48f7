/** The only place that prints. Results go to stdout, everything about them to stderr. */
export interface Output {
  readonly json: boolean;
  /** One line for people or programs. */
  line(text?: string): void;
  note(text: string): void;
  /** With --json the value, otherwise what `render` prints. */
  result(value: unknown, render: () => void): void;
  table(heads: readonly string[], rows: ReadonlyArray<readonly string[]>): void;
  /** Names and values under one another. */
  facts(rows: ReadonlyArray<readonly [name: string, value: string | undefined]>): void;
  readonly paint: Painter;
}

export interface Painter {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
}

export function terminalOutput(options: { readonly json: boolean; readonly colour: boolean }): Output {
  const paint = painter(options.colour && !options.json);
  const line = (text = '') => console.log(text);
  return {
    json: options.json,
    paint,
    line,
    note: (text) => console.error(text),
    result: (value, render) => (options.json ? line(JSON.stringify(value, undefined, 2)) : render()),
    table(heads, rows) {
      for (const text of tableLines(heads, rows, paint)) line(text);
    },
    facts(rows) {
      const known = rows.filter((row): row is readonly [string, string] => row[1] !== undefined && row[1] !== '');
      const width = Math.max(0, ...known.map(([name]) => name.length));
      for (const [name, value] of known) line(`${paint.dim(name.padEnd(width))}  ${printable(value)}`);
    },
  };
}

export function painter(colour: boolean): Painter {
  const style = (code: number) => (text: string) => (colour && text !== '' ? `\u001b[${code}m${text}\u001b[0m` : text);
  return { bold: style(1), dim: style(2), red: style(31), green: style(32) };
}

/** Names come from other people: nothing in them may move the cursor or forge a line. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}

export function tableLines(
  heads: readonly string[],
  rows: ReadonlyArray<readonly string[]>,
  paint: Painter,
): readonly string[] {
  const cells = rows.map((row) => row.map(printable));
  const widths = heads.map((head, i) => Math.max(head.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const aligned = (row: readonly string[]) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd();
  return [paint.bold(aligned(heads)), ...cells.map(aligned)];
}

/** '2026-11-24 20:55:04' in UTC. */
export function shortTime(iso: string | undefined): string {
  return iso === undefined ? '' : iso.slice(0, 19).replace('T', ' ');
}

const steps = [
  ['second', 1000],
  ['minute', 60_000],
  ['hour', 3_600_000],
  ['day', 86_400_000],
  ['year', 31_557_600_000],
] as const;

/** The clock of a server may be ahead of this one's: then it was just now. */
export function howLongAgo(iso: string, now: Date): string {
  const passed = now.getTime() - Date.parse(iso);
  const [unit, length] = steps.findLast(([, length]) => passed >= length) ?? ['second', Number.POSITIVE_INFINITY];
  const count = Math.floor(passed / length);
  return count < 1 ? 'just now' : `${count} ${unit}${count === 1 ? '' : 's'} ago`;
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

export function size(bytes: number): string {
  const step = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** step;
  return `${step === 0 ? value : value.toFixed(value < 10 ? 2 : 1)} ${units[step]}`;
}
