import { accountOf, type Key, KmsError, type Result, type VersionState } from '#domain/domain.ts';
import { unsupported } from '../common/aws-errors.ts';
import { type Page, seconds, toPageMark } from '../common/aws-fields.ts';
import { awsAlgorithms, awsSpecName, awsUsageName } from './algorithms.ts';
import { materialFacts, rotationEntry } from './encode-import.ts';
import { multiRegionFacts } from './multi-region.ts';
import type { Names } from './names.ts';
import type { Asked } from './row.ts';

const stateNames = {
  'pending-generation': 'Creating',
  'pending-import': 'PendingImport',
  failed: 'PendingImport',
  'pre-active': 'Disabled',
  active: 'Enabled',
  suspended: 'Disabled',
  deactivated: 'Disabled',
  compromised: 'Disabled',
  'destroy-scheduled': 'PendingDeletion',
  destroyed: 'PendingDeletion',
  'destroyed-compromised': 'PendingDeletion',
} as const satisfies Record<VersionState, string>;

export function awsKeyState(key: Key): string {
  if (key.destruction !== undefined)
    return key.destruction.at === undefined ? 'PendingReplicaDeletion' : 'PendingDeletion';
  const state = stateNames[key.current.state];
  return state === 'Enabled' && !key.enabled ? 'Disabled' : state;
}

const metadata = (key: Key, names: Names) => JSON.stringify({ KeyMetadata: metadataOf(key, names) });

export function metadataOf(key: Key, names: Names): object {
  const spec = awsSpecName(key.spec);
  const state = awsKeyState(key);
  return {
    AWSAccountId: accountOf(key.realm),
    Arn: names.keyArn(key.realm, key.id),
    CreationDate: seconds(key.createdAt),
    CustomerMasterKeySpec: spec,
    ...endOf(key),
    ...(key.destruction?.days !== undefined &&
      key.destruction.at === undefined && { PendingDeletionWindowInDays: key.destruction.days }),
    Description: key.description,
    Enabled: state === 'Enabled',
    KeyId: key.id,
    KeyManager: key.names.some((name) => name.startsWith('aws/')) ? 'AWS' : 'CUSTOMER',
    KeySpec: spec,
    KeyState: state,
    KeyUsage: awsUsageName(key.usages),
    ...multiRegionFacts(key, names),
    ...materialFacts(key),
    ...awsAlgorithms(key),
  };
}

const endOf = ({ destruction }: Key) =>
  destruction?.at === undefined ? {} : { DeletionDate: seconds(destruction.at) };

export const encodeCreateKey = ({ key }: Result<'create-key'>, _asked: Asked<'create-key'>, names: Names) =>
  metadata(key, names);

export const encodeDescribeKey = ({ key }: Result<'describe-key'>, _asked: Asked<'describe-key'>, names: Names) =>
  metadata(key, names);

/** AWS answers these operations with an empty body. */
export const encodeNothing = () => '';

const rotating = (key: Key): boolean => key.rotation !== undefined && key.destruction === undefined;

/** AWS rotates symmetric encryption keys only, and refuses to speak of rotation for others. */
function assertRotatable(key: Key): void {
  if (awsSpecName(key.spec) !== 'SYMMETRIC_DEFAULT') throw unsupported('Rotation of this kind of key');
}

export function encodeGetKeyRotationStatus(
  { key }: Result<'describe-key'>,
  _asked: Asked<'describe-key'>,
  names: Names,
): string {
  assertRotatable(key);
  if (key.origin === 'external') throw unsupported('Automatic rotation of imported key material');
  return JSON.stringify({
    KeyId: names.keyArn(key.realm, key.id),
    KeyRotationEnabled: rotating(key),
    ...(key.rotation &&
      rotating(key) && {
        NextRotationDate: seconds(key.rotation.nextAt),
        // Vault's clients may have said less than whole days.
        RotationPeriodInDays: Math.ceil(key.rotation.periodDays),
      }),
  });
}

