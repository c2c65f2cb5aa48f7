import type { KeySpec, KeyUsage } from './algorithm.ts';
import type { Key } from './key.ts';
import type { Secret, SecretRef, SecretValue, VersionRules } from './secret.ts';

/** One version of a secret as it stands elsewhere. Times in milliseconds since the epoch. */
export interface ArrivingVersion {
  /** From 1. */
  readonly number: number;
  readonly createdAt: number;
  readonly hiddenAt?: number;
  /** 'withheld': it has one there that nobody could read, because it is hidden; a later import may bring it. */
  readonly value: SecretValue | 'destroyed' | 'withheld';
}

/** One version of a key as it stands elsewhere. */
export interface ArrivingKeyVersion {
  readonly version: number;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Beside its material comes a key of its own for MACs, as Vault has it. */
  readonly withMacKey: boolean;
}

/** What moves here from another server: each of them whole, or not at all. */
export interface MigrateCommands {
  /**
   * A key with all its versions. Symmetric keys that encrypt are of the raw class, and what is derived from them is derived as Vault
   * does. Where the key is there already, the versions that both have must be the same; further ones come to it, and its settings
   * become those given. The same again changes nothing.
   */
  'import-key-versions': {
    readonly name: string;
    readonly spec: KeySpec;
    readonly usages: readonly KeyUsage[];
    /** In the order of their numbers, without gaps. */
    readonly versions: readonly ArrivingKeyVersion[];
    /** For each version its material and, where it has one, its key for MACs: a bundle under the realm's wrapping key. */
    readonly wrapped: Uint8Array;
    readonly minDecryptionVersion: number;
    /** 0: only the newest encrypts. */
    readonly minEncryptionVersion: number;
    readonly derived: boolean;
    readonly convergent: boolean;
    readonly exportable: boolean;
    readonly backupAllowed: boolean;
    readonly deletionAllowed: boolean;
    readonly rotationPeriodDays?: number;
  };
  /**
   * A secret with all its versions by their numbers. Where it is there already, what both have must be the same, and what is missing
   * or has changed its state comes to it; the same again changes nothing.
   */
  'import-secret': {
    readonly secret: SecretRef;
    readonly rules: VersionRules;
    readonly notes: Readonly<Record<string, string>>;
    readonly createdAt: number;
    readonly changedAt: number;
    /** In the order of their numbers, of which the last is the current one's. */
    readonly versions: readonly ArrivingVersion[];
    /** There is one version, which counts nothing there: another value than the current one here takes its place, as the only one. */
    readonly replace?: true;
  };
}

export interface MigrateResults {
  /** How many versions were new here. */
  'import-key-versions': { readonly key: Key; readonly added: number; readonly changed: boolean };
  /** How many versions were new here. */
  'import-secret': { readonly secret: Secret; readonly added: number; readonly changed: boolean };
}
