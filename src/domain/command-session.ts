import type { Role } from './principal.ts';
import type { AssumableRole, IdentityProvider, RoleTrust } from './role.ts';
import type { Plaintext } from './secret-bytes.ts';

interface Page {
  /** Return what comes after this name; '' for the start. */
  readonly after: string;
  /** 1 to 1000. */
  readonly limit: number;
}

/** Roles, and the sessions of those who take them on. */
export interface SessionCommands {
  'create-role': {
    readonly name: string;
    readonly trust: RoleTrust;
    /** A grant of this kind on the whole realm comes with it. */
    readonly role?: Role;
    /** Milliseconds that a session may last: 15 minutes to 12 hours. Default: an hour. */
    readonly maxSession?: number;
    /** There was a role of that name, and what still names it may mean this one. */
    readonly again?: boolean;
  };
  /** Ends its sessions, and every grant to it. */
  'delete-role': { readonly name: string };
  'list-roles': Page;
  'register-provider': {
    readonly issuer: string;
    readonly audiences: readonly string[];
    readonly keys: IdentityProvider['keys'];
  };
  /** Ends the sessions that its word was taken for. */
  'delete-provider': { readonly issuer: string };
  'list-providers': Page;
  'assume-role': {
    readonly role: string;
    /** The realm that the request names; it must be the asking one. */
    readonly realm?: string;
    readonly sessionName: string;
    /** Milliseconds, from 15 minutes up. Default: an hour. */
    readonly duration?: number;
    readonly externalId?: string;
  };
  'assume-role-with-web-identity': {
    readonly role: string;
    readonly sessionName: string;
    /** As for 'assume-role'. */
    readonly duration?: number;
  };
  /** A credential of one's own for a while. */
  'create-session': {
    /** Milliseconds, 15 minutes to 36 hours. Default: 12 hours. */
    readonly duration?: number;
  };
  'get-caller-identity': Record<never, never>;
}

export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: Plaintext;
  readonly sessionToken: Plaintext;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

interface Assumed {
  readonly credentials: SessionCredentials;
  readonly realm: string;
  readonly role: string;
  readonly roleId: string;
  readonly sessionName: string;
}

export interface SessionResults {
  'create-role': { readonly role: AssumableRole };
  'delete-role': Record<never, never>;
  'list-roles': { readonly roles: readonly AssumableRole[]; readonly next?: string };
  'register-provider': { readonly provider: IdentityProvider };
  'delete-provider': Record<never, never>;
  'list-providers': { readonly providers: readonly IdentityProvider[]; readonly next?: string };
  'assume-role': Assumed;
  'assume-role-with-web-identity': Assumed & {
    readonly subject: string;
    readonly issuer: string;
    readonly audience: string;
  };
  'create-session': { readonly credentials: SessionCredentials };
  'get-caller-identity': {
    readonly realm: string;
    readonly name: string;
    /** Set for a session of a role. */
    readonly session?: { readonly name: string; readonly roleId: string };
  };
}
