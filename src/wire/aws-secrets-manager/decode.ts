import {
  type Action,
  type CharacterKind,
  type Command,
  KmsError,
  type RotationSchedule,
  type SecretPlace,
} from '#domain/domain.ts';
import { invalid, missing, unsupported } from '../common/aws-errors.ts';
import { choice, integer, list, object, string } from '../common/aws-fields.ts';
import { type JsonObject, optionalBoolean, optionalObject, optionalString } from '../common/common.ts';
import * as field from './fields.ts';
import type { Names } from './names.ts';
import type { Asked } from './row.ts';

const secretOf = (fields: JsonObject, names: Names) => names.secretRef(field.text(fields, 'SecretId'), 'SecretId');

/** Members that concern secrets kept by partners of AWS, and roles that AWS takes on in other accounts. */
function refuse(fields: JsonObject, ...members: readonly string[]): void {
  for (const name of members) if (Object.hasOwn(fields, name) && fields[name] !== null) throw unsupported(name);
}

export function decodeCreateSecret(fields: JsonObject, names: Names): Asked<'create-secret'> {
  refuse(fields, 'Type');
  refuseOverwriting(fields);
  const name = field.text(fields, 'Name', 512);
  if (!/^[A-Za-z0-9/_+=.@!-]+$/.test(name)) {
    throw new KmsError(
      'invalid-parameter',
      'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!',
    );
  }
  const description = field.optionalText(fields, 'Description', 2048);
  const keyText = optionalString(fields, 'KmsKeyId');
  const protection = keyText === undefined ? undefined : names.keyRef(keyText, 'KmsKeyId');
  const value = field.secretValue(fields);
  const tags = field.tags(fields);
  const places = replicaPlaces(fields, names);
  return {
    command: {
      kind: 'create-secret',
      name,
      ...versionOf(fields),
      ...(description !== undefined && { description }),
      ...(protection !== undefined && { protection }),
      ...(value !== undefined && { value }),
      ...(tags !== undefined && { tags }),
      ...(places !== undefined && { places }),
    },
  };
}

function versionOf(fields: JsonObject): { readonly versionId?: string } {
  const versionId = field.versionId(fields, 'ClientRequestToken');
  return versionId === undefined ? {} : { versionId };
}

export function decodeGetSecretValue(fields: JsonObject, names: Names): Asked<'get-secret-value'> {
  const versionId = field.versionId(fields, 'VersionId');
  const stage = optionalString(fields, 'VersionStage');
  return {
    command: {
      kind: 'get-secret-value',
      secret: secretOf(fields, names),
      ...(versionId !== undefined && { versionId }),
      ...(stage !== undefined && { label: field.label(stage, 'VersionStage') }),
    },
  };
}

export function decodePutSecretValue(fields: JsonObject, names: Names): Asked<'put-secret-value'> {
  refuse(fields, 'RotationToken');
  const labels = list(fields, 'VersionStages', [1, 20], (one) =>
    field.label(string(one, 'VersionStages'), 'VersionStages'),
  );
  return {
    command: {
      kind: 'put-secret-value',
      secret: secretOf(fields, names),
      ...versionOf(fields),
      value: field.requiredValue(fields),
      ...(labels !== undefined && { labels: [...new Set(labels)] }),
    },
  };
}

export function decodeUpdateSecret(fields: JsonObject, names: Names): Asked<'update-secret'> {
  refuse(fields, 'Type');
  const description = field.optionalText(fields, 'Description', 2048);
  const keyText = optionalString(fields, 'KmsKeyId');
  const value = field.secretValue(fields);
  return {
    command: {
      kind: 'update-secret',
      secret: secretOf(fields, names),
      ...versionOf(fields),
      ...(description !== undefined && { description }),
      ...(keyText !== undefined && { protection: names.keyRef(keyText, 'KmsKeyId') ?? null }),
      ...(value !== undefined && { value }),
    },
  };
}

/** Commands that say no more than which secret they are about. */
function about<A extends Action>(kind: A) {
  return (fields: JsonObject, names: Names): Asked<A> => ({
    command: { kind, secret: secretOf(fields, names) } as unknown as Command<A>,
  });
}

export const decodeDescribeSecret = about('describe-secret');
export const decodeRestoreSecret = about('restore-secret');
export const decodeGetResourcePolicy = about('get-secret-policy');
export const decodeDeleteResourcePolicy = about('delete-secret-policy');
export const decodeCancelRotateSecret = about('cancel-secret-rotation');

