import type { KmsError } from '#domain/domain.ts';
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
import { PlacedError } from './errors.ts';
import { type Row, row } from './row.ts';

/** A body of words. */
const small = 64 * 1024;

const badToken = (error: KmsError) =>
  error.code === 'not-found' ? new PlacedError(403, 'not-found', 'bad token') : error;
const invalidAccessor = (error: KmsError) =>
  error.code === 'not-found' ? new PlacedError(400, 'not-found', 'invalid accessor') : error;
const tokenNotFound = (error: KmsError) =>
  error.code === 'not-found' ? new PlacedError(400, 'not-found', 'token not found') : error;

/** `auth/token/*`: a token makes others, and manages itself and those. */
export const tokenOperations: readonly Row[] = [
  row<'create-token' | 'create-orphan-token'>({
    operation: 'auth/token/create',
    method: 'POST',
    paths: ['auth/token/create'],
    action: 'create-token',
    maxBody: small,
    decode: decodeCreateToken,
    encode: encodeCreatedToken,
    warnings: ({ warnings = [] }) => warnings,
    as: 'auth',
  }),
  row({
    operation: 'auth/token/create-orphan',
    method: 'POST',
    paths: ['auth/token/create-orphan'],
    action: 'create-orphan-token',
    maxBody: small,
    decode: decodeCreateOrphan,
    encode: encodeCreatedToken,
    warnings: ({ warnings = [] }) => warnings,
    as: 'auth',
  }),
  row({
    operation: 'auth/token/lookup',
    method: 'POST',
    paths: ['auth/token/lookup'],
    action: 'lookup-token',
    maxBody: small,
    decode: decodeLookup,
    encode: encodeLookup,
    failure: badToken,
  }),
  row({
    operation: 'auth/token/lookup',
    method: 'GET',
    paths: ['auth/token/lookup'],
    action: 'lookup-token',
    maxBody: small,
    decode: decodeLookup,
    encode: encodeLookup,
    failure: badToken,
  }),
  row({
    operation: 'auth/token/revoke-orphan',
    method: 'POST',
    paths: ['auth/token/revoke-orphan'],
    action: 'revoke-token-alone',
    maxBody: small,
    decode: decodeRevokeAlone,
    encode: encodeNothing,
    failure: (error) =>
      error.code === 'not-found' ? new PlacedError(400, 'not-found', 'token to revoke not found') : error,
  }),
  row({
    operation: 'auth/token/renew',
    method: 'POST',
    paths: ['auth/token/renew'],
    action: 'renew-token',
    maxBody: small,
    decode: decodeRenew,
    encode: encodeRenewed,
    as: 'auth',
    failure: tokenNotFound,
  }),
  row({
    operation: 'auth/token/revoke',
    method: 'POST',
    paths: ['auth/token/revoke'],
    action: 'revoke-token',
    maxBody: small,
    decode: decodeRevoke,
    encode: encodeNothing,
    failure: tokenNotFound,
  }),
  row({
    operation: 'auth/token/lookup-self',
    method: 'GET',
    paths: ['auth/token/lookup-self'],
    action: 'lookup-token',
    maxBody: small,
    decode: decodeLookupSelf,
    encode: encodeLookupSelf,
  }),
  row({
    operation: 'auth/token/lookup-self',
    method: 'POST',
    paths: ['auth/token/lookup-self'],
    action: 'lookup-token',
    maxBody: small,
    decode: decodeLookupSelf,
    encode: encodeLookupSelf,
  }),
  row({
    operation: 'auth/token/lookup-accessor',
    method: 'POST',
    paths: ['auth/token/lookup-accessor'],
    action: 'lookup-token',
    maxBody: small,
    decode: decodeLookupAccessor,
    encode: encodeLookupAccessor,
    failure: invalidAccessor,
  }),
  row({
    operation: 'auth/token/renew-self',
    method: 'POST',
    paths: ['auth/token/renew-self'],
    action: 'renew-token',
    maxBody: small,
    decode: decodeRenewSelf,
    encode: encodeRenewedSelf,
    as: 'auth',
  }),
  row({
    operation: 'auth/token/renew-accessor',
    method: 'POST',
    paths: ['auth/token/renew-accessor'],
    action: 'renew-token',
    maxBody: small,
    decode: decodeRenewAccessor,
    encode: encodeRenewedAccessor,
    as: 'auth',
    failure: invalidAccessor,
  }),
  row({
    operation: 'auth/token/revoke-self',
    method: 'POST',
    paths: ['auth/token/revoke-self'],
    action: 'revoke-token',
    maxBody: small,
    decode: decodeRevokeSelf,
    encode: encodeNothing,
  }),
  row({
    operation: 'auth/token/revoke-accessor',
    method: 'POST',
    paths: ['auth/token/revoke-accessor'],
    action: 'revoke-token',
    maxBody: small,
    decode: decodeRevokeAccessor,
    encode: encodeNothing,
    warnings: ({ absent }) => (absent ? ['No token found with this accessor'] : []),
    failure: invalidAccessor,
  }),
];
