import type { Plaintext } from './secret-bytes.ts';

/**
 * What takes the passphrase of the seal beside a security officer's credential: an orphan token with policy `root`, as an operator of
 * Vault's asks for, and another passphrase.
 */
export type Ceremony = 'root-token' | 'rekey';

export interface CeremonyStatus {
  readonly started: boolean;
  /** Names the ceremony to whoever goes on with it; '' where none is under way. */
  readonly nonce: string;
  /** Of a rekey: the new passphrase counts only once it was given back. */
  readonly verified?: boolean;
  /** Set while it waits for that. */
  readonly verificationNonce?: string;
}

interface Of {
  readonly ceremony: Ceremony;
}

export interface CeremonyCommands {
  'read-ceremony': Of;
  'start-ceremony':
    | {
        readonly ceremony: 'root-token';
        /** What the token is hidden under on its way; absent: one that comes with the answer. As long as a token. */
        readonly otp?: Plaintext;
      }
    | { readonly ceremony: 'rekey'; readonly verified: boolean };
  /** Where none is under way, that is as well. `verification`: only the giving back starts anew. */
  'cancel-ceremony': Of & { readonly verification?: true };
  'feed-ceremony': Of & {
    readonly passphrase: Plaintext;
    readonly nonce: string;
    /** The new passphrase is given back. */
    readonly verification?: true;
  };
}

export interface CeremonyResults {
  'read-ceremony': CeremonyStatus;
  'start-ceremony': CeremonyStatus & { readonly otp?: Plaintext };
  'cancel-ceremony': CeremonyStatus;
  'feed-ceremony': CeremonyStatus & {
    readonly complete: boolean;
    readonly token?: Plaintext;
    /** With `token`. */
    readonly otp?: Plaintext;
    /** The new one. */
    readonly passphrase?: Plaintext;
  };
}

/** Characters of a token, and so of what it is hidden under. */
export const tokenLength = 47;
