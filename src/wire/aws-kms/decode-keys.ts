import type { KeyPatch, KeySpec, KeyUsage } from '#domain/domain.ts';
import { invalid, missing, unsupported } from '../common/aws-errors.ts';
import { choice, integer } from '../common/aws-fields.ts';
import { type JsonObject, optionalArray, optionalBoolean, optionalString } from '../common/common.ts';
import { fits, specByAwsName, usageByAwsName } from './algorithms.ts';
import { keyStoreOfNew } from './decode-key-stores.ts';
import { bypassesLockoutCheck, policyText } from './decode-policy.ts';
import { invalidMarker, page, refuseExtras, tagKey, tags, text } from './fields.ts';
import type { Names } from './names.ts';
import type { Asked } from './row.ts';

const keyIdOf = (fields: JsonObject, names: Names) => names.keyIdRef(text(fields, 'KeyId'), 'KeyId');

export function description(value: string): string {
  if (value.length > 8192) throw invalid('Description', 'Member must have length less than or equal to 8192');
  return value;
}

function keySpec(fields: JsonObject): KeySpec {
  const member = optionalString(fields, 'CustomerMasterKeySpec') === undefined ? 'KeySpec' : 'CustomerMasterKeySpec';
  if (member !== 'KeySpec' && optionalString(fields, 'KeySpec') !== undefined) {
    throw invalid('CustomerMasterKeySpec', 'Only one of keySpec and customerMasterKeySpec may be given');
  }
  return choice(fields, member, specByAwsName, 'aes-256');
}

function keyUsage(fields: JsonObject, spec: KeySpec): KeyUsage {
  const usage = choice(fields, 'KeyUsage', usageByAwsName, spec === 'aes-256' ? 'encrypt' : undefined);
  if (usage === undefined) throw invalid('KeyUsage', 'Member must not be null for this keySpec');
  if (spec === 'sm2' && (usage === 'encrypt' || usage === 'agree'))
    throw unsupported('SM2 for anything but signatures');
  if (!fits(spec, usage)) throw invalid('KeyUsage', 'Member must be one that the keySpec allows');
  return usage;
}

export function decodeCreateKey(fields: JsonObject): Asked<'create-key'> {
  const spec = keySpec(fields);
  const usage = keyUsage(fields, spec);
  const keyStore = keyStoreOfNew(fields, spec);
  const policy = policyText(fields);
  const bypass = bypassesLockoutCheck(fields);
  const external = optionalString(fields, 'Origin') === 'EXTERNAL';
  const given = tags(fields);
  const multiRegion = optionalBoolean(fields, 'MultiRegion') === true;
  return {
    command: {
      kind: 'create-key',
      spec,
      usages: [usage],
      class: 'enveloped',
      description: description(optionalString(fields, 'Description') ?? ''),
      ...(policy !== undefined && { policy }),
      ...bypass,
      ...(multiRegion && { multiRegion }),
      ...(external && { origin: 'external' as const }),
      ...(given !== undefined && { tags: given }),
      ...(keyStore !== undefined && { keyStore }),
    },
  };
}

export function decodeDescribeKey(fields: JsonObject, names: Names): Asked<'describe-key'> {
  refuseExtras(fields);
  return { command: { kind: 'describe-key', key: names.keyRef(text(fields, 'KeyId'), 'KeyId') } };
}

export function decodeListKeys(fields: JsonObject): Asked<'list-keys'> {
  return { command: { kind: 'list-keys', ...page(fields, 100) } };
}

export const decodeEnableKey = (fields: JsonObject, names: Names): Asked<'enable-key'> => ({
  command: { kind: 'enable-key', key: keyIdOf(fields, names) },
});

export const decodeDisableKey = (fields: JsonObject, names: Names): Asked<'disable-key'> => ({
  command: { kind: 'disable-key', key: keyIdOf(fields, names) },
});

function update(fields: JsonObject, names: Names, patch: KeyPatch): Asked<'update-key'> {
  return { command: { kind: 'update-key', key: keyIdOf(fields, names), patch } };
}

export const decodeEnableKeyRotation = (fields: JsonObject, names: Names) =>
  update(fields, names, { rotationPeriodDays: integer(fields, 'RotationPeriodInDays', 90, 2560) ?? 365 });

