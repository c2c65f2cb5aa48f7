import type { Key, KeyRef } from './key.ts';

/** What is known of how a key was used. */
export interface UsageCommands {
  'read-last-use': { readonly key: KeyRef };
}

/** The last time that a key's material did something for somebody. */
export interface LastUse {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** These as the ledger's line has them. */
  readonly action: string;
  readonly protocol: string;
  readonly operation: string;
  readonly requestId: string;
}

export interface UsageResults {
  'read-last-use': {
    readonly key: Key;
    /** Undefined: never. */
    readonly lastUse: LastUse | undefined;
  };
}