export const encodeRotateKeyOnDemand = ({ key }: Result<'rotate-key'>, _asked: Asked<'rotate-key'>, names: Names) =>
  JSON.stringify({ KeyId: names.keyArn(key.realm, key.id) });

/** Cuts what the domain answers whole; `position` is what a marker names. */
function cut<T>(all: readonly T[], page: Page, position: (item: T) => string, isAfter: (item: T) => boolean) {
  const rest = page.after === '' ? all : all.filter(isAfter);
  const items = rest.slice(0, page.limit);
  const last = items.at(-1);
  return {
    items,
    more: rest.length > items.length && last !== undefined ? { NextMarker: toPageMark(position(last)) } : {},
    truncated: rest.length > items.length,
  };
}

export function encodeListKeyRotations(
  { key, versions, nextAwaitsReplicas }: Result<'describe-key'>,
  { page, withFirstMaterial }: Asked<'describe-key'>,
  names: Names,
): string {
  assertRotatable(key);
  if (page === undefined) throw new KmsError('internal', 'A list was asked for without its page.');
  const after = Number(page.after);
  const all = withFirstMaterial && key.next !== undefined ? [...versions, key.next] : versions;
  const listed = all.filter(({ version, state, materialId }) =>
    version > 1 ? true : withFirstMaterial && (state !== 'pending-import' || materialId !== undefined),
  );
  const { items, more, truncated } = cut(
    listed,
    page,
    ({ version }) => String(version),
    ({ version }) => version > after,
  );
  const arn = names.keyArn(key.realm, key.id);
  return JSON.stringify({
    Rotations: items.map((version) => rotationEntry(key, version, arn, nextAwaitsReplicas === true)),
    Truncated: truncated,
    ...more,
  });
}

export function encodeScheduleKeyDeletion(
  { key }: Result<'schedule-destruction'>,
  { command }: Asked<'schedule-destruction'>,
  names: Names,
): string {
  return JSON.stringify({
    KeyId: names.keyArn(key.realm, key.id),
    ...endOf(key),
    KeyState: awsKeyState(key),
    PendingWindowInDays: command.days,
  });
}

export const encodeCancelKeyDeletion = (
  { key }: Result<'cancel-destruction'>,
  _asked: Asked<'cancel-destruction'>,
  names: Names,
) => JSON.stringify({ KeyId: names.keyArn(key.realm, key.id) });

export const nextPage = (next: string | undefined) => ({
  Truncated: next !== undefined,
  ...(next !== undefined && { NextMarker: toPageMark(next) }),
});

export function encodeListKeys(
  { keys, next, realm }: Result<'list-keys'>,
  _asked: Asked<'list-keys'>,
  names: Names,
): string {
  return JSON.stringify({
    Keys: keys.map(({ id }) => ({ KeyArn: names.keyArn(realm, id), KeyId: id })),
    ...nextPage(next),
  });
}

export function encodeListAliases(
  { aliases, next, realm }: Result<'list-aliases'>,
  _asked: Asked<'list-aliases'>,
  names: Names,
): string {
  return JSON.stringify({
    Aliases: aliases.map(({ name, keyId, createdAt, updatedAt }) => ({
      AliasArn: names.aliasArn(realm, name),
      AliasName: `alias/${name}`,
      CreationDate: seconds(createdAt),
      LastUpdatedDate: seconds(updatedAt),
      TargetKeyId: keyId,
    })),
    ...nextPage(next),
  });
}

export function encodeListResourceTags({ key }: Result<'describe-key'>, { page }: Asked<'describe-key'>): string {
  if (page === undefined) throw new KmsError('internal', 'A list was asked for without its page.');
  const all = Object.entries(key.tags).sort(([a], [b]) => (a < b ? -1 : 1));
  const { items, more, truncated } = cut(
    all,
    page,
    ([name]) => name,
    ([name]) => name > page.after,
  );
  return JSON.stringify({
    Tags: items.map(([TagKey, TagValue]) => ({ TagKey, TagValue })),
    Truncated: truncated,
    ...more,
  });
}
