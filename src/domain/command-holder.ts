import type { Grant, GrantScope, Identity } from './grant.ts';
import type { Role } from './principal.ts';
import type { Plaintext } from './secret-bytes.ts';

export interface Page {
  /** Return what comes after this id or name; '' for the start. */
  readonly after: string;
  /** 1 to 1000. */
  readonly limit: number;
}

export interface CredentialSet {
  readonly realm: string;
  readonly identity: string;
  /** 12 digits, as AWS clients see the realm. */
  readonly account: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: Plaintext;
  readonly token: Plaintext;
  readonly tokenAccessor: string;
  readonly expiresAt?: number;
}

/** Realms, the identities in them, and what these are granted. */
export interface HolderCommands {
  /** `ifAbsent`: answer the one of that name that there is, instead of 'already-exists'. */
  'create-realm': { readonly name: string; readonly ifAbsent?: true };
  /** With `name`: that one, which must be there. */
  'list-realms': Page & { readonly name?: string };
  'create-identity': {
    readonly name: string;
    /** A grant of this role on the whole realm comes with it. */
    readonly role?: Role;
    readonly groups?: readonly string[];
    /** Default: the realm of who asks. Another realm, made if absent, may be named by a security officer of the first realm. */
    readonly realm?: string;
    /** Milliseconds; absent: until revoked. */
    readonly ttl?: number;
  };
  'list-identities': Page;
  'disable-identity': { readonly name: string; readonly realm?: string };
  /** A new access key and token for an identity. */
  'create-credentials': { readonly name: string; readonly realm?: string; readonly ttl?: number };
  'revoke-credential': { readonly id: string };
  'create-grant': {
    readonly grantee: Grant['grantee'];
    readonly role: Role;
    readonly actions?: readonly string[];
    readonly scope: GrantScope;
    readonly condition?: NonNullable<Grant['condition']>;
    readonly ttl?: number;
  };
  'revoke-grant': { readonly id: string };
  'list-grants': Page;
}

export interface HolderResults {
  'create-realm': { readonly name: string; readonly account: string; readonly region: string };
  'list-realms': {
    /** The account of who asks. */
    readonly own: string;
    readonly realms: ReadonlyArray<{ readonly name: string; readonly account: string; readonly region: string }>;
    readonly next?: string;
  };
  'create-identity': CredentialSet;
  'list-identities': { readonly identities: readonly Identity[]; readonly next?: string };
  'disable-identity': Record<never, never>;
  'create-credentials': CredentialSet;
  'revoke-credential': Record<never, never>;
  'create-grant': { readonly grant: Grant };
  'revoke-grant': Record<never, never>;
  'list-grants': { readonly grants: readonly Grant[]; readonly next?: string };
}
