import { type Commands, KmsError } from '#domain/domain.ts';
import { optionalString, optionalStringMap, requiredString } from '../common/common.ts';
import { type Input, onKey } from './decode.ts';

/** As the operations take them in their body. */
export function region({ body }: Input): { readonly region: string } {
  const given = requiredString(body, 'region');
  if (!/^[a-z0-9-]{1,32}$/.test(given)) throw new KmsError('invalid-parameter', 'A region is called like eu-west-1.');
  return { region: given };
}

export function createRegion(input: Input): Commands['create-region'] {
  return { name: requiredString(input.body, 'name'), ...region(input) };
}

export function replicateKey(input: Input): Commands['replicate-key'] {
  const description = optionalString(input.body, 'description');
  const tags = optionalStringMap(input.body, 'tags');
  return {
    ...onKey(input),
    ...region(input),
    ...(description !== undefined && { description }),
    ...(tags !== undefined && { tags: Object.fromEntries(tags) }),
  };
}

export function updatePrimaryRegion(input: Input): Commands['update-primary-region'] {
  return { ...onKey(input), ...region(input) };
}
