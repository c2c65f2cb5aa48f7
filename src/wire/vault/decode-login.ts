import { type Command, KmsError, type LoginMethod, type Proof, type SecretIdSettings } from '#domain/domain.ts';
import { parseJson, toUtf8 } from '#encoding/encoding.ts';
import type { JsonObject } from '#wire/common/common.ts';
import { tokenProof } from './asking.ts';
import { PlacedError } from './errors.ts';
import { boolean, refuseOthers, text } from './fields.ts';
import {
  atMount,
  count,
  has,
  length,
  list,
  loginAt,
  pageSize,
  present,
  required,
  secret,
  tokenSettings,
  writing,
} from './login-fields.ts';
import type { Input } from './row.ts';

const roleMembers = [
  'bind_secret_id',
  'secret_id_num_uses',
  'secret_id_ttl',
  'secret_id_bound_cidrs',
  'role_id',
  'role_name',
];

export function decodeWriteRole(input: Input): Command<'write-login'> {
  const { body } = input;
  const roleId = text(body, 'role_id');
  return {
    ...writing('approle', input),
    token: tokenSettings(body, roleMembers),
    secretId: present<SecretIdSettings>({
      bound: boolean(body, 'bind_secret_id'),
      ttl: length(body, 'secret_id_ttl'),
      uses: count(body, 'secret_id_num_uses'),
      cidrs: list(body, 'secret_id_bound_cidrs'),
    }),
    ...(roleId !== undefined && { roleId }),
  };
}

export function decodeWriteRoleId(input: Input): Command<'write-login'> {
  refuseOthers(input.body, ['role_id', 'role_name']);
  return { ...writing('approle', input), roleId: required(input.body, 'role_id'), mustExist: true };
}

export function decodeWriteUser(input: Input): Command<'write-login'> {
  const { body } = input;
  const token = tokenSettings(body, ['password', 'username']);
  const password = text(body, 'password');
  return { ...writing('userpass', input), token, ...(password !== undefined && { password: secret(password) }) };
}

export function decodePassword(input: Input): Command<'write-login'> {
  refuseOthers(input.body, ['password', 'username']);
  return { ...writing('userpass', input), password: secret(required(input.body, 'password')), mustExist: true };
}

export function decodeUserPolicies(input: Input): Command<'write-login'> {
  refuseOthers(input.body, ['token_policies', 'policies', 'username']);
  const policies = list(input.body, 'token_policies', 'policies') ?? [];
  return { ...writing('userpass', input), token: { policies }, mustExist: true };
}

export const decodeNamed =
  <K extends 'read-login' | 'delete-login'>(kind: K, method: LoginMethod) =>
  ({ path }: Input) => ({ kind, method, name: path.name ?? '', ...atMount({ path }) });

export const decodeListLogins =
  (method: LoginMethod) =>
  (input: Input): Command<'list-logins'> => ({
    kind: 'list-logins',
    method,
    ...atMount(input),
    after: '',
    limit: pageSize,
  });

/** JSON text, as Vault's clients send it. */
function metadata(body: JsonObject): Readonly<Record<string, string>> | undefined {
  const given = has(body, 'metadata') ? body.metadata : undefined;
  if (given === undefined || given === '') return undefined;
  const parsed = typeof given === 'string' ? jsonOf(given) : given;
  const pairs = Object.entries(parsed ?? {});
  if (
    parsed === null ||
    typeof parsed !== 'object' ||
    Array.isArray(parsed) ||
    pairs.some(([, it]) => typeof it !== 'string')
  ) {
    throw new KmsError('invalid-parameter', 'failed to parse metadata: it must be a JSON object of strings');
  }
  return parsed as Readonly<Record<string, string>>;
}

function jsonOf(text: string): unknown {
  try {
    return parseJson(toUtf8(text));
  } catch {
    return undefined;
  }
}

