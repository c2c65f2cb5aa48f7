import { type Command, KmsError, Plaintext, type SecretValue, type VersionRules } from '#domain/domain.ts';
import { hasExactNumbers, type Json, toUtf8 } from '#encoding/encoding.ts';
import type { JsonObject } from '#wire/common/common.ts';
import { PlacedError } from './errors.ts';
import { boolean, integer, seconds, text } from './fields.ts';
import { folderName, secretName } from './kv-path.ts';
import type { Input } from './row.ts';

/** The requests of Vault's KV engine, versions 1 and 2. */

const refused = (why: string) => new PlacedError(400, 'invalid-parameter', why);

function isObject(value: Json | undefined): value is JsonObject {
  return value !== undefined && value !== null && typeof value === 'object' && !Array.isArray(value);
}

function member(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** What is kept is what was sent: a number that would come back as another is refused. */
function textValue(data: JsonObject): SecretValue {
  if (!hasExactNumbers(data)) throw refused('A number is too large to be kept exactly: send it as a string.');
  return { form: 'text', bytes: new Plaintext(toUtf8(JSON.stringify(data))) };
}

function dataOf(body: JsonObject): SecretValue {
  const data = member(body, 'data');
  if (data === undefined) throw refused('no data provided');
  if (data === null) return textValue({});
  if (!isObject(data)) throw refused('"data" must be an object.');
  return textValue(data);
}

function expectedOf(body: JsonObject): { readonly expected?: number } {
  const options = member(body, 'options');
  if (options === undefined || options === null) return {};
  if (!isObject(options)) throw refused('"options" must be an object.');
  const strange = Object.keys(options).find((name) => name !== 'cas' && name !== 'method');
  if (strange !== undefined) throw refused(`There is no option ${JSON.stringify(strange)}.`);
  // How a client merges, which Vault's for Go writes down with what it sends: by this request, or by what it read before.
  const method = text(options, 'method');
  if (method !== undefined && method !== 'patch' && method !== 'rw') throw refused('"method" must be "patch" or "rw".');
  const expected = integer(options, 'cas');
  if (expected === undefined) return {};
  if (expected < 0) throw refused('"cas" must not be negative.');
  return { expected };
}

const nameOf = (input: Input) => ({ secret: { name: secretName(input) } });

/** A mount of a realm's own making has rules of its own. */
const rulesAt = ({ mount }: Input) => (mount === undefined ? {} : { folder: mount.path });

/** 0: the current one. */
export function queryNumber({ query }: Input, name: string): number {
  const given = query === '' ? null : new URLSearchParams(query).get(name);
  if (given === null || given === '') return 0;
  if (!/^\d{1,9}$/.test(given)) throw refused(`"${name}" must be a whole number.`);
  return Number(given);
}

export function decodeRead(input: Input): Command<'read-secret-version'> {
  return { kind: 'read-secret-version', ...nameOf(input), number: queryNumber(input, 'version') };
}

export function decodeSubkeys(input: Input): Command<'read-secret-version'> {
  queryNumber(input, 'depth');
  return decodeRead(input);
}

export function decodeWrite(input: Input): Command<'write-secret'> {
  const { body } = input;
  return { kind: 'write-secret', ...nameOf(input), value: dataOf(body), ...expectedOf(body), ...rulesAt(input) };
}

export function decodePatch(input: Input): Command<'write-secret'> {
  return { ...decodeWrite(input), merge: true };
}

type Change = Command<'change-secret-versions'>;

function numbersOf(body: JsonObject): readonly number[] {
  const given = member(body, 'versions');
  const list = typeof given === 'string' ? given.split(',') : Array.isArray(given) ? given : [given];
  if (given === undefined || given === null || given === '' || list.length === 0) {
    throw refused('No version number provided');
  }
  if (list.length > 1000) throw refused('"versions" has more than 1000 numbers.');
  return list.map((item) => {
    const text = typeof item === 'number' ? String(item) : typeof item === 'string' ? item.trim() : '';
    if (!/^[1-9]\d{0,8}$/.test(text)) throw refused('"versions" must be whole numbers from 1.');
    return Number(text);
  });
}

const changing =
  (to: Change['to']) =>
  (input: Input): Change => ({
    ...{ kind: 'change-secret-versions', ...nameOf(input), numbers: numbersOf(input.body), to },
  });

export const decodeDeleteVersions = changing('hidden');
export const decodeUndelete = changing('shown');
export const decodeDestroy = changing('destroyed');

export function decodeDelete(input: Input): Change {
  return { kind: 'change-secret-versions', ...nameOf(input), numbers: [0], to: 'hidden' };
}

export function decodeReadMetadata(input: Input): Command<'describe-secret'> {
  return { kind: 'describe-secret', ...nameOf(input) };
}

function rulesOf(body: JsonObject): VersionRules {
  if (boolean(body, 'metadata_cas_required') === true || integer(body, 'metadata_cas') !== undefined) {
    throw new KmsError('unsupported', 'Check-and-set of metadata is not offered.');
  }
  const keep = integer(body, 'max_versions');
  const checked = boolean(body, 'cas_required');
  const lifetime = seconds(body, 'delete_version_after');
  return {
    ...(keep === undefined ? {} : { keep }),
    ...(checked === undefined ? {} : { checked }),
    ...(lifetime === undefined ? {} : { lifetime: lifetime * 1000 }),
  };
}

function notesOf(body: JsonObject, merge: boolean): { readonly notes?: Readonly<Record<string, string | null>> } {
  const given = member(body, 'custom_metadata');
  if (given === undefined || given === null) return {};
  if (!isObject(given)) throw refused('"custom_metadata" must be an object of strings.');
  const notes = Object.entries(given).map(([name, value]): [string, string | null] => {
    if (value === null && merge) return [name, null];
    if (value === null || typeof value === 'object') throw refused('"custom_metadata" must be an object of strings.');
    return [name, String(value)];
  });
  return { notes: Object.fromEntries(notes) };
}

function configuring(input: Input, merge: boolean): Command<'configure-secret'> {
  const { body } = input;
  return {
    kind: 'configure-secret',
    ...nameOf(input),
    rules: rulesOf(body),
    ...notesOf(body, merge),
    merge,
  };
}

export const decodeWriteMetadata = (input: Input) => configuring(input, false);
export const decodePatchMetadata = (input: Input) => configuring(input, true);

export function decodeDeleteAll(input: Input): Command<'delete-secret'> {
  return { kind: 'delete-secret', ...nameOf(input), days: 0 };
}

/** A page of what the server looks through at once. */
export function decodeList(input: Input): Command<'list-secrets'> {
  const folder = folderName(input);
  // In a filter a leading '!' would mean the opposite.
  const filters = folder === '' || folder.startsWith('!') ? [] : [{ on: 'name', values: [folder] } as const];
  return {
    ...{ kind: 'list-secrets', filters, sortBy: 'name', descending: false, withDeleted: false, after: '', limit: 1000 },
  };
}

export function decodeReadRules(input: Input): Command<'get-secret-rules'> {
  return { kind: 'get-secret-rules', ...rulesAt(input) };
}

export function decodeWriteRules(input: Input): Command<'set-secret-rules'> {
  return { kind: 'set-secret-rules', rules: rulesOf(input.body), ...rulesAt(input) };
}

export function decodeReadPlain(input: Input): Command<'read-secret-version'> {
  return { kind: 'read-secret-version', ...nameOf(input), number: 0 };
}

/** Version 1 of the engine keeps one value: what is written over is gone. */
export function decodeWritePlain(input: Input): Command<'write-secret'> {
  if (Object.keys(input.body).length === 0) throw refused('missing data fields');
  return { kind: 'write-secret', ...nameOf(input), value: textValue(input.body), keep: 1 };
}
