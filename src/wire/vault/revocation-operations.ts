import { type Command, KmsError, type Result } from '#domain/domain.ts';
import { fromPem } from '#encoding/encoding.ts';
import { encodeNothing } from './encode-keys.ts';
import { absentAs } from './errors.ts';
import { refuseFields, refuseOthers, text } from './fields.ts';
import { atMount } from './login-fields.ts';
import { at } from './login-operations.ts';
import type { Input, Row } from './row.ts';

const one = 'auth/cert/crls/:name';

/** What an authority took back is brought as PEM; it isn't fetched from anywhere. */
function decodeWrite({ path, body }: Input): Command<'write-revocation-list'> {
  refuseFields(body, ['url']);
  refuseOthers(body, ['crl', 'name']);
  const crl = text(body, 'crl');
  if (crl === undefined) throw new KmsError('invalid-parameter', "one of 'crl' or 'url' must be provided");
  const list = fromPem('X509 CRL', crl);
  if (list === undefined) throw new KmsError('invalid-parameter', 'failed to parse CRL: it is not in PEM');
  return { kind: 'write-revocation-list', name: path.name ?? '', ...atMount({ path }), list };
}

const named =
  <K extends 'read-revocation-list' | 'delete-revocation-list'>(kind: K) =>
  ({ path }: Input) => ({ kind, name: path.name ?? '', ...atMount({ path }) });

/** Vault says of each serial number nothing but that it is there. */
function encodeList({ serials }: Result<'read-revocation-list'>): string {
  return JSON.stringify(serials.length === 0 ? {} : { serials: Object.fromEntries(serials.map((it) => [it, {}])) });
}

/** What authorities took back, at mounts of type `cert`. */
export const revocationOperations: readonly Row[] = [
  at('auth/cert/crls', {
    method: 'LIST',
    action: 'list-revocation-lists',
    decode: ({ path }) => ({ kind: 'list-revocation-lists', ...atMount({ path }) }),
    encode: ({ names }) => (names.length === 0 ? '' : JSON.stringify({ keys: names })),
  }),
  at(one, {
    method: 'GET',
    action: 'read-revocation-list',
    decode: named('read-revocation-list'),
    encode: encodeList,
    failure: absentAs(400),
  }),
  {
    ...at(one, { method: 'POST', action: 'write-revocation-list', decode: decodeWrite, encode: encodeNothing }),
    maxBody: 1024 * 1024,
  },
  at(one, {
    method: 'DELETE',
    action: 'delete-revocation-list',
    decode: named('delete-revocation-list'),
    encode: encodeNothing,
    failure: absentAs(400),
  }),
];
