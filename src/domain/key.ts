import type { KeySpec, KeyUsage } from './algorithm.ts';
import type { VersionState } from './lifecycle.ts';

/** Material under its realm key: safe to store, of no use without the root. */
export type WrappedMaterial = Uint8Array & { readonly __wrapped: true };

/** One version of a key's material. Versions count from 1 and are never used again. */
export interface KeyVersion {
  readonly version: number;
  readonly state: VersionState;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Absent once destroyed. */
  readonly wrapped?: WrappedMaterial;
  /** SubjectPublicKeyInfo DER, for key pairs. */
  readonly publicKey?: Uint8Array;
  /** SHA-256 of the material under a key of the root, kept after destruction to recognise the same material. */
  readonly fingerprint?: Uint8Array;
  /** Raw symmetric keys: encryptions that are spoken for, whether done or lost in a restart. */
  readonly reservedUses?: number;
}

export interface RotationPlan {
  readonly periodDays: number;
  /** Milliseconds since the epoch. */
  readonly nextAt: number;
}

export interface PlannedDestruction {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly requestedAt: number;
  /** The key's `enabled` before, for protocols that restore it. */
  readonly wasEnabled: boolean;
}

/** `enveloped` keys make self-describing ciphertexts; `raw` keys give the bare algorithm. A key is one of them for life. */
export type KeyClass = 'enveloped' | 'raw';

/** A key as it is stored and decided on. Frozen: a change is a new record with the next revision. */
export interface Key {
  readonly realm: string;
  /** UUID, lower case. */
  readonly id: string;
  /** Compare-and-swap counter, from 1. */
  readonly revision: number;
  readonly spec: KeySpec;
  readonly usages: readonly KeyUsage[];
  readonly class: KeyClass;
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Names that point here (without the `alias/` of AWS); the first is the name that Vault clients gave. */
  readonly names: readonly string[];
  readonly enabled: boolean;
  readonly createdAt: number;
  /** The newest version, which protects unless `minEncryptionVersion` says otherwise. Older ones are read on demand. */
  readonly current: KeyVersion;
  readonly minDecryptionVersion: number;
  /** 0: only the newest encrypts. */
  readonly minEncryptionVersion: number;
  /** Versions below are destroyed. */
  readonly minAvailableVersion: number;
  readonly derived: boolean;
  readonly exportable: boolean;
  readonly deletionAllowed: boolean;
  readonly rotation?: RotationPlan;
  readonly destruction?: PlannedDestruction;
  /** How many rotations were asked for by hand. */
  readonly onDemandRotations: number;
}

/** How a request names a key. The realm always comes from the credential; a `realm` in the reference must equal it. */
export type KeyRef =
  | { readonly by: 'id'; readonly id: string; readonly realm?: string }
  | { readonly by: 'name'; readonly name: string; readonly realm?: string };
