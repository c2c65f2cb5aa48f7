/** The official clients of AWS as this project's tests drive them: programs that perform one call a line, told only by the environment. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { program } from '../../programs.ts';

export const services = ['kms', 'secretsmanager', 'sts'] as const;
export type Service = (typeof services)[number];

// biome-ignore lint/suspicious/noExplicitAny: what a client answers has no type here, as its clients have none in Python.
export type Fields = Record<string, any>;
export type Ask = (service: Service, operation: string, input?: Fields, region?: string) => Promise<Fields>;

/** An error that the server answered, by the name that the client gives it. */
export class Refused extends Error {
  /** Whether the client has a class for it. */
  readonly isOfTheModel: boolean;

  constructor(name: string, message: string, isOfTheModel: boolean) {
    super(message);
    this.name = name;
    this.isOfTheModel = isOfTheModel;
  }
}

/** This version of the client is older than the operation. */
export class UnknownToClient extends Error {}

export interface Client {
  readonly ask: Ask;
  /** Whether this version of the client has the operation. */
  knows(service: Service, operation: string): Promise<boolean>;
  close(): void;
}

export interface ClientKind {
  readonly name: string;
  /** False, or why it can't be used here. */
  readonly missing: string | false;
  readonly version: string;
  /** Whether errors are provoked with it too: another carrier under the same client does not need it. */
  readonly provokes: boolean;
  start(env: Readonly<Record<string, string>>): Client;
}

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));

function version(program: string, args: readonly string[], wanted: RegExp): Pick<ClientKind, 'missing' | 'version'> {
  try {
    const told = execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    const found = wanted.exec(told)?.[1];
    return found === undefined
      ? { missing: `skipped: ${program} is too old (${told})`, version: '' }
      : { missing: false, version: found };
  } catch {
    return { missing: `skipped: ${program} ${args.join(' ')} does not run; tools/setup installs it`, version: '' };
  }
}

const node = (name: string, ...more: string[]): ClientKind => ({
  name,
  provokes: more.length === 0,
  ...version(process.execPath, ['-p', "require('@aws-sdk/client-kms/package.json').version"], /^(\d+\.\d+\.\d+)$/),
  start: (env) => start(process.execPath, [file('runner.mjs'), ...more], env),
});

const own = program('claviger-python', ['-c', 'import boto3; print(boto3.__version__)'], /^(\S+)/);
const python = own.missing ? 'python3' : own.path;

// From 1.28 and 1.29 or 2.13 on, these two read AWS_ENDPOINT_URL_KMS.
export const clientKinds: readonly ClientKind[] = [
  node('AWS SDK for JavaScript'),
  node('AWS SDK for JavaScript, HTTP/2', '--http2'),
  // The newest that tools/setup installs, beside the Encryption SDK; python.test.ts has the one that is on the PATH.
  {
    name: 'boto3',
    provokes: true,
    ...version(python, ['-c', 'import boto3; print(boto3.__version__)'], /^(1\.(?:2[89]|[3-9]\d)\.\d+)$/),
    start: (env) => start(python, [file('runner_boto3.py')], env),
  },
  {
    name: 'AWS CLI',
    provokes: true,
    ...version('aws', ['--version'], /aws-cli\/((?:1\.(?:29|[3-9]\d)|2\.(?:1[3-9]|[2-9]\d))\.\d+)/),
    start: (env) => start('python3', [file('runner_cli.py')], env),
  },
];

/** Bytes travel as {"$bytes": base64}. */
function pack(value: unknown): unknown {
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) return value.map(pack);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, pack(inner)]));
}

const unpack = (_: string, value: unknown) => {
  const bytes = (value as { $bytes?: unknown } | null)?.$bytes;
  return typeof bytes === 'string' ? Buffer.from(bytes, 'base64') : value;
};

function start(program: string, args: readonly string[], env: Readonly<Record<string, string>>): Client {
  const child: ChildProcess = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let ended: Error | undefined;
  const waiting: Array<{ take: (line: string) => void; fail: (error: Error) => void }> = [];
  createInterface({ input: child.stdout! }).on('line', (line) => waiting.shift()?.take(line));
  child.once('exit', (code) => {
    ended = new Error(`${program} ${args.join(' ')} ended with ${code}`);
    for (const { fail } of waiting.splice(0)) fail(ended);
  });
  const send = async (call: Fields): Promise<Fields> => {
    if (ended !== undefined) throw ended;
    const answered = new Promise<string>((take, fail) => waiting.push({ take, fail }));
    child.stdin!.write(`${JSON.stringify(pack(call))}\n`);
    return JSON.parse(await answered, unpack);
  };
  return {
    async ask(service, operation, input = {}, region) {
      const { unknown, error, message, isOfTheModel, output } = await send({ service, operation, input, region });
      if (unknown) throw new UnknownToClient(operation);
      if (error !== undefined) throw new Refused(error, message, isOfTheModel);
      return output;
    },
    knows: async (service, operation) => !(await send({ service, operation, input: {}, knows: true })).unknown,
    close: () => child.stdin!.end(),
  };
}
