import type { Key, KeyRef, KeyVersion } from './key.ts';

/** For protocols that answer a change with the whole key. */
export interface Shown {
  /** Answer all versions too, as they are afterwards. */
  readonly withVersions?: boolean;
}

/** The key after a change. */
export interface ChangedKey {
  readonly key: Key;
  /** Oldest first; if asked for. */
  readonly versions?: readonly KeyVersion[];
}

interface OnVersion {
  readonly key: KeyRef;
  /** Not the newest: whoever doubts that one rotates the key first. */
  readonly version: number;
}

interface SwitchedVersion {
  readonly key: Key;
  readonly version: KeyVersion;
}

/** One older version by itself, where its material is in doubt and the others' is not. */
export interface KeyVersionCommands {
  /** Refuses every use of it from now on. */
  'disable-key-version': OnVersion;
  'enable-key-version': OnVersion;
}

export interface KeyVersionResults {
  'disable-key-version': SwitchedVersion;
  'enable-key-version': SwitchedVersion;
}
