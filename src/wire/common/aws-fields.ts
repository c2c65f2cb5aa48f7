import { KmsError } from '#domain/domain.ts';
import { fromBase64Url, fromUtf8, type Json, toBase64Url, toUtf8 } from '#encoding/encoding.ts';
import { invalid } from './aws-errors.ts';
import { type JsonObject, optionalArray, optionalInteger, optionalString } from './fields.ts';

/** What of a long answer is asked for. */
export interface Page {
  readonly after: string;
  readonly limit: number;
}

/** AWS writes dates as seconds since the epoch, with a fraction. */
export const seconds = (milliseconds: number) => milliseconds / 1000;

export function integer(fields: JsonObject, name: string, min: number, max: number): number | undefined {
  const value = optionalInteger(fields, name);
  if (value !== undefined && (value < min || value > max)) {
    throw invalid(name, `Member must be from ${min} to ${max}`);
  }
  return value;
}

/** One of a closed set of names; `absent` where the member isn't there. */
export function choice<T, D>(fields: JsonObject, name: string, values: ReadonlyMap<string, T>, absent: D): T | D {
  const value = optionalString(fields, name);
  if (value === undefined) return absent;
  const found = values.get(value);
  if (found === undefined) {
    throw invalid(name, `Member must satisfy enum value set: [${[...values.keys()].join(', ')}]`);
  }
  return found;
}

/** A list with `min` to `max` members. */
export function list<T>(
  fields: JsonObject,
  name: string,
  [min, max]: readonly [number, number],
  each: (member: Json) => T,
): readonly T[] | undefined {
  const values = optionalArray(fields, name);
  if (values === undefined) return undefined;
  if (values.length < min || values.length > max) {
    throw invalid(name, `Member must have length from ${min} to ${max}`);
  }
  return values.map(each);
}

/** A member of a list of objects. */
export function object(value: Json, name: string): JsonObject {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new KmsError('malformed', `"${name}" must hold objects.`);
  }
  return value as JsonObject;
}

/** A member of a list of strings. */
export function string(value: Json, name: string): string {
  if (typeof value !== 'string') throw new KmsError('malformed', `"${name}" must hold strings.`);
  return value;
}

/** The mark of the page that follows. */
export function toPageMark(next: string): string {
  return toBase64Url(toUtf8(next));
}

/** What a mark of at most `max` characters stands for; undefined for one that no answer held. */
export function fromPageMark(mark: string, max: number): string | undefined {
  const decoded = mark.length > 0 && mark.length <= max ? fromBase64Url(mark) : undefined;
  return decoded && (fromUtf8(decoded) || undefined);
}

/** Of tag keys and tag values. */
export const tagCharacters = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
