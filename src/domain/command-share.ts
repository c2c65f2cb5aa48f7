/** What a custodian has said of his share, and the server found true. */
export interface AcknowledgedShare {
  readonly seal: string;
  /** Of which splitting it comes. */
  readonly set: string;
  /** From 1. */
  readonly number: number;
  readonly threshold: number;
  readonly total: number;
  readonly custodian: string;
  /** ISO 8601, as he wrote it. */
  readonly date: string;
  /** By the key that was named for him. False: none was, so it tells only that the share has arrived. */
  readonly signed: boolean;
}

export interface ShareCommands {
  /** The text that its custodian made: it proves itself, whoever brings it. */
  'acknowledge-share': { readonly statement: Uint8Array };
  /** Of the shares that are in force. */
  'list-acknowledgements': Record<never, never>;
}

export interface ShareResults {
  /** `settled`: every share of the set has arrived, so what opened the seal before opens nothing any more. */
  'acknowledge-share': { readonly share: AcknowledgedShare; readonly settled: boolean };
  'list-acknowledgements': {
    /** `statement`: as its custodian made it, for whoever verifies it himself. */
    readonly shares: ReadonlyArray<AcknowledgedShare & { readonly statement: string }>;
  };
}
