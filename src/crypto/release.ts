import { Plaintext, type SecretBytes } from '#domain/domain.ts';

/**
 * A copy of key material for the caller who asked for exactly that (a data key pair, a shared secret). The dangerous direction: every call is an
 * answer to a command that the ledger names.
 */
export function releaseToCaller(material: SecretBytes): Plaintext {
  return new Plaintext(Uint8Array.from(material.expose()));
}
