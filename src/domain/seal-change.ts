import type { Handout } from './command-seal.ts';
import type { Plaintext } from './secret-bytes.ts';

/** A seal that somebody asks for. */
export interface AskedSeal {
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** Of a kind that takes one: what opens it from now on. */
  readonly secret?: Plaintext;
}

/** A change of the seals that is not written yet. */
export interface StagedSeals {
  readonly handouts: readonly Handout[];
  /** Durable when it returns. */
  keep(): void;
  /** As it was before, for what was kept and could not be recorded. */
  undo(): void;
}

/** A new passphrase on its way to whoever asked for it. */
export interface PassphraseRenewal {
  readonly passphrase: Plaintext;
  /** From then on both open the seal. */
  keep(): void;
  /** From then on only the new one does. */
  settle(): void;
  /** Rejects with 'invalid-unseal' unless the new one is given back. */
  prove(given: Plaintext): Promise<void>;
}
