import type { Asks, Handout, SecretBytes, ShareQuorum } from '#domain/domain.ts';
import type { Hsm } from '#hsm/hsm.ts';

export type { Asks, Handout } from '#domain/domain.ts';

/** Bytes of the longest secret that a seal wraps. */
export const maxWrapped = 128;

/** A root of trust, ready for use: what a secret of the server is wrapped by. */
export interface Seal {
  /** Names the implementation in the seal file. */
  readonly kind: string;
  /** Wrapped: safe to keep beside the data. The caller still owns `secret`, of at most `maxWrapped` bytes. Rejects with 'unavailable'. */
  wrap(secret: SecretBytes): Promise<Uint8Array>;
  /**
   * The caller owns the result. Rejects with 'invalid-unseal' when this seal does not open it, without saying why, and with
   * 'unavailable' where what holds the key can't be reached: that is worth another try.
   */
  unwrap(wrapped: Uint8Array): Promise<SecretBytes>;
  /** Forgets credentials, ends sessions. May be called again. */
  close(): Promise<void>;
}

/**
 * One way to hold a root of trust: a folder of this room. `settings` say where its key is, and hold no secret: they lie in the seal
 * file, readable by whoever reads that. The caller still owns each `secret`, and may dispose it once the promise settled.
 */
export interface SealKind<S extends object = object> {
  /** 'passphrase', 'shamir', 'pkcs11', 'aws-kms', 'gcp-kms', 'azure-key-vault' or 'vault-transit'. */
  readonly kind: string;
  readonly asks: Asks;
  /**
   * Read from the seal file or a command. Throws 'invalid-parameter', which names the member; what is not known is refused. From a
   * command members may be text that stands for a number.
   */
  settings(given: Readonly<Record<string, unknown>>): S;
  /**
   * A new seal: finds its key, or makes one where the settings ask for that by name, and answers settings that pin what identifies it.
   * Rejects as `open` does.
   */
  create(
    settings: S,
    secret: SecretBytes | undefined,
  ): Promise<{ readonly settings: S; readonly seal: Seal; readonly handouts?: readonly Handout[] }>;
  /**
   * Never makes anything. Rejects with 'invalid-unseal' where the secret is wrong, 'unavailable' where something is out of reach (it
   * names the seal and which part; worth another try), and 'tampered' where it isn't the module, token or key that it was made with.
   * A wrong secret may show in `Seal.unwrap` only.
   */
  open(settings: S, secret: SecretBytes | undefined): Promise<Seal>;
  /** Of a kind whose key is in a token that holds other keys too: that token, which the caller closes. Rejects as `open` does. */
  token?(settings: S, secret: SecretBytes | undefined): Promise<Hsm>;
  /** Of a kind that asks for shares: `secret` of `open` is their texts, one a line, as many as it takes. */
  readonly shares?: Shares<S>;
}

/** What is to be known of one share before there are enough of them. */
export interface Shares<S extends object = object> {
  /** So many of so many open it. */
  quorum(settings: S): ShareQuorum;
  /** What it says that it is, true or not: of this seal, as it is or once was; of another; or no share at all. */
  claim(settings: S, share: SecretBytes): 'this seal' | 'another' | 'no share';
  /** Which one it is, from 1. Throws 'invalid-unseal' where a checksum tells that it is none of this seal. */
  numberOf(settings: S, share: SecretBytes): number;
}
