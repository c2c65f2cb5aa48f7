import {
  currentLabel,
  KmsError,
  Plaintext,
  pendingLabel,
  previousLabel,
  type SecretFilter,
  type SecretValue,
} from '#domain/domain.ts';
import { type Json, toUtf8 } from '#encoding/encoding.ts';
import { invalid, missing } from '../common/aws-errors.ts';
import { fromPageMark, integer, list, object, type Page, string, tagCharacters } from '../common/aws-fields.ts';
import { type JsonObject, optionalBytes, optionalString } from '../common/common.ts';

export function text(fields: JsonObject, name: string, max = Number.POSITIVE_INFINITY): string {
  const value = optionalText(fields, name, max);
  if (value === undefined) throw missing(name);
  return value;
}

export function optionalText(fields: JsonObject, name: string, max: number): string | undefined {
  const value = optionalString(fields, name);
  if (value !== undefined && value.length > max) {
    throw invalid(name, `Member must have length less than or equal to ${max}`);
  }
  if (value !== undefined && !value.isWellFormed()) throw invalid(name, 'Member must be valid Unicode');
  return value;
}

const maxValue = 65_536;

/** SecretString or SecretBinary, not both; undefined for neither. */
export function secretValue(fields: JsonObject): SecretValue | undefined {
  const asText = optionalString(fields, 'SecretString');
  const asBytes = optionalBytes(fields, 'SecretBinary');
  if (asText !== undefined && asBytes !== undefined) {
    throw new KmsError(
      'invalid-parameter',
      "You can't specify both a binary secret value and a string secret value in the same secret.",
    );
  }
  if (asText !== undefined) {
    if (!asText.isWellFormed()) throw invalid('SecretString', 'Member must be valid Unicode');
    return { form: 'text', bytes: sized(toUtf8(asText), 'SecretString') };
  }
  return asBytes && { form: 'binary', bytes: sized(asBytes, 'SecretBinary') };
}

function sized(bytes: Uint8Array, name: string): Plaintext {
  if (bytes.length < 1 || bytes.length > maxValue) throw invalid(name, `Member must have length from 1 to ${maxValue}`);
  return new Plaintext(bytes);
}

export function requiredValue(fields: JsonObject): SecretValue {
  const value = secretValue(fields);
  if (value === undefined) {
    throw new KmsError('invalid-parameter', 'You must provide either SecretString or SecretBinary.');
  }
  return value;
}

/** ClientRequestToken and version ids. */
export function versionId(fields: JsonObject, name: string): string | undefined {
  const value = optionalString(fields, name);
  if (value !== undefined && !/^[\x20-\x7e]{32,64}$/.test(value)) {
    throw invalid(name, 'Member must have length from 32 to 64');
  }
  return value;
}

const stages = new Map([
  ['AWSCURRENT', currentLabel],
  ['AWSPREVIOUS', previousLabel],
  ['AWSPENDING', pendingLabel],
]);
const labels = new Map([...stages].map(([stage, label]) => [label, stage]));

export function label(stage: string, name: string): string {
  if (stage.length < 1 || stage.length > 256 || !stage.isWellFormed()) {
    throw invalid(name, 'Member must have length from 1 to 256');
  }
  if (stage.startsWith('claviger:')) throw invalid(name, 'Member must not begin with claviger:, which is reserved');
  return stages.get(stage) ?? stage;
}

export function stage(of: string): string {
  return labels.get(of) ?? of;
}

export function tagKey(value: Json): string {
  const key = string(value, 'TagKeys');
  if (key.length < 1 || key.length > 128 || !tagCharacters.test(key)) {
    throw invalid('Key', 'Member must be 1 to 128 letters, digits, spaces or _ . : / = + - @');
  }
  if (/^aws:/i.test(key)) throw invalid('Key', 'Member must not begin with aws:, which is reserved');
  return key;
}

export function tags(fields: JsonObject): Readonly<Record<string, string>> | undefined {
  const found = new Map<string, string>();
  const pairs = list(fields, 'Tags', [0, 50], (tag) => {
    const pair = object(tag, 'Tags');
    const key = tagKey(text(pair, 'Key'));
    const value = optionalText(pair, 'Value', 256) ?? '';
    if (!tagCharacters.test(value)) throw invalid('Value', 'Member must be letters, digits, spaces or _ . : / = + - @');
    if (found.has(key)) throw invalid('Tags', 'Member must not give a key twice');
    found.set(key, value);
  });
  return pairs && Object.fromEntries(found);
}

const filterKeys = new Map<string, SecretFilter['on']>([
  ['name', 'name'],
  ['description', 'description'],
  ['tag-key', 'tag-name'],
  ['tag-value', 'tag-value'],
  ['primary-region', 'place'],
  ['owning-service', 'owner'],
  ['all', 'all'],
]);

export function filters(fields: JsonObject): readonly SecretFilter[] | undefined {
  return list(fields, 'Filters', [0, 10], (one) => {
    const filter = object(one, 'Filters');
    const on = filterKeys.get(text(filter, 'Key'));
    if (on === undefined) {
      throw invalid('Filters.Key', `Member must satisfy enum value set: [${[...filterKeys.keys()].join(', ')}]`);
    }
    const values = list(filter, 'Values', [1, 10], (member) => {
      const value = string(member, 'Values');
      if (value.length > 512 || !/^!?[a-zA-Z0-9 :_@/+=.\-!]*$/.test(value)) {
        throw invalid('Filters.Values', 'Member must be letters, digits, spaces or : _ @ / + = . - !');
      }
      return value;
    });
    if (values === undefined) throw missing('Filters.Values');
    return { on, values };
  });
}

/** MaxResults and NextToken. */
export function page(fields: JsonObject, most: number): Page {
  const limit = integer(fields, 'MaxResults', 1, most) ?? most;
  const token = optionalString(fields, 'NextToken');
  const after = token === undefined ? '' : fromPageMark(token, 4096);
  if (after === undefined) throw invalidToken();
  return { limit, after };
}

export function invalidToken(): KmsError {
  return new KmsError('invalid-page', 'The NextToken value is invalid.');
}
