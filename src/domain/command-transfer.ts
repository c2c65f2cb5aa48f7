import type { KeySpec, KeyUsage } from './algorithm.ts';
import type { Key, KeyRef } from './key.ts';
import type { Plaintext } from './secret-bytes.ts';

/** The hash of RSAES-OAEP and of its MGF1 where a key travels. */
export const oaepHashes = ['sha1', 'sha224', 'sha256', 'sha384', 'sha512'] as const;
export type OaepHash = (typeof oaepHashes)[number];

/**
 * Material on its way between two servers: an AES-256 key under RSAES-OAEP with an empty label (RFC 8017 section 7.1), then the
 * material under that key by AES key wrap with padding (RFC 5649). Raw bytes of a symmetric key, PKCS#8 DER of a private one.
 */
export interface WrappedForTransfer {
  readonly hash: OaepHash;
  readonly wrapped: Uint8Array;
}

/** Which part of a key leaves. Of a key of another kind than `mac`, 'mac' is what it computes HMAC with SHA-256 by. */
export type ExportedPart = 'encrypt' | 'sign' | 'mac';

/**
 * How a key is written: `raw` bytes (symmetric; seed and public half of Ed25519), `pkcs8` DER (private keys), or as its kind is by
 * tradition: raw bytes where it has them, else PKCS#1 or SEC 1.
 */
export type KeyForm = 'raw' | 'pkcs8' | 'traditional';

interface Versions {
  /** Absent: every version that may still be used. */
  readonly version?: number | 'newest';
}

/** What one version of a key is made of. With the public half alone, a SubjectPublicKeyInfo DER, it verifies and encrypts. */
export type Brought = WrappedForTransfer | { readonly publicKey: Uint8Array };

/** Keys that come from elsewhere whole, and keys that leave. */
export interface TransferCommands {
  /** The realm's own, made when it is first asked for. */
  'get-wrapping-key': Record<never, never>;
  'import-key': {
    readonly name: string;
    /** The key is of the first whose length or kind the material has. */
    readonly specs: readonly KeySpec[];
    readonly usages: readonly KeyUsage[];
    readonly brought: Brought;
    readonly derived?: boolean;
    readonly exportable?: boolean;
    readonly backupAllowed?: boolean;
    /** This server may rotate it to material of its own; from then on it is a key like any other. */
    readonly ownRotation?: boolean;
    readonly rotationPeriodDays?: number;
  };
  /** Becomes the current version at once. With `version`: completes that one, of which only the public half is here. */
  'import-key-version': { readonly key: KeyRef; readonly brought: Brought; readonly version?: number };
  /** Only of keys that are `exportable`. */
  'export-key': Versions & { readonly key: KeyRef; readonly part: ExportedPart; readonly form: KeyForm };
  /** As `export-key`, under the public half of an RSA key of this realm. */
  'export-wrapped-key': Versions & { readonly key: KeyRef; readonly destination: KeyRef; readonly hash: OaepHash };
  /** Only of keys that are `exportable` and `backupAllowed`. */
  'backup-key': { readonly key: KeyRef };
  'restore-key': {
    readonly backup: Uint8Array;
    /** Default: the name that the key had. */
    readonly name?: string;
    /** What that name must begin with. */
    readonly within?: string;
    /** What has the name gives way: the key itself goes back to how it was, another one loses the name. */
    readonly force?: boolean;
  };
}

export interface TransferResults {
  'get-wrapping-key': {
    /** SubjectPublicKeyInfo DER of RSA 4096. */
    readonly publicKey: Uint8Array;
  };
  'import-key': { readonly key: Key };
  'import-key-version': { readonly key: Key };
  'export-key': {
    readonly key: Key;
    /** Oldest first; raw bytes, or DER. Empty where only the public half is here. */
    readonly exported: ReadonlyArray<{ readonly version: number; readonly material: Plaintext }>;
  };
  'export-wrapped-key': {
    readonly key: Key;
    /** The id of the key that it is wrapped under. */
    readonly under: string;
    readonly exported: ReadonlyArray<{ readonly version: number; readonly wrapped: Uint8Array }>;
  };
  'backup-key': {
    readonly key: Key;
    /** Opens in this realm alone. */
    readonly backup: Uint8Array;
  };
  'restore-key': { readonly key: Key };
}
