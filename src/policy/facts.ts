import type { Grant, KeyGrants } from '#domain/domain.ts';
import type { Mode } from './rights.ts';
import type { SecretTarget } from './secret-policy.ts';

/** What a decision rests on beside the principal, the command and its keys. */
export interface Facts {
  readonly mode: Mode;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Every grant of the principal and of its groups, the expired ones too. */
  readonly grants: readonly Grant[];
  /** The actions that the asking token is narrowed to; absent: not narrowed. */
  readonly limitedTo?: readonly string[];
  /** Whether the principal's realm is the one that the server was made with. Absent: no. */
  readonly ofFirstRealm?: boolean;
  /** Address and port of who asks; needed for keys that carry a policy. */
  readonly peer?: string;
  /** The grants of each of the command's keys that ever had one, in the order of the keys. */
  readonly keyGrants?: readonly (KeyGrants | undefined)[];
  /** The secret that the command is about. */
  readonly secret?: SecretTarget;
}
