import type { Key, KeyRef } from './key.ts';

/**
 * How material made elsewhere is wrapped on its way: RSAES-OAEP with an empty label (RFC 8017 section 7.1), MGF1 with the same hash;
 * or an AES-256 key wrapped so, followed by the material under AES key wrap with padding (RFC 5649), as CKM_RSA_AES_KEY_WRAP has it.
 */
export const importWrappings = ['rsa-oaep-sha1', 'rsa-oaep-sha256', 'rsa-aes-kwp-sha1', 'rsa-aes-kwp-sha256'] as const;
export type ImportWrapping = (typeof importWrappings)[number];

export const wrappingSpecs = ['rsa-2048', 'rsa-3072', 'rsa-4096'] as const;
export type WrappingSpec = (typeof wrappingSpecs)[number];

/** Key material that is made elsewhere. */
export interface ImportCommands {
  /** A wrapping key for one key, for a day. */
  'get-import-parameters': {
    readonly key: KeyRef;
    readonly wrapping: ImportWrapping;
    readonly wrappingSpec: WrappingSpec;
  };
  'import-key-material': {
    readonly key: KeyRef;
    /** Of 'get-import-parameters'. */
    readonly token: Uint8Array;
    /** The raw bytes of a symmetric key or the PKCS#8 DER of a private key, wrapped. */
    readonly wrapped: Uint8Array;
    /** Milliseconds since the epoch; absent: until deleted. */
    readonly expiresAt?: number;
    /** Default: 'new' for a key that never had any, else 'existing'. Symmetric encryption keys only. */
    readonly material?: 'new' | 'existing';
    /** Absent: as the same material was called before. Symmetric encryption keys only. */
    readonly materialLabel?: string;
    /** What the material is expected to be. Symmetric encryption keys only. */
    readonly materialId?: string;
  };
  /** Absent id: the current material. The same may be imported again. */
  'delete-imported-material': { readonly key: KeyRef; readonly materialId?: string };
}

export interface ImportResults {
  'get-import-parameters': {
    readonly realm: string;
    readonly keyId: string;
    /** SubjectPublicKeyInfo DER. */
    readonly wrappingKey: Uint8Array;
    /** At most 6144 bytes. */
    readonly token: Uint8Array;
    /** Milliseconds since the epoch. */
    readonly validTo: number;
  };
  'import-key-material': { readonly key: Key; readonly materialId: string };
  'delete-imported-material': { readonly key: Key /** Absent: there never was any. */; readonly materialId?: string };
}
