/** How many keys the server keeps open, for all doors and realms. */
export interface KeyCacheCommands {
  'read-key-cache': Record<never, never>;
  /** From the next unsealing on. 0: as many as the server keeps by itself; else from 10 to a million. */
  'set-key-cache': { readonly size: number };
}

interface KeyCache {
  /** What was set. */
  readonly size: number;
  /** What it is now, by setting or by itself. */
  readonly active: number;
}

export interface KeyCacheResults {
  'read-key-cache': KeyCache;
  'set-key-cache': KeyCache;
}
