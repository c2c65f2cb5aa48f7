import { type Brought, type Command, type KeySpec, KmsError, type OaepHash, oaepHashes } from '#domain/domain.ts';
import { fromPem } from '#encoding/encoding.ts';
import type { JsonObject } from '#wire/common/common.ts';
import { assertDerivable, newName, parameterSet, rotationDays, usagesOf } from './decode-keys.ts';
import { boolean, bytes, integer, text } from './fields.ts';
import { keyRef, specOf } from './names.ts';
import type { Input } from './row.ts';

export function decodeWrappingKey(): Command<'get-wrapping-key'> {
  return { kind: 'get-wrapping-key' };
}

export function decodeImport({ path, body }: Input): Command<'import-key'> {
  const name = newName(path.name);
  if (Object.hasOwn(body, 'convergent_encryption')) {
    throw new KmsError('unsupported', 'import cannot be used on keys with convergent encryption enabled');
  }
  const days = rotationDays(body);
  const ownRotation = boolean(body, 'allow_rotation') ?? false;
  if (days && !ownRotation) {
    throw new KmsError('invalid-parameter', 'allow_rotation must be set to true if auto-rotation is enabled');
  }
  const specs = specsOf(body);
  const derived = boolean(body, 'derived') ?? false;
  if (derived) assertDerivable(specs[0]!);
  return {
    kind: 'import-key',
    name,
    specs,
    usages: usagesOf(specs[0]!),
    brought: broughtBy(body),
    derived,
    exportable: boolean(body, 'exportable') ?? false,
    backupAllowed: boolean(body, 'allow_plaintext_backup') ?? false,
    ownRotation,
    ...(days ? { rotationPeriodDays: days } : {}),
  };
}

export function decodeImportVersion({ path, body }: Input): Command<'import-key-version'> {
  const version = integer(body, 'version');
  const command = { kind: 'import-key-version', key: keyRef(path.name), brought: broughtBy(body) } as const;
  return version === undefined ? command : { ...command, version };
}

const hmacSizes = [32, 48, 64] as const;

/** The length of an `hmac` key says which one it is. */
function specsOf(body: JsonObject): readonly KeySpec[] {
  const type = (text(body, 'type') ?? 'aes256-gcm96').toLowerCase();
  return type === 'hmac'
    ? hmacSizes.map((size) => specOf(type, undefined, size))
    : [specOf(type, parameterSet(body), undefined)];
}

/** A `public_key` beside a `ciphertext` is ignored, as Vault does: the private half says what the public one is. */
function broughtBy(body: JsonObject): Brought {
  const wrapped = bytes(body, 'ciphertext');
  if (wrapped !== undefined) return { hash: oaepHashOf(text(body, 'hash_function')), wrapped };
  const pem = text(body, 'public_key');
  if (pem === undefined) {
    throw new KmsError('invalid-parameter', 'The material is missing: give "ciphertext" or "public_key".');
  }
  const publicKey = fromPem('PUBLIC KEY', pem);
  if (publicKey === undefined) throw new KmsError('malformed', 'error parsing public key: not in PEM format');
  return { publicKey };
}

const hashWords = new Map(oaepHashes.map((hash) => [hash.toUpperCase(), hash]));

export function oaepHashOf(given: string | null | undefined): OaepHash {
  const word = given || 'SHA256';
  const hash = hashWords.get(word.toUpperCase());
  if (hash === undefined) throw new KmsError('invalid-parameter', `unknown hash function: ${word.slice(0, 32)}`);
  return hash;
}

export function decodeBackup({ path }: Input): Command<'backup-key'> {
  return { kind: 'backup-key', key: keyRef(path.name) };
}

export function decodeRestore({ path, body, folder }: Input): Command<'restore-key'> {
  const backup = bytes(body, 'backup');
  if (backup === undefined || backup.length === 0) throw new KmsError('invalid-parameter', "'backup' must be supplied");
  const given = path.name ?? (text(body, 'name') === undefined ? undefined : folder + text(body, 'name'));
  return {
    kind: 'restore-key',
    backup,
    ...(given === undefined ? {} : { name: newName(given) }),
    ...(given === undefined && folder !== '' ? { within: folder } : {}),
    force: boolean(body, 'force') ?? false,
  };
}
