import type { Action, KmsError } from '#domain/domain.ts';
import { decodeDisable, decodeEnable, decodeListMounts, decodeReadMount, decodeTune } from './decode-auth-mount.ts';
import { encodeMount, encodeMounts, encodeTuning } from './encode-auth-mount.ts';
import { encodeNothing } from './encode-keys.ts';
import { PlacedError } from './errors.ts';
import { type Given, small } from './login-operations.ts';
import { type Row, row } from './row.ts';

const paths = ['sys/auth/*/tune', 'sys/mounts/auth/*/tune'];

function at<A extends Action>(
  operation: string,
  where: string | readonly string[],
  given: Omit<Given<A>, 'operation'>,
) {
  return row<A>({ ...given, operation, paths: [where].flat(), maxBody: small });
}

/** A mount that isn't there is no path that isn't. */
function absent(words?: (path: string) => string): Given<Action>['failure'] {
  return (error: KmsError, { path }) =>
    error.code === 'not-found' ? new PlacedError(400, error.code, words?.(path.rest ?? '') ?? error.message) : error;
}

const noSysview = absent((path) => `cannot fetch sysview for path "auth/${path.slice(0, 128)}/"`);

/** Where ways of logging in are mounted. */
export const authMountOperations: readonly Row[] = [
  at('sys/auth:list', 'sys/auth', {
    method: 'GET',
    action: 'list-auth-mounts',
    decode: decodeListMounts,
    encode: encodeMounts,
    as: 'both',
  }),
  at('sys/auth:read', 'sys/auth/*', {
    method: 'GET',
    action: 'read-auth-mount',
    decode: decodeReadMount,
    encode: encodeMount,
    as: 'both',
    failure: absent() as never,
  }),
  at('sys/auth:enable', 'sys/auth/*', {
    method: 'POST',
    action: 'enable-auth-mount',
    decode: decodeEnable,
    encode: encodeNothing,
  }),
  at('sys/auth:disable', 'sys/auth/*', {
    method: 'DELETE',
    action: 'disable-auth-mount',
    decode: decodeDisable,
    encode: encodeNothing,
  }),
  at('sys/auth/tune:read', paths, {
    method: 'GET',
    action: 'read-auth-mount',
    decode: decodeReadMount,
    encode: encodeTuning,
    as: 'both',
    failure: noSysview as never,
  }),
  at('sys/auth/tune', paths, {
    method: 'POST',
    action: 'tune-auth-mount',
    decode: decodeTune,
    encode: encodeNothing,
    failure: absent((path) => `tune of path "auth/${path.slice(0, 128)}/" failed: no mount entry found`) as never,
  }),
];
