import type { Hsm } from '#hsm/hsm.ts';
import type { Shelf } from '#store/store.ts';
import type { UseLimits } from './uses.ts';

export interface KeyringOptions {
  /** How many keys, and as many older versions, are kept open. */
  readonly capacity: number;
  /** Milliseconds since the epoch; never goes back. */
  readonly clock: () => number;
  /** Of raw keys. Default: 2^32 uses of a version, reserved in blocks of 2^20. */
  readonly uses?: UseLimits;
  /** Told when material is gone for good: what was opened of it is to be collected soon. */
  readonly forgotten?: () => void;
  /** Secrets of keys that no backup holds. Default: there are none. */
  readonly shelf?: Shelf;
  /** The token that holds keys, while there is one. Default: there is none. */
  readonly hsm?: () => Hsm | undefined;
}
