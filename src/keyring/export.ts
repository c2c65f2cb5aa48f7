import { exportForm, openPublicKey, releaseToCaller, wrapForTransfer } from '#crypto/crypto.ts';
import {
  type Command,
  type ExportedPart,
  isSymmetric,
  type Key,
  type KeyForm,
  type KeyVersion,
  KmsError,
  type Outcome,
  Plaintext,
  type Result,
  type SecretBytes,
  specFacts,
} from '#domain/domain.ts';
import type { Parts } from './change.ts';
import { assertImported } from './imported.ts';
import { derivedKey } from './mac.ts';
import { isOwnKey } from './reserved.ts';
import { assertAllowed, assertNotEnding, assertUsage } from './state.ts';
import { versionRows } from './version-rows.ts';

/** Material on its way out, for whoever may take it away: in plaintext, or under somebody's public key. */

export async function exportKey(
  parts: Parts,
  key: Key,
  { part, form, version }: Command<'export-key'>,
): Promise<Outcome<Result<'export-key'>>> {
  assertExportable(parts, key);
  assertPart(key, part);
  assertForm(key, part, form);
  const exported: Array<{ version: number; material: Plaintext }> = [];
  for (const one of await leaving(parts, key, version)) {
    if (one.publicOnly === true) exported.push({ version: one.version, material: new Plaintext(new Uint8Array(0)) });
    else {
      using material = await parts.versions.material(key, one);
      using mac = part === 'mac' ? await parts.versions.macKey(key, one) : undefined;
      const leaving = mac === undefined ? released(key, material, part, form) : releaseToCaller(mac);
      exported.push({ version: one.version, material: leaving });
    }
  }
  return { result: { key, exported } };
}

function released(key: Key, material: SecretBytes, part: ExportedPart, form: KeyForm): Plaintext {
  if (part !== 'mac' || specFacts(key.spec).family === 'hmac') return exportForm(key.spec, material, form);
  using mac = derivedKey(material, 'sha256');
  return releaseToCaller(mac);
}

export async function exportWrapped(
  parts: Parts,
  key: Key,
  destination: Key,
  { hash, version }: Command<'export-wrapped-key'>,
): Promise<Outcome<Result<'export-wrapped-key'>>> {
  assertExportable(parts, key);
  if (specFacts(destination.spec).family !== 'rsa') {
    throw new KmsError('wrong-algorithm', 'Keys are wrapped for their way under RSA keys.', destination.id);
  }
  assertUsage(destination, 'encrypt');
  assertImported(parts, destination);
  assertAllowed(destination, destination.current, 'protect');
  const to = openPublicKey(destination.spec, destination.current.publicKey!);
  const exported: Array<{ version: number; wrapped: Uint8Array }> = [];
  for (const one of await leaving(parts, key, version)) {
    using material = await parts.versions.material(key, one);
    exported.push({ version: one.version, wrapped: wrapForTransfer(to, hash, material) });
  }
  return { result: { key, exported, under: destination.id } };
}

function assertExportable(parts: Parts, key: Key): void {
  if (!key.exportable || isOwnKey(key)) throw new KmsError('unsupported', 'The key is not exportable.', key.id);
  assertNotEnding(key);
  assertImported(parts, key);
  assertAllowed(key, key.current, 'export');
}

function assertPart(key: Key, part: ExportedPart): void {
  // Key pairs compute MACs whatever else they are for.
  if (part !== 'mac' || isSymmetric(key.spec)) assertUsage(key, part);
}

function assertForm(key: Key, part: ExportedPart, form: KeyForm): void {
  const bare = part === 'mac' || isSymmetric(key.spec);
  const fits = form === 'traditional' || (form === 'raw' ? bare || key.spec === 'ed25519' : !bare);
  if (fits) return;
  const known = bare ? 'its bytes only' : 'DER or PEM only';
  throw new KmsError('invalid-parameter', `unknown format: this key is exported as ${known}`, key.id);
}

/** The versions asked for; without a word of them, all that may still be used. */
async function leaving(
  parts: Parts,
  key: Key,
  asked: Command<'export-key'>['version'],
): Promise<readonly KeyVersion[]> {
  const least = Math.max(key.minDecryptionVersion, key.minAvailableVersion);
  if (asked === undefined) {
    const older = key.current.version > 1 ? (await versionRows(parts, key)).map(({ value }) => value) : [];
    return [...older.filter(({ version, state }) => version >= least && state === 'deactivated'), key.current];
  }
  const number = asked === 'newest' ? key.current.version : asked;
  if (number < least) throw new KmsError('version-too-old', `Version ${number} may no longer be used.`, key.id);
  const version = await parts.versions.facts(key, number);
  assertAllowed(key, version, 'export');
  return [version];
}
