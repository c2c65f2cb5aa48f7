import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KmsError } from '#domain/domain.ts';
import type { Rates } from '#gate/gate.ts';
import type { Server } from './assemble.ts';

/** What the commands that run a server share. */

export const say = (line = ''): boolean => process.stdout.write(`${line}\n`);
export const warn = (line: string): boolean => process.stderr.write(`${line}\n`);

/** Resolves once whoever reads the output has it, or the pipe to him. Rejects where nobody reads it any more. */
export function show(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (error == null) resolve();
      else
        reject(
          new KmsError('unavailable', 'Nobody reads what is shown here, so nothing was put in force: run it again.'),
        );
    });
  });
}

/** What nobody reads any more ends no server. */
function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr])
    if (stream.listenerCount('error') === 0) stream.on('error', () => {});
}

export function packageVersion(): string {
  const file = join(dirname(fileURLToPath(import.meta.url)), '..', 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** HOST:PORT, [IPv6]:PORT. Throws 'invalid-parameter'. */
export function parseEndpoint(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new KmsError('invalid-parameter', `--listen takes HOST:PORT, such as 127.0.0.1:8200, not "${text}".`);
  }
  return { host: (match[1] ?? match[2])!, port };
}

const mostRate = 1_000_000_000;

/** Requests per second from `--max-rate` and `--max-realm-rate`; 'none' for as many as come. Throws 'invalid-parameter'. */
export function ratesOf(values: {
  readonly 'max-rate'?: string | undefined;
  readonly 'max-realm-rate'?: string | undefined;
}): Rates {
  const [principal, realm] = [rateOf(values, 'max-rate'), rateOf(values, 'max-realm-rate')];
  return { ...(principal !== undefined && { principal }), ...(realm !== undefined && { realm }) };
}

function rateOf<N extends string>(values: { readonly [K in N]?: string | undefined }, name: N): number | undefined {
  const text: string = values[name] ?? 'none';
  if (text === 'none') return undefined;
  const rate = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (rate >= 1 && rate <= mostRate) return rate;
  throw new KmsError('invalid-parameter', `--${name} takes requests per second, from 1 up, or "none".`);
}

/** Says that it is ready and runs until SIGINT or SIGTERM, then stops gracefully. A second signal stops at once. */
export async function serveUntilSignal(server: Server, sayReady: () => void): Promise<number> {
  const asked = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  // Whoever is told may ask to stop at once.
  sayReady();
  await asked;
  say('stopping: finishing what was accepted ...');
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  await server.close();
  say('stopped');
  return 0;
}

/** Runs a command; what fails is told on stderr in one sentence, with exit code 1 (2 for a wrong call). */
export async function reporting(run: () => Promise<number>): Promise<number> {
  outliveReaders();
  try {
    return await run();
  } catch (error) {
    const { code, name, message, syscall } = error as NodeJS.ErrnoException;
    const senseless = code?.startsWith('ERR_PARSE_ARGS') === true || name === 'UsageError';
    if (code === 'EADDRINUSE')
      warn('claviger: the address is in use by another program; choose another one with --listen.');
    // A file that is absent or may not be read says enough; a mistake of ours shows its place.
    else if (error instanceof KmsError || name === 'CliError' || senseless || syscall !== undefined)
      warn(`claviger: ${message}`);
    else throw error;
    return senseless || code === 'invalid-parameter' ? 2 : 1;
  }
}
