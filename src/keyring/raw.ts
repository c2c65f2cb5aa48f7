import {
  aeadOpen,
  aeadSealInto,
  convergentNonce,
  deriveAsVault,
  type KeyHandle,
  nonceLength,
  randomInto,
  tagLength,
} from '#crypto/crypto.ts';
import { type Change, type Context, type Key, KmsError } from '#domain/domain.ts';
import { changeKey, type Parts } from './change.ts';
import { maxContext } from './context.ts';
import { aeadOf } from './envelope.ts';
import { versionRecordId } from './key-record.ts';

/**
 * What a raw key makes of a message, with nothing of our own, so that whoever has the key and the cipher opens it:
 *
 *   nonce 12 | ciphertext | tag 16
 *
 * The nonce is random (SP 800-38D section 8.2.2) and the key is the version itself, so its uses must be counted.
 */
const overhead = nonceLength + tagLength;
const empty = new Uint8Array(0);

export function sealRaw(key: KeyHandle, aad: Uint8Array, plaintext: Uint8Array, nonce?: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(overhead + plaintext.length);
  if (nonce === undefined) randomInto(out, 0, nonceLength);
  else out.set(nonce);
  aeadSealInto(aeadFor(key), key, out.subarray(0, nonceLength), aad, plaintext, out, nonceLength);
  return out;
}

/** The plaintext, or undefined when anything at all is wrong. */
export function openRaw(key: KeyHandle, aad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  return aeadOpen(aeadFor(key), key, sealed.subarray(0, nonceLength), aad, sealed.subarray(nonceLength));
}

/** Under the key that belongs to the context, as Vault derives it: only keys that came from there are raw and derived. */
export function sealDerived(key: Key, parent: KeyHandle, context: Context, plaintext: Uint8Array): Buffer {
  const [derivation, aad] = [derivationOf(key, context), additionalData(key, context)];
  const nonce = key.convergent === true ? convergentNonce(parent, derivation, aad, plaintext) : undefined;
  return sealRaw(deriveAsVault(parent, derivation), aad, plaintext, nonce);
}

export function openDerived(key: Key, parent: KeyHandle, context: Context, sealed: Uint8Array): Uint8Array | undefined {
  return openRaw(deriveAsVault(parent, derivationOf(key, context)), additionalData(key, context), sealed);
}

function derivationOf({ id }: Key, { derivation = empty }: Context): Uint8Array {
  if (derivation.length > 0 && derivation.length <= maxContext) return derivation;
  throw new KmsError(
    'invalid-parameter',
    `This key is derived per context: a context of 1 to ${maxContext} bytes is required.`,
    id,
  );
}

function aeadFor({ spec }: KeyHandle) {
  const aead = aeadOf(spec);
  if (aead === undefined) throw new KmsError('wrong-usage', 'The key does not encrypt messages.');
  return aead;
}

/** The associated data as it came; pairs and derivation have no form that other implementations know. */
export function additionalData(key: Key, { pairs, associatedData, derivation }: Context): Uint8Array {
  if ((pairs?.length ?? 0) > 0 || ((derivation?.length ?? 0) > 0 && !key.derived)) {
    throw new KmsError('invalid-parameter', 'A raw key binds associated data only, no context.', key.id);
  }
  if (associatedData !== undefined && associatedData.length > maxContext) {
    throw new KmsError('invalid-parameter', `The associated data has at most ${maxContext} bytes.`, key.id);
  }
  return associatedData ?? empty;
}

/**
 * Counts one encryption: in memory, or with the change that reserves the next block. Of those who find no use left at once one
 * reserves; the others meet a conflict, what they encrypted never leaves, and they ask again. Throws 'limit-exceeded' when the
 * version has done all it may.
 */
export function countUse(parts: Parts, key: Key, version: number): Change | undefined {
  // The count stands in the key's own row, which holds the newest version alone.
  if (version !== key.current.version) {
    throw new KmsError('version-too-old', 'A raw key encrypts under its newest version only.', key.id);
  }
  const id = versionRecordId(key, version);
  if (parts.uses.take(id)) return undefined;
  const { limit, block } = parts.uses.limits;
  const reserved = key.current.reservedUses ?? 0;
  const more = Math.min(block, limit - reserved);
  if (more <= 0) {
    throw new KmsError('limit-exceeded', `Version ${version} has encrypted all it may; rotate the key.`, key.id);
  }
  const current = Object.freeze({ ...key.current, reservedUses: reserved + more });
  const { change } = changeKey(parts, key, { current }, `reserved ${more} uses of version ${version}`);
  return {
    ...change,
    applied: () => {
      change.applied?.();
      parts.uses.put(id, more - 1);
    },
  };
}
