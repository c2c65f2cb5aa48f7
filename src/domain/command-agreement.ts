import type { Key, KeyRef } from './key.ts';
import type { Plaintext } from './secret-bytes.ts';
import type { Used } from './used.ts';

interface OnVersion {
  readonly key: KeyRef;
  /** Default: the newest. */
  readonly version?: number;
}

/** Shared secrets by key agreement and key encapsulation. */
export interface AgreementCommands {
  'derive-shared-secret': OnVersion & {
    /** The peer's, on the same curve: SubjectPublicKeyInfo DER. */
    readonly publicKey: Uint8Array;
  };
  encapsulate: OnVersion;
  decapsulate: OnVersion & { readonly ciphertext: Uint8Array };
}

export interface AgreementResults {
  'derive-shared-secret': Used & {
    readonly key: Key;
    /** Raw, as long as the field: who uses it derives keys from it first (SP 800-56C). */
    readonly sharedSecret: Plaintext;
  };
  encapsulate: Used & { readonly sharedSecret: Plaintext; readonly ciphertext: Uint8Array };
  /** Of a ciphertext that was altered or made for another key, it is a secret that nobody else has (FIPS 203 section 6.3). */
  decapsulate: Used & { readonly sharedSecret: Plaintext };
}
