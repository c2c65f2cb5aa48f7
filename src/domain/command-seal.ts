import type { Plaintext } from './secret-bytes.ts';

/** What whoever unseals must bring. A seal that asks nothing finds its credentials where its SDK looks for them. */
export type Asks = 'nothing' | 'passphrase' | 'pin' | 'shares';

/** So many shares of so many open a seal. */
export interface ShareQuorum {
  readonly threshold: number;
  readonly total: number;
}

/** Shares were brought, and more are to be. */
export interface AwaitedShares extends ShareQuorum {
  readonly progress: number;
}

/** What anybody may know of a seal, also while the server is sealed. */
export interface SealStatus {
  readonly name: string;
  readonly kind: string;
  readonly asks: Asks;
  /** `progress`: how many were brought; `nonce` names that attempt, '' where there is none. */
  readonly shares?: AwaitedShares & { readonly nonce: string };
  /** Why the last attempt to open it without anybody's help came to nothing. */
  readonly trouble?: string;
}

/** One of the ways to the root key. */
export interface SealFacts extends SealStatus {
  /** Where its key is. Holds no secret. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** What was handed out for it has not been used yet, so that nobody knows whether it has arrived: it does not count as a way in. */
  readonly unproven?: true;
  /** Also opens by what it took before, until what it takes now was used. */
  readonly former?: true;
}

/** What opens a seal that is there already. */
export interface Opener {
  /** Absent: whichever it opens. */
  readonly seal?: string;
  /** A passphrase, a PIN, or shares: together, one a line, or each by a command of its own. */
  readonly secret: Plaintext;
}

/** Goes to one person: a share, or one encrypted to its custodian. */
export interface Handout {
  readonly custodian: string;
  readonly text: Plaintext;
}

interface Making {
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** Of a kind that takes one: the passphrase or PIN that opens it from now on. */
  readonly secret?: Plaintext;
  /** Absent: a seal that opens by itself gives the root. */
  readonly opener?: Opener;
}

/** A seal as it is now, and what is to be handed out for it. */
export interface SealMade {
  readonly seal: SealFacts;
  readonly handouts: readonly Handout[];
}

/** Nothing was changed yet: whoever else holds a share brings it with the very same command. */
export interface SealAwaited {
  readonly awaits: AwaitedShares;
}

export interface SealCommands {
  'list-seals': Record<never, never>;
  'add-seal': Making & { readonly sealKind: string };
  /** Old copies of the seal file still open by it, as long as the root is not another one. */
  'remove-seal': { readonly name: string };
  /** Wraps anew: with other settings, another key of the kind, another passphrase, other shares. `settings` change those it has. */
  'rotate-seal': Making;
  /** Opens it as an unsealing would, to know that it can: also by shares, one at a time. */
  'prove-seal': { readonly name: string; readonly secret?: Plaintext };
}

export interface SealResults {
  'list-seals': { readonly seals: readonly SealFacts[] };
  'add-seal': SealMade | SealAwaited;
  'remove-seal': { readonly seals: readonly SealFacts[] };
  'rotate-seal': SealMade | SealAwaited;
  /** `proven`: false while more shares are to be brought. */
  'prove-seal': { readonly seal: SealFacts; readonly proven: boolean };
}
