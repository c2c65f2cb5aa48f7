import type { Plaintext } from './secret-bytes.ts';

/** Where the keys come from that tokens are verified with. */
export type JwtKeySource =
  /** `<url>/.well-known/openid-configuration` says where the keys are. */
  | { readonly kind: 'discovery'; readonly url: string; readonly ca?: string }
  | { readonly kind: 'jwks'; readonly url: string; readonly ca?: string }
  /** PEM. */
  | { readonly kind: 'keys'; readonly keys: readonly string[] };

interface JwtSettings {
  readonly source: JwtKeySource;
  readonly boundIssuer?: string;
  /** Signature algorithms that are taken; none: those of the source's keys, RS256 at OpenID Connect providers. */
  readonly algorithms: readonly string[];
  readonly defaultRole?: string;
  readonly responseMode?: 'query' | 'form_post';
  readonly responseTypes: readonly string[];
  readonly namespaceInState: boolean;
}

/** Of an auth mount of type `jwt` or `oidc`. */
export interface JwtConfig extends JwtSettings {
  readonly kind: 'jwt';
  /** What this server is to the OpenID Connect provider. */
  readonly client?: { readonly id: string; readonly secret: Plaintext };
  /** Keep the configuration although the source can't be reached now. */
  readonly unchecked?: true;
}

export interface ShownJwtConfig extends JwtSettings {
  readonly kind: 'jwt';
  readonly clientId?: string;
}

export type ClaimValue = string | number | boolean;

/** Whom a role of a `jwt` or `oidc` mount lets in. Times in milliseconds. */
export interface JwtRole {
  /** `jwt`: whoever brings a token; `oidc`: whoever comes back from the provider's page. */
  readonly type: 'jwt' | 'oidc';
  readonly userClaim: string;
  readonly userClaimIsPointer: boolean;
  readonly groupsClaim: string;
  readonly boundAudiences: readonly string[];
  readonly boundSubject: string;
  readonly boundClaimsType: 'string' | 'glob';
  /** One of the values of each must be there. */
  readonly boundClaims: Readonly<Record<string, ClaimValue | readonly ClaimValue[]>>;
  /** From claim to member of the token's metadata. */
  readonly claimMappings: Readonly<Record<string, string>>;
  /** Seconds; 0: Vault's usual, -1: none. */
  readonly expirationLeeway: number;
  readonly notBeforeLeeway: number;
  readonly clockSkewLeeway: number;
  /** Seconds since the user proved himself to the provider; 0: any. */
  readonly maxAge: number;
  readonly scopes: readonly string[];
  readonly redirects: readonly string[];
}
