import type { AskedScheme, EncryptionScheme, HashName, KeySpec, KeyUsage, MessageType } from './algorithm.ts';
import type { AclPolicyCommands, AclPolicyResults } from './command-acl-policy.ts';
import type { AgreementCommands, AgreementResults } from './command-agreement.ts';
import type { AuditCommands, AuditResults } from './command-audit.ts';
import type { AuthMountCommands, AuthMountResults } from './command-auth-mount.ts';
import type { BackupCommands, BackupResults } from './command-backup.ts';
import type { CeremonyCommands, CeremonyResults } from './command-ceremony.ts';
import type { HolderCommands, HolderResults, Page } from './command-holder.ts';
import type { HostCommands, HostResults } from './command-host.ts';
import type { ImportCommands, ImportResults } from './command-import.ts';
import type { KeyCacheCommands, KeyCacheResults } from './command-key-cache.ts';
import type { KeyCertificateCommands, KeyCertificateResults } from './command-key-certificate.ts';
import type { KeyPolicyCommands, KeyPolicyResults } from './command-key-policy.ts';
import type { KeyRulesCommands, KeyRulesResults } from './command-key-rules.ts';
import type { KeyStoreCommands, KeyStoreResults } from './command-key-store.ts';
import type { ChangedKey, KeyVersionCommands, KeyVersionResults, Shown } from './command-key-version.ts';
import type { LoginCommands, LoginResults } from './command-login.ts';
import type { MigrateCommands, MigrateResults } from './command-migrate.ts';
import type { MountCommands, MountResults } from './command-mount.ts';
import type { RegionCommands, RegionResults } from './command-region.ts';
import type { RevocationListCommands, RevocationListResults } from './command-revocation-list.ts';
import type { RootCommands, RootResults } from './command-root.ts';
import type { SealCommands, SealResults, SealStatus } from './command-seal.ts';
import type { SecretCommands, SecretResults } from './command-secret.ts';
import type { SessionCommands, SessionResults } from './command-session.ts';
import type { ShareCommands, ShareResults } from './command-share.ts';
import type { TokenCommands, TokenResults } from './command-token.ts';
import type { TransferCommands, TransferResults } from './command-transfer.ts';
import type { UsageCommands, UsageResults } from './command-use.ts';
import type { Context } from './context.ts';
import type { Key, KeyClass, KeyRef, KeyVersion } from './key.ts';
import type { DueRotation } from './secret.ts';
import type { Plaintext } from './secret-bytes.ts';
import type { Used } from './used.ts';

interface OnKey {
  readonly key: KeyRef;
}

export interface KeyPatch {
  readonly description?: string;
  readonly minDecryptionVersion?: number;
  readonly minEncryptionVersion?: number;
  /** One-way: can't be set back to false. */
  readonly exportable?: true;
  /** One-way too. */
  readonly backupAllowed?: true;
  readonly deletionAllowed?: boolean;
  /** Null ends automatic rotation. 90 to 2560 days (AWS); an hour and up, in seconds, so fractions of days too (Vault). */
  readonly rotationPeriodDays?: number | null;
}

