import { KmsError } from '#domain/domain.ts';
import { fromBase64, type Json, parseJson } from '#encoding/encoding.ts';

export type JsonObject = { readonly [key: string]: Json };

/** The body as a JSON object. Throws 'malformed'. An empty body is an empty object. */
export function readObject(body: Uint8Array): JsonObject {
  if (body.length === 0) return {};
  const value = parseJson(body);
  if (value === undefined)
    throw new KmsError('malformed', 'The body is not valid JSON in UTF-8, or is nested too deeply.');
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new KmsError('malformed', 'The body must be a JSON object.');
  }
  return value as JsonObject;
}

function own(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function wrongType(name: string, wanted: string): KmsError {
  return new KmsError('malformed', `"${name}" must be ${wanted}.`);
}

/** Absent and null are the same to every protocol here. */
export function optionalString(object: JsonObject, name: string): string | undefined {
  const value = own(object, name);
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw wrongType(name, 'a string');
  return value;
}

export function requiredString(object: JsonObject, name: string): string {
  const value = optionalString(object, name);
  if (value === undefined) throw new KmsError('invalid-parameter', `"${name}" is missing.`);
  return value;
}

export function optionalInteger(object: JsonObject, name: string): number | undefined {
  const value = own(object, name);
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw wrongType(name, 'a whole number');
  return value;
}

export function optionalBoolean(object: JsonObject, name: string): boolean | undefined {
  const value = own(object, name);
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') throw wrongType(name, 'true or false');
  return value;
}

/** Strict base64. */
export function optionalBytes(object: JsonObject, name: string): Uint8Array | undefined {
  const text = optionalString(object, name);
  if (text === undefined) return undefined;
  const bytes = fromBase64(text);
  if (bytes === undefined) throw new KmsError('malformed', `"${name}" is not valid base64.`);
  return bytes;
}

export function requiredBytes(object: JsonObject, name: string): Uint8Array {
  const bytes = optionalBytes(object, name);
  if (bytes === undefined) throw new KmsError('invalid-parameter', `"${name}" is missing.`);
  return bytes;
}

export function optionalObject(object: JsonObject, name: string): JsonObject | undefined {
  const value = own(object, name);
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) throw wrongType(name, 'an object');
  return value as JsonObject;
}

export function optionalArray(object: JsonObject, name: string): readonly Json[] | undefined {
  const value = own(object, name);
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw wrongType(name, 'an array');
  return value;
}

/** An object whose every value is a string. */
export function optionalStringMap(
  object: JsonObject,
  name: string,
): ReadonlyArray<readonly [string, string]> | undefined {
  const map = optionalObject(object, name);
  if (map === undefined) return undefined;
  return Object.entries(map).map(([key, value]) => {
    if (typeof value !== 'string') throw wrongType(`${name}.${key}`, 'a string');
    return [key, value] as const;
  });
}
