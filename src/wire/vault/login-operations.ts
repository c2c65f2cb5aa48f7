import type { Action, AuthType, Command, KmsError, LoginMethod, Result } from '#domain/domain.ts';
import {
  approleProof,
  decodeListLogins,
  decodeListSecretIds,
  decodeLogin,
  decodeLookupWrapping,
  decodeNamed,
  decodePassword,
  decodeRewrap,
  decodeSecretId,
  decodeSecretIdRef,
  decodeUnwrap,
  decodeUserPolicies,
  decodeWrap,
  decodeWriteRole,
  decodeWriteRoleId,
  decodeWriteUser,
  passwordProof,
  wrappingProof,
} from './decode-login.ts';
import { encodeNothing } from './encode-keys.ts';
import {
  encodeAccessors,
  encodeLogin,
  encodeNames,
  encodeRoleId,
  encodeSecretId,
  encodeShownSecretId,
  encodeUnwrapped,
  encodeWrapping,
} from './encode-login.ts';
import { encodeCreatedToken } from './encode-token.ts';
import { PlacedError } from './errors.ts';
import { atMount, decodeReadMount, pageSize } from './login-fields.ts';
import { type Input, type Method, type Row, rowAt } from './row.ts';

const role = 'auth/approle/role/:name';
const user = 'auth/userpass/users/:name';

export type Given<A extends Action> = Omit<Row<A>, 'paths' | 'maxBody'>;

/** Whatever was wrong with it, Vault says one thing. */
function wrongLogin(words: string): (error: KmsError) => KmsError {
  return (error) => (error.code === 'invalid-proof' ? new PlacedError(400, 'invalid-proof', words) : error);
}

/** A row of one path, which names it in the ledger. */
export function at<A extends Action>(path: string, given: Omit<Given<A>, 'operation'>): Row {
  const operation = `${path.replace('/:name', '')}:${given.method.toLowerCase()}`;
  return rowAt<A>(operation, path, { ...given, ...(path.includes(':name') && { folds: true }) });
}

/** Where somebody proves by the request itself who he is, and gets a token for it. */
export function login(
  path: string,
  proof: NonNullable<Row['proof']>,
  failure: (error: KmsError) => KmsError,
  method: Method = 'POST',
): Row {
  return at(path, {
    ...{ method, action: 'login', proof, failure, decode: decodeLogin, encode: encodeCreatedToken, as: 'auth' },
  });
}

/** What a mount's logins need to know of the world. */
export function configured(
  type: AuthType,
  decode: (input: Input) => Command<'configure-auth-mount'>,
  encode: (result: Result<'read-auth-mount'>) => string,
): readonly Row[] {
  const path = `auth/${type}/config`;
  return [
    at(path, { method: 'GET', action: 'read-auth-mount', decode: decodeReadMount, encode }),
    at(path, {
      ...{ method: 'POST', action: 'configure-auth-mount', decode, encode: encodeNothing },
      warnings: ({ warnings = [] }) => warnings,
    }),
  ];
}

/** Reading, listing and deleting, which all methods have alike. */
export function common(
  method: LoginMethod,
  one: string,
  all: string,
  encode: (result: Result<'read-login'>) => string = encodeLogin,
): readonly Row[] {
  return [
    at(one, { method: 'GET', action: 'read-login', decode: decodeNamed('read-login', method), encode }),
    at(one, {
      method: 'DELETE',
      action: 'delete-login',
      decode: decodeNamed('delete-login', method),
      encode: encodeNothing,
    }),
    at<'list-logins'>(all, {
      method: 'LIST',
      action: 'list-logins',
      decode: decodeListLogins(method),
      encode: encodeNames,
      more: ({ next }, input) =>
        next === undefined
          ? undefined
          : { kind: 'list-logins', method, ...atMount(input), after: next, limit: pageSize },
    }),
  ];
}

const approle: readonly Row[] = [
  ...common('approle', role, 'auth/approle/role'),
  at(role, { method: 'POST', action: 'write-login', decode: decodeWriteRole, encode: encodeNothing }),
  at(`${role}/role-id`, {
    method: 'GET',
    action: 'read-login',
    decode: decodeNamed('read-login', 'approle'),
    encode: encodeRoleId,
  }),
  at(`${role}/role-id`, { method: 'POST', action: 'write-login', decode: decodeWriteRoleId, encode: encodeNothing }),
  at(`${role}/secret-id`, {
    method: 'POST',
    action: 'create-secret-id',
    decode: decodeSecretId(false),
    encode: encodeSecretId,
  }),
  at<'list-secret-ids'>(`${role}/secret-id`, {
    method: 'LIST',
    action: 'list-secret-ids',
    decode: decodeListSecretIds,
    encode: encodeAccessors,
    more: ({ next }, { path }) =>
      next === undefined
        ? undefined
        : { kind: 'list-secret-ids', role: path.name ?? '', ...atMount({ path }), after: next, limit: pageSize },
  }),
  at(`${role}/custom-secret-id`, {
    method: 'POST',
    action: 'create-secret-id',
    decode: decodeSecretId(true),
    encode: encodeSecretId,
  }),
  ...(['secret_id', 'secret_id_accessor'] as const).flatMap((by) => {
    const path = `${role}/${by === 'secret_id' ? 'secret-id' : 'secret-id-accessor'}`;
    const destroy = {
      action: 'destroy-secret-id',
      decode: decodeSecretIdRef('destroy-secret-id', by),
      encode: encodeNothing,
    } as const;
    return [
      at(`${path}/lookup`, {
        method: 'POST',
        action: 'read-secret-id',
        decode: decodeSecretIdRef('read-secret-id', by),
        encode: encodeShownSecretId,
      }),
      at(`${path}/destroy`, { method: 'POST', ...destroy }),
      at(`${path}/destroy`, { method: 'DELETE', ...destroy }),
    ];
  }),
  login('auth/approle/login', approleProof, wrongLogin('invalid role or secret ID')),
];

const userpass: readonly Row[] = [
  ...common('userpass', user, 'auth/userpass/users'),
  at(user, { method: 'POST', action: 'write-login', decode: decodeWriteUser, encode: encodeNothing }),
  at(`${user}/password`, { method: 'POST', action: 'write-login', decode: decodePassword, encode: encodeNothing }),
  at(`${user}/policies`, { method: 'POST', action: 'write-login', decode: decodeUserPolicies, encode: encodeNothing }),
  login('auth/userpass/login/:name', passwordProof, wrongLogin('invalid username or password')),
];

const wrapping: readonly Row[] = [
  at('sys/wrapping/wrap', {
    method: 'POST',
    action: 'lookup-token',
    decode: decodeWrap,
    encode: (_, { body }) => JSON.stringify(body),
  }),
  at('sys/wrapping/unwrap', {
    method: 'POST',
    action: 'unwrap-answer',
    proof: wrappingProof,
    decode: decodeUnwrap,
    encode: encodeUnwrapped,
    as: 'whole',
  }),
  ...(['POST', 'GET'] as const).map((method) =>
    at('sys/wrapping/lookup', {
      method,
      action: 'lookup-wrapping',
      proof: wrappingProof,
      decode: decodeLookupWrapping,
      encode: encodeWrapping,
    }),
  ),
  at('sys/wrapping/rewrap', {
    method: 'POST',
    action: 'rewrap-answer',
    proof: wrappingProof,
    decode: decodeRewrap,
    encode: () => '{}',
    wraps: (result) => result,
  }),
];

/** How clients log in, and answers for somebody else's eyes. */
export const loginOperations: readonly Row[] = [...approle, ...userpass, ...wrapping];