export function decodeDeleteSecret(fields: JsonObject, names: Names): Asked<'delete-secret'> {
  const window = integer(fields, 'RecoveryWindowInDays', 7, 30);
  const force = optionalBoolean(fields, 'ForceDeleteWithoutRecovery') === true;
  if (force && window !== undefined) {
    throw new KmsError(
      'invalid-parameter',
      "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
    );
  }
  const secret = secretOf(fields, names);
  return { command: { kind: 'delete-secret', secret, days: force ? 0 : (window ?? 30) }, named: secret.name };
}

const orders = new Map([
  ['asc', false],
  ['desc', true],
]);

const sortings = new Map([
  ['created-date', 'created'],
  ['last-accessed-date', 'accessed'],
  ['last-changed-date', 'changed'],
  ['name', 'name'],
] as const);

export function decodeListSecrets(fields: JsonObject): Asked<'list-secrets'> {
  return {
    command: {
      kind: 'list-secrets',
      filters: field.filters(fields) ?? [],
      sortBy: choice(fields, 'SortBy', sortings, 'created'),
      descending: choice(fields, 'SortOrder', orders, false),
      withDeleted: optionalBoolean(fields, 'IncludePlannedDeletion') === true,
      ...field.page(fields, 100),
    },
  };
}

/** What BatchGetSecretValue asks for: secrets by their names, or a page of those that filters find. */
export type Batch =
  | { readonly ids: readonly string[]; readonly each: ReadonlyArray<Command<'get-secret-value'>> }
  | { readonly search: Command<'list-secrets'> };

export function decodeBatchGetSecretValue(fields: JsonObject, names: Names): Batch {
  const ids = list(fields, 'SecretIdList', [1, 20], (id) => string(id, 'SecretIdList'));
  const filters = field.filters(fields);
  if ((ids === undefined) === (filters === undefined)) {
    throw new KmsError('invalid-parameter', 'Either SecretIdList or Filters must be given, and not both.');
  }
  if (filters !== undefined) {
    const search = { sortBy: 'created', descending: false, withDeleted: false, ...field.page(fields, 20) } as const;
    return { search: { kind: 'list-secrets', filters, ...search } };
  }
  for (const name of ['MaxResults', 'NextToken']) {
    if (Object.hasOwn(fields, name) && fields[name] !== null) {
      throw new KmsError('invalid-parameter', `${name} goes with Filters only.`);
    }
  }
  const each = ids!.map((id) => ({ kind: 'get-secret-value', secret: names.secretRef(id, 'SecretIdList') }) as const);
  return { ids: ids!, each };
}

export function decodeListSecretVersionIds(fields: JsonObject, names: Names): Asked<'list-secret-versions'> {
  return {
    command: { kind: 'list-secret-versions', secret: secretOf(fields, names) },
    page: field.page(fields, 100),
    withUnlabelled: optionalBoolean(fields, 'IncludeDeprecated') === true,
  };
}

export function decodeTagResource(fields: JsonObject, names: Names): Asked<'tag-secret'> {
  const tags = field.tags(fields);
  if (tags === undefined) throw missing('Tags');
  return { command: { kind: 'tag-secret', secret: secretOf(fields, names), tags } };
}

export function decodeUntagResource(fields: JsonObject, names: Names): Asked<'untag-secret'> {
  const tagNames = list(fields, 'TagKeys', [0, 50], field.tagKey);
  if (tagNames === undefined) throw missing('TagKeys');
  return { command: { kind: 'untag-secret', secret: secretOf(fields, names), names: tagNames } };
}

export function decodeUpdateSecretVersionStage(fields: JsonObject, names: Names): Asked<'move-secret-label'> {
  const from = field.versionId(fields, 'RemoveFromVersionId');
  const to = field.versionId(fields, 'MoveToVersionId');
  return {
    command: {
      kind: 'move-secret-label',
      secret: secretOf(fields, names),
      label: field.label(field.text(fields, 'VersionStage'), 'VersionStage'),
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
    },
  };
}

const excludable = [
  ['lower', 'ExcludeLowercase'],
  ['upper', 'ExcludeUppercase'],
  ['digit', 'ExcludeNumbers'],
  ['punctuation', 'ExcludePunctuation'],
] as const;

