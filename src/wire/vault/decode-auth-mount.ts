import { type AuthMountTuning, type AuthType, authTypes, type Command, KmsError } from '#domain/domain.ts';
import type { JsonObject } from '#wire/common/common.ts';
import { objectIn, refuseFields, refuseOthers, text } from './fields.ts';
import { length, present, word } from './login-fields.ts';
import type { Input } from './row.ts';

const tunable = [
  'default_lease_ttl',
  'max_lease_ttl',
  'listing_visibility',
  'token_type',
  'force_no_cache',
  'description',
];

/** Throws 'unsupported' for what can't be honoured. */
function tuningOf(body: JsonObject): AuthMountTuning {
  refuseOthers(body, tunable);
  if (!['default', 'service', 'default-service'].includes(text(body, 'token_type') ?? 'default')) {
    throw new KmsError('unsupported', 'Only service tokens are offered.');
  }
  refuseFields(body, ['force_no_cache']);
  const listing = word(body, 'listing_visibility');
  if (listing !== undefined && listing !== '' && listing !== 'unauth' && listing !== 'hidden') {
    throw new KmsError('invalid-parameter', `invalid listing_visibility ${listing.slice(0, 32)}`);
  }
  return present<AuthMountTuning>({
    description: word(body, 'description'),
    defaultTtl: length(body, 'default_lease_ttl'),
    maxTtl: length(body, 'max_lease_ttl'),
    listing,
  });
}

/** Of the path: what `*` took. */
const mountPath = ({ path }: Input): string => path.rest ?? '';

export function decodeEnable(input: Input): Command<'enable-auth-mount'> {
  const { body } = input;
  refuseOthers(body, ['type', 'description', 'config', 'options', 'plugin_name', 'path']);
  const type = text(body, 'type') ?? text(body, 'plugin_name');
  if (type === undefined) {
    throw new KmsError('invalid-parameter', 'backend type must be specified as a string');
  }
  if (!isAuthType(type)) {
    throw new KmsError('invalid-parameter', `plugin not found in the catalog: ${type.slice(0, 64)}`);
  }
  const config = objectIn(body, 'config');
  const { description: _, options: __, ...settings } = config ?? {};
  const options = optionsOf(objectIn(body, 'options'));
  const description = text(body, 'description');
  return {
    kind: 'enable-auth-mount',
    path: mountPath(input),
    type,
    ...tuningOf(settings),
    ...(description !== undefined && { description }),
    ...(options !== undefined && { options }),
  };
}

function isAuthType(word: string): word is AuthType {
  return (authTypes as readonly string[]).includes(word);
}

/** They are kept and shown; no type of mount has any. */
function optionsOf(given: JsonObject | undefined): Readonly<Record<string, string>> | undefined {
  const pairs = Object.entries(given ?? {});
  if (pairs.length === 0) return undefined;
  if (pairs.length > 32 || pairs.some(([name, value]) => typeof value !== 'string' || (name + value).length > 1024)) {
    throw new KmsError('invalid-parameter', '"options" is an object of at most 32 strings.');
  }
  return Object.fromEntries(pairs) as Readonly<Record<string, string>>;
}

export const decodeDisable = (input: Input): Command<'disable-auth-mount'> => ({
  kind: 'disable-auth-mount',
  path: mountPath(input),
});

export const decodeReadMount = (input: Input): Command<'read-auth-mount'> => ({
  kind: 'read-auth-mount',
  path: mountPath(input),
});

export const decodeListMounts = (): Command<'list-auth-mounts'> => ({ kind: 'list-auth-mounts' });

export const decodeTune = (input: Input): Command<'tune-auth-mount'> => ({
  kind: 'tune-auth-mount',
  path: mountPath(input),
  ...tuningOf(withoutPath(input.body)),
});

/** Clients say again where it is. */
function withoutPath({ path: _, ...body }: JsonObject): JsonObject {
  return body;
}
