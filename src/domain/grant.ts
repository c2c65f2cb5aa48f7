import type { Role } from './principal.ts';

/** What a grant covers, within its realm. */
export type GrantScope =
  | { readonly kind: 'realm' }
  | { readonly kind: 'key'; readonly id: string }
  /** A name or a name with a trailing `*`: 'payments', 'payments/*'. */
  | { readonly kind: 'names'; readonly pattern: string };

/** A right given to a principal or a group. There is no deny: what no grant allows is refused. */
export interface Grant {
  readonly id: string;
  readonly realm: string;
  readonly revision: number;
  readonly grantee: { readonly kind: 'principal' | 'group'; readonly name: string };
  readonly role: Role;
  /** Narrows the role to these actions; absent: all of the role. */
  readonly actions?: readonly string[];
  readonly scope: GrantScope;
  /** The request's context pairs must include (or be exactly) these. */
  readonly condition?: {
    readonly kind: 'context-includes' | 'context-equals';
    readonly pairs: Readonly<Record<string, string>>;
  };
  readonly createdAt: number;
  /** Milliseconds since the epoch; absent: until revoked. */
  readonly expiresAt?: number;
}

/** Someone who may hold credentials. */
export interface Identity {
  readonly realm: string;
  readonly name: string;
  readonly revision: number;
  readonly groups: readonly string[];
  readonly enabled: boolean;
  readonly createdAt: number;
  /** Made for logging in by name, not by hand. */
  readonly byLogin?: true;
  /** Set for a role, which nobody logs in to: an id that a later role of the same name doesn't have. */
  readonly roleId?: string;
}

/** A way to prove to be an identity. The secret itself is never stored. */
export interface Credential {
  /** Access key id (CLAV..., of a session CLAS...) or token accessor. */
  readonly id: string;
  readonly kind: 'access-key' | 'token' | 'session';
  readonly realm: string;
  readonly identity: string;
  readonly revision: number;
  readonly createdAt: number;
  /** Milliseconds since the epoch; absent: until revoked. */
  readonly expiresAt?: number;
  /** Token: how long a renewal may extend it, in milliseconds. */
  readonly ttl?: number;
  readonly renewable?: boolean;
  readonly enabled: boolean;
  /** Display name given by the creator of a token. */
  readonly label?: string;
  /** Session of a role: what whoever took it on called it, and the role's `roleId`. */
  readonly session?: string;
  readonly roleId?: string;
  /** Session that an identity provider's word was taken for: the provider's issuer and its `id`, without which it ends. */
  readonly provider?: { readonly issuer: string; readonly id: string };
  /** Accessor of the token that made this one, or the credential that a session was asked for with: revoked with it. */
  readonly parent?: string;
  /** Token: the grants' actions this token is narrowed to; absent: all that its identity may. */
  readonly actions?: readonly string[];
  /** Token: names of the ACL policies attached to it. */
  readonly policies?: readonly string[];
  /** Token: how many requests it may make in all. What is left of them is on a record of its own. */
  readonly uses?: number;
  /** Token: milliseconds that each renewal gives it again. */
  readonly period?: number;
  /** Token: milliseconds after which it ends, however often it was renewed. */
  readonly maxTtl?: number;
  /** Token of a login: the part of that which its role said was to be told. */
  readonly explicitMaxTtl?: number;
  readonly meta?: Readonly<Record<string, string>>;
  /** Token: the addresses and ranges that it may be used from. */
  readonly cidrs?: readonly string[];
  /** Token of a login by certificate: SHA-256 of that, in hexadecimal digits. */
  readonly certificate?: string;
  /** Token of a login: the auth mount, without which it ends. */
  readonly mount?: { readonly path: string; readonly id: string };
  /** Token: the token role that it was made by. */
  readonly role?: string;
  /** Token: when it was last renewed, in milliseconds since the epoch. */
  readonly renewedAt?: number;
  /** Token: the path of Vault's that made it. Absent: 'auth/token/create'. */
  readonly path?: string;
}
