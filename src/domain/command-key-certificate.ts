import type { Key, KeyRef } from './key.ts';
import type { Used } from './used.ts';

interface OnVersion {
  readonly key: KeyRef;
  /** Default: the newest. */
  readonly version?: number;
}

/** What ties a key pair that signs to names: requests for certificates, and the certificates that came of them. */
export interface KeyCertificateCommands {
  'request-certificate': OnVersion & {
    /** CertificationRequest DER (RFC 2986) whose subject and attributes are taken over; absent: an empty subject. */
    readonly template?: Uint8Array;
  };
  'set-certificates': OnVersion & {
    /** DER, the key's own certificate first. They take the place of those that were there. */
    readonly certificates: readonly Uint8Array[];
  };
}

export interface KeyCertificateResults {
  'request-certificate': Used & {
    readonly key: Key;
    /** CertificationRequest DER. */
    readonly request: Uint8Array;
  };
  'set-certificates': { readonly key: Key };
}
