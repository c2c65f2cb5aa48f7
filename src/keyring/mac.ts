import { digest, equalSecrets, hkdf, hmac, type KeyHandle } from '#crypto/crypto.ts';
import {
  type Command,
  type HashName,
  isSymmetric,
  type Key,
  KmsError,
  type Outcome,
  type Result,
  type SecretBytes,
  specFacts,
} from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import type { Parts } from './change.ts';
import { used } from './encrypt.ts';
import type { OpenVersion } from './open.ts';
import { assertUsage } from './state.ts';
import { openFor } from './version.ts';

const noSalt = new Uint8Array(0);

export async function generateMac(
  parts: Parts,
  key: Key,
  command: Command<'generate-mac'>,
): Promise<Outcome<Result<'generate-mac'>>> {
  if (command.boundHash === true) assertBound(key);
  const open = await openFor(parts, key, command.version, 'protect');
  const hash = hashFor(key, open, command.hash);
  const mac = await compute(parts, key, open, hash, command.message.release());
  return { result: { ...used(key, open.version.version), mac, hash } };
}

export async function verifyMac(
  parts: Parts,
  key: Key,
  command: Command<'verify-mac'>,
): Promise<Outcome<Result<'verify-mac'>>> {
  if (command.boundHash === true) assertBound(key);
  const open = await openFor(parts, key, command.version, 'process');
  const hash = hashFor(key, open, command.hash);
  const mac = await compute(parts, key, open, hash, command.message.release());
  return { result: { ...used(key, open.version.version), valid: equalSecrets(mac, command.mac), hash } };
}

/** Which hash that is, `compute` sees to. */
function assertBound(key: Key): void {
  if (specFacts(key.spec).family !== 'hmac') {
    throw new KmsError('wrong-usage', `A ${key.spec} key does not compute MACs.`, key.id);
  }
}

function hashFor({ spec }: Key, { version }: OpenVersion, asked: HashName | undefined): HashName {
  const { family, hash } = specFacts(spec);
  const bound = family === 'hmac' && version.wrappedMac === undefined;
  return asked ?? (bound ? hash! : 'sha256');
}

/**
 * HMAC keys are bound to one hash (SP 800-57 part 1 section 5.2: one key, one purpose). Keys of other kinds, which Vault's clients
 * may ask for a MAC too, use a key derived from the material for exactly this and this hash. Versions that came from elsewhere use the
 * key that came with them, with whatever hash it was used there.
 */
async function compute(
  parts: Parts,
  key: Key,
  open: OpenVersion,
  hash: HashName,
  message: Uint8Array,
): Promise<Uint8Array> {
  if (isSymmetric(key.spec)) assertUsage(key, 'mac');
  if (open.version.wrappedMac !== undefined) {
    using own = await parts.versions.macKey(key, open.version);
    return hmac(hash, own!, message);
  }
  const { family, hash: own } = specFacts(key.spec);
  if (family === 'hmac') {
    if (hash !== own) throw new KmsError('wrong-algorithm', `This key computes HMAC with ${own} only.`, key.id);
    return hmac(hash, open.handle, message);
  }
  if (isSymmetric(key.spec)) {
    using derived = derivedKey(open.handle, hash);
    return hmac(hash, derived, message);
  }
  using material = await parts.versions.material(key, open.version);
  using derived = derivedKey(material, hash);
  return hmac(hash, derived, message);
}

/** What a key that is none for MACs itself computes them with. The caller owns it. */
export function derivedKey(material: KeyHandle | SecretBytes, hash: HashName): SecretBytes {
  return hkdf('sha512', material, noSalt, toUtf8(`claviger/v1/mac/${hash}`), 64);
}

export function hashOf(command: Command<'hash'>): Outcome<Result<'hash'>> {
  return { result: { digest: digest(command.hash, command.input.release()) } };
}
