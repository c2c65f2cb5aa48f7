/** The JSON of Claviger's own API. Times are ISO 8601, bytes base64. */
export type Pairs = ReadonlyArray<readonly [key: string, value: string]>;

/** One of the ways to open a server. */
export interface SealStatus {
  readonly name: string;
  readonly kind: string;
  readonly asks: 'nothing' | 'passphrase' | 'pin' | 'shares';
  /** Of shares: how many open it, of how many, and how many were brought. */
  readonly shares?: {
    readonly threshold: number;
    readonly total: number;
    readonly progress: number;
    readonly nonce: string;
  };
  /** Why the last attempt to open it by itself came to nothing. */
  readonly trouble?: string;
}

/** What a security officer may know of one. */
export interface Seal extends SealStatus {
  readonly settings: Readonly<Record<string, unknown>>;
  /** What was handed out for it is not known to have arrived. */
  readonly unproven?: true;
  /** Also opens by what it took before. */
  readonly former?: true;
}

/** A seal as it is now with what goes to people; or how many shares were brought, and nothing was changed yet. */
export type MadeSeal =
  | { readonly seal: Seal; readonly handouts: ReadonlyArray<{ readonly custodian: string; readonly text: string }> }
  | { readonly awaits: { readonly threshold: number; readonly total: number; readonly progress: number } };

export interface Status {
  readonly initialized: boolean;
  readonly sealed: boolean;
  readonly sealKind: string;
  readonly seals: readonly SealStatus[];
  readonly version: string;
  readonly mode: 'development' | 'production';
  /** The FIPS module that does the cryptography, its version, and what is known of its certificate; absent: OpenSSL's own. */
  readonly fips?: string;
  readonly time: string;
  readonly ledgerSize: number;
  readonly ready: boolean;
}

export interface Key {
  readonly id: string;
  /** The account of the realm. */
  readonly realm: string;
  readonly names: readonly string[];
  readonly spec: string;
  readonly usages: readonly string[];
  readonly class: 'enveloped' | 'raw';
  /** As SP 800-57 names it, such as 'active', 'suspended', 'destroy-scheduled'. */
  readonly state: string;
  readonly enabled: boolean;
  readonly version: number;
  readonly createdAt: string;
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly minDecryptionVersion: number;
  readonly minEncryptionVersion: number;
  readonly exportable: boolean;
  readonly deletionAllowed: boolean;
  readonly rotation?: { readonly periodDays: number; readonly nextAt: string };
  /** When a scheduled destruction happens. */
  readonly destroyedAt?: string;
  /** 'external': its material is imported, and the key is 'pending-import' without it. */
  readonly origin?: 'generated' | 'external';
  /** Its material is in an HSM, which it never leaves. */
  readonly protection?: 'hsm';
  /** When the first of its imported material ends. */
  readonly materialEndsAt?: string;
  /** Which realms of the account hold it. */
  readonly multiRegion?: { readonly primary: string; readonly replicas: readonly string[] };
}

export interface LastUse {
  readonly at: string;
  readonly action: string;
  readonly protocol: string;
  /** The protocol's own name of it. */
  readonly operation: string;
  /** The ledger's line has it. */
  readonly requestId: string;
}

export interface KeyVersion {
  readonly version: number;
  readonly state: string;
  readonly createdAt: string;
  /** SubjectPublicKeyInfo DER. */
  readonly publicKey?: string;
}

export interface CreateKey {
  /** Default: 'aes-256'. */
  readonly spec?: string;
  /** Default: the first that the spec can do. */
  readonly usages?: readonly string[];
  readonly class?: 'enveloped' | 'raw';
  readonly name?: string;
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly exportable?: boolean;
  readonly deletionAllowed?: boolean;
  readonly rotationPeriodDays?: number;
  /** A primary key, to be replicated into other regions. */
  readonly multiRegion?: boolean;
  /** 'hsm': its material is made in the HSM of the server's pkcs11 seal, and never leaves it. Default: 'software'. */
  readonly protection?: string;
}

/** Which key and version did it. */
export interface Used {
  readonly realm: string;
  readonly keyId: string;
  readonly version: number;
}

export interface Realm {
  readonly name: string;
  readonly account: string;
  readonly region: string;
}

export interface Identity {
  readonly realm: string;
  readonly name: string;
  readonly groups: readonly string[];
  readonly enabled: boolean;
  readonly createdAt: string;
}

export interface CreateIdentity {
  readonly name: string;
  readonly role?: string;
  readonly groups?: readonly string[];
  readonly realm?: string;
  readonly ttlSeconds?: number;
}

