import type { Result, Secret, SecretVersion } from '#domain/domain.ts';
import { toBase64, view } from '#encoding/encoding.ts';
import { seconds, toPageMark } from '../common/aws-fields.ts';
import { invalidToken, stage } from './fields.ts';
import type { Names } from './names.ts';
import type { Asked } from './row.ts';

const textOf = (bytes: Uint8Array) => view(bytes).toString('utf8');

/** The members that nearly every answer begins with. */
function named(secret: Secret, names: Names) {
  return { ARN: names.secretArn(secret), Name: secret.name };
}

const stagesOf = ({ labels }: SecretVersion) => labels.map(stage);

export function encodeNamed({ secret }: { readonly secret: Secret }, _: unknown, names: Names): string {
  return JSON.stringify(named(secret, names));
}

export const encodeNothing = (): string => '{}';

type Versioned = { readonly secret: Secret; readonly versionId?: string };

export function encodeVersion({ secret, versionId }: Versioned, _: unknown, names: Names): string {
  return JSON.stringify({ ...named(secret, names), VersionId: versionId });
}

export function encodeCreateSecret({ secret, versionId }: Versioned, _: unknown, names: Names): string {
  return JSON.stringify({
    ...named(secret, names),
    VersionId: versionId,
    ...(secret.replicas !== undefined && { ReplicationStatus: replication(secret, names) }),
  });
}

export function encodePutSecretValue(
  { secret, versionId }: Result<'put-secret-value'>,
  _: unknown,
  names: Names,
): string {
  const version = secret.versions.find(({ id }) => id === versionId);
  return JSON.stringify({
    ...named(secret, names),
    VersionId: versionId,
    VersionStages: version === undefined ? [] : stagesOf(version),
  });
}

export function secretValueEntry({ secret, found, value }: Result<'get-secret-value'>, names: Names): object {
  const bytes = value.bytes.release();
  return {
    ...named(secret, names),
    VersionId: found.id,
    ...(value.form === 'text' ? { SecretString: textOf(bytes) } : { SecretBinary: toBase64(bytes) }),
    VersionStages: stagesOf(found),
    CreatedDate: seconds(found.createdAt),
  };
}

export function encodeGetSecretValue(result: Result<'get-secret-value'>, _: unknown, names: Names): string {
  return JSON.stringify(secretValueEntry(result, names));
}

/** What DescribeSecret and ListSecrets tell alike. */
function details(secret: Secret, names: Names) {
  const { description, key, tags, rotation, deletion, versions } = secret;
  const accessed = versions.flatMap(({ accessedAt }) => accessedAt ?? []);
  const pairs = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  return {
    ...named(secret, names),
    ...(description !== '' && { Description: description }),
    ...(key !== undefined && { KmsKeyId: names.keyText(key) }),
    ...(rotation !== undefined && rotationOf(rotation)),
    LastChangedDate: seconds(secret.changedAt),
    ...(accessed.length > 0 && { LastAccessedDate: seconds(Math.max(...accessed)) }),
    ...(deletion !== undefined && { DeletedDate: seconds(deletion.at) }),
    ...(pairs.length > 0 && { Tags: pairs }),
    CreatedDate: seconds(secret.createdAt),
    PrimaryRegion: names.region(secret.replicaOf ?? secret.realm),
  };
}

function rotationOf(rotation: NonNullable<Secret['rotation']>) {
  const { enabled, rotator, schedule, everyDays, lastAt, nextBy, failure } = rotation;
  return {
    RotationEnabled: enabled,
    RotationLambdaARN: rotator,
    ...(schedule !== undefined && {
      RotationRules: {
        AutomaticallyAfterDays: everyDays,
        ...(schedule.windowHours !== undefined && { Duration: `${schedule.windowHours}h` }),
        ...(schedule.expression !== undefined && { ScheduleExpression: schedule.expression }),
      },
    }),
    ...(lastAt !== undefined && { LastRotatedDate: seconds(lastAt) }),
    ...(enabled && nextBy !== undefined && { NextRotationDate: seconds(nextBy) }),
    // No member of AWS; clients that don't know it leave it aside.
    ...(failure !== undefined && {
      ClavigerRotationFailure: { Step: `${failure.step}Secret`, Date: seconds(failure.at), Reason: failure.reason },
    }),
  };
}

