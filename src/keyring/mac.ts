import { digest, equalSecrets, hkdf, hmac } from '#crypto/crypto.ts';
import {
  type Command,
  type HashName,
  isSymmetric,
  type Key,
  KmsError,
  type Outcome,
  type Result,
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
  const hash = hashFor(key, command.hash);
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
  const hash = hashFor(key, command.hash);
  const mac = await compute(parts, key, open, hash, command.message.release());
  return { result: { ...used(key, open.version.version), valid: equalSecrets(mac, command.mac), hash } };
}

/** Which hash that is, `compute` sees to. */
function assertBound(key: Key): void {
  if (specFacts(key.spec).family !== 'hmac') {
    throw new KmsError('wrong-usage', `A ${key.spec} key does not compute MACs.`, key.id);
  }
}

function hashFor({ spec }: Key, asked: HashName | undefined): HashName {
  const { family, hash } = specFacts(spec);
  return asked ?? (family === 'hmac' ? hash! : 'sha256');
}

/**
 * HMAC keys are bound to one hash (SP 800-57 part 1 section 5.2: one key, one purpose). Keys of other kinds, which Vault's clients
 * may ask for a MAC too, use a key derived from the material for exactly this and this hash.
 */
async function compute(
  parts: Parts,
  key: Key,
  open: OpenVersion,
  hash: HashName,
  message: Uint8Array,
): Promise<Uint8Array> {
  if (isSymmetric(key.spec)) assertUsage(key, 'mac');
  const { family, hash: own } = specFacts(key.spec);
  if (family === 'hmac') {
    if (hash !== own) throw new KmsError('wrong-algorithm', `This key computes HMAC with ${own} only.`, key.id);
    return hmac(hash, open.handle, message);
  }
  const info = toUtf8(`claviger/v1/mac/${hash}`);
  if (isSymmetric(key.spec)) {
    using derived = hkdf('sha512', open.handle, noSalt, info, 64);
    return hmac(hash, derived, message);
  }
  using material = await parts.versions.material(key, open.version);
  using derived = hkdf('sha512', material, noSalt, info, 64);
  return hmac(hash, derived, message);
}

export function hashOf(command: Command<'hash'>): Outcome<Result<'hash'>> {
  return { result: { digest: digest(command.hash, command.input.release()) } };
}