/** What may be asked, whatever the protocol. The kind of a command is the action that policy decides and the ledger records. */
export interface Commands
  extends ImportCommands,
    AgreementCommands,
    RegionCommands,
    MigrateCommands,
    AclPolicyCommands,
    KeyPolicyCommands,
    SecretCommands,
    SessionCommands,
    LoginCommands,
    TokenCommands,
    BackupCommands,
    CeremonyCommands,
    SealCommands,
    RootCommands,
    ShareCommands,
    HolderCommands,
    HostCommands,
    AuthMountCommands,
    RevocationListCommands,
    TransferCommands,
    KeyCertificateCommands,
    KeyCacheCommands,
    KeyRulesCommands,
    MountCommands,
    UsageCommands,
    AuditCommands,
    KeyVersionCommands,
    KeyStoreCommands {
  'create-key': {
    readonly spec: KeySpec;
    readonly usages: readonly KeyUsage[];
    readonly class: KeyClass;
    readonly name?: string;
    readonly description?: string;
    readonly tags?: Readonly<Record<string, string>>;
    readonly derived?: boolean;
    /** With `derived`. */
    readonly convergent?: boolean;
    readonly exportable?: boolean;
    readonly backupAllowed?: boolean;
    readonly deletionAllowed?: boolean;
    readonly rotationPeriodDays?: number;
    /** As for 'update-key'. */
    readonly pairsRotate?: true;
    /** 'external': the key waits for its material to be imported. Default: 'generated'. */
    readonly origin?: 'generated' | 'external';
    /** 'hsm': its material is made there and never leaves it. */
    readonly protection?: 'hsm';
    /** The key store that is to hold it; absent: this server. */
    readonly keyStore?: string;
    /** JSON, as given. */
    readonly policy?: string;
    /** As for 'put-key-policy'. */
    readonly bypassLockoutCheck?: boolean;
    /** A primary key, to be replicated into other regions. */
    readonly multiRegion?: boolean;
    /** Answer the existing key when `name` is taken by one of the same spec (Vault), instead of 'already-exists'. */
    readonly ifAbsent?: boolean;
    /** Because it was to be used: the folder whose rules must let it be made so. */
    readonly onTheWay?: string;
    /** Answer all versions of the key that was there. */
    readonly withVersions?: boolean;
  };
  'describe-key': OnKey & {
    /** Also read the older versions. */
    readonly withVersions?: boolean;
    /** What of the key is asked for, where a key policy may tell that from the rest. */
    readonly aspect?: 'rotation' | 'rotations' | 'tags';
  };
  'list-keys': Page;
  'update-key': OnKey &
    Shown & {
      readonly patch: KeyPatch;
      /** Key pairs may rotate by themselves (Vault), whose new public half somebody has to fetch. AWS knows no such pairs. */
      readonly pairsRotate?: true;
    };
  'enable-key': OnKey & Shown;
  'disable-key': OnKey & Shown;
  'rotate-key': OnKey &
    Shown & {
      /** Asked for by a person: counted, at most 25 a key. */
      readonly onDemand?: boolean;
      /** Because its time has come. */
      readonly scheduled?: true;
    };
  'schedule-destruction': OnKey & { /** 7 to 120. */ readonly days: number };
  'cancel-destruction': OnKey;
  /** At once and for good; only where the key's `deletionAllowed` is set. */
  'destroy-key': OnKey;
  /** Destroys every version below `minAvailableVersion`. */
  'trim-key': OnKey & Shown & { readonly minAvailableVersion: number };
  'create-alias': OnKey & { readonly name: string };
  'update-alias': OnKey & { readonly name: string };
  'delete-alias': { readonly name: string };
  /** With `key`: only the names of that key. */
  'list-aliases': Page & { readonly key?: KeyRef };
  'tag-key': OnKey & { readonly tags: Readonly<Record<string, string>> };
  'untag-key': OnKey & { readonly names: readonly string[] };

  encrypt: OnKey & {
    readonly plaintext: Plaintext;
    readonly context: Context;
    readonly scheme: EncryptionScheme;
    /** Default: the newest, or the key's own minimum. */
    readonly version?: number;
  };
  decrypt: {
    /** Absent: the envelope names its key. */
    readonly key?: KeyRef;
    readonly ciphertext: Uint8Array;
    readonly context: Context;
    readonly scheme: EncryptionScheme;
    /** Bare ciphertexts don't say which version made them; default: the newest. An envelope's own version must equal it. */
    readonly version?: number;
    /** With `dryRun`: may it be done at all? The ciphertext is left aside. */
    readonly rightsOnly?: true;
  };
  're-encrypt': {
    readonly source?: KeyRef;
    readonly sourceVersion?: number;
    readonly sourceScheme: EncryptionScheme;
    readonly sourceContext: Context;
    readonly ciphertext: Uint8Array;
    readonly target: KeyRef;
    readonly targetVersion?: number;
    readonly targetScheme: EncryptionScheme;
    readonly targetContext: Context;
    /** As for 'decrypt'. */
    readonly rightsOnly?: true;
  };
  'generate-data-key': OnKey & {
    /** 1 to 1024. */
    readonly bytes: number;
    readonly context: Context;
    readonly withPlaintext: boolean;
    /** Of the key that wraps. Default: as for 'encrypt'. */
    readonly version?: number;
    /** Also an RSA key may wrap it: who asks keeps its name and version with the ciphertext (Vault). */
    readonly scheme?: 'natural';
  };
  'generate-data-key-pair': OnKey & {
    readonly spec: KeySpec;
    readonly context: Context;
    readonly withPlaintext: boolean;
  };
  /** 1 to 1 MiB for Vault; doors hold their protocol's own limit (AWS 1024). */
  'generate-random': {
    readonly bytes: number /** Whose generator; absent: this server's. */;
    readonly keyStore?: string;
  };
  hash: { readonly hash: HashName; readonly input: Plaintext };
  sign: OnKey & {
    readonly message: Plaintext;
    readonly messageType: MessageType;
    readonly scheme: AskedScheme;
    readonly version?: number;
    /** Derived Ed25519 keys and `context` of EdDSA/ML-DSA are told apart by the keyring. */
    readonly context: Context;
    /** Only with the hash that the key's spec is bound to (AWS). */
    readonly boundHash?: true;
  };
  verify: OnKey & {
    readonly message: Plaintext;
    readonly messageType: MessageType;
    readonly scheme: AskedScheme;
    readonly signature: Uint8Array;
    readonly version?: number;
    readonly context: Context;
    /** As for 'sign'. */
    readonly boundHash?: true;
  };
  'get-public-key': OnKey & { readonly version?: number };
  'generate-mac': OnKey & {
    /** Default: the one that an HMAC key is bound to; SHA-256 for others. */
    readonly hash?: HashName;
    readonly message: Plaintext;
    readonly version?: number;
    /** Only by a key whose spec is bound to this hash: an HMAC key (AWS). */
    readonly boundHash?: true;
  };
  'verify-mac': OnKey & {
    /** As for 'generate-mac'. */
    readonly hash?: HashName;
    readonly message: Plaintext;
    readonly mac: Uint8Array;
    readonly version?: number;
    /** As for 'generate-mac'. */
    readonly boundHash?: true;
  };

  'read-status': Record<never, never>;
  seal: Record<never, never>;
  unseal: {
    /** A passphrase, a PIN, or shares, one a line. */
    readonly passphrase: Plaintext;
    /** Absent: whichever seal it opens. */
    readonly seal?: string;
    /** What was brought of shares so far is forgotten, and nothing else is done. */
    readonly reset?: true;
    /** A server that is unsealed says so, and nothing is done. */
    readonly ifSealed?: true;
  };
  /** Rotates what is due, destroys what has waited, forgets what is over. Jobs ask for it. */
  'run-schedule': Record<never, never>;
}

