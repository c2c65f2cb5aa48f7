import { type Command, KmsError, type Mount } from '#domain/domain.ts';
import { decodeEnableMount, decodeTuneMount, pathOf } from './decode-mount.ts';
import { authMountTable } from './encode-auth-mount.ts';
import { encodeNothing } from './encode-keys.ts';
import { absentAs } from './errors.ts';
import { wholeSeconds } from './fields.ts';
import { type Input, type Row, row, small } from './row.ts';

/** `sys/mounts` and what the command lines ask before they read or write a secret. */

/** Seconds that things are leased for where nobody says. */
const usual = 2_764_800;

function options({ engine, version }: Mount): object {
  return engine === 'kv' ? { version: String(version) } : {};
}

/** As the tables show it. */
function shown(mount: Mount) {
  const { engine, description, accessor, id, defaultTtl, maxTtl, listing, sealWrap } = mount;
  return {
    accessor,
    config: {
      default_lease_ttl: wholeSeconds(defaultTtl),
      force_no_cache: false,
      ...(listing !== undefined && { listing_visibility: listing }),
      max_lease_ttl: wholeSeconds(maxTtl),
    },
    deprecation_status: 'supported',
    description,
    external_entropy_access: false,
    local: false,
    options: options(mount),
    plugin_version: '',
    running_plugin_version: '',
    running_sha256: '',
    seal_wrap: sealWrap,
    type: engine,
    uuid: id,
  };
}

const table = (mounts: readonly Mount[]) => Object.fromEntries(mounts.map((mount) => [mount.path, shown(mount)]));

function tuned(mount: Mount): string {
  const { description, engine, defaultTtl, maxTtl, listing } = mount;
  return JSON.stringify({
    default_lease_ttl: wholeSeconds(defaultTtl) || Math.min(usual, wholeSeconds(maxTtl) || usual),
    description,
    force_no_cache: false,
    ...(listing !== undefined && { listing_visibility: listing }),
    max_lease_ttl: wholeSeconds(maxTtl) || usual,
    ...(engine === 'kv' && { options: options(mount) }),
  });
}

/** As it stands in what Vault says of a mount that isn't there. */
const quoted = (input: Input): string => JSON.stringify(`${pathOf(input)}/`);

const decodeRead = (input: Input): Command<'read-mount'> => ({ kind: 'read-mount', path: pathOf(input) });

export const mountOperations: readonly Row[] = [
  row({
    operation: 'sys/mounts',
    method: 'GET',
    paths: ['sys/mounts'],
    action: 'list-mounts',
    maxBody: small,
    decode: () => ({ kind: 'list-mounts' }),
    encode: ({ mounts }) => JSON.stringify(table(mounts)),
    as: 'both',
  }),
  row({
    operation: 'sys/mounts:read',
    method: 'GET',
    paths: ['sys/mounts/*'],
    action: 'read-mount',
    maxBody: small,
    decode: decodeRead,
    failure: absentAs(400, (input) => `No secret engine mount at ${pathOf(input)}/`),
    encode: ({ mount }) => JSON.stringify(shown(mount)),
    as: 'both',
  }),
  row({
    operation: 'sys/mounts:enable',
    method: 'POST',
    paths: ['sys/mounts/*'],
    action: 'enable-mount',
    maxBody: small,
    decode: decodeEnableMount,
    encode: encodeNothing,
  }),
  row({
    operation: 'sys/mounts:disable',
    method: 'DELETE',
    paths: ['sys/mounts/*'],
    action: 'disable-mount',
    maxBody: small,
    decode: (input) => ({ kind: 'disable-mount', path: pathOf(input) }),
    encode: encodeNothing,
  }),
  row({
    operation: 'sys/mounts/tune:read',
    method: 'GET',
    paths: ['sys/mounts/*/tune'],
    action: 'read-mount',
    maxBody: small,
    decode: decodeRead,
    failure: absentAs(400, (input) => `cannot fetch sysview for path ${quoted(input)}`),
    encode: ({ mount }) => tuned(mount),
    as: 'both',
  }),
  row({
    operation: 'sys/mounts/tune',
    method: 'POST',
    paths: ['sys/mounts/*/tune'],
    action: 'tune-mount',
    maxBody: small,
    decode: decodeTuneMount,
    failure: absentAs(400, (input) => `tune of path ${quoted(input)} failed: no mount entry found`),
    encode: encodeNothing,
  }),
  row({
    operation: 'sys/remount',
    method: 'POST',
    paths: ['sys/remount'],
    action: 'tune-mount',
    maxBody: small,
    decode: () => {
      throw new KmsError(
        'unsupported',
        'Mounts are not moved: what they hold has the path in its names, by which other clients know it.',
      );
    },
    encode: encodeNothing,
  }),
  row({
    operation: 'sys/internal/ui/mounts',
    method: 'GET',
    paths: ['sys/internal/ui/mounts'],
    action: 'list-mounts',
    maxBody: small,
    decode: () => ({ kind: 'list-mounts', reached: true }),
    encode: ({ mounts, auth }) => JSON.stringify({ auth: authMountTable({ mounts: auth }), secret: table(mounts) }),
  }),
  row({
    operation: 'sys/internal/ui/mounts:read',
    method: 'GET',
    paths: ['sys/internal/ui/mounts/*'],
    action: 'read-mount',
    maxBody: small,
    decode: (input) => ({ ...decodeRead(input), reached: true }),
    failure: absentAs(
      403,
      (input) =>
        `preflight capability check returned 403, please ensure client's policies grant access to path ${quoted(input)}`,
    ),
    encode: ({ mount }) => JSON.stringify({ ...shown(mount), path: mount.path }),
  }),
];
