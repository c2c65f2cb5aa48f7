import { KmsError } from '#domain/domain.ts';
import { fromBase64, fromUtf8, type Json } from '#encoding/encoding.ts';
import { type JsonObject, optionalString, readObject } from '#wire/common/common.ts';

/**
 * Fields as Vault's own decoder takes them. `vault write` sends every value as a string, so numbers, booleans and durations are
 * read from strings too; base64 may hold the line breaks that `base64(1)` makes.
 */

const nothing: JsonObject = Object.freeze({});

/** `vault write -f` sends the JSON text `null`. */
export function readBody(body: Uint8Array): JsonObject {
  if (body.length === 0) return nothing;
  if (body.length <= 6 && fromUtf8(body)?.trim() === 'null') return nothing;
  return readObject(body);
}

/** Absent, null and '' are one and the same to Vault. */
export function text(object: JsonObject, name: string): string | undefined {
  const value = optionalString(object, name);
  return value === '' ? undefined : value;
}

/** Nothing in any type, also as `vault write` sends it. */
export function isEmpty(value: Json | undefined): boolean {
  if (value === undefined || value === null || value === false || value === 0) return true;
  if (typeof value === 'string') return value === '' || /^0[smhd]?$/.test(value) || value === 'false';
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** What can't be honoured is refused; its empty values say nothing. */
export function refuseFields(object: JsonObject, names: readonly string[]): void {
  for (const name of names) {
    if (!Object.hasOwn(object, name) || isEmpty(object[name])) continue;
    throw new KmsError('unsupported', `"${name.slice(0, 64)}" is not offered here: leave it out.`);
  }
}

/** Whatever else is said can't be honoured. */
export function refuseOthers(object: JsonObject, known: readonly string[]): void {
  refuseFields(
    object,
    Object.keys(object).filter((name) => !known.includes(name)),
  );
}

/** Undefined where nothing is in it. */
export function objectIn(object: JsonObject, name: string): JsonObject | undefined {
  const value = Object.hasOwn(object, name) ? object[name] : undefined;
  if (value === undefined || isEmpty(value)) return undefined;
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as JsonObject;
  throw new KmsError('malformed', `"${name}" must be an object.`);
}

export function integer(object: JsonObject, name: string): number | undefined {
  const value = Object.hasOwn(object, name) ? object[name] : undefined;
  if (value === undefined || value === null || value === '') return undefined;
  const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number)) return number;
  throw new KmsError('malformed', `"${name}" must be a whole number.`);
}

/** The spellings that Go's ParseBool knows. */
const truths: ReadonlyMap<unknown, boolean> = new Map([
  ...[true, 1, '1', 't', 'T', 'true', 'TRUE', 'True'].map((word) => [word, true] as const),
  ...[false, 0, '0', 'f', 'F', 'false', 'FALSE', 'False'].map((word) => [word, false] as const),
]);

export function boolean(object: JsonObject, name: string): boolean | undefined {
  const value = Object.hasOwn(object, name) ? object[name] : undefined;
  if (value === undefined || value === null || value === '') return undefined;
  const truth = truths.get(value);
  if (truth === undefined) throw new KmsError('malformed', `"${name}" must be true or false.`);
  return truth;
}

export function bytes(object: JsonObject, name: string): Uint8Array | undefined {
  const value = optionalString(object, name);
  if (value === undefined) return undefined;
  const decoded = fromBase64(value) ?? fromBase64(value.replace(/[\r\n]/g, ''));
  if (decoded === undefined) throw new KmsError('malformed', `"${name}" is not valid base64.`);
  return decoded;
}

const unitSeconds = { d: 86_400, h: 3_600, m: 60, s: 1 } as const;

/** Whole seconds, from a number, a decimal string, or words such as `720h` or `1d12h30m`. */
export function seconds(object: JsonObject, name: string): number | undefined {
  const value = Object.hasOwn(object, name) ? object[name] : undefined;
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string' || /^\d+$/.test(value)) {
    const number = integer(object, name)!;
    if (number < 0) throw new KmsError('invalid-parameter', `"${name}" must not be negative.`);
    return number;
  }
  if (value.length > 32 || !/^(?:\d{1,9}[dhms])+$/.test(value)) {
    throw new KmsError('malformed', `"${name}" must be a duration such as 3600, "720h" or "30d".`);
  }
  let sum = 0;
  for (const [, count, unit] of value.matchAll(/(\d+)([dhms])/g)) {
    sum += Number(count) * unitSeconds[unit as keyof typeof unitSeconds];
  }
  return sum;
}

/** The other way round: of milliseconds, 0 where there are none. */
export const wholeSeconds = (ms: number | undefined): number => Math.max(0, Math.floor((ms ?? 0) / 1000));

/** Words in an array, or in one string with commas between them. */
export function words(object: JsonObject, name: string): readonly string[] | undefined {
  const value = Object.hasOwn(object, name) ? object[name] : undefined;
  if (value === undefined || value === null || value === '') return undefined;
  const list = typeof value === 'string' ? value.split(',') : value;
  if (!Array.isArray(list) || !list.every((word): word is string => typeof word === 'string')) {
    throw new KmsError('malformed', `"${name}" must be a list of strings.`);
  }
  return list.map((word) => word.trim()).filter((word) => word !== '');
}
