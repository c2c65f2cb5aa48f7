import { type Action, type Command, KmsError } from '#domain/domain.ts';
import {
  decodeCreateByRole,
  decodeDeleteTokenRole,
  decodeListTokenRoles,
  decodeListTokens,
  decodeReadTokenRole,
  decodeWriteTokenRole,
  leaseOf,
  warnsOfOlderNames,
} from './decode-token-role.ts';
import { encodeNothing } from './encode-keys.ts';
import { encodeCreatedToken } from './encode-token.ts';
import {
  encodeAccessors,
  encodeLease,
  encodeLeases,
  encodeNoIrrevocable,
  encodeNoneCounted,
  encodeTokenRole,
  encodeTokenRoles,
  leaseIdOf,
  refuseRenewal,
} from './encode-token-role.ts';
import { absentAs } from './errors.ts';
import { pageSize } from './login-fields.ts';
import { type Input, type Row, rowAt } from './row.ts';

/** A row that its path names in the ledger. */
function at<A extends Action>(
  path: string,
  given: Omit<Row<A>, 'operation' | 'paths' | 'maxBody'>,
  also: readonly string[] = [],
): Row {
  return rowAt(`${path.replace(/\/(?:[:*]).*/, '')}:${given.method.toLowerCase()}`, [path, ...also], given);
}

const moreTokens = ({ next }: { readonly next?: string }): Command<'list-tokens'> | undefined =>
  next === undefined ? undefined : { kind: 'list-tokens', after: next, limit: pageSize };

const tidied = {
  method: 'POST',
  action: 'tidy',
  decode: () => ({ kind: 'tidy' }),
  encode: encodeNothing,
  status: () => 202,
  warnings: () => ['Tidy operation successfully started. What was forgotten stands in the ledger.'],
} as const satisfies Omit<Row<'tidy'>, 'operation' | 'paths' | 'maxBody'>;

const role = 'auth/token/roles/:name';

const roles: readonly Row[] = [
  at<'list-token-roles'>('auth/token/roles', {
    method: 'LIST',
    action: 'list-token-roles',
    decode: decodeListTokenRoles,
    encode: encodeTokenRoles,
    more: ({ next }) => (next === undefined ? undefined : { kind: 'list-token-roles', after: next, limit: pageSize }),
  }),
  at(role, { method: 'GET', action: 'read-token-role', decode: decodeReadTokenRole, encode: encodeTokenRole }),
  at(role, {
    method: 'POST',
    action: 'write-token-role',
    decode: decodeWriteTokenRole,
    encode: encodeNothing,
    warnings: (_, input) => warnsOfOlderNames(input),
  }),
  at(role, { method: 'DELETE', action: 'delete-token-role', decode: decodeDeleteTokenRole, encode: encodeNothing }),
  at('auth/token/create/:name', {
    method: 'POST',
    action: 'create-role-token',
    decode: decodeCreateByRole,
    encode: encodeCreatedToken,
    warnings: ({ warnings = [] }) => warnings,
    as: 'auth',
  }),
  at('auth/token/accessors', {
    method: 'LIST',
    action: 'list-tokens',
    decode: decodeListTokens,
    encode: encodeAccessors,
    more: moreTokens,
  }),
  at('auth/token/tidy', tidied),
  at('auth/approle/tidy/secret-id', tidied),
];

function idOf(input: Input): { readonly path: string; readonly accessor: string } {
  const id = leaseIdOf(input);
  if (id === '') throw new KmsError('invalid-parameter', 'lease_id must be specified');
  return leaseOf(id);
}

const decodeLease = (input: Input): Command<'lookup-token'> => ({ kind: 'lookup-token', ...idOf(input) });

/** Vault lists and counts by one type only. */
function ofIrrevocable({ query }: Input): Command<'list-tokens'> {
  if (new URLSearchParams(query).get('type') !== 'irrevocable') {
    throw new KmsError('not-found', 'Only leases of type=irrevocable are counted and listed.');
  }
  return { kind: 'list-tokens', after: '', limit: 1 };
}

const prefixOf = ({ path }: Input): Command<'revoke-tokens'> => {
  if (!path.rest) throw new KmsError('invalid-parameter', 'a prefix must be specified');
  return { kind: 'revoke-tokens', prefix: path.rest };
};

function revokingBelow(path: string, older: string): Row {
  return at<'revoke-tokens'>(
    `${path}/*`,
    {
      method: 'POST',
      action: 'revoke-tokens',
      decode: prefixOf,
      encode: encodeNothing,
      more: ({ more }, input) => (more ? prefixOf(input) : undefined),
    },
    [`${older}/*`],
  );
}

/** What is revoked by its lease is gone when the answer leaves, whatever `sync` says. */
const leases: readonly Row[] = [
  at('sys/leases/lookup', {
    method: 'POST',
    action: 'lookup-token',
    decode: decodeLease,
    encode: encodeLease,
    failure: absentAs(400, 'invalid lease'),
  }),
  at<'list-tokens'>(
    'sys/leases/lookup/*',
    { method: 'LIST', action: 'list-tokens', decode: decodeListTokens, encode: encodeLeases, more: moreTokens },
    ['sys/leases/lookup'],
  ),
  at(
    'sys/leases/renew',
    {
      method: 'POST',
      action: 'lookup-token',
      decode: decodeLease,
      encode: refuseRenewal,
      failure: absentAs(400, 'lease not found'),
    },
    ['sys/leases/renew/*', 'sys/renew', 'sys/renew/*'],
  ),
  at(
    'sys/leases/revoke',
    {
      method: 'POST',
      action: 'revoke-token',
      decode: (input) => ({ kind: 'revoke-token', ...idOf(input), ifThere: true }),
      encode: encodeNothing,
      failure: absentAs(400, 'lease not found'),
    },
    ['sys/leases/revoke/*', 'sys/revoke', 'sys/revoke/*'],
  ),
  revokingBelow('sys/leases/revoke-prefix', 'sys/revoke-prefix'),
  revokingBelow('sys/leases/revoke-force', 'sys/revoke-force'),
  at('sys/leases/tidy', tidied),
  at('sys/leases/count', { method: 'GET', action: 'list-tokens', decode: ofIrrevocable, encode: encodeNoneCounted }),
  at('sys/leases', { method: 'GET', action: 'list-tokens', decode: ofIrrevocable, encode: encodeNoIrrevocable }),
];

/** Token roles and what is about all tokens of a realm; leases, which here are tokens and nothing else. */
export const leaseOperations: readonly Row[] = [...roles, ...leases];