export const decodeSecretId =
  (custom: boolean) =>
  ({ path, body }: Input): Command<'create-secret-id'> => {
    const known = ['metadata', 'cidr_list', 'token_bound_cidrs', 'num_uses', 'ttl', 'role_name'];
    refuseOthers(body, custom ? [...known, 'secret_id'] : known);
    return {
      kind: 'create-secret-id',
      role: path.name ?? '',
      ...atMount({ path }),
      ...(custom && { secretId: secret(required(body, 'secret_id')) }),
      ...present<Pick<Command<'create-secret-id'>, 'meta' | 'cidrs' | 'tokenCidrs' | 'ttl' | 'uses'>>({
        meta: metadata(body),
        cidrs: list(body, 'cidr_list'),
        tokenCidrs: list(body, 'token_bound_cidrs'),
        ttl: length(body, 'ttl'),
        uses: count(body, 'num_uses'),
      }),
    };
  };

export function decodeListSecretIds({ path }: Input): Command<'list-secret-ids'> {
  return { kind: 'list-secret-ids', role: path.name ?? '', ...atMount({ path }), after: '', limit: pageSize };
}

export const decodeSecretIdRef =
  <K extends 'read-secret-id' | 'destroy-secret-id'>(kind: K, by: 'secret_id' | 'secret_id_accessor') =>
  ({ path, body }: Input) => {
    const role = { role: path.name ?? '', ...atMount({ path }) };
    const named = required(body, by);
    // Of a secret id that isn't one Vault says nothing, of an accessor that it is none.
    const lenient = kind === 'read-secret-id' ? { ifThere: true as const } : {};
    return by === 'secret_id'
      ? { kind, ...role, ...lenient, secretId: secret(named) }
      : { kind, ...role, accessor: named };
  };

export const decodeLogin = (): Command<'login'> => ({ kind: 'login' });

export function approleProof(input: Input, peer: string): Proof {
  const { body } = input;
  const secretId = text(body, 'secret_id');
  return {
    kind: 'approle',
    roleId: required(body, 'role_id'),
    ...loginAt(input),
    peer,
    ...(secretId !== undefined && { secretId: secret(secretId) }),
  };
}

export function passwordProof(input: Input, peer: string): Proof {
  const { body, path } = input;
  const password = secret(required(body, 'password'));
  return { kind: 'password', name: path.name ?? '', ...loginAt(input), password, peer };
}

/** The token that is meant: the one in the body, or else the one that asks. */
function wrappingToken({ body, token }: Input): string {
  const meant = text(body, 'token') ?? token;
  if (meant === '') throw new KmsError('invalid-parameter', 'missing "token" value in input');
  return meant;
}

/** Who brings a token of his own beside it must be somebody; the other one is its own proof. */
export function wrappingProof(input: Input): Proof {
  // The answer that was opened for it would be lost: there is nobody left to keep it for.
  if ((input.wrapTtl ?? 0) !== 0)
    throw new KmsError('invalid-parameter', 'What is wrapped is not wrapped again: leave out X-Vault-Wrap-TTL.');
  const meant = wrappingToken(input);
  return input.token === '' || input.token === meant
    ? { kind: 'wrapping', token: meant, ...(input.namespace !== undefined && { realm: input.namespace }) }
    : tokenProof(input.token, input.namespace);
}

export const decodeUnwrap = (input: Input): Command<'unwrap-answer'> => ({
  kind: 'unwrap-answer',
  token: wrappingToken(input),
});

export const decodeLookupWrapping = (input: Input): Command<'lookup-wrapping'> => ({
  kind: 'lookup-wrapping',
  token: wrappingToken(input),
});

export const decodeRewrap = (input: Input): Command<'rewrap-answer'> => ({
  kind: 'rewrap-answer',
  token: wrappingToken(input),
});

/** Nothing is done but to find out who asks; the body is the answer, which the handler wraps. */
export function decodeWrap({ wrapTtl }: Input): Command<'lookup-token'> {
  if ((wrapTtl ?? 0) === 0)
    throw new PlacedError(400, 'invalid-parameter', 'endpoint requires response wrapping to be used');
  return { kind: 'lookup-token' };
}
