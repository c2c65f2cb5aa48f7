import {
  type ArrivingKeyVersion,
  type ArrivingVersion,
  type Commands,
  type KeySpec,
  type KeyUsage,
  KmsError,
  keySpecs,
  Plaintext,
  specFacts,
  type VersionRules,
} from '#domain/domain.ts';
import {
  type JsonObject,
  optionalArray,
  optionalBoolean,
  optionalBytes,
  optionalInteger,
  optionalObject,
  optionalString,
  optionalStringMap,
  requiredBytes,
  requiredString,
} from '../common/common.ts';
import { type Input, oneOf, optionalStrings, present } from './decode.ts';

/** What comes from another server whole. */

/** An instant of RFC 3339; whatever is finer than milliseconds is cut off. */
function optionalTime(body: JsonObject, name: string): number | undefined {
  const text = optionalString(body, name);
  if (text === undefined) return undefined;
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (!(at >= 0)) throw new KmsError('malformed', `"${name}" must be a time such as 2026-11-24T20:55:04Z.`);
  return at;
}

function requiredTime(body: JsonObject, name: string): number {
  const at = optionalTime(body, name);
  if (at === undefined) throw new KmsError('invalid-parameter', `"${name}" is missing.`);
  return at;
}

function requiredInteger(body: JsonObject, name: string): number {
  const number = optionalInteger(body, name);
  if (number === undefined) throw new KmsError('invalid-parameter', `"${name}" is missing.`);
  return number;
}

/** Each of an array, with no members but these. */
function objectsIn<T>(
  body: JsonObject,
  name: string,
  known: readonly string[],
  read: (item: JsonObject) => T,
): readonly T[] {
  return (optionalArray(body, name) ?? []).map((item) => {
    if (item === null || typeof item !== 'object' || Array.isArray(item)) {
      throw new KmsError('malformed', `"${name}" must be an array of objects.`);
    }
    const object = item as JsonObject;
    const stranger = Object.keys(object).find((member) => !known.includes(member));
    if (stranger !== undefined) {
      throw new KmsError('invalid-parameter', `Unknown field ${JSON.stringify(stranger.slice(0, 64))} in "${name}".`);
    }
    return read(object);
  });
}

function rulesOf(body: JsonObject): VersionRules {
  const rules = optionalObject(body, 'rules') ?? {};
  const stranger = Object.keys(rules).find((name) => !['keep', 'checked', 'lifetimeSeconds'].includes(name));
  if (stranger !== undefined)
    throw new KmsError('invalid-parameter', `There is no such rule: ${JSON.stringify(stranger)}.`);
  const lifetime = optionalInteger(rules, 'lifetimeSeconds');
  return present({
    keep: optionalInteger(rules, 'keep'),
    checked: optionalBoolean(rules, 'checked'),
    lifetime: lifetime === undefined ? undefined : lifetime * 1000,
  });
}

const states = ['destroyed', 'withheld'] as const;

function arriving(item: JsonObject): ArrivingVersion {
  const state = optionalString(item, 'state');
  const given = optionalBytes(item, 'value');
  if ((state === undefined) === (given === undefined)) {
    throw new KmsError('invalid-parameter', 'A version has either a "value" or a "state" that says why it has none.');
  }
  return {
    number: requiredInteger(item, 'number'),
    createdAt: requiredTime(item, 'createdAt'),
    value: given === undefined ? oneOf('state', state!, states) : { form: 'text', bytes: new Plaintext(given) },
    ...present({ hiddenAt: optionalTime(item, 'hiddenAt') }),
  };
}

export function importSecret({ body }: Input): Commands['import-secret'] {
  return {
    secret: { name: requiredString(body, 'name') },
    rules: rulesOf(body),
    notes: Object.fromEntries(optionalStringMap(body, 'notes') ?? []),
    createdAt: requiredTime(body, 'createdAt'),
    changedAt: requiredTime(body, 'changedAt'),
    versions: objectsIn(body, 'versions', ['number', 'createdAt', 'hiddenAt', 'state', 'value'], arriving),
    ...(optionalBoolean(body, 'replace') === true && { replace: true as const }),
  };
}

function arrivingKeyVersion(item: JsonObject): ArrivingKeyVersion {
  return {
    version: requiredInteger(item, 'version'),
    createdAt: requiredTime(item, 'createdAt'),
    withMacKey: optionalBoolean(item, 'withMacKey') ?? false,
  };
}

export function importKeyVersions({ body }: Input): Commands['import-key-versions'] {
  const spec = oneOf('spec', requiredString(body, 'spec'), Object.keys(keySpecs) as KeySpec[]);
  const possible = specFacts(spec).usages;
  const seconds = optionalInteger(body, 'rotationPeriodSeconds');
  return {
    name: requiredString(body, 'name'),
    spec,
    usages: (optionalStrings(body, 'usages') ?? []).map((usage) => oneOf<KeyUsage>('usages', usage, possible)),
    versions: objectsIn(body, 'versions', ['version', 'createdAt', 'withMacKey'], arrivingKeyVersion),
    wrapped: requiredBytes(body, 'wrapped'),
    minDecryptionVersion: requiredInteger(body, 'minDecryptionVersion'),
    minEncryptionVersion: optionalInteger(body, 'minEncryptionVersion') ?? 0,
    derived: optionalBoolean(body, 'derived') ?? false,
    convergent: optionalBoolean(body, 'convergent') ?? false,
    exportable: optionalBoolean(body, 'exportable') ?? false,
    backupAllowed: optionalBoolean(body, 'backupAllowed') ?? false,
    deletionAllowed: optionalBoolean(body, 'deletionAllowed') ?? false,
    ...present({ rotationPeriodDays: seconds === undefined ? undefined : seconds / 86_400 }),
  };
}
