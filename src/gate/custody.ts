import type {
  AcknowledgedShare,
  Handout,
  Opener,
  Plaintext,
  SealAwaited,
  SealFacts,
  SealStatus,
  SecretBytes,
} from '#domain/domain.ts';

/** What holds the root key. `seal/` implements it. */
export interface Custody {
  /** Why the passphrase can't be another one; undefined: it can. */
  readonly fixed: string | undefined;
  /** Of what is kept now: counts changes. */
  readonly revision: number;
  status(): readonly SealStatus[];
  list(): readonly SealFacts[];
  prove(opener: Opener): Promise<void>;
  proveSeal(name: string, secret: Plaintext | undefined): Promise<boolean>;
  add(kind: string, seal: AskedSeal, opener: Opener | undefined): Promise<Staged | SealAwaited>;
  rotate(seal: AskedSeal, opener: Opener | undefined): Promise<Staged | SealAwaited>;
  remove(name: string): Staged;
  settle(name: string): void;
  /** Every seal opens another root from then on; the caller still owns `root`. False: it may, and a restart may find the former. */
  giveRoot(root: SecretBytes): boolean;
  renew(opener: Opener): Promise<Renewal>;
  forgetShares(): void;
  pad(length: number): Plaintext;
  nonce(): string;
}

interface AskedSeal {
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly secret?: Plaintext;
}

/** Not kept yet. */
export interface Staged {
  readonly handouts: readonly Handout[];
  keep(): void;
  undo(): void;
}

export interface Renewal {
  readonly passphrase: Plaintext;
  keep(): void;
  settle(): void;
  prove(given: Plaintext): Promise<void>;
}

/** What the statements of custodians are told by. `seal/` implements it. */
export interface Acknowledgements {
  /** Throws 'invalid-parameter' or 'invalid-signature'. `now`: milliseconds since the epoch. */
  verify(seals: readonly SealFacts[], statement: Uint8Array, now: number): AcknowledgedShare;
  /** The shares that are in force. */
  issues(
    seals: readonly SealFacts[],
  ): ReadonlyArray<{ readonly seal: string; readonly set: string; readonly total: number }>;
}
