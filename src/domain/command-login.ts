import type { CertificateRole } from './certificate-login.ts';
import type { Credential } from './grant.ts';
import type { JwtRole } from './jwt-login.ts';
import type { KubernetesRole } from './kubernetes-login.ts';
import type { Plaintext } from './secret-bytes.ts';

/** What is asked of a new token. Times in milliseconds. */
export interface TokenRequest {
  readonly ttl?: number;
  readonly renewable?: boolean;
  readonly label?: string;
  readonly actions?: readonly string[];
  /** Names of ACL policies; of the asking token's own, if that has some. */
  readonly policies?: readonly string[];
  /** How many requests it may make. */
  readonly uses?: number;
  /** It never lives longer, however often it is renewed. */
  readonly maxTtl?: number;
  /** Each renewal gives it this long again. */
  readonly period?: number;
  readonly meta?: Readonly<Record<string, string>>;
  /** The addresses and ranges that it may be used from. */
  readonly cidrs?: readonly string[];
}

/** How clients log in: each makes tokens of one identity. */
export type LoginMethod = 'approle' | 'userpass' | 'jwt' | 'kubernetes' | 'cert';

/** What the tokens made by a login are like. Times in milliseconds. */
export interface TokenSettings {
  readonly policies: readonly string[];
  readonly ttl?: number;
  readonly maxTtl?: number;
  readonly period?: number;
  readonly uses?: number;
  readonly cidrs: readonly string[];
  /** They carry the role's policies and not `default` beside them. */
  readonly withoutDefault?: boolean;
  /** They never live longer, whatever else is said. */
  readonly explicitMaxTtl?: number;
  /** They may be used from where the login came from only. */
  readonly bindsAddress?: boolean;
}

/** Of a role of AppRole: how it is proven. */
export interface SecretIdSettings {
  /** Whether a login needs a secret id beside the role id. */
  readonly bound: boolean;
  readonly ttl?: number;
  readonly uses?: number;
  readonly cidrs: readonly string[];
}

/** An identity that proves itself by logging in. */
export interface Login {
  readonly realm: string;
  readonly method: LoginMethod;
  /** The `id` of the auth mount that holds it. */
  readonly mount: string;
  /** Of the identity too. */
  readonly name: string;
  readonly revision: number;
  readonly createdAt: number;
  readonly token: TokenSettings;
  /** Of AppRole. */
  readonly roleId?: string;
  readonly secretId?: SecretIdSettings;
  /** Of a `jwt` or `oidc` mount. */
  readonly jwt?: JwtRole;
  readonly kubernetes?: KubernetesRole;
  readonly cert?: CertificateRole;
}

/** As it is shown; the secret id itself is never stored. */
export interface SecretId {
  readonly accessor: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly expiresAt?: number;
  readonly ttl?: number;
  /** As given. */
  readonly uses?: number;
  readonly left?: number;
  readonly meta: Readonly<Record<string, string>>;
  readonly cidrs: readonly string[];
  readonly tokenCidrs: readonly string[];
}

interface OfMount {
  /** The path of the auth mount; absent: the one that is called after the method. */
  readonly mount?: string;
}

interface Named extends OfMount {
  readonly method: LoginMethod;
  readonly name: string;
}

/** Either the secret id itself or its accessor. */
type SecretIdRef = OfMount & { readonly role: string } & (
    | { readonly secretId: Plaintext }
    | { readonly accessor: string }
  );

/** By its accessor or by itself. Neither: the asking one. */
interface TokenRef {
  readonly accessor?: string;
  readonly token?: string;
  /** With `accessor`: where it must have been made, as Vault's ids of leases say. */
  readonly path?: string;
}

