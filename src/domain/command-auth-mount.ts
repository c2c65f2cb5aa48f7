import type { CertificateConfig } from './certificate-login.ts';
import type { JwtConfig, ShownJwtConfig } from './jwt-login.ts';
import type { KubernetesConfig, ShownKubernetesConfig } from './kubernetes-login.ts';

/** Ways of logging in that an auth mount may have. `jwt` and `oidc` are one way under two names, as in Vault. */
export const authTypes = ['token', 'approle', 'userpass', 'jwt', 'oidc', 'kubernetes', 'cert'] as const;
export type AuthType = (typeof authTypes)[number];

/** What is said of a mount's tokens, and of the mount. Times in milliseconds. */
export interface AuthMountTuning {
  readonly description?: string;
  /** Of tokens whose role says nothing; 0: the server's. */
  readonly defaultTtl?: number;
  /** No token of the mount lives longer; 0: the server's. */
  readonly maxTtl?: number;
  readonly listing?: 'unauth' | 'hidden' | '';
}

/** What logins of a mount's type need to know of the world. Each type has its own. */
export type AuthMountConfig = JwtConfig | KubernetesConfig | CertificateConfig;
export type ShownAuthMountConfig = ShownJwtConfig | ShownKubernetesConfig | CertificateConfig;

/** A place below `auth/` where logins of one type are. */
export interface AuthMount extends AuthMountTuning {
  readonly realm: string;
  /** In lower case, without a slash at either end. */
  readonly path: string;
  readonly type: AuthType;
  readonly revision: number;
  /** What logins and tokens of it name; a later mount at the same path has another one. */
  readonly id: string;
  readonly description: string;
  readonly createdAt: number;
  readonly options?: Readonly<Record<string, string>>;
  readonly config?: ShownAuthMountConfig;
}

/** Where a path leads. */
export type AuthMountPlace = Pick<AuthMount, 'realm' | 'path' | 'type'>;

interface OfMount {
  readonly path: string;
}

export interface AuthMountCommands {
  'enable-auth-mount': OfMount &
    AuthMountTuning & { readonly type: AuthType; readonly options?: Readonly<Record<string, string>> };
  /** Its logins are gone, and what logged in by it is logged out. */
  'disable-auth-mount': OfMount;
  'tune-auth-mount': OfMount & AuthMountTuning;
  /** In place of the former configuration. */
  'configure-auth-mount': OfMount & { readonly config: AuthMountConfig };
  'list-auth-mounts': Record<never, never>;
  'read-auth-mount': OfMount;
}

export interface AuthMountResults {
  'enable-auth-mount': Record<never, never>;
  'disable-auth-mount': Record<never, never>;
  'tune-auth-mount': Record<never, never>;
  'configure-auth-mount': { readonly warnings?: readonly string[] };
  'list-auth-mounts': { readonly mounts: readonly AuthMount[] };
  'read-auth-mount': { readonly mount: AuthMount };
}
