import type { Result } from '#domain/domain.ts';
import { metadataOf } from './encode-keys.ts';
import { policyOf } from './encode-policy.ts';
import type { Names } from './names.ts';
import type { Asked } from './row.ts';

export function encodeReplicateKey(
  { key }: Result<'replicate-key'>,
  _asked: Asked<'replicate-key'>,
  names: Names,
): string {
  return JSON.stringify({
    ReplicaKeyMetadata: metadataOf(key, names),
    ReplicaPolicy: policyOf(key),
    ReplicaTags: Object.entries(key.tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue })),
  });
}
