import { readFileSync } from 'node:fs';
import { ApiError, InauthenticError, NotEncryptedFileError, UnreachableError } from '#client/client.ts';
import { readEnvironment, SettingsError } from '#config/config.ts';
import { accessCommand } from './access.ts';
import { auditCommands, Unverified } from './audit.ts';
import { backupCommands } from './backup.ts';
import { type Call, CliError, type Command, exitCodes, type Parsed, parse, UsageError } from './command.ts';
import { connect } from './connect.ts';
import { envCommand } from './env.ts';
import { fileCommands } from './files.ts';
import { grantCommands } from './grant.ts';
import { overview, serverSide, usage } from './help.ts';
import { identityCommands } from './identity.ts';
import { keyCommands } from './key.ts';
import { migrateCommand } from './migrate/migrate.ts';
import { type Output, printable, terminalOutput } from './output.ts';
import { roleCommands } from './role.ts';
import { rootCommands } from './root.ts';
import { sealCommands } from './seal/seal.ts';
import { serverCommands } from './server.ts';
import { shareCommands } from './share/share.ts';
import { tokenCommands } from './token.ts';

export { pairs } from './command.ts';
export { askSecret } from './prompt.ts';
export { custodianOptions, readCustodians } from './share/custodians.ts';
export { assertCanHandOut, type HandedShare, type HandingOut, handOut } from './share/hand-out.ts';
export { shareIn } from './share/read-share.ts';
export { startOptions } from './start-options.ts';

/** Every command but those that start a server. */
export const commands: readonly Command[] = [
  envCommand,
  ...sealCommands,
  ...rootCommands,
  ...serverCommands,
  ...shareCommands,
  ...backupCommands,
  ...keyCommands,
  ...fileCommands,
  ...identityCommands,
  ...grantCommands,
  accessCommand,
  ...roleCommands,
  ...tokenCommands,
  ...auditCommands,
  migrateCommand,
];

/** Runs one command. Answers its exit code: 0 done, 1 failed, 2 senseless command line, 3 not verified. Never rejects. */
export async function runCli(args: readonly string[]): Promise<number> {
  const environment = readEnvironment();
  const out = terminalOutput({ json: args.includes('--json'), colour: environment.colour });
  try {
    return await dispatch(args, out, environment);
  } catch (error) {
    return explain(error, out);
  }
}

async function dispatch(args: readonly string[], out: Output, environment: Call['environment']): Promise<number> {
  const first = args[0] ?? 'help';
  if (first === '--version' || first === '-V' || first === 'version') {
    out.line(version());
    return exitCodes.ok;
  }
  if (first === 'help' || first === '--help' || first === '-h') return help(args.slice(1), out);
  const command = find(args);
  // With anything else these commands start a server, which is not done here.
  if (command === undefined && serverSide.some(({ name }) => name === first)) return help([first], out);
  if (command === undefined) throw unknown(args);
  const parsed = parse(command, args.slice(command.name.split(' ').length));
  if (parsed.values.help === true) return help([command.name], out);
  const region = command.makesRegion === true ? undefined : parsed.values.region;
  const place = typeof region === 'string' ? region : undefined;
  return (await command.run(callOf(parsed, out, environment, place))) ?? exitCodes.ok;
}

/** Of those that the words begin with, the one of the most words: `seal add` is not `seal`. */
export function find(words: readonly string[]): Command | undefined {
  const meant = commands.filter(({ name }) => name.split(' ').every((word, i) => words[i] === word));
  return meant.toSorted((a, b) => b.name.length - a.name.length)[0];
}

function callOf(
  { words, values }: Parsed,
  out: Output,
  environment: Call['environment'],
  region: string | undefined,
): Call {
  const text = (option: string) => (typeof values[option] === 'string' ? values[option] : undefined);
  const dataDir = text('data');
  return {
    words,
    out,
    environment,
    dataDir: dataDir ?? environment.dataDir,
    text,
    texts: (option) => (Array.isArray(values[option]) ? values[option].map(String) : []),
    flag: (option) => values[option] === true,
    connect: (anonymous) => connect({ environment, dataDir, identity: text('identity'), region }, anonymous),
  };
}

function help(words: readonly string[], out: Output): number {
  const asked = words.join(' ');
  const command = find(asked.split(' '));
  if (command !== undefined) usage(out, command);
  else if (asked === '') overview(out, commands);
  else {
    const group = commands.filter(({ name }) => name.startsWith(`${asked} `));
    const started = serverSide.find(({ name }) => name === asked);
    if (group.length === 0 && started === undefined) throw unknown(words);
    if (started !== undefined) usage(out, started, {});
    for (const [i, member] of group.entries()) {
      if (i > 0 || started !== undefined) out.line();
      usage(out, member);
    }
  }
  return exitCodes.ok;
}

function unknown(words: readonly string[]): UsageError {
  const group = commands.filter(({ name }) => name.startsWith(`${words[0]} `)).map(({ name }) => name.split(' ')[1]);
  if (group.length > 0) return new UsageError(`claviger ${words[0]} is followed by one of: ${group.join(', ')}.`);
  return new UsageError(`There is no command "${words[0]}"; "claviger help" lists them.`);
}

/** What failed, why, and what to do, on stderr. */
function explain(error: unknown, out: Output): number {
  const code = exitCode(error);
  const message = error instanceof Error ? error.message : String(error);
  const hint = hintFor(error);
  if (out.json) {
    const name = error instanceof ApiError ? error.code : undefined;
    out.note(JSON.stringify({ error: { code: name, message, hint } }));
  } else {
    out.note(`claviger: ${printable(message)}`);
    if (hint !== undefined) out.note(hint);
  }
  return code;
}

function exitCode(error: unknown): number {
  if (error instanceof UsageError) return exitCodes.usage;
  if (error instanceof Unverified || error instanceof InauthenticError) return exitCodes.unverified;
  return exitCodes.failed;
}

const hints: Readonly<Record<string, string>> = {
  sealed: 'Unseal it with "claviger unseal".',
  unauthenticated: 'Say who asks: --identity NAME, or CLAVIGER_TOKEN.',
  'invalid-proof': 'The token is not known to this server: is CLAVIGER_TOKEN from another one?',
  'expired-proof': 'Make new credentials with "claviger identity credentials NAME".',
  denied: 'A security officer can allow it with "claviger grant create".',
};

function hintFor(error: unknown): string | undefined {
  if (error instanceof UsageError) return 'See "claviger help".';
  if (error instanceof UnreachableError) return 'Is the server running? "claviger dev" starts one.';
  if (error instanceof ApiError) {
    const requestId = error.requestId === '' ? '' : `Request id: ${error.requestId}`;
    return [hints[error.code], requestId].filter(Boolean).join('\n') || undefined;
  }
  const known = [CliError, SettingsError, Unverified, InauthenticError, NotEncryptedFileError];
  // The ledger's own errors are told by name: their class belongs to a room that the commands don't enter.
  if (known.some((type) => error instanceof type) || (error as Error).name === 'KmsError') return undefined;
  // A failing system call says enough; anything else is a mistake of ours, and its place helps to mend it.
  if (error instanceof Error && 'syscall' in error) return undefined;
  return error instanceof Error ? error.stack : undefined;
}

function version(): string {
  const { version: own } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return `claviger ${own}`;
}
