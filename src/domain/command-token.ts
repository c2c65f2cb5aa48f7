import type { IssuedToken, TokenRequest } from './command-login.ts';

/** What tokens that are made by a role may be. Times in milliseconds. */
export interface TokenRoleSettings {
  /** Names of ACL policies of which its tokens carry some; with any of these four lists set, the maker's own policies don't matter. */
  readonly allowed: readonly string[];
  readonly disallowed: readonly string[];
  /** With `*` at either end. */
  readonly allowedGlobs: readonly string[];
  readonly disallowedGlobs: readonly string[];
  /** Its tokens don't end with the one that makes them. */
  readonly orphan: boolean;
  readonly renewable: boolean;
  /** Stands behind the role's name in the path of its tokens, by which all of them can be revoked; '' for none. */
  readonly pathSuffix: string;
  readonly noDefaultPolicy: boolean;
  readonly period?: number;
  readonly maxTtl?: number;
  readonly uses?: number;
  readonly cidrs: readonly string[];
  /** As given: one means by default what the other says. */
  readonly type: 'service' | 'default-service';
  /** Which of them were given by the names of older clients, who read them under these. */
  readonly older: readonly OlderTokenName[];
}

export type OlderTokenName = 'period' | 'explicit_max_ttl' | 'bound_cidrs';

export interface TokenRole extends TokenRoleSettings {
  readonly realm: string;
  readonly name: string;
  readonly revision: number;
}

interface Page {
  readonly after: string;
  /** 1 to 1000. */
  readonly limit: number;
}

/** A number that is taken back is 0 here. */
export type TokenRolePatch = Partial<TokenRoleSettings>;

export interface TokenCommands {
  /** Members that are absent stay as they are, or get their defaults. */
  'write-token-role': { readonly name: string; readonly settings: TokenRolePatch };
  'read-token-role': { readonly name: string };
  'delete-token-role': { readonly name: string };
  'list-token-roles': Page;
  /** A token of the asking identity as the role lets it be, never with more than the identity's grants. */
  'create-role-token': Omit<TokenRequest, 'actions' | 'policies'> & {
    readonly role: string;
    /** As asked for, in lower case; empty: what the role or the asking token has. */
    readonly names: readonly string[];
    readonly withoutDefault?: boolean;
  };
  /** The tokens of the realm that hold, by accessor. */
  'list-tokens': Page;
  /** Of the realm, all that were made at the path or below it. As many as go at once: `more` says that there are others. */
  'revoke-tokens': { readonly prefix: string };
  /** Ends a token that is brought and makes orphans of its children. */
  'revoke-token-alone': { readonly token: string };
  /** Forgets some of what is over, without waiting for the clock to do it. */
  tidy: Record<never, never>;
}

export interface TokenResults {
  'write-token-role': Record<never, never>;
  'read-token-role': { readonly role: TokenRole };
  'delete-token-role': Record<never, never>;
  'list-token-roles': { readonly names: readonly string[]; readonly next?: string };
  'create-role-token': IssuedToken;
  'list-tokens': {
    readonly tokens: ReadonlyArray<{ readonly accessor: string; readonly path: string }>;
    readonly next?: string;
  };
  'revoke-tokens': { readonly revoked: number; readonly more: boolean };
  'revoke-token-alone': Record<never, never>;
  tidy: Record<never, never>;
}

/** Where tokens come from that say nothing else. */
export const usualTokenPath = 'auth/token/create';
