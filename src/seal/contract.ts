import type { SecretBytes } from '#domain/domain.ts';

/** A root of trust: what the root key is wrapped by. */
export interface Seal {
  /** 'passphrase', ...: names the implementation in the seal file. */
  readonly kind: string;
  /** The root key, wrapped: safe to keep beside the data. The caller still owns `root`. */
  wrap(root: SecretBytes): Promise<Uint8Array>;
  /** Rejects with 'invalid-unseal' when this seal does not open it, without saying why. The caller owns the result. */
  unwrap(wrapped: Uint8Array): Promise<SecretBytes>;
}
