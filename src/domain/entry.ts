import type { ErrorCode } from './error.ts';

/** One line of the ledger: who, from where, through which protocol, which key, what, and how it ended. Never a secret. */
export interface Entry {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly requestId: string;
  readonly protocol: string;
  readonly operation: string;
  readonly peer: string;
  /** Empty when nobody was identified. */
  readonly realm: string;
  readonly principal: string;
  readonly credential: string;
  /** The domain's action, such as 'encrypt'; empty when the request was refused before it was understood. */
  readonly action: string;
  readonly key?: string;
  readonly version?: number;
  readonly outcome: 'ok' | ErrorCode;
  /** What changed, for commands that change something. */
  readonly summary?: string;
}
