import type { Key, KeyRef } from './key.ts';

/** Keys that live in several regions of one account. */
export interface RegionCommands {
  /** A further region of the asking account, under a name of its own. */
  'create-region': { readonly name: string; readonly region: string };
  /** Of a primary key: the same id and material in another region, with all else its own. */
  'replicate-key': {
    readonly key: KeyRef;
    readonly region: string;
    readonly description?: string;
    readonly tags?: Readonly<Record<string, string>>;
    /** The replica's own, JSON, as given; absent: the default one. */
    readonly policy?: string;
    /** As for 'put-key-policy'. */
    readonly bypassLockoutCheck?: boolean;
  };
  /** Makes the replica in that region the primary key, and this one a replica. */
  'update-primary-region': { readonly key: KeyRef; readonly region: string };
}

export interface RegionResults {
  'create-region': { readonly name: string; readonly account: string; readonly region: string };
  /** The replica. */
  'replicate-key': { readonly key: Key };
  'update-primary-region': { readonly key: Key };
}
