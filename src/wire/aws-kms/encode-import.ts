import { firstEnd, type Key, type KeyVersion, type Result } from '#domain/domain.ts';
import { toBase64 } from '#encoding/encoding.ts';
import { seconds } from '../common/aws-fields.ts';
import { awsSpecName } from './algorithms.ts';
import type { Names } from './names.ts';
import type { Asked } from './row.ts';

export const encodeGetParametersForImport = (
  { realm, keyId, token, wrappingKey, validTo }: Result<'get-import-parameters'>,
  _asked: Asked<'get-import-parameters'>,
  names: Names,
) =>
  JSON.stringify({
    KeyId: names.keyArn(realm, keyId),
    ImportToken: toBase64(token),
    PublicKey: toBase64(wrappingKey),
    ParametersValidTo: seconds(validTo),
  });

export const encodeImportKeyMaterial = (
  { key, materialId }: Result<'import-key-material'>,
  _asked: Asked<'import-key-material'>,
  names: Names,
) => JSON.stringify({ KeyId: names.keyArn(key.realm, key.id), KeyMaterialId: materialId });

export const encodeDeleteImportedKeyMaterial = (
  { key, materialId }: Result<'delete-imported-material'>,
  _asked: Asked<'delete-imported-material'>,
  names: Names,
) =>
  JSON.stringify({
    KeyId: names.keyArn(key.realm, key.id),
    ...(materialId !== undefined && { KeyMaterialId: materialId }),
  });

function expiration(end: number | undefined) {
  if (end === undefined) return { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' };
  return { ExpirationModel: 'KEY_MATERIAL_EXPIRES', ValidTo: seconds(end) };
}

/** What KeyMetadata says of a key's material. */
export function materialFacts(key: Key): object {
  const { origin, protection, current } = key;
  const symmetric = awsSpecName(key.spec) === 'SYMMETRIC_DEFAULT';
  return {
    Origin: originOf(origin, protection),
    ...(origin === 'external' && current.wrapped !== undefined && expiration(firstEnd(key))),
    ...(symmetric && current.materialId !== undefined && { CurrentKeyMaterialId: current.materialId }),
  };
}

/** The server has no key store that could be named beside the origin: its token is its own. */
function originOf(origin: Key['origin'], protection: Key['protection']): string {
  if (protection === 'hsm') return 'AWS_CLOUDHSM';
  return origin === 'external' ? 'EXTERNAL' : 'AWS_KMS';
}

const rotationTypes = { schedule: 'AUTOMATIC', request: 'ON_DEMAND' } as const;

function stateOf(key: Key, version: KeyVersion, awaitsReplicas: boolean): string {
  if (version.version === key.current.version) return 'CURRENT';
  if (version.version < key.current.version) return 'NON_CURRENT';
  return awaitsReplicas ? 'PENDING_MULTI_REGION_IMPORT_AND_ROTATION' : 'PENDING_ROTATION';
}

/** RotationsListEntry. The first material came by no rotation, and what waits for one has no date yet. */
export function rotationEntry(key: Key, version: KeyVersion, arn: string, awaitsReplicas: boolean): object {
  const { materialId, materialLabel, wrapped, expiresAt, rotatedBy, createdAt } = version;
  const rotated = version.version > 1 && version.version <= key.current.version;
  return {
    KeyId: arn,
    ...(materialId !== undefined && { KeyMaterialId: materialId }),
    KeyMaterialState: stateOf(key, version, awaitsReplicas),
    ...(key.origin === 'external' && {
      ...(materialLabel !== undefined && { KeyMaterialDescription: materialLabel }),
      ImportState: wrapped === undefined ? 'PENDING_IMPORT' : 'IMPORTED',
      ...(wrapped !== undefined && expiration(expiresAt)),
    }),
    ...(rotated && { RotationDate: seconds(createdAt) }),
    ...(rotated && rotatedBy !== undefined && { RotationType: rotationTypes[rotatedBy] }),
  };
}
