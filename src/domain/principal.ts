/** Roles that a grant may carry. `developer` may do everything and exists in development mode only. */
export const roles = [
  'key-administrator',
  'key-user',
  'key-exporter',
  'auditor',
  'security-officer',
  'developer',
] as const;
export type Role = (typeof roles)[number];

/** Who is asking, after identification. */
export interface Principal {
  readonly realm: string;
  /** Unique in its realm; 'anonymous' and 'system' are reserved. */
  readonly name: string;
  /** `federated`: an identity provider's word for a `name` of its own; all that it can do is take on a role. */
  readonly kind: 'person' | 'system' | 'anonymous' | 'federated';
  readonly groups: readonly string[];
  /** Access key id or token accessor: what the ledger names; never the secret. */
  readonly credential: string;
  /** Set while `name` is a role that somebody took on: what they called the session. */
  readonly session?: string;
  /** Set when federated: the provider and what its token says, each claim as text. */
  readonly federation?: {
    readonly issuer: string;
    readonly providerId: string;
    readonly subject: string;
    readonly audience: string;
    readonly claims: Readonly<Record<string, readonly string[]>>;
  };
  /** Set when the credential is a token: its record id, for lookup-self, renew-self, revoke-self. */
  readonly token?: string;
  /** Set when the request signed a unique id: the digest that makes a replay of a mutating call recognisable. */
  readonly replayDigest?: string;
  /** Milliseconds since the epoch after which `replayDigest` can't be presented again. */
  readonly replayUntil?: number;
}

export const anonymous: Principal = Object.freeze({
  realm: '',
  name: 'anonymous',
  kind: 'anonymous',
  groups: [],
  credential: '',
});
