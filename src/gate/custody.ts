import type {
  AcknowledgedShare,
  AskedSeal,
  Opener,
  PassphraseRenewal,
  Plaintext,
  SealAwaited,
  SealFacts,
  SealStatus,
  SecretBytes,
  StagedSeals,
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
  add(kind: string, seal: AskedSeal, opener: Opener | undefined): Promise<StagedSeals | SealAwaited>;
  rotate(seal: AskedSeal, opener: Opener | undefined): Promise<StagedSeals | SealAwaited>;
  remove(name: string): StagedSeals;
  settle(name: string): void;
  /** Every seal opens another root from then on; the caller still owns `root`. False: it may, and a restart may find the former. */
  giveRoot(root: SecretBytes): boolean;
  renew(opener: Opener): Promise<PassphraseRenewal>;
  forgetShares(): void;
  pad(length: number): Plaintext;
  nonce(): string;
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
