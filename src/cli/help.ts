import { type Command, commonOptions, type OptionSpec } from './command.ts';
import type { Output } from './output.ts';
import { startOptions } from './start-options.ts';

type Told = Pick<Command, 'name' | 'takes' | 'summary' | 'options' | 'more'>;

/** Commands that `main.ts` runs itself. */
export const serverSide: readonly Told[] = [
  {
    name: 'dev',
    summary: 'Start a development server: data folder, CA, first key and developer are made where absent',
    options: startOptions.dev,
  },
  {
    name: 'init',
    summary: 'Make the data folder of a production server and its first security officer',
    options: startOptions.init,
    more: ['Asks for a new passphrase unless another seal is named: --shares 5 --threshold 3 hands out shares.'],
  },
  {
    name: 'server',
    summary: 'Start a production server',
    options: startOptions.server,
    more: ['Sealed until "claviger unseal", unless a seal opens by itself or by what the options give.'],
  },
  {
    name: 'restore',
    takes: 'FILE',
    summary: 'Make a data folder out of a backup, verified and whole, or none',
    options: startOptions.restore,
    more: [
      'Opens the backup by any seal that the server had: asks for its passphrase unless an option says otherwise.',
    ],
  },
  {
    name: 'drill',
    summary: 'Restore the last backup into a scratch folder, prove it, and sign a report of it',
    options: startOptions.drill,
  },
];

export function overview(out: Output, commands: readonly Command[]): void {
  const { bold, dim } = out.paint;
  out.line(`${bold('claviger')}: keys for every client, one decision, one audit line\n`);
  out.line('Usage: claviger COMMAND [OPTIONS]\n');
  const rows = [...serverSide, ...commands].map(({ name, takes, summary }) => [titled(name, takes), summary] as const);
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

export function usage(out: Output, command: Told, common: Readonly<Record<string, OptionSpec>> = commonOptions): void {
  out.line(`${command.summary}.\n`);
  out.line(`Usage: claviger ${titled(command.name, command.takes)} [OPTIONS]\n`);
  optionLines(out, { ...command.options, ...common });
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