export interface KeyAndVersions {
  readonly key: Key;
  /** Oldest first; only the current one unless asked for. */
  readonly versions: readonly KeyVersion[];
  /** Imported material waits for its rotation, and some replica doesn't have it yet. */
  readonly nextAwaitsReplicas?: true;
}

export interface Status {
  readonly initialized: boolean;
  readonly sealed: boolean;
  /** The kinds of its seals. */
  readonly sealKind: string;
  /** Each opens the server. */
  readonly seals: readonly SealStatus[];
  readonly version: string;
  readonly mode: 'development' | 'production';
  /** The FIPS module that does the cryptography, its version, and what is known of its certificate; absent: OpenSSL's own. */
  readonly fips?: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly ledgerSize: number;
  readonly ready: boolean;
}

export interface Results
  extends ImportResults,
    AgreementResults,
    RegionResults,
    MigrateResults,
    AclPolicyResults,
    KeyPolicyResults,
    SecretResults,
    SessionResults,
    LoginResults,
    TokenResults,
    BackupResults,
    CeremonyResults,
    SealResults,
    RootResults,
    ShareResults,
    HolderResults,
    HostResults,
    MountResults,
    AuthMountResults,
    RevocationListResults,
    TransferResults,
    KeyCertificateResults,
    KeyCacheResults,
    KeyRulesResults,
    UsageResults,
    AuditResults,
    KeyVersionResults,
    KeyStoreResults {
  'create-key': {
    readonly key: Key;
    /** It was there before: `ifAbsent` asked for that. */
    readonly existed?: true;
    readonly versions?: readonly KeyVersion[];
  };
  'describe-key': KeyAndVersions;
  'list-keys': {
    readonly realm: string;
    readonly keys: ReadonlyArray<{ readonly id: string; readonly names: readonly string[] }>;
    readonly next?: string;
  };
  'update-key': ChangedKey;
  'enable-key': ChangedKey & { readonly already?: true };
  'disable-key': ChangedKey & { readonly already?: true };
  'rotate-key': ChangedKey;
  'schedule-destruction': { readonly key: Key };
  'cancel-destruction': { readonly key: Key };
  /** `pending`: copies of the shelf out of reach, where its secret is overwritten once they are back. */
  'destroy-key': { readonly key: Key; readonly pending?: readonly string[] };
  'trim-key': ChangedKey;
  'create-alias': Record<never, never>;
  'update-alias': Record<never, never>;
  'delete-alias': Record<never, never>;
  'list-aliases': {
    readonly realm: string;
    readonly aliases: ReadonlyArray<{
      readonly name: string;
      readonly keyId: string;
      readonly createdAt: number;
      readonly updatedAt: number;
    }>;
    readonly next?: string;
  };
  'tag-key': { readonly key: Key };
  'untag-key': { readonly key: Key };
  encrypt: Used & { readonly ciphertext: Uint8Array };
  decrypt: Used & { readonly plaintext: Plaintext };
  're-encrypt': Used & { readonly ciphertext: Uint8Array; readonly source: Used };
  'generate-data-key': Used & { readonly plaintext?: Plaintext; readonly ciphertext: Uint8Array };
  'generate-data-key-pair': Used & {
    /** PKCS#8 DER. */
    readonly privateKey?: Plaintext;
    readonly privateKeyCiphertext: Uint8Array;
    /** SubjectPublicKeyInfo DER. */
    readonly publicKey: Uint8Array;
  };
  'generate-random': { readonly bytes: Plaintext };
  hash: { readonly digest: Uint8Array };
  sign: Used & {
    readonly signature: Uint8Array /** Derived Ed25519 keys answer it. */;
    readonly publicKey?: Uint8Array;
  };
  verify: Used & { readonly valid: boolean };
  'get-public-key': Used & { readonly key: Key; readonly publicKey: Uint8Array };
  'generate-mac': Used & { readonly mac: Uint8Array; readonly hash: HashName };
  'verify-mac': Used & { readonly valid: boolean; readonly hash: HashName };
  'read-status': Status;
  seal: Record<never, never>;
  unseal: Status;
  'run-schedule': {
    readonly rotated: number;
    readonly destroyed: number;
    readonly forgotten: number;
    /** What rotators are to be called for; absent: nothing. */
    readonly steps?: readonly DueRotation[];
    /** A backup is to be taken. */
    readonly backupDue?: boolean;
  };
}

export type Action = keyof Commands;
/** What any command may say of itself. */
interface Manner {
  /** Of grants that the caller relies on. They are in force at once, so that a token adds nothing; a wrong one is refused. */
  readonly grantTokens?: readonly string[];
  /** Decide it whole and do nothing: rejects with 'dry-run' where it would have succeeded. */
  readonly dryRun?: true;
}

export type Command<A extends Action = Action> = { [K in A]: { readonly kind: K } & Manner & Commands[K] }[A];
export type Result<A extends Action = Action> = Results[A];

/** Every action, for tables that must cover all of them. */
export type ActionTable<T> = { readonly [A in Action]: T };
