import {
  newRecipientSecret,
  openAsRecipient,
  recipientOf,
  recipientSecretLength,
  sealToRecipient,
} from '#crypto/crypto.ts';
import { type Handout, KmsError, type SecretBytes } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import type { SealKind } from './contract.ts';
import type { Lock } from './document.ts';

const contextOf = (name: string) => toUtf8(`claviger/v1/seal-root/${name}`);

/** The root for a recipient that is authentic: the private half opens it later, and nothing else. */
export function rootFor(name: string, recipient: Uint8Array, root: SecretBytes): Uint8Array {
  return sealToRecipient(recipient, contextOf(name), root);
}

/**
 * A new way to `root`, which opened it once already: by the settings that the file will hold and the same secret, unless what opens it
 * was handed out to people. The caller still owns `secret` and `root`. Rejects as `SealKind.create` and `open`.
 */
export async function makeLock(
  name: string,
  kind: SealKind,
  given: Readonly<Record<string, unknown>>,
  secret: SecretBytes | undefined,
  root: SecretBytes,
): Promise<{ readonly lock: Lock; readonly handouts: readonly Handout[] }> {
  const { settings, seal, handouts = [] } = await kind.create(kind.settings(given), secret);
  try {
    using own = newRecipientSecret();
    const recipient = recipientOf(own);
    const kept = JSON.parse(JSON.stringify(settings)) as Lock['settings'];
    const lock = { settings: kept, recipient, guarded: await seal.wrap(own), root: rootFor(name, recipient, root) };
    if (handouts.length === 0) (await openLock(name, kind, lock, secret)).dispose();
    else (await openGuarded(name, lock, () => seal.unwrap(lock.guarded))).dispose();
    return { lock, handouts };
  } finally {
    await seal.close();
  }
}

/** The root, which is the caller's. Rejects as `SealKind.open`. */
export async function openLock(
  name: string,
  kind: SealKind,
  lock: Lock,
  secret: SecretBytes | undefined,
): Promise<SecretBytes> {
  const seal = await kind.open(keptSettings(name, kind, lock), secret);
  try {
    return await openGuarded(name, lock, () => seal.unwrap(lock.guarded));
  } finally {
    await seal.close();
  }
}

/** Throws 'tampered' where the file holds what the kind does not understand. */
export function keptSettings(name: string, kind: SealKind, { settings }: Lock): object {
  try {
    return kind.settings(settings);
  } catch (error) {
    throw new KmsError('tampered', `The seal file's settings of "${name}" are wrong: ${(error as Error).message}`);
  }
}

async function openGuarded(name: string, { root }: Lock, unwrap: () => Promise<SecretBytes>): Promise<SecretBytes> {
  using own = await unwrap();
  const opened = own.length === recipientSecretLength ? openAsRecipient(own, contextOf(name), root) : undefined;
  if (opened !== undefined) return opened;
  throw new KmsError('tampered', `The seal file holds no root for what the seal "${name}" opens.`);
}
