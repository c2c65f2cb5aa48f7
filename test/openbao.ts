/** OpenBao as tools/setup puts it beside the project: its command line, and a development server to migrate from or compare with. */
import { spawn } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { type Program, program } from './programs.ts';

export const baoAt = (path: string): Program => program(path, ['version'], /OpenBao v(\S+)/);
export const bao = baoAt('bao');

export const b64 = (text: string): string => Buffer.from(text).toString('base64');

/** What a call of Vault's API answers: the status, and `data`. */
// biome-ignore lint/suspicious/noExplicitAny: each path answers a form of its own
export type Said = { readonly status: number; readonly data: any; readonly errors: readonly string[] };

/** Asks a server that speaks Vault's API. */
export async function ask(
  server: { readonly url: string; readonly token: string },
  method: string,
  path: string,
  body?: object,
): Promise<Said> {
  const headers = { 'x-vault-token': server.token, 'content-type': 'application/json' };
  const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
  const answer = await fetch(`${server.url}/v1/${path}`, init);
  const text = await answer.text();
  const said = text === '' ? {} : JSON.parse(text);
  return { status: answer.status, data: said.data, errors: said.errors ?? [] };
}

export interface OpenBao {
  readonly url: string;
  readonly token: string;
  /** Must succeed. */
  call(method: string, path: string, body?: object): Promise<Said>;
  stop(): Promise<void>;
}

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
      .once('error', reject)
      .listen(0, '127.0.0.1', () => {
        const { port } = server.address() as AddressInfo;
        server.close(() => resolve(port));
      });
  });

/** With `transit/`, `secret/` (version 2) and `kv/` (version 1). */
export async function startOpenBao(path = bao.path): Promise<OpenBao> {
  const address = `127.0.0.1:${await freePort()}`;
  const token = 'root';
  const args = [
    'server',
    '-dev',
    '-dev-no-store-token',
    `-dev-listen-address=${address}`,
    `-dev-root-token-id=${token}`,
  ];
  const child = spawn(path, args, { stdio: 'ignore' });
  // Whatever becomes of this process, that one ends with it.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const server = { url: `http://${address}`, token };
  const call = async (method: string, path: string, body?: object): Promise<Said> => {
    const said = await ask(server, method, path, body);
    if (said.status >= 300) throw new Error(`${method} ${path}: ${said.status} ${said.errors.join('; ')}`);
    return said;
  };
  for (let tries = 0; ; tries++) {
    try {
      await call('GET', 'sys/mounts');
      break;
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  await call('POST', 'sys/mounts/transit', { type: 'transit' });
  await call('POST', 'sys/mounts/kv', { type: 'kv', options: { version: '1' } });
  return {
    ...server,
    call,
    async stop() {
      process.off('exit', kill);
      kill();
      await gone;
    },
  };
}