export const decodeDisableKeyRotation = (fields: JsonObject, names: Names) =>
  update(fields, names, { rotationPeriodDays: null });

export const decodeUpdateKeyDescription = (fields: JsonObject, names: Names) =>
  update(fields, names, { description: description(text(fields, 'Description')) });

export const decodeGetKeyRotationStatus = (fields: JsonObject, names: Names): Asked<'describe-key'> => ({
  command: { kind: 'describe-key', key: keyIdOf(fields, names), aspect: 'rotation' },
});

export const decodeRotateKeyOnDemand = (fields: JsonObject, names: Names): Asked<'rotate-key'> => ({
  command: { kind: 'rotate-key', key: keyIdOf(fields, names), onDemand: true },
});

const includeMaterial: ReadonlyMap<string, boolean> = new Map([
  ['ROTATIONS_ONLY', false],
  ['ALL_KEY_MATERIAL', true],
]);

export function decodeListKeyRotations(fields: JsonObject, names: Names): Asked<'describe-key'> {
  const asked = page(fields, 100);
  if (!/^[0-9]{0,9}$/.test(asked.after)) throw invalidMarker();
  return {
    command: { kind: 'describe-key', key: keyIdOf(fields, names), withVersions: true, aspect: 'rotations' },
    page: asked,
    withFirstMaterial: choice(fields, 'IncludeKeyMaterial', includeMaterial, false),
  };
}

export const decodeScheduleKeyDeletion = (fields: JsonObject, names: Names): Asked<'schedule-destruction'> => ({
  command: {
    kind: 'schedule-destruction',
    key: keyIdOf(fields, names),
    days: integer(fields, 'PendingWindowInDays', 7, 30) ?? 30,
  },
});

export const decodeCancelKeyDeletion = (fields: JsonObject, names: Names): Asked<'cancel-destruction'> => ({
  command: { kind: 'cancel-destruction', key: keyIdOf(fields, names) },
});

/** An alias stands for a key, never for another alias, so no chain of them can loop. */
function aliasAndTarget(fields: JsonObject, names: Names) {
  const name = names.alias(text(fields, 'AliasName'), 'AliasName');
  const target = names.keyRef(text(fields, 'TargetKeyId'), 'TargetKeyId');
  if (target.by === 'name') throw invalid('TargetKeyId', 'Aliases must refer to keys, not to aliases');
  return { key: target, name };
}

export const decodeCreateAlias = (fields: JsonObject, names: Names): Asked<'create-alias'> => ({
  command: { kind: 'create-alias', ...aliasAndTarget(fields, names) },
});

export const decodeUpdateAlias = (fields: JsonObject, names: Names): Asked<'update-alias'> => ({
  command: { kind: 'update-alias', ...aliasAndTarget(fields, names) },
});

export const decodeDeleteAlias = (fields: JsonObject, names: Names): Asked<'delete-alias'> => ({
  command: { kind: 'delete-alias', name: names.alias(text(fields, 'AliasName'), 'AliasName') },
});

export function decodeListAliases(fields: JsonObject, names: Names): Asked<'list-aliases'> {
  const keyId = optionalString(fields, 'KeyId');
  return {
    command: {
      kind: 'list-aliases',
      ...page(fields, 50, 100),
      ...(keyId !== undefined && { key: names.keyIdRef(keyId, 'KeyId') }),
    },
  };
}

export function decodeTagResource(fields: JsonObject, names: Names): Asked<'tag-key'> {
  const given = tags(fields);
  if (given === undefined) throw missing('Tags');
  return { command: { kind: 'tag-key', key: keyIdOf(fields, names), tags: given } };
}

export function decodeUntagResource(fields: JsonObject, names: Names): Asked<'untag-key'> {
  const keys = optionalArray(fields, 'TagKeys');
  if (keys === undefined) throw missing('TagKeys');
  return { command: { kind: 'untag-key', key: keyIdOf(fields, names), names: keys.map(tagKey) } };
}

export const decodeListResourceTags = (fields: JsonObject, names: Names): Asked<'describe-key'> => ({
  command: { kind: 'describe-key', key: keyIdOf(fields, names), aspect: 'tags' },
  page: page(fields, 50, 50),
});
