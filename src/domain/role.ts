/** Who may take on a role. What any of the three says is enough; an external id must be named besides where one is set. */
export interface RoleTrust {
  /** Names of identities of the realm, of other roles too. */
  readonly identities: readonly string[];
  readonly groups: readonly string[];
  readonly providers: readonly ProviderTrust[];
  /** What callers of `identities` and `groups` must say: it keeps a service from being turned against another of its customers. */
  readonly externalId?: string;
}

/** Whom an identity provider vouches for. */
export interface ProviderTrust {
  readonly issuer: string;
  /** For each claim, patterns of which one must fit; `*` stands for any text. `aud` is the token's audience. */
  readonly claims: Readonly<Record<string, readonly string[]>>;
}

/** An identity of the realm that nobody logs in to, but that others may take on for a while. */
export interface AssumableRole {
  readonly realm: string;
  readonly name: string;
  readonly revision: number;
  /** The identity's `roleId`. */
  readonly id: string;
  readonly trust: RoleTrust;
  /** Milliseconds. */
  readonly maxSession: number;
  readonly createdAt: number;
}

/** An OpenID Connect provider whose tokens a realm believes. */
export interface IdentityProvider {
  readonly realm: string;
  /** The `iss` of its tokens, exactly. */
  readonly issuer: string;
  readonly revision: number;
  /** A later registration of the same issuer has another one. */
  readonly id: string;
  readonly audiences: readonly string[];
  /** Public keys as given (RFC 7517), or where they are published: an https URL. */
  readonly keys: { readonly jwks: string } | { readonly url: string };
  readonly createdAt: number;
}
