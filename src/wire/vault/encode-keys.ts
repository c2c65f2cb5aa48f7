import { type Key, type KeyVersion, type Result, specFacts } from '#domain/domain.ts';
import { toBase64, toPem } from '#encoding/encoding.ts';
import { isDerivable, pageOf } from './decode-keys.ts';
import { chainText } from './key-certificates.ts';
import { shownName, wordsOf } from './names.ts';
import type { Input } from './row.ts';

const secondsPerDay = 86_400;
/** A SubjectPublicKeyInfo of Ed25519 or X25519 ends with the bare 32 bytes (RFC 8410 section 4). */
const bareLength = 32;

/** Vault shows the versions that may still be used. */
export function visible(key: Key, versions: readonly KeyVersion[]): readonly KeyVersion[] {
  const from = Math.max(key.minDecryptionVersion, key.minAvailableVersion);
  return versions.filter(
    ({ version, wrapped, resident, publicOnly, state }) =>
      version >= from &&
      (wrapped !== undefined || resident !== undefined || publicOnly === true) &&
      state !== 'suspended',
  );
}

/** Symmetric: the second of creation. Key pairs: the public half, PEM except where Vault gives bare bytes. */
function versionWords(key: Key, version: KeyVersion): unknown {
  const { createdAt, publicKey } = version;
  if (publicKey === undefined) return Math.floor(createdAt / 1000);
  const { family } = specFacts(key.spec);
  const words = wordsOf(key.spec);
  const bare = family === 'ed25519' || family === 'x25519';
  return {
    certificate_chain: chainText(version),
    creation_time: new Date(createdAt).toISOString(),
    hybrid_public_key: '',
    name: words.version ?? (words.parameterSet === undefined ? words.type : `${words.type}-${words.parameterSet}`),
    // There is one for each context, and each signature comes with it.
    public_key: key.derived ? '' : bare ? toBase64(publicKey.subarray(-bareLength)) : toPem('PUBLIC KEY', publicKey),
  };
}

function keyWords(key: Key, versions: readonly KeyVersion[], asked: string | undefined): string {
  const { type, parameterSet } = wordsOf(key.spec);
  const { family, bytes } = specFacts(key.spec);
  const encrypts = key.usages.includes('encrypt');
  return JSON.stringify({
    allow_plaintext_backup: key.backupAllowed === true,
    auto_rotate_period: Math.round((key.rotation?.periodDays ?? 0) * secondsPerDay),
    deletion_allowed: key.deletionAllowed,
    derived: key.derived,
    exportable: key.exportable,
    imported_key: key.origin === 'external',
    ...(key.origin === 'external' ? { imported_key_allow_rotation: key.ownRotation === true } : {}),
    ...(key.derived
      ? {
          kdf: 'hkdf_sha256',
          convergent_encryption: key.convergent === true,
          ...(key.convergent && { convergent_encryption_version: -1 }),
        }
      : {}),
    ...(family === 'hmac' ? { key_size: bytes } : {}),
    keys: Object.fromEntries(visible(key, versions).map((version) => [version.version, versionWords(key, version)])),
    latest_version: key.current.version,
    // Vault counts 'nothing trimmed' as 0.
    min_available_version: key.minAvailableVersion <= 1 ? 0 : key.minAvailableVersion,
    min_decryption_version: key.minDecryptionVersion,
    min_encryption_version: key.minEncryptionVersion,
    soft_deleted: !key.enabled,
    name: asked ?? key.names[0] ?? key.id,
    ...(parameterSet === undefined ? {} : { parameter_set: parameterSet }),
    supports_decryption: encrypts,
    supports_derivation: isDerivable(key.spec),
    supports_encryption: encrypts,
    supports_signing: key.usages.includes('sign'),
    type,
  });
}

export function encodeKey({ key, versions }: Result<'describe-key'>, input: Input): string {
  return keyWords(key, versions, shownName(input));
}

interface ChangedKey {
  readonly key: Key;
  readonly versions?: readonly KeyVersion[];
}

/** A key that is new has one version. */
export function encodeChangedKey({ key, versions }: ChangedKey, input: Input): string {
  return keyWords(key, versions ?? [key.current], shownName(input));
}

/** Every name in the folder, and the id of a key that has none; sorted, as Vault's storage lists them. */
export function encodeKeyList(_: Result<'list-keys'>, input: Input, pages: readonly Result<'list-keys'>[]): string {
  const { after, limit } = pageOf(input.query);
  const { folder } = input;
  const all = pages.flatMap(({ keys }) => keys.flatMap((key) => (key.names.length === 0 ? [key.id] : key.names)));
  const below = folder === '' ? all : all.filter((name) => name.startsWith(folder));
  const names = below.map((name) => name.slice(folder.length)).sort();
  const page = names.filter((name) => name > after).slice(0, limit);
  return page.length === 0 ? '' : `{"keys":${JSON.stringify(page)}}`;
}

export function encodeNothing(): string {
  return '';
}

export function encodeCache({ size }: Result<'read-key-cache'>): string {
  return JSON.stringify({ size });
}

/** The size is taken up when the server is unsealed. */
export function cacheWarnings({ size, active }: Result<'read-key-cache'>): readonly string[] {
  return size === 0 || size === active ? [] : [`the cache has ${active} entries until the server is unsealed again`];
}

export function encodeRules({ rules }: Result<'get-key-rules'>): string {
  return JSON.stringify({ disable_upsert: rules.madeOnPurpose });
}