export function decodeGetRandomPassword(fields: JsonObject): Asked<'generate-password'> {
  const kinds: CharacterKind[] = excludable
    .filter(([, member]) => optionalBoolean(fields, member) !== true)
    .map(([kind]) => kind);
  if (optionalBoolean(fields, 'IncludeSpace') === true) kinds.push('space');
  return {
    command: {
      kind: 'generate-password',
      length: integer(fields, 'PasswordLength', 1, 4096) ?? 32,
      kinds,
      without: field.optionalText(fields, 'ExcludeCharacters', 4096) ?? '',
      requireEach: optionalBoolean(fields, 'RequireEachIncludedType') ?? true,
    },
  };
}

const maxPolicy = 20_480;

function policy(fields: JsonObject): string {
  const document = field.text(fields, 'ResourcePolicy', maxPolicy);
  if (document === '') throw invalid('ResourcePolicy', `Member must have length from 1 to ${maxPolicy}`);
  return document;
}

export function decodePutResourcePolicy(fields: JsonObject, names: Names): Asked<'set-secret-policy'> {
  const blockPublic = optionalBoolean(fields, 'BlockPublicPolicy') === true;
  return {
    command: { kind: 'set-secret-policy', secret: secretOf(fields, names), policy: policy(fields), blockPublic },
  };
}

export function decodeValidateResourcePolicy(fields: JsonObject, names: Names): Asked<'check-secret-policy'> {
  const id = optionalString(fields, 'SecretId');
  return {
    command: {
      kind: 'check-secret-policy',
      policy: policy(fields),
      ...(id !== undefined && { secret: names.secretRef(id, 'SecretId') }),
    },
  };
}

export function decodeRotateSecret(fields: JsonObject, names: Names): Asked<'rotate-secret'> {
  refuse(fields, 'ExternalSecretRotationMetadata', 'ExternalSecretRotationRoleArn');
  const rotator = field.optionalText(fields, 'RotationLambdaARN', 2048);
  const rules = optionalObject(fields, 'RotationRules');
  return {
    command: {
      kind: 'rotate-secret',
      secret: secretOf(fields, names),
      ...versionOf(fields),
      ...(rotator !== undefined && rotator !== '' && { rotator }),
      ...(rules !== undefined && Object.keys(rules).length > 0 && { schedule: schedule(rules) }),
      atOnce: optionalBoolean(fields, 'RotateImmediately') ?? true,
    },
  };
}

function schedule(rules: JsonObject): RotationSchedule {
  const days = integer(rules, 'AutomaticallyAfterDays', 1, 1000);
  const expression = field.optionalText(rules, 'ScheduleExpression', 256);
  const duration = optionalString(rules, 'Duration');
  if (duration !== undefined && !/^[0-9]{1,2}h$/.test(duration))
    throw invalid('Duration', 'Member must be hours, such as 3h');
  return {
    ...(days !== undefined && { days }),
    ...(expression !== undefined && { expression }),
    ...(duration !== undefined && { windowHours: Number.parseInt(duration, 10) }),
  };
}

export function decodeReplicate(fields: JsonObject, names: Names): Asked<'replicate-secret'> {
  refuseOverwriting(fields);
  const places = replicaPlaces(fields, names);
  if (places === undefined) throw missing('AddReplicaRegions');
  return { command: { kind: 'replicate-secret', secret: secretOf(fields, names), places } };
}

/** What has the name in another region stays there, whoever asks. */
function refuseOverwriting(fields: JsonObject): void {
  if (optionalBoolean(fields, 'ForceOverwriteReplicaSecret') === true) throw unsupported('ForceOverwriteReplicaSecret');
}

function replicaPlaces(fields: JsonObject, names: Names): readonly SecretPlace[] | undefined {
  return list(fields, 'AddReplicaRegions', [1, 50], (one) => {
    const place = object(one, 'AddReplicaRegions');
    const key = optionalString(place, 'KmsKeyId');
    const protection = key === undefined ? undefined : names.keyRef(key, 'KmsKeyId');
    return { region: region(field.text(place, 'Region')), ...(protection !== undefined && { protection }) };
  });
}

function region(text: string): string {
  if (text.length > 128 || !/^([a-z]+-)+[0-9]+$/.test(text)) throw invalid('Region', 'Member must be a region');
  return text;
}

export function decodeRemoveReplicas(fields: JsonObject, names: Names): Asked<'remove-secret-replicas'> {
  const regions = list(fields, 'RemoveReplicaRegions', [1, 50], (one) => region(string(one, 'RemoveReplicaRegions')));
  if (regions === undefined) throw missing('RemoveReplicaRegions');
  return { command: { kind: 'remove-secret-replicas', secret: secretOf(fields, names), regions } };
}

export const decodeStopReplication = about('detach-secret-replica');
