import { spawn } from 'node:child_process';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { parseRotators, type RotatorSetting, SettingsError } from '#config/config.ts';
import { hmac } from '#crypto/crypto.ts';
import { SecretBytes } from '#domain/domain.ts';
import { type Rotator, type RotatorCall, RotatorFailure, type Rotators } from '#jobs/jobs.ts';
import type { DataDirectory } from './data-directory.ts';

const file = 'rotators.json';
const timeLimit = 5 * 60 * 1000;

/** The rotators of a data folder, by the names that callers use: plain, or as the ARN of a Lambda function of that name. */
export class RegisteredRotators implements Rotators {
  readonly #byName: ReadonlyMap<string, Rotator>;

  constructor(byName: ReadonlyMap<string, Rotator>) {
    this.#byName = byName;
  }

  /** Throws SettingsError for a file that isn't understood, or that names what can't be read. */
  static in(data: DataDirectory, clock: () => number): RegisteredRotators {
    if (!data.has(file)) return new RegisteredRotators(new Map());
    const settings = parseRotators(data.read(file));
    if (typeof settings === 'string') throw new SettingsError(`${data.file(file)} is not understood: ${settings}.`);
    return new RegisteredRotators(
      new Map([...settings].map(([name, setting]) => [name, rotatorOf(data, name, setting, clock)])),
    );
  }

  has(name: string): boolean {
    return this.find(name) !== undefined;
  }

  find(name: string): Rotator | undefined {
    const [, called = name] = /^arn:aws:lambda:[a-z0-9-]+:[0-9]{12}:function:([A-Za-z0-9_-]{1,64})$/.exec(name) ?? [];
    return this.#byName.get(called);
  }
}

function rotatorOf(data: DataDirectory, name: string, setting: RotatorSetting, clock: () => number): Rotator {
  if (setting.kind === 'command') return commandRotator(setting);
  const read = (path: string) => {
    try {
      return data.readOutside(path);
    } catch (error) {
      throw new SettingsError(`${path}, which the rotator ${name} needs, can't be read: ${(error as Error).message}.`);
    }
  };
  const key = read(setting.keyFile).trim();
  if (key.length < 32) throw new SettingsError(`${setting.keyFile} holds a key of fewer than 32 characters.`);
  const ca = setting.caFile === undefined ? undefined : read(setting.caFile);
  return webhookRotator(setting.url, new SecretBytes(Buffer.from(key)), ca, clock);
}

/**
 * `Claviger-Signature: t=SECONDS,v1=HEX`: HMAC-SHA256 over `SECONDS.BODY`, so that the receiver knows who sends it and when. Any answer
 * of 2xx is success.
 */
function webhookRotator(url: string, key: SecretBytes, ca: string | undefined, clock: () => number): Rotator {
  return (call, signal) =>
    new Promise((resolve, reject) => {
      const body = JSON.stringify(call);
      const time = Math.floor(clock() / 1000);
      const signature = `t=${time},v1=${hmac('sha256', key, `${time}.${body}`).toString('hex')}`;
      const options = {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'claviger-signature': signature,
        },
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeLimit)]),
        ...(ca !== undefined && { ca }),
      };
      const outgoing = (url.startsWith('https:') ? requestHttps : requestHttp)(url, options, (incoming) => {
        // What it says is not ours to keep.
        incoming.resume();
        const status = incoming.statusCode ?? 0;
        if (status >= 200 && status < 300) resolve();
        else reject(new RotatorFailure(`The webhook answered ${status}.`));
      });
      outgoing.on('error', (error) =>
        reject(new RotatorFailure(`The webhook could not be reached: ${(error as NodeJS.ErrnoException).code}.`)),
      );
      outgoing.end(body);
    });
}

/** The call as JSON on its standard input; success is status 0. Nothing that it prints is kept. */
function commandRotator({ argv: [program, ...args], env }: Extract<RotatorSetting, { kind: 'command' }>): Rotator {
  return (call: RotatorCall, signal) =>
    new Promise((resolve, reject) => {
      const child = spawn(program!, args, {
        env,
        stdio: ['pipe', 'ignore', 'ignore'],
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeLimit)]),
        killSignal: 'SIGKILL',
      });
      child.on('error', (error) =>
        reject(new RotatorFailure(`The command could not be run: ${(error as NodeJS.ErrnoException).code}.`)),
      );
      child.on('close', (status, ended) => {
        if (status === 0) resolve();
        else reject(new RotatorFailure(`The command ended with ${status ?? ended}.`));
      });
      // A program that doesn't read what it is told is no reason to fall over.
      child.stdin.on('error', () => {});
      child.stdin.end(JSON.stringify(call));
    });
}
