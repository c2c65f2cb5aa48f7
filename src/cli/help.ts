import { type Command, commonOptions, type OptionSpec } from './command.ts';
import type { Output } from './output.ts';

/** Commands that `main.ts` runs itself. */
export const serverSide: ReadonlyArray<readonly [name: string, summary: string]> = [
  ['dev', 'Start a development server: data folder, CA, first key and developer are made where absent'],
  ['init', 'Make the data folder of a production server and its first security officer'],
  ['server', 'Start a production server'],
  ['restore', 'Make a data folder out of a backup: restore FILE --data DIR'],
  ['drill', 'Restore the last backup into a scratch folder, prove it, and sign a report of it'],
];

export function overview(out: Output, commands: readonly Command[]): void {
  const { bold, dim } = out.paint;
  out.line(`${bold('claviger')}: keys for every client, one decision, one audit line\n`);
  out.line('Usage: claviger COMMAND [OPTIONS]\n');
  const rows = [...serverSide, ...commands.map(({ name, takes, summary }) => [titled(name, takes), summary] as const)];
  const width = Math.max(...rows.map(([title]) => title.length));
  for (const [title, summary] of rows) out.line(`  ${title.padEnd(width)}  ${dim(summary)}`);
  out.line('\nOptions of every command:');
  optionLines(out, commonOptions);
  out.line(
    '\nEnvironment: CLAVIGER_DATA (data folder); CLAVIGER_ADDR, CLAVIGER_TOKEN and CLAVIGER_CACERT (another server); NO_COLOR.',
  );
  out.line('Exit codes: 0 done, 1 failed, 2 the command line makes no sense, 3 something to be verified is not so.');
  out.line('\n"claviger help COMMAND" says more about one.');
}

export function usage(out: Output, command: Command): void {
  out.line(`${command.summary}.\n`);
  out.line(`Usage: claviger ${titled(command.name, command.takes)} [OPTIONS]\n`);
  optionLines(out, { ...command.options, ...commonOptions });
  if (command.more !== undefined) out.line(`\n${command.more.join('\n')}`);
}

const titled = (name: string, takes: string | undefined) => (takes === undefined ? name : `${name} ${takes}`);

function optionLines(out: Output, options: Readonly<Record<string, OptionSpec>>): void {
  const rows = Object.entries(options).map(([name, { short, value, help }]) => {
    const title = `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
    return [title, help] as const;
  });
  const width = Math.max(...rows.map(([title]) => title.length));
  for (const [title, help] of rows) out.line(`  ${title.padEnd(width)}  ${out.paint.dim(help)}`);
}
