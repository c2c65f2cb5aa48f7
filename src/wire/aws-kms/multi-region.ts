import type { Key } from '#domain/domain.ts';
import type { Names } from './names.ts';

/** What a key's metadata says of its regions. */
export function multiRegionFacts({ id, realm, multiRegion }: Key, names: Names): object {
  if (multiRegion === undefined) return { MultiRegion: false };
  const at = (place: string) => ({ Arn: names.keyArn(place, id), Region: names.region(place) });
  return {
    MultiRegion: true,
    MultiRegionConfiguration: {
      MultiRegionKeyType: multiRegion.primary === realm ? 'PRIMARY' : 'REPLICA',
      PrimaryKey: at(multiRegion.primary),
      ReplicaKeys: multiRegion.replicas.map(at),
    },
  };
}
