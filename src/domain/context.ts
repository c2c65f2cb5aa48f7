/**
 * What a caller binds to a ciphertext without storing it there. Each part comes from one kind of protocol field and keeps its own
 * domain tag when encoded, so that an AWS context, GCP bytes and Vault bytes can't stand in for one another.
 */
export interface Context {
  /** AWS encryption context: unique keys, any order; the canonical form sorts by UTF-8 bytes. */
  readonly pairs?: ReadonlyArray<readonly [key: string, value: string]>;
  /** Vault `associated_data`. */
  readonly associatedData?: Uint8Array;
  /** Vault `context` of a derived key. */
  readonly derivation?: Uint8Array;
}

export const noContext: Context = Object.freeze({});