export interface LoginCommands {
  /** A child of the asking token (or a token of the asking identity), never with more rights. */
  'create-token': TokenRequest;
  'lookup-token': TokenRef;
  'renew-token': TokenRef & {
    readonly increment?: number;
    /** What the connection's client showed of itself: DER, its own first. */
    readonly certificates?: readonly Uint8Array[];
  };
  /** `ifThere`: one that isn't there is as good as revoked. */
  'revoke-token': TokenRef & { readonly ifThere?: true };
  /** A token that doesn't end with the one that makes it. */
  'create-orphan-token': TokenRequest;
  /** Members that are absent stay as they are, or get their defaults. */
  'write-login': Named & {
    readonly token?: Partial<TokenSettings>;
    readonly secretId?: Partial<SecretIdSettings>;
    readonly roleId?: string;
    readonly password?: Plaintext;
    readonly jwt?: Partial<JwtRole>;
    readonly kubernetes?: Partial<KubernetesRole>;
    readonly cert?: Partial<CertificateRole>;
    /** Reject with 'not-found' where there is none yet. */
    readonly mustExist?: true;
  };
  'read-login': Named;
  'delete-login': Named;
  'list-logins': OfMount & { readonly method: LoginMethod; readonly after: string; readonly limit: number };
  'create-secret-id': OfMount & {
    readonly role: string;
    /** The caller's own choice. */
    readonly secretId?: Plaintext;
    readonly meta?: Readonly<Record<string, string>>;
    readonly cidrs?: readonly string[];
    readonly tokenCidrs?: readonly string[];
    readonly ttl?: number;
    readonly uses?: number;
  };
  /** `ifThere`: of one that isn't there nothing is said. */
  'read-secret-id': SecretIdRef & { readonly ifThere?: true };
  'list-secret-ids': OfMount & { readonly role: string; readonly after: string; readonly limit: number };
  'destroy-secret-id': SecretIdRef;
  /** Who asks has proven to be an identity by its login. */
  login: Record<never, never>;
  /** Who asks wants to be sent to the page of a mount's OpenID Connect provider, and from there to `redirectUri`. */
  'begin-oidc-login': OfMount & {
    readonly role?: string;
    readonly redirectUri: string;
    /** To be brought again by whoever comes back. */
    readonly clientNonce?: string;
  };
  /** Keeps an answer for whoever holds the token that comes back. */
  'wrap-answer': {
    readonly answer: Plaintext;
    readonly ttl: number;
    /** What was asked, as Vault names it. */
    readonly path: string;
  };
  /** The token is its own proof; it opens once. */
  'unwrap-answer': { readonly token: string };
  'lookup-wrapping': { readonly token: string };
  /** The same answer under a new token. */
  'rewrap-answer': { readonly token: string };
}

/** A token that stands for a wrapped answer. */
export interface Wrapping {
  readonly token: Plaintext;
  readonly accessor: string;
  readonly createdAt: number;
  readonly ttl: number;
  readonly path: string;
}

export interface LoginResults {
  'create-token': IssuedToken;
  'lookup-token': TokenInfo;
  'renew-token': TokenInfo;
  'revoke-token': { readonly absent?: true };
  'create-orphan-token': IssuedToken;
  'write-login': { readonly login: Login; readonly existed: boolean };
  'read-login': { readonly login: Login };
  'delete-login': Record<never, never>;
  'list-logins': { readonly names: readonly string[]; readonly next?: string };
  'create-secret-id': { readonly secretId: Plaintext; readonly shown: SecretId };
  'read-secret-id': { readonly shown?: SecretId };
  'list-secret-ids': { readonly accessors: readonly string[]; readonly next?: string };
  'destroy-secret-id': Record<never, never>;
  login: IssuedToken;
  /** '' where that isn't for whoever asks. */
  'begin-oidc-login': { readonly url: string };
  'wrap-answer': Wrapping;
  'unwrap-answer': { readonly answer: Plaintext };
  'lookup-wrapping': Omit<Wrapping, 'token' | 'accessor'>;
  'rewrap-answer': Wrapping;
}

export interface TokenInfo {
  readonly credential: Credential;
  readonly policies: readonly string[];
  /** Of a token that may be used so often only. */
  readonly usesLeft?: number;
}

export type IssuedToken = TokenInfo & {
  readonly token: Plaintext;
  /** What whoever asked for it may not have meant. */
  readonly warnings?: readonly string[];
};
