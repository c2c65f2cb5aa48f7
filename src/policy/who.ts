import { accountOf, type Principal } from '#domain/domain.ts';

/** How key policies and grants on keys call a principal. */
export interface Who {
  readonly account: string;
  /** What answers mean by the caller: the user's ARN, or the session's. */
  readonly arn: string;
  /** `aws:PrincipalArn`: of a session it is the role's. */
  readonly principalArn: string;
  /** Every ARN that reaches it by name. */
  readonly arns: readonly string[];
  /** `aws:username`; a session has none. */
  readonly username?: string;
  readonly userId: string;
  readonly type: 'User' | 'AssumedRole';
}

export function rootArn(realm: string): string {
  return `arn:aws:iam::${accountOf(realm)}:root`;
}

export function whoIs({ realm, name, session }: Pick<Principal, 'realm' | 'name' | 'session'>): Who {
  const account = accountOf(realm);
  if (session === undefined) {
    const arn = `arn:aws:iam::${account}:user/${name}`;
    return { account, arn, principalArn: arn, arns: [arn], username: name, userId: name, type: 'User' };
  }
  return ofRole(account, name, session);
}

/** A role itself, before anybody has taken it on: what all its sessions hold. */
export function whoIsRole(realm: string, name: string): Who {
  const { account, principalArn, ...role } = ofRole(accountOf(realm), name, '');
  return { ...role, account, principalArn, arn: principalArn, arns: [principalArn] };
}

function ofRole(account: string, name: string, session: string): Who {
  const arn = `arn:aws:sts::${account}:assumed-role/${name}/${session}`;
  const principalArn = `arn:aws:iam::${account}:role/${name}`;
  return { account, arn, principalArn, arns: [arn, principalArn], userId: `${name}:${session}`, type: 'AssumedRole' };
}

export interface NamedPrincipal {
  readonly account: string;
  readonly kind: 'root' | 'user' | 'role' | 'session';
  readonly name: string;
  readonly session?: string;
}

/** What an ARN of the kinds that can ask here says; undefined for any other. */
export function parsePrincipalArn(arn: string): NamedPrincipal | undefined {
  const [, account, tail] = /^arn:aws:iam::([0-9]{12}):(.+)$/s.exec(arn) ?? [];
  if (account !== undefined && tail !== undefined) {
    if (tail === 'root') return { account, kind: 'root', name: '' };
    const [, kind, name] = /^(user|role)\/([A-Za-z0-9._@-]{1,64})$/.exec(tail) ?? [];
    return name === undefined ? undefined : { account, kind: kind as 'user' | 'role', name };
  }
  const [, owner, name, session] =
    /^arn:aws:sts::([0-9]{12}):assumed-role\/([A-Za-z0-9._@-]{1,64})\/([\w+=,.@-]{2,64})$/.exec(arn) ?? [];
  return session === undefined ? undefined : { account: owner!, kind: 'session', name: name!, session };
}
