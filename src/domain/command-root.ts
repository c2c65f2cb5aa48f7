/** How far the root key has been rotated. */
export interface RootStatus {
  /** Milliseconds since the epoch: when the rotation began that is under way. */
  readonly rotatingSince?: number;
  /** Rows that are under the new root for certain, and rows in all. Both 0 where none is under way. */
  readonly renewed: number;
  readonly rows: number;
}

export interface RootCommands {
  /** Another root key for every seal at once, and every row under it in the background. */
  'rotate-root': Record<never, never>;
  'read-root': Record<never, never>;
}

export interface RootResults {
  'rotate-root': RootStatus;
  'read-root': RootStatus;
}
