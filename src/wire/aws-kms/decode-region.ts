import { invalid } from '../common/aws-errors.ts';
import { type JsonObject, optionalString } from '../common/common.ts';
import { description } from './decode-keys.ts';
import { bypassesLockoutCheck, policyText } from './decode-policy.ts';
import { tags, text } from './fields.ts';
import type { Names } from './names.ts';
import type { Asked } from './row.ts';

/** RegionType of the service model. */
const regionForm = /^([a-z]+-){2,3}[0-9]+$/;

function region(fields: JsonObject, member: string): string {
  const value = text(fields, member);
  if (value.length > 32) throw invalid(member, 'Member must have length less than or equal to 32');
  if (!regionForm.test(value))
    throw invalid(member, 'Member must satisfy regular expression pattern: ^([a-z]+-){2,3}\\d+$');
  return value;
}

export function decodeReplicateKey(fields: JsonObject, names: Names): Asked<'replicate-key'> {
  const policy = policyText(fields);
  const given = tags(fields);
  return {
    command: {
      kind: 'replicate-key',
      key: names.keyIdRef(text(fields, 'KeyId'), 'KeyId'),
      region: region(fields, 'ReplicaRegion'),
      description: description(optionalString(fields, 'Description') ?? ''),
      ...(given !== undefined && { tags: given }),
      ...(policy !== undefined && { policy }),
      ...bypassesLockoutCheck(fields),
    },
  };
}

export const decodeUpdatePrimaryRegion = (fields: JsonObject, names: Names): Asked<'update-primary-region'> => ({
  command: {
    kind: 'update-primary-region',
    key: names.keyIdRef(text(fields, 'KeyId'), 'KeyId'),
    region: region(fields, 'PrimaryRegion'),
  },
});
