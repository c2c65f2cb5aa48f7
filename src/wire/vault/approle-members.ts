import { type Action, type Command, KmsError, type Result } from '#domain/domain.ts';
import type { JsonObject } from '#wire/common/common.ts';
import { decodeNamed, decodeWriteRole } from './decode-login.ts';
import { encodeNothing } from './encode-keys.ts';
import { encodeLogin } from './encode-login.ts';
import { PlacedError } from './errors.ts';
import { has } from './login-fields.ts';
import type { Given } from './login-operations.ts';
import { type Input, type Row, rowAt } from './row.ts';

/** Single members of a role of AppRole, each at a path of its own. */

interface Member {
  readonly field: string;
  /** Older clients' word for it. */
  readonly older?: string;
  /** What stands for nothing. */
  readonly empty: JsonObject[string];
}

const members: Readonly<Record<string, Member>> = {
  policies: { field: 'token_policies', older: 'policies', empty: [] },
  'secret-id-num-uses': { field: 'secret_id_num_uses', empty: 0 },
  'secret-id-ttl': { field: 'secret_id_ttl', empty: 0 },
  'secret-id-bound-cidrs': { field: 'secret_id_bound_cidrs', empty: [] },
  'bind-secret-id': { field: 'bind_secret_id', empty: true },
  'token-ttl': { field: 'token_ttl', empty: 0 },
  'token-max-ttl': { field: 'token_max_ttl', empty: 0 },
  'token-num-uses': { field: 'token_num_uses', empty: 0 },
  'token-bound-cidrs': { field: 'token_bound_cidrs', empty: [] },
  period: { field: 'token_period', older: 'period', empty: 0 },
  'local-secret-ids': { field: 'local_secret_ids', empty: false },
};

/** Throws 'unknown-operation'. */
function memberOf({ path }: Input): Member {
  const name = path.member ?? '';
  if (!Object.hasOwn(members, name)) throw new PlacedError(404, 'unknown-operation', 'unsupported path');
  return members[name]!;
}

const readRole = decodeNamed('read-login', 'approle');

function decodeRead(input: Input): Command<'read-login'> {
  memberOf(input);
  return readRole(input);
}

function decodeWrite(input: Input): Command<'write-login'> {
  const { field, older } = memberOf(input);
  const { body } = input;
  if (!has(body, field) && !(older !== undefined && has(body, older))) {
    throw new KmsError('invalid-parameter', `missing ${field}`);
  }
  return only(input, body);
}

/** Takes back what was said. */
function decodeDelete(input: Input): Command<'write-login'> {
  const { field, empty } = memberOf(input);
  return only(input, { [field]: empty });
}

function only(input: Input, body: JsonObject): Command<'write-login'> {
  const { field, older } = memberOf(input);
  const others = Object.keys(body).filter((name) => name !== field && name !== older && name !== 'role_name');
  if (others.length > 0) throw new KmsError('unsupported', `"${others[0]!.slice(0, 64)}" is none of this path's.`);
  return { ...decodeWriteRole({ ...input, body }), mustExist: true };
}

function encodeRead(result: Result<'read-login'>, input: Input): string {
  const { field } = memberOf(input);
  const role = JSON.parse(encodeLogin(result)) as Readonly<Record<string, unknown>>;
  return JSON.stringify({ [field]: role[field] });
}

function at<A extends Action>(given: Omit<Given<A>, 'operation'>): Row {
  const operation = `auth/approle/role/member:${given.method.toLowerCase()}`;
  return rowAt<A>(operation, 'auth/approle/role/:name/:member', { ...given, folds: true });
}

export const approleMembers: readonly Row[] = [
  at({ method: 'GET', action: 'read-login', decode: decodeRead, encode: encodeRead }),
  at({ method: 'POST', action: 'write-login', decode: decodeWrite, encode: encodeNothing }),
  at({ method: 'DELETE', action: 'write-login', decode: decodeDelete, encode: encodeNothing }),
];
