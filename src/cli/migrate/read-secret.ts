import type { VaultHttp } from './http.ts';
import { encodeBase64, isNull, JsonError, member, membersOf, parsed } from './json-bytes.ts';
import { markOf } from './mark.ts';
import { dataOf, encodePath, errorsIn, type Mount, Refused } from './source.ts';

/** What the engine says of a secret, without its values. */
export interface SecretFacts {
  readonly created_time: string;
  readonly updated_time: string;
  readonly max_versions: number;
  readonly cas_required: boolean;
  /** As Go writes durations: `3h25m19s`. */
  readonly delete_version_after: string;
  readonly custom_metadata: Readonly<Record<string, string>> | null;
  readonly versions: Readonly<Record<string, { created_time: string; deletion_time: string; destroyed: boolean }>>;
}

/** Undefined: there is none. The mark is a digest of all that the facts say. */
export async function secretFacts(
  source: VaultHttp,
  { path }: Mount,
  name: string,
): Promise<{ readonly facts: SecretFacts; readonly mark: string } | undefined> {
  const found = await dataOf(source, `${encodePath(path)}metadata/${encodePath(name)}`);
  return found && { facts: parsed(found.data) as SecretFacts, mark: await markOf(found.data) };
}

/** A version as it was read. `value` is JSON, a part of `whole`, which whoever reads it wipes. */
export interface ReadVersion {
  readonly number: number;
  readonly createdAt: string;
  readonly hiddenAt?: string;
  readonly value: Uint8Array | 'destroyed' | 'withheld';
  readonly whole?: Buffer;
}

const isOver = (time: string) => time !== '' && new Date(time) <= new Date();

/** All its versions. One that is deleted there shows no value to anybody, until it is undeleted. */
export async function readVersions(
  source: VaultHttp,
  mount: Mount,
  name: string,
  { versions }: SecretFacts,
): Promise<readonly ReadVersion[]> {
  const read: ReadVersion[] = [];
  const numbers = Object.keys(versions)
    .map(Number)
    .sort((a, b) => a - b);
  using unread = { versions: read, [Symbol.dispose]: () => wipe(unread.versions) };
  for (const number of numbers) {
    const { created_time: createdAt, deletion_time: hiddenAt, destroyed } = versions[number]!;
    const facts = { number, createdAt, ...(hiddenAt !== '' && { hiddenAt }) };
    if (destroyed) read.push({ ...facts, value: 'destroyed' });
    else if (isOver(hiddenAt)) read.push({ ...facts, value: 'withheld' });
    else read.push({ ...facts, ...((await readValue(source, mount, name, number)) ?? { value: 'withheld' }) });
  }
  // From here on they are the caller's.
  unread.versions = [];
  return read;
}

type Value = Pick<ReadVersion, 'value'> & { readonly value: Uint8Array; readonly whole: Buffer };

/** The value of one version, or of the only one where the engine doesn't count them; undefined where none is shown. */
export async function readValue(
  source: VaultHttp,
  { path, version }: Mount,
  name: string,
  number: number,
): Promise<Value | undefined> {
  const below = version === 2 ? `data/${encodePath(name)}?version=${number}` : encodePath(name);
  const asked = encodePath(path) + below;
  const { status, body: whole } = await source.ask('GET', `/v1/${asked}`);
  if (status === 404) return undefined;
  if (status !== 200) throw new Refused(status, asked.split('?')[0]!, errorsIn(whole));
  const data = member(membersOf(whole), 'data');
  if (data === undefined) throw new JsonError();
  const value = version === 2 ? membersOf(data).get('data') : data;
  if (value === undefined) throw new JsonError();
  return isNull(value) ? undefined : { value, whole };
}

export function wipe(versions: readonly { readonly whole?: Buffer }[]): void {
  for (const { whole } of versions) whole?.fill(0);
}

/** What `POST /claviger/v1/imports/secrets` takes, as bytes that the caller wipes. */
export function importBody(
  name: string,
  facts: Pick<SecretFacts, 'created_time' | 'updated_time'> & Partial<SecretFacts>,
  versions: readonly ReadVersion[],
  replace: boolean,
): Uint8Array {
  const { max_versions: keep, cas_required: checked, delete_version_after: after, custom_metadata: notes } = facts;
  const rules = { keep, checked, lifetimeSeconds: after === undefined ? undefined : secondsOf(after) };
  const head = JSON.stringify({
    ...{ name, rules, notes: notes ?? {}, createdAt: facts.created_time, changedAt: facts.updated_time },
    ...(replace && { replace }),
  });
  const parts: Uint8Array[] = [Buffer.from(`${head.slice(0, -1)},"versions":[`)];
  const coded: Uint8Array[] = [];
  for (const [i, { value, number, createdAt, hiddenAt }] of versions.entries()) {
    const state = typeof value === 'string' ? value : undefined;
    const text = JSON.stringify({ number, createdAt, hiddenAt, state });
    parts.push(Buffer.from(i === 0 ? text.slice(0, -1) : `,${text.slice(0, -1)}`));
    if (typeof value !== 'string') {
      const base64 = encodeBase64(value);
      coded.push(base64);
      parts.push(Buffer.from(',"value":"'), base64, Buffer.from('"'));
    }
    parts.push(Buffer.from('}'));
  }
  parts.push(Buffer.from(']}'));
  const whole = Buffer.concat(parts);
  for (const base64 of coded) base64.fill(0);
  return whole;
}

/** Whole seconds of a duration as Go writes it, such as `3h25m19s` or `1.5s`. Throws JsonError. */
export function secondsOf(duration: string): number {
  const units = { h: 3600, m: 60, s: 1, ms: 0.001, us: 1e-6, µs: 1e-6, ns: 1e-9 } as const;
  const parts = [...duration.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)/g)];
  if (parts.map(([whole]) => whole).join('') !== duration) throw new JsonError();
  return Math.floor(
    parts.reduce((sum, [, count, unit]) => sum + Number(count) * units[unit as keyof typeof units], 0) + 1e-9,
  );
}