/** Shown once, when it is made. */
export interface Credentials {
  readonly realm: string;
  readonly identity: string;
  /** 12 digits, as AWS clients see the realm. */
  readonly account: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly token: string;
  readonly tokenAccessor: string;
  readonly expiresAt?: string;
}

/** Who may take on a role; claims of identity providers are patterns, in which `*` stands for any text. */
export interface RoleTrust {
  readonly identities?: readonly string[];
  readonly groups?: readonly string[];
  readonly providers?: ReadonlyArray<{
    readonly issuer: string;
    readonly claims: Readonly<Record<string, readonly string[]>>;
  }>;
  readonly externalId?: string;
}

export interface CreateRole extends RoleTrust {
  readonly name: string;
  /** A grant of this kind on the whole realm comes with it. */
  readonly role?: string;
  /** Default: an hour. */
  readonly maxSessionSeconds?: number;
  /** There was a role of that name, and what still names it may mean this one. */
  readonly again?: boolean;
}

export interface AssumableRole extends Required<Omit<RoleTrust, 'externalId'>>, Pick<RoleTrust, 'externalId'> {
  readonly realm: string;
  readonly name: string;
  readonly id: string;
  readonly maxSessionSeconds: number;
  readonly createdAt: string;
}

/** What AWS clients take on a role with: shown once. */
export interface Session {
  readonly realm: string;
  readonly role: string;
  readonly roleId: string;
  readonly sessionName: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiresAt: string;
}

export interface RegisterProvider {
  /** The `iss` of its tokens. */
  readonly issuer: string;
  readonly audiences: readonly string[];
  /** Its public keys (RFC 7517), or `url`, where it publishes them. */
  readonly jwks?: object;
  readonly url?: string;
}

export interface IdentityProvider extends RegisterProvider {
  readonly realm: string;
  readonly id: string;
  readonly createdAt: string;
}

export interface CreateGrant {
  /** Name of an identity, or of a group with `granteeKind: 'group'`. */
  readonly grantee: string;
  readonly granteeKind?: 'principal' | 'group';
  readonly role: string;
  readonly actions?: readonly string[];
  /** One key; or `names`, a name or a name with a trailing `*`; or neither, for the whole realm. */
  readonly keyId?: string;
  readonly names?: string;
  readonly condition?: {
    readonly kind: 'context-includes' | 'context-equals';
    readonly pairs: Readonly<Record<string, string>>;
  };
  readonly ttlSeconds?: number;
}

export interface Grant extends Omit<CreateGrant, 'ttlSeconds'> {
  readonly id: string;
  readonly realm: string;
  readonly granteeKind: 'principal' | 'group';
  readonly createdAt: string;
  readonly expiresAt?: string;
}

export interface Token {
  readonly accessor: string;
  readonly realm: string;
  readonly identity: string;
  readonly label?: string;
  readonly renewable: boolean;
  readonly actions?: readonly string[];
  readonly policies: readonly string[];
  readonly createdAt: string;
  readonly expiresAt?: string;
}

/** One line of the ledger. */
export interface AuditEntry {
  readonly index: number;
  readonly time: string;
  readonly requestId: string;
  readonly protocol: string;
  readonly operation: string;
  readonly peer: string;
  readonly realm: string;
  readonly principal: string;
  readonly credential: string;
  readonly action: string;
  readonly key?: string;
  readonly version?: number;
  readonly outcome: string;
  readonly summary?: string;
}

export interface AuditProof {
  readonly index: number;
  readonly leaf: string;
  readonly path: readonly string[];
  /** A signed note. */
  readonly checkpoint: string;
}

export interface AccessQuestion {
  /** The name of an identity or a role, or an ARN. */
  readonly principal: string;
  /** Claviger's name of it, such as 'decrypt', or AWS', such as 'kms:Decrypt'. */
  readonly action: string;
  readonly context?: Readonly<Record<string, string>>;
  /** The address that it would come from. */
  readonly source?: string;
  readonly protocol?: string;
}

export interface AccessExplanation {
  readonly allowed: boolean;
  /** ARN. */
  readonly principal: string;
  readonly action: string;
  readonly keyId: string;
  /** The statement, grants or rule that decide. */
  readonly by: string;
  readonly reason: string;
}

/** What a custodian has said of his share of a seal, and the server found true. */
export interface AcknowledgedShare {
  readonly seal: string;
  readonly set: string;
  readonly number: number;
  readonly threshold: number;
  readonly total: number;
  readonly custodian: string;
  readonly date: string;
  readonly signed: boolean;
}

/** How far the root key has been rotated. */
export interface RootStatus {
  readonly rotating: boolean;
  /** Milliseconds since the epoch. */
  readonly rotatingSince?: number;
  /** Rows that are under the new root, and rows in all. */
  readonly renewed?: number;
  readonly rows?: number;
}
