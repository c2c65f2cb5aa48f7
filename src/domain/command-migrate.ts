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

/** What moves here from another server: each of them whole, or not at all. */
export interface MigrateCommands {
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
  'import-secret': { readonly secret: Secret; readonly added: number; readonly changed: boolean };
}