function stagesByVersion({ versions }: Secret): Record<string, readonly string[]> {
  return Object.fromEntries(
    versions.filter(({ labels }) => labels.length > 0).map((version) => [version.id, stagesOf(version)]),
  );
}

export function encodeDescribeSecret({ secret }: Result<'describe-secret'>, _: unknown, names: Names): string {
  return JSON.stringify({
    ...details(secret, names),
    VersionIdsToStages: stagesByVersion(secret),
    ...((secret.replicas?.length ?? 0) > 0 && { ReplicationStatus: replication(secret, names) }),
  });
}

export function encodeListSecrets({ secrets, next }: Result<'list-secrets'>, _: unknown, names: Names): string {
  return JSON.stringify({
    SecretList: secrets.map((secret) => ({
      ...details(secret, names),
      SecretVersionsToStages: stagesByVersion(secret),
    })),
    ...(next !== undefined && { NextToken: toPageMark(next) }),
  });
}

export function encodeListSecretVersionIds(
  { secret }: Result<'list-secret-versions'>,
  { page, withUnlabelled }: Asked<'list-secret-versions'>,
  names: Names,
): string {
  const all = secret.versions.filter(({ labels }) => withUnlabelled === true || labels.length > 0);
  const { after, limit } = page!;
  const start = after === '' ? 0 : all.findIndex(({ id }) => id === after) + 1;
  if (after !== '' && start === 0) throw invalidToken();
  const shown = all.slice(start, start + limit);
  return JSON.stringify({
    ...named(secret, names),
    Versions: shown.map((version) => ({
      VersionId: version.id,
      ...(version.labels.length > 0 && { VersionStages: stagesOf(version) }),
      ...(version.accessedAt !== undefined && { LastAccessedDate: seconds(version.accessedAt) }),
      CreatedDate: seconds(version.createdAt),
      ...(version.keyId !== undefined && {
        KmsKeyIds: [version.ownKey === true ? 'DefaultEncryptionKey' : version.keyId],
      }),
    })),
    ...(start + limit < all.length && { NextToken: toPageMark(shown.at(-1)!.id) }),
  });
}

export function encodeDeleteSecret(
  { secret, realm, at }: Result<'delete-secret'>,
  { named: name = '' }: Asked<'delete-secret'>,
  names: Names,
): string {
  const told = secret === undefined ? { ARN: names.partialArn(realm, name), Name: name } : named(secret, names);
  return JSON.stringify({ ...told, DeletionDate: seconds(at) });
}

export function encodeGetRandomPassword({ password }: Result<'generate-password'>): string {
  return JSON.stringify({ RandomPassword: textOf(password.release()) });
}

export function encodeGetResourcePolicy({ secret }: Result<'get-secret-policy'>, _: unknown, names: Names): string {
  return JSON.stringify({
    ...named(secret, names),
    ...(secret.policy !== undefined && { ResourcePolicy: secret.policy }),
  });
}

export function encodeValidateResourcePolicy({ problems }: Result<'check-secret-policy'>): string {
  return JSON.stringify({
    PolicyValidationPassed: problems.length === 0,
    ValidationErrors: problems.map((ErrorMessage) => ({ CheckName: 'PolicySyntax', ErrorMessage })),
  });
}

function replication({ replicas = [] }: Secret, names: Names) {
  return replicas.map(({ region, key, failure }) => ({
    Region: region,
    KmsKeyId: key === undefined ? 'alias/aws/secretsmanager' : names.keyText(key),
    Status: failure === undefined ? 'InSync' : 'Failed',
    ...(failure !== undefined && { StatusMessage: failure }),
  }));
}

export function encodeReplication({ secret }: { readonly secret: Secret }, _: unknown, names: Names): string {
  return JSON.stringify({ ARN: names.secretArn(secret), ReplicationStatus: replication(secret, names) });
}

export function encodeArn({ secret }: { readonly secret: Secret }, _: unknown, names: Names): string {
  return JSON.stringify({ ARN: names.secretArn(secret) });
}
