import type { SecretBytes } from '#domain/domain.ts';

/** A root of trust, ready for use: what a secret of the server is wrapped by. */
export interface Seal {
  /** 'passphrase', 'pkcs11', ...: names the implementation in the seal file. */
  readonly kind: string;
  /** Wrapped: safe to keep beside the data. The caller still owns `secret`. Rejects with 'unavailable'. */
  wrap(secret: SecretBytes): Promise<Uint8Array>;
  /**
   * The caller owns the result. Rejects with 'invalid-unseal' when this seal does not open it, without saying why, and with
   * 'unavailable' where what holds the key can't be reached: that is worth another try.
   */
  unwrap(wrapped: Uint8Array): Promise<SecretBytes>;
}
