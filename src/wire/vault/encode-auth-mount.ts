import type { AuthMount, Result } from '#domain/domain.ts';
import { wholeSeconds } from './fields.ts';

/** Seconds. What a token lives if nobody says, and the most that Vault says of its own. */
const usual = 32 * 24 * 3600;

function words({ type, description, id, options, defaultTtl, maxTtl, listing }: AuthMount) {
  return {
    accessor: accessorOf(type, id),
    config: {
      default_lease_ttl: wholeSeconds(defaultTtl),
      force_no_cache: false,
      ...(listing ? { listing_visibility: listing } : {}),
      max_lease_ttl: wholeSeconds(maxTtl),
      token_type: 'default-service',
    },
    ...(type !== 'token' && { deprecation_status: 'supported' }),
    description,
    external_entropy_access: false,
    local: false,
    // Of those that nobody made there are none, not even empty ones.
    options: options ?? (id === type ? null : {}),
    plugin_version: '',
    running_plugin_version: '',
    running_sha256: '',
    seal_wrap: true,
    type,
    uuid: id === type ? '' : id,
  };
}

/** Follows from the id, which a later mount at the same path doesn't have. */
function accessorOf(type: string, id: string): string {
  return `auth_${type}_${id === type ? 'claviger' : id.slice(0, 8)}`;
}

/** By path, as `sys/auth` shows them. */
export function authMountTable({ mounts }: Result<'list-auth-mounts'>): Readonly<Record<string, object>> {
  return Object.fromEntries(mounts.map((mount) => [`${mount.path}/`, words(mount)]));
}

export const encodeMounts = (result: Result<'list-auth-mounts'>): string => JSON.stringify(authMountTable(result));

export const encodeMount = ({ mount }: Result<'read-auth-mount'>): string => JSON.stringify(words(mount));

export function encodeTuning({ mount }: Result<'read-auth-mount'>): string {
  const { description, listing, defaultTtl, maxTtl } = mount;
  return JSON.stringify({
    default_lease_ttl: wholeSeconds(defaultTtl) || usual,
    description,
    force_no_cache: false,
    ...(listing ? { listing_visibility: listing } : {}),
    max_lease_ttl: wholeSeconds(maxTtl) || usual,
    token_type: 'default-service',
  });
}
