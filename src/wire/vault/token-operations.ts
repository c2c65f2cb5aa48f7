import type { Action } from '#domain/domain.ts';
import {
  decodeCreateOrphan,
  decodeCreateToken,
  decodeLookup,
  decodeLookupAccessor,
  decodeLookupSelf,
  decodeRenew,
  decodeRenewAccessor,
  decodeRenewSelf,
  decodeRevoke,
  decodeRevokeAccessor,
  decodeRevokeAlone,
  decodeRevokeSelf,
} from './decode-token.ts';
import { encodeNothing } from './encode-keys.ts';
import {
  encodeCreatedToken,
  encodeLookup,
  encodeLookupAccessor,
  encodeLookupSelf,
  encodeRenewed,
  encodeRenewedAccessor,
  encodeRenewedSelf,
} from './encode-token.ts';
import { absentAs } from './errors.ts';
import { type Row, rowAt } from './row.ts';

const badToken = absentAs(403, 'bad token');
const invalidAccessor = absentAs(400, 'invalid accessor');
const tokenNotFound = absentAs(400, 'token not found');

/** A row of one path, by which the ledger calls it, whatever the method. */
function at<A extends Action>(path: string, given: Omit<Row<A>, 'operation' | 'paths' | 'maxBody'>): Row {
  return rowAt(path, path, given);
}

/** `auth/token/*`: a token makes others, and manages itself and those. */
export const tokenOperations: readonly Row[] = [
  at<'create-token' | 'create-orphan-token'>('auth/token/create', {
    method: 'POST',
    action: 'create-token',
    decode: decodeCreateToken,
    encode: encodeCreatedToken,
    warnings: ({ warnings = [] }) => warnings,
    as: 'auth',
  }),
  at('auth/token/create-orphan', {
    method: 'POST',
    action: 'create-orphan-token',
    decode: decodeCreateOrphan,
    encode: encodeCreatedToken,
    warnings: ({ warnings = [] }) => warnings,
    as: 'auth',
  }),
  ...(['POST', 'GET'] as const).map((method) =>
    at('auth/token/lookup', {
      method,
      action: 'lookup-token',
      decode: decodeLookup,
      encode: encodeLookup,
      failure: badToken,
    }),
  ),
  at('auth/token/revoke-orphan', {
    method: 'POST',
    action: 'revoke-token-alone',
    decode: decodeRevokeAlone,
    encode: encodeNothing,
    failure: absentAs(400, 'token to revoke not found'),
  }),
  at('auth/token/renew', {
    method: 'POST',
    action: 'renew-token',
    decode: decodeRenew,
    encode: encodeRenewed,
    as: 'auth',
    failure: tokenNotFound,
  }),
  at('auth/token/revoke', {
    method: 'POST',
    action: 'revoke-token',
    decode: decodeRevoke,
    encode: encodeNothing,
    failure: tokenNotFound,
  }),
  ...(['GET', 'POST'] as const).map((method) =>
    at('auth/token/lookup-self', {
      method,
      action: 'lookup-token',
      decode: decodeLookupSelf,
      encode: encodeLookupSelf,
    }),
  ),
  at('auth/token/lookup-accessor', {
    method: 'POST',
    action: 'lookup-token',
    decode: decodeLookupAccessor,
    encode: encodeLookupAccessor,
    failure: invalidAccessor,
  }),
  at('auth/token/renew-self', {
    method: 'POST',
    action: 'renew-token',
    decode: decodeRenewSelf,
    encode: encodeRenewedSelf,
    as: 'auth',
  }),
  at('auth/token/renew-accessor', {
    method: 'POST',
    action: 'renew-token',
    decode: decodeRenewAccessor,
    encode: encodeRenewedAccessor,
    as: 'auth',
    failure: invalidAccessor,
  }),
  at('auth/token/revoke-self', {
    method: 'POST',
    action: 'revoke-token',
    decode: decodeRevokeSelf,
    encode: encodeNothing,
  }),
  at('auth/token/revoke-accessor', {
    method: 'POST',
    action: 'revoke-token',
    decode: decodeRevokeAccessor,
    encode: encodeNothing,
    warnings: ({ absent }) => (absent ? ['No token found with this accessor'] : []),
    failure: invalidAccessor,
  }),
];
