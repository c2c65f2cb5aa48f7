import { CliError } from '../command.ts';
import { shellQuoted } from '../env.ts';
import type { VaultHttp } from './http.ts';
import { JsonError, member, membersOf, parsed } from './json-bytes.ts';

/** What a Vault or OpenBao says of what it holds, without any secret of it. */

/** The server said no. */
export class Refused extends CliError {
  readonly status: number;
  /** As a policy names it. */
  readonly path: string;

  /** `asked`: the path as it was asked, encoded. */
  constructor(status: number, asked: string, reasons: readonly string[]) {
    const path = decodeURIComponent(asked);
    super(`${path}: ${reasons.length === 0 ? `the server answered ${status}` : reasons.join('; ')}`);
    this.name = 'Refused';
    this.status = status;
    this.path = path;
  }
}

export interface Mount {
  /** With its slash at the end. */
  readonly path: string;
  readonly type: 'transit' | 'kv';
  /** Of KV. */
  readonly version: 1 | 2;
}

/** The member `data` of an answer, as bytes; undefined for 404. Rejects with Refused. The caller wipes what it was cut from. */
export async function dataOf(
  source: VaultHttp,
  path: string,
  method = 'GET',
  body?: Uint8Array,
): Promise<{ readonly data: Uint8Array; readonly whole: Buffer } | undefined> {
  const { status, body: whole } = await source.ask(method, `/v1/${path}`, body);
  if (status === 404) return undefined;
  if (status !== 200) throw new Refused(status, path.split('?')[0]!, errorsIn(whole));
  const data = member(membersOf(whole), 'data');
  if (data === undefined) throw new JsonError();
  return { data, whole };
}

/** What an answer says in `errors`. */
export function errorsIn(body: Uint8Array): readonly string[] {
  try {
    const { errors } = parsed(body) as { errors?: unknown };
    return Array.isArray(errors) ? errors.map((error) => String(error).replace(/\s+/g, ' ').trim()) : [];
  } catch {
    return [];
  }
}

/** As a value: for what holds no secret. */
export async function factsOf<T extends object>(source: VaultHttp, path: string): Promise<T | undefined> {
  const found = await dataOf(source, path);
  return found && (parsed(found.data) as T);
}

interface MountFacts {
  readonly type?: string;
  readonly options?: { readonly version?: string } | null;
}

/** The mounts of keys and of secrets. A token that may not list them sees those that it may use. */
export async function mountsOf(source: VaultHttp): Promise<readonly Mount[]> {
  let all: Readonly<Record<string, MountFacts>> | undefined;
  try {
    all = await factsOf(source, 'sys/mounts');
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 403) throw error;
    all = await mountsInUse(source);
  }
  return Object.entries(all ?? {})
    .flatMap(([path, { type, options }]): Mount[] => {
      if (type === 'transit') return [{ path, type, version: 1 }];
      if (type !== 'kv' && type !== 'generic') return [];
      return [{ path, type: 'kv', version: options?.version === '2' ? 2 : 1 }];
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function mountsInUse(source: VaultHttp): Promise<Readonly<Record<string, MountFacts>> | undefined> {
  try {
    return (await factsOf<{ secret: Readonly<Record<string, MountFacts>> }>(source, 'sys/internal/ui/mounts'))?.secret;
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 403) throw error;
    throw new CliError(`${source.url} refuses the token: ${error.message}. Is it one of that server, and still valid?`);
  }
}

/** The names below a path; those that end in a slash are folders. */
export async function namesIn(source: VaultHttp, path: string): Promise<readonly string[]> {
  const found = await factsOf<{ keys?: readonly string[] }>(source, `${encodePath(path)}?list=true`);
  return found?.keys ?? [];
}

/** What lets a token read or list these paths: lines for one of its policies. */
export const remedyFor = (...paths: readonly string[]): string =>
  paths.map((path) => `path ${JSON.stringify(path)} { capabilities = ["read", "list"] }`).join('\n');

/** A command for whoever administers a server, to be copied: names come from others, and may hold anything. */
export const baoCommand = (...words: readonly string[]): string =>
  `bao ${words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : shellQuoted(word))).join(' ')}`;

/** The paths that the token may not read. Where it may not ask for that either, none. */
export async function unreadable(source: VaultHttp, paths: readonly string[]): Promise<readonly string[]> {
  const body = Buffer.from(JSON.stringify({ paths }));
  const { status, body: answer } = await source.ask('POST', '/v1/sys/capabilities-self', body);
  if (status !== 200) return [];
  const { data = {} } = parsed(answer) as { data?: Readonly<Record<string, readonly string[] | undefined>> };
  return paths.filter((path) => data[path]?.every((capability) => !['read', 'root', 'sudo'].includes(capability)));
}

/** Which server it is, whatever it is called: undefined where it doesn't say. */
export async function clusterOf(source: VaultHttp): Promise<string | undefined> {
  const { status, body } = await source.ask('GET', '/v1/sys/health?standbyok=true&perfstandbyok=true');
  if (status !== 200) throw new CliError(`${source.url} is not ready to be read: sys/health answers ${status}.`);
  const { cluster_id: id } = parsed(body) as { cluster_id?: string };
  return id === '' ? undefined : id;
}

export const encodePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/');
