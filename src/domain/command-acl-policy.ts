/** What ACL policies allow at a path; `sudo` beside another one. */
export const aclCapabilities = ['sudo', 'read', 'list', 'update', 'delete', 'create', 'patch', 'scan'] as const;
export type AclCapability = (typeof aclCapabilities)[number];

/** A request as Vault's policies see it. */
export interface AclRequest {
  /** Canonical: what the door's router matched, without a slash at either end. */
  readonly path: string;
  readonly capability: AclCapability;
  /** It is `create` instead where what it is about isn't there yet. */
  readonly mayCreate?: true;
  /** The members of the body, or what the query says where there is no body. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Seconds; absent: the answer goes out bare. */
  readonly wrapFor?: number;
}

/** A policy in Vault's language, as it was written. */
export interface AclPolicyText {
  readonly realm: string;
  /** In lower case. */
  readonly name: string;
  /** Counts the writes; 0 while `default` is as this server brought it along. */
  readonly revision: number;
  readonly text: string;
  /** Milliseconds since the epoch; absent where nobody wrote it. */
  readonly modifiedAt?: number;
}

/** Policies by path, which narrow what tokens may ask for at Vault's door. */
export interface AclPolicyCommands {
  'list-acl-policies': Record<never, never>;
  'read-acl-policy': { readonly name: string };
  /** `expect`: write only over this revision; 0: only if nobody wrote it yet. */
  'write-acl-policy': { readonly name: string; readonly text: string; readonly expect?: number };
  'delete-acl-policy': { readonly name: string };
  /** What a token may do at paths of Vault's. Neither token nor accessor: the asking one. */
  'read-capabilities': {
    readonly paths: readonly string[];
    readonly accessor?: string;
    readonly token?: string;
  };
}

export interface AclPolicyResults {
  'list-acl-policies': { readonly names: readonly string[] };
  /** Of `root`, which has no text, the empty one. */
  'read-acl-policy': { readonly policy: AclPolicyText };
  'write-acl-policy': Record<never, never>;
  'delete-acl-policy': Record<never, never>;
  /** In the order of the paths. */
  'read-capabilities': { readonly capabilities: ReadonlyArray<readonly string[]> };
}
