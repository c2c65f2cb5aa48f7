import {
  agree,
  decapsulate as decapsulateWith,
  encapsulate as encapsulateWith,
  openPublicKey,
  releaseToCaller,
} from '#crypto/crypto.ts';
import { type Command, type Key, KmsError, type Outcome, type Result } from '#domain/domain.ts';
import type { Parts } from './change.ts';
import { used } from './encrypt.ts';
import { assertUsage } from './state.ts';
import { openFor } from './version.ts';

/** Rejects with 'invalid-parameter' for what is no point on the key's own curve, or gives no secret. */
export async function deriveSharedSecret(
  parts: Parts,
  key: Key,
  command: Command<'derive-shared-secret'>,
): Promise<Outcome<Result<'derive-shared-secret'>>> {
  assertUsage(key, 'agree');
  const open = await openFor(parts, key, command.version, 'process');
  using secret = await agree(open.handle, openPublicKey(key.spec, command.publicKey));
  return { result: { ...used(key, open.version.version), key, sharedSecret: releaseToCaller(secret) } };
}

/** A new secret, and the ciphertext that carries it to whoever holds the private half of this key. */
export async function encapsulate(
  parts: Parts,
  key: Key,
  command: Command<'encapsulate'>,
): Promise<Outcome<Result<'encapsulate'>>> {
  assertUsage(key, 'encapsulate');
  const open = await openFor(parts, key, command.version, 'protect');
  const { ciphertext, sharedSecret } = encapsulateWith(openPublicKey(key.spec, open.version.publicKey!));
  using secret = sharedSecret;
  return { result: { ...used(key, open.version.version), ciphertext, sharedSecret: releaseToCaller(secret) } };
}

/** Rejects with 'invalid-ciphertext' for one of the wrong length only: any other gives a secret (FIPS 203 section 6.3). */
export async function decapsulate(
  parts: Parts,
  key: Key,
  command: Command<'decapsulate'>,
): Promise<Outcome<Result<'decapsulate'>>> {
  assertUsage(key, 'encapsulate');
  const open = await openFor(parts, key, command.version, 'process');
  using secret = decapsulateWith(open.handle, command.ciphertext);
  if (secret === undefined) {
    throw new KmsError('invalid-ciphertext', `The ciphertext is not as long as ${key.spec} makes them.`, key.id);
  }
  return { result: { ...used(key, open.version.version), sharedSecret: releaseToCaller(secret) } };
}
