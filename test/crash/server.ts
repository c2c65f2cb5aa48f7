import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { Agent, request } from 'node:https';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KMS } from '@aws-sdk/client-kms';
import { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { STS } from '@aws-sdk/client-sts';

const bin = fileURLToPath(new URL('../../bin/claviger.js', import.meta.url));
const clockAhead = new URL('./clock-ahead.ts', import.meta.url).href;

/** None of them outlives the process that made it. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** The server answered, and the answer is no. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(`${status} ${code}: ${message}`);
    this.status = status;
    this.code = code;
  }
}

export interface Launch {
  readonly data: string;
  /** The production server is unsealed by `passphrase` beside the data folder, unless it is to start sealed. */
  readonly mode: 'dev' | 'server';
  readonly sealed?: boolean;
  /** Days that the server's clock is ahead of the machine's. */
  readonly daysAhead?: number;
  /** A program, with arguments, that runs the server: strace. */
  readonly under?: readonly string[];
}

/** The command line of a server or, with `init`, of the making of one. */
export function commandLine(launch: Omit<Launch, 'mode'> & { mode: Launch['mode'] | 'init' }): readonly string[] {
  const { data, mode, sealed = false, daysAhead = 0, under = [] } = launch;
  const shift = daysAhead === 0 ? [] : ['--import', `${clockAhead}?days=${daysAhead}`];
  const passphrase = mode === 'dev' || sealed ? [] : ['--passphrase-file', passphraseOf(data)];
  const listen = mode === 'init' ? [] : ['--listen', '127.0.0.1:0'];
  return [...under, process.execPath, ...shift, bin, mode, '--data', data, ...listen, ...passphrase];
}

export const passphraseOf = (data: string): string => `${data}.passphrase`;

export interface Credential {
  readonly token: string;
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
}

type Headers = Readonly<Record<string, string>>;

/** A server process that is there to be killed, and connections to it. */
export class Victim {
  readonly data: string;
  readonly process: ChildProcess;
  readonly url: string;
  readonly exited: Promise<void>;
  readonly #agent: Agent;
  #socket: Socket | undefined;

  private constructor(data: string, process: ChildProcess, exited: Promise<void>, url: string, connections: number) {
    this.data = data;
    this.process = process;
    this.exited = exited;
    this.url = url;
    this.#agent = new Agent({ ca: readFileSync(join(data, 'tls/ca.pem')), keepAlive: true, maxSockets: connections });
  }

  /** Rejects with what it printed if it ends before it is ready. */
  static async start(launch: Launch, connections = 1): Promise<Victim> {
    const [program, ...args] = commandLine(launch);
    const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    running.add(child);
    const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
    void exited.then(() => running.delete(child));
    const url = await new Promise<string>((resolve, reject) => {
      const take = (chunk: Buffer) => {
        output += chunk.toString();
        const ready = /^ready (https:\S+)$/m.exec(output);
        if (ready) resolve(ready[1]!);
      };
      child.stdout.on('data', take);
      child.stderr.on('data', take);
      void exited.then(() => reject(new Error(`the server ended before it was ready:\n${output}`)));
    });
    return new Victim(launch.data, child, exited, url, connections);
  }

  get pid(): number {
    return this.process.pid!;
  }

  get isAlive(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  /** Claviger's own API below /claviger/v1, or a path of Vault's below /v1. Rejects with `Refused`, or with what broke the connection. */
  call(token: string, method: string, path: string, body?: object, more: Headers = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const headers = {
        ...more,
        ...(path.startsWith('/v1/') ? { 'x-vault-token': token } : { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      };
      const outgoing = request(`${this.url}${path}`, { method, headers, agent: this.#agent }, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const status = incoming.statusCode!;
          if (status >= 300) reject(refusalIn(status, text));
          else resolve(text === '' ? {} : JSON.parse(text));
        });
      });
      outgoing.on('socket', (socket) => {
        this.#socket = socket;
      });
      outgoing.on('error', reject);
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  native(token: string, method: string, path: string, body?: object): Promise<unknown> {
    return this.call(token, method, `/claviger/v1${path}`, body);
  }

  // AWS clients on the same connection, which ask once and take no for an answer.
  kms = (by: Credential): KMS => new KMS(this.#aws(by));
  secrets = (by: Credential, region?: string): SecretsManager => new SecretsManager(this.#aws(by, region));
  sts = (by: Credential): STS => new STS(this.#aws(by));

  #aws({ accessKeyId, secretAccessKey }: Credential, region = 'us-east-1') {
    return {
      region,
      endpoint: this.url,
      credentials: { accessKeyId: accessKeyId!, secretAccessKey: secretAccessKey! },
      requestHandler: { httpsAgent: this.#agent },
      maxAttempts: 1,
    };
  }

  /** The server's end of the connection, as /proc/PID/fd names it; undefined before the first call. */
  get socketName(): string | undefined {
    const port = this.#socket?.localPort;
    if (port === undefined) return undefined;
    const remote = port.toString(16).toUpperCase().padStart(4, '0');
    const open = new Set(readdirSync(`/proc/${this.pid}/fd`).map((fd) => readlinkSync(`/proc/${this.pid}/fd/${fd}`)));
    return readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[2]?.endsWith(`:${remote}`))
      .map((fields) => `socket:[${fields[9]}]`)
      .find((name) => open.has(name));
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.isAlive) this.process.kill(signal);
    await this.exited;
    this.#agent.destroy();
  }
}

/** All three doors name a code; the AWS door in a header-like field of the body. */
function refusalIn(status: number, text: string): Refused {
  try {
    const body = JSON.parse(text) as { error?: { code?: string; message?: string }; errors?: string[] };
    return new Refused(status, body.error?.code ?? '', body.error?.message ?? body.errors?.join(' ') ?? text);
  } catch {
    return new Refused(status, '', text);
  }
}
