import { parseArgs } from 'node:util';
import type { Environment } from '#config/config.ts';
import type { Connection } from './connect.ts';
import type { Output } from './output.ts';

/** What a command answers to the shell. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, unverified: 3 } as const;

export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly multiple?: boolean;
  /** What stands for the value in the help, such as 'NAME'. */
  readonly value?: string;
  readonly help: string;
}

/** One command: everything that is particular to it. The help is made of it. */
export interface Command {
  /** The words that call it, such as 'key create'. */
  readonly name: string;
  /** What follows the words, such as 'NAME [NAME ...]'. */
  readonly takes?: string;
  readonly summary: string;
  /** Fewest and most words after the name. Default: none. */
  readonly words?: readonly [fewest: number, most: number];
  readonly options?: Readonly<Record<string, OptionSpec>>;
  /** `--region` names what is to be made, not where it is asked. */
  readonly makesRegion?: true;
  /** More lines for `claviger help NAME`. */
  readonly more?: readonly string[];
  /** Answers an exit code; nothing means 0. */
  run(call: Call): Promise<number | undefined> | Promise<void>;
}

export interface Call {
  readonly words: readonly string[];
  readonly out: Output;
  readonly environment: Environment;
  readonly dataDir: string;
  text(option: string): string | undefined;
  texts(option: string): readonly string[];
  flag(option: string): boolean;
  /** The server that is meant, and who asks. Throws SettingsError. */
  connect(anonymous?: boolean): Connection;
}

/** The command line makes no sense: exit code 2, with the usage. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** Something failed in a way that people can understand: exit code 1. */
export class CliError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CliError';
  }
}

/** Options of every command. */
export const commonOptions = {
  data: { type: 'string', value: 'DIR', help: 'the data folder (default .claviger, or CLAVIGER_DATA)' },
  identity: { type: 'string', value: 'NAME', help: 'ask as this saved identity (in development: developer)' },
  region: { type: 'string', value: 'R', help: 'in this region of the account (default: the home region)' },
  json: { type: 'boolean', help: 'print JSON' },
  help: { type: 'boolean', short: 'h', help: 'show the help of the command' },
} as const satisfies Record<string, OptionSpec>;

export interface Parsed {
  readonly words: readonly string[];
  readonly values: Readonly<Record<string, string | boolean | Array<string | boolean> | undefined>>;
}

/** Throws UsageError. */
export function parse(command: Command, args: readonly string[]): Parsed {
  const options = Object.fromEntries(
    Object.entries({ ...commonOptions, ...command.options }).map(
      ([name, { type, short, multiple }]: [string, OptionSpec]) => [
        name,
        { type, ...(short !== undefined && { short }), ...(multiple !== undefined && { multiple }) },
      ],
    ),
  );
  let parsed: Parsed;
  try {
    const { positionals, values } = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
    parsed = { words: positionals, values };
  } catch (error) {
    throw new UsageError((error as Error).message.split('. ')[0]!.replace(/\.?$/, '.'));
  }
  const [fewest, most] = command.words ?? [0, 0];
  if (parsed.values.help === true) return parsed;
  if (parsed.words.length < fewest) throw new UsageError(`claviger ${command.name} needs ${command.takes}.`);
  if (parsed.words.length > most) throw new UsageError(`"${parsed.words[most]}" is one word too many.`);
  return parsed;
}

/** '90s', '45m', '12h', '30d', '2w' in seconds. Throws UsageError. */
export function duration(text: string): number {
  const match = /^(\d{1,9})([smhdw])$/.exec(text);
  const scale = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const;
  const seconds = match === null ? 0 : Number(match[1]) * scale[match[2] as keyof typeof scale];
  if (seconds < 1) throw new UsageError(`"${text}" is no duration: write 90s, 45m, 12h, 30d or 2w.`);
  return seconds;
}

/** Throws UsageError. */
export function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`${name} must be a whole number, not "${text}".`);
  return Number(text);
}

/** 'k=v' pairs, of which no key may come twice. Throws UsageError. */
export function pairs(texts: readonly string[]): ReadonlyArray<readonly [string, string]> {
  const found = new Map<string, string>();
  for (const text of texts) {
    const at = text.indexOf('=');
    if (at < 1) throw new UsageError(`"${text}" must be written KEY=VALUE.`);
    const key = text.slice(0, at);
    if (found.has(key)) throw new UsageError(`"${key}" is there twice.`);
    found.set(key, text.slice(at + 1));
  }
  return [...found];
}

/** Members whose value is undefined are left out. */
export function present<T extends object>(members: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never;
}
