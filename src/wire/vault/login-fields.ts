import { type Command, KmsError, type LoginMethod, Plaintext, type TokenSettings } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import type { JsonObject } from '#wire/common/common.ts';
import { boolean, integer, refuseOthers, seconds, text, words } from './fields.ts';
import type { Input } from './row.ts';

/** Fields that requests about logins have in common. */

/** Of lists of names: the door answers them whole. */
export const pageSize = 1000;

export const has = (body: JsonObject, name: string): boolean => Object.hasOwn(body, name) && body[name] !== null;

export function required(body: JsonObject, name: string): string {
  const value = text(body, name);
  if (value === undefined) throw new KmsError('invalid-parameter', `missing ${name}`);
  return value;
}

export const secret = (value: string): Plaintext => new Plaintext(toUtf8(value));

/** Milliseconds; 0 where a limit is taken back. */
export function length(body: JsonObject, ...names: readonly string[]): number | undefined {
  for (const name of names) if (has(body, name)) return (seconds(body, name) ?? 0) * 1000;
  return undefined;
}

export function count(body: JsonObject, ...names: readonly string[]): number | undefined {
  const name = names.find((one) => has(body, one));
  if (name === undefined) return undefined;
  const value = integer(body, name) ?? 0;
  if (value < 0) throw new KmsError('invalid-parameter', `${name} cannot be negative`);
  return value;
}

/** '' takes back what was said. */
export function word(body: JsonObject, name: string): string | undefined {
  return has(body, name) ? (text(body, name) ?? '') : undefined;
}

export function list(body: JsonObject, ...names: readonly string[]): readonly string[] | undefined {
  for (const name of names) if (has(body, name)) return words(body, name) ?? [];
  return undefined;
}

/** Members that are absent are absent, for a change to leave them as they are. */
export function present<T extends object>(members: { readonly [K in keyof T]: T[K] | undefined }): Partial<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Partial<T>;
}

const tokenMembers = [
  'token_policies',
  'policies',
  'token_ttl',
  'ttl',
  'token_max_ttl',
  'max_ttl',
  'token_period',
  'period',
  'token_num_uses',
  'token_bound_cidrs',
  'token_type',
  'token_no_default_policy',
  'token_explicit_max_ttl',
  'token_strictly_bind_ip',
] as const;

/** What is said of a login's tokens, beside `own` members, which may be older words for the same. Refuses all others. */
export function tokenSettings(body: JsonObject, own: readonly string[]): Partial<TokenSettings> {
  refuseOthers(body, [...tokenMembers, ...own]);
  const older = (name: string) => own.filter((one) => one === name);
  if (!['default', 'service', 'default-service'].includes(text(body, 'token_type') ?? 'default')) {
    throw new KmsError('unsupported', 'Only service tokens are offered.');
  }
  return present<TokenSettings>({
    policies: list(body, 'token_policies', 'policies'),
    ttl: length(body, 'token_ttl', 'ttl'),
    maxTtl: length(body, 'token_max_ttl', 'max_ttl'),
    period: length(body, 'token_period', 'period'),
    uses: count(body, 'token_num_uses', ...older('num_uses')),
    cidrs: list(body, 'token_bound_cidrs', ...older('bound_cidrs')),
    withoutDefault: boolean(body, 'token_no_default_policy'),
    explicitMaxTtl: length(body, 'token_explicit_max_ttl'),
    bindsAddress: boolean(body, 'token_strictly_bind_ip'),
  });
}

/** Where somebody logs in, if it is at a mount that was made. */
export function loginAt({ path, namespace }: Input): { readonly realm?: string; readonly mount?: string } {
  const realm = path.realm ?? namespace;
  return { ...(realm !== undefined && { realm }), ...atMount({ path }) };
}

/** The same, for who has proven to be of the realm. */
export function atMount({ path }: Pick<Input, 'path'>): { readonly mount?: string } {
  return path.mount === undefined ? {} : { mount: path.mount };
}

/** Writes what is there of the role or user that the path names. */
export function writing<M extends LoginMethod>(method: M, { path }: Pick<Input, 'path'>) {
  return { kind: 'write-login', method, name: path.name ?? '', ...atMount({ path }) } as const satisfies Command;
}

/** The mount itself, for types of which none is there from the start. */
export const decodeReadMount = ({ path }: Input): Command<'read-auth-mount'> => ({
  kind: 'read-auth-mount',
  path: mountOf({ path }),
});

export const mountOf = ({ path }: Pick<Input, 'path'>): string => path.mount ?? '';
