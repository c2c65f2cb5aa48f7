import { decodeDisable, decodeEnable, decodeListMounts, decodeReadMount, decodeTune } from './decode-auth-mount.ts';
import { encodeMount, encodeMounts, encodeTuning } from './encode-auth-mount.ts';
import { encodeNothing } from './encode-keys.ts';
import { absentAs } from './errors.ts';
import { type Input, type Row, rowAt } from './row.ts';

const paths = ['sys/auth/*/tune', 'sys/mounts/auth/*/tune'];

/** A mount that isn't there is no path that isn't. */
const named = ({ path: { rest = '' } }: Input): string => `"auth/${rest.slice(0, 128)}/"`;

/** Where ways of logging in are mounted. */
export const authMountOperations: readonly Row[] = [
  rowAt('sys/auth:list', 'sys/auth', {
    method: 'GET',
    action: 'list-auth-mounts',
    decode: decodeListMounts,
    encode: encodeMounts,
    as: 'both',
  }),
  rowAt('sys/auth:read', 'sys/auth/*', {
    method: 'GET',
    action: 'read-auth-mount',
    decode: decodeReadMount,
    encode: encodeMount,
    as: 'both',
    failure: absentAs(400),
  }),
  rowAt('sys/auth:enable', 'sys/auth/*', {
    method: 'POST',
    action: 'enable-auth-mount',
    decode: decodeEnable,
    encode: encodeNothing,
  }),
  rowAt('sys/auth:disable', 'sys/auth/*', {
    method: 'DELETE',
    action: 'disable-auth-mount',
    decode: decodeDisable,
    encode: encodeNothing,
  }),
  rowAt('sys/auth/tune:read', paths, {
    method: 'GET',
    action: 'read-auth-mount',
    decode: decodeReadMount,
    encode: encodeTuning,
    as: 'both',
    failure: absentAs(400, (input) => `cannot fetch sysview for path ${named(input)}`),
  }),
  rowAt('sys/auth/tune', paths, {
    method: 'POST',
    action: 'tune-auth-mount',
    decode: decodeTune,
    encode: encodeNothing,
    failure: absentAs(400, (input) => `tune of path ${named(input)} failed: no mount entry found`),
  }),
];
