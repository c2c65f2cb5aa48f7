import type { KeyRef } from './key.ts';
import type { GrantConstraints, GrantOperation, KeyGrant } from './key-grant.ts';

interface OnKey {
  readonly key: KeyRef;
}

interface Page {
  /** Return what comes after this id; '' for the start. */
  readonly after: string;
  /** 1 to 1000. */
  readonly limit: number;
}

/** Rights that a key carries itself: its policy and its own grants. */
export interface KeyPolicyCommands {
  'read-key-policy': OnKey & { /** Only whether there is one, which there always is. */ readonly listing?: true };
  'put-key-policy': OnKey & {
    /** JSON, as given. */
    readonly policy: string;
    /** Take it even if who asks could not put another one afterwards. */
    readonly bypassLockoutCheck?: boolean;
  };
  'create-key-grant': OnKey & {
    /** ARN. */
    readonly grantee: string;
    readonly retiring?: string;
    readonly operations: readonly GrantOperation[];
    readonly constraints?: GrantConstraints;
    readonly name?: string;
  };
  /** By who was given the right to: the retiring principal, or the grantee of a grant that says so. */
  'retire-key-grant': OnKey & { readonly grant: string };
  'revoke-key-grant': OnKey & { readonly grant: string };
  'list-key-grants': OnKey & Page & { readonly grant?: string; readonly grantee?: string };
  /** Grants of any key that this principal may retire. */
  'list-retirable-key-grants': Page & { readonly retiring: string };
  /** Whether somebody may do something to a key, and why. */
  'explain-access': OnKey & {
    /** The name of an identity or a role, or an ARN. */
    readonly principal: string;
    /** An action, or its name in AWS KMS. */
    readonly action: string;
    /** The encryption context that would come with it. */
    readonly pairs?: ReadonlyArray<readonly [key: string, value: string]>;
    readonly source?: string;
    readonly protocol?: string;
  };
}

export interface AccessExplanation {
  readonly allowed: boolean;
  /** ARN. */
  readonly principal: string;
  readonly action: string;
  readonly keyId: string;
  /** Which statement, grant or rule decides. */
  readonly by: string;
  readonly reason: string;
}

interface GrantPage {
  readonly grants: readonly KeyGrant[];
  readonly next?: string;
}

export interface KeyPolicyResults {
  'read-key-policy': { readonly realm: string /** Absent: the default one. */; readonly policy?: string };
  'put-key-policy': Record<never, never>;
  'create-key-grant': { readonly grant: KeyGrant; readonly token: string };
  'retire-key-grant': Record<never, never>;
  'revoke-key-grant': Record<never, never>;
  'list-key-grants': GrantPage;
  'list-retirable-key-grants': GrantPage;
  'explain-access': AccessExplanation;
}
