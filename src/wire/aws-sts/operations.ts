import type { Action, Commands, Result } from '#domain/domain.ts';
import * as decode from './decode.ts';
import * as encode from './encode.ts';
import type { Form } from './form.ts';

/** One row: everything that is particular to an operation. */
export interface Row<A extends Action = Action> {
  readonly action: A;
  /** Bytes. */
  readonly maxBody: number;
  /** The members that it reads. Any other is refused: each would narrow or mark the session. */
  readonly members: readonly string[];
  /** What shows who asks. */
  readonly proof: 'signature' | 'web-identity';
  decode(form: Form): Commands[A];
  encode(result: Result<A>): encode.Element;
}

/** A table whose every row agrees with its own action. */
type Operations = Readonly<Record<string, { [A in Action]: Row<A> }[Action]>>;

const KiB = 1024;

export const operations = {
  AssumeRole: {
    action: 'assume-role',
    maxBody: 64 * KiB,
    members: ['RoleArn', 'RoleSessionName', 'DurationSeconds', 'ExternalId'],
    proof: 'signature',
    decode: decode.assumeRole,
    encode: encode.assumed,
  },
  AssumeRoleWithWebIdentity: {
    action: 'assume-role-with-web-identity',
    maxBody: 64 * KiB,
    members: ['RoleArn', 'RoleSessionName', 'DurationSeconds', 'WebIdentityToken'],
    proof: 'web-identity',
    decode: decode.assumeRoleWithWebIdentity,
    encode: encode.assumedWithWebIdentity,
  },
  GetCallerIdentity: {
    action: 'get-caller-identity',
    maxBody: 64 * KiB,
    members: [],
    proof: 'signature',
    decode: decode.nothing,
    encode: encode.callerIdentity,
  },
  GetSessionToken: {
    action: 'create-session',
    maxBody: 64 * KiB,
    members: ['DurationSeconds'],
    proof: 'signature',
    decode: decode.sessionToken,
    encode: encode.session,
  },
} as const satisfies Operations;

/** Real operations of STS that answer `InvalidAction` here. */
export const unoffered: ReadonlySet<string> = new Set([
  'AssumeRoleWithSAML',
  'AssumeRoot',
  'DecodeAuthorizationMessage',
  'GetAccessKeyInfo',
  'GetDelegatedAccessToken',
  'GetFederationToken',
  'GetWebIdentityToken',
]);
