import { type Command, type KeyPatch, type KeySpec, type KeyUsage, KmsError, specFacts } from '#domain/domain.ts';
import type { JsonObject } from '#wire/common/common.ts';
import { boolean, integer, seconds, text } from './fields.ts';
import { decodeSegment, isUuid, keyName, keyRef, specOf, wordsOf } from './names.ts';
import type { Input } from './row.ts';

/** What a symmetric key that encrypts is for; undefined for any other kind. */
export function symmetricUsages(spec: KeySpec): readonly KeyUsage[] | undefined {
  const { family } = specFacts(spec);
  return family === 'aes' || family === 'chacha20' ? ['encrypt', 'mac'] : undefined;
}

export function isDerivable(spec: KeySpec): boolean {
  return spec === 'ed25519' || symmetricUsages(spec) !== undefined;
}

export function usagesOf(spec: KeySpec): readonly KeyUsage[] {
  const { family } = specFacts(spec);
  if (family === 'hmac') return ['mac'];
  if (family === 'rsa') return ['encrypt', 'sign'];
  return symmetricUsages(spec) ?? ['sign'];
}

const secondsPerDay = 86_400;

const leastPeriod = 3600;

/** 0 where automatic rotation is switched off. */
export function rotationDays(body: JsonObject): number | undefined {
  const period = seconds(body, 'auto_rotate_period');
  if (period === undefined) return undefined;
  if (period !== 0 && period < leastPeriod) {
    throw new KmsError('invalid-parameter', 'auto rotate period must be 0 to disable or at least an hour');
  }
  return period / secondsPerDay;
}

/** Throws 'unsupported' for types that are not derived per context. */
export function assertDerivable(spec: KeySpec): void {
  if (isDerivable(spec)) return;
  throw new KmsError('unsupported', `Key derivation is not offered for ${wordsOf(spec).type} keys.`);
}

/** What a new key is to be called. */
export function newName(given: string | undefined): string {
  const name = keyName(given);
  if (isUuid(name)) throw new KmsError('invalid-parameter', 'A name in the form of a UUID would hide a key id.');
  return name;
}

export function decodeCreateKey({ path, body }: Input): Command<'create-key'> {
  const name = newName(path.name);
  const spec = specOf(text(body, 'type') ?? 'aes256-gcm96', parameterSet(body), integer(body, 'key_size'));
  const derived = boolean(body, 'derived') ?? false;
  if (derived) assertDerivable(spec);
  const days = rotationDays(body);
  const convergent = boolean(body, 'convergent_encryption') === true;
  if (convergent && !derived) {
    throw new KmsError('invalid-parameter', 'convergent encryption requires derivation to be enabled');
  }
  return {
    kind: 'create-key',
    spec,
    usages: usagesOf(spec),
    class: 'enveloped',
    name,
    derived,
    ...(convergent ? { convergent } : {}),
    exportable: boolean(body, 'exportable') ?? false,
    ...(boolean(body, 'allow_plaintext_backup') === true ? { backupAllowed: true } : {}),
    ...(days ? { rotationPeriodDays: days, pairsRotate: true } : {}),
    ifAbsent: true,
    withVersions: true,
  };
}

/** `44` or `"44"`. */
export function parameterSet(body: JsonObject): string | undefined {
  const given = Object.hasOwn(body, 'parameter_set') ? body.parameter_set : undefined;
  return typeof given === 'number' ? String(given) : text(body, 'parameter_set');
}

export function decodeReadKey({ path }: Input): Command<'describe-key'> {
  return { kind: 'describe-key', key: keyRef(path.name), withVersions: true };
}

export const pageSize = 1000;

/** Which part of a list the query asks for: OpenBao's `after` and `limit`. Throws 'invalid-parameter'. */
export function pageOf(query: string): { readonly after: string; readonly limit: number } {
  let after = '';
  let limit = 0;
  for (const pair of query.split('&')) {
    const at = pair.indexOf('=');
    const value = decodeSegment(pair.slice(at + 1).replaceAll('+', '%20'));
    if (at === 5 && pair.startsWith('after')) after = value;
    if (at === 5 && pair.startsWith('limit')) limit = integer({ limit: value }, 'limit') ?? 0;
  }
  return { after, limit: limit > 0 ? limit : Number.POSITIVE_INFINITY };
}

export function decodeListKeys({ query }: Input): Command<'list-keys'> {
  pageOf(query);
  return { kind: 'list-keys', after: '', limit: pageSize };
}

export function decodeConfigureKey({ path, body }: Input): Command<'update-key'> {
  const minDecryption = integer(body, 'min_decryption_version');
  const minEncryption = integer(body, 'min_encryption_version');
  const deletionAllowed = boolean(body, 'deletion_allowed');
  const days = rotationDays(body);
  const patch: KeyPatch = {
    // 0 is Vault's word for the first.
    ...(minDecryption === undefined ? {} : { minDecryptionVersion: minDecryption === 0 ? 1 : minDecryption }),
    ...(minEncryption === undefined ? {} : { minEncryptionVersion: minEncryption }),
    ...(deletionAllowed === undefined ? {} : { deletionAllowed }),
    // One-way: Vault takes `false` and does nothing.
    ...(boolean(body, 'exportable') === true ? { exportable: true as const } : {}),
    ...(boolean(body, 'allow_plaintext_backup') === true ? { backupAllowed: true as const } : {}),
    ...(days === undefined ? {} : { rotationPeriodDays: days === 0 ? null : days }),
  };
  const command: Command<'update-key'> = { kind: 'update-key', key: keyRef(path.name), patch, withVersions: true };
  return days === undefined ? command : { ...command, pairsRotate: true };
}

export function decodeRotateKey({ path }: Input): Command<'rotate-key'> {
  return { kind: 'rotate-key', key: keyRef(path.name), withVersions: true };
}

export function decodeTrimKey({ path, body }: Input): Command<'trim-key'> {
  const minAvailableVersion = integer(body, 'min_available_version');
  if (minAvailableVersion === undefined) {
    throw new KmsError('invalid-parameter', '"min_available_version" is missing.');
  }
  if (minAvailableVersion < 1) {
    throw new KmsError('invalid-parameter', '"min_available_version" must be 1 or more.');
  }
  return { kind: 'trim-key', key: keyRef(path.name), minAvailableVersion, withVersions: true };
}

/** What Vault calls so is what AWS calls disabled: of no use until it is restored, with nothing lost. */
export function decodeSoftDelete({ path }: Input): Command<'disable-key'> {
  return { kind: 'disable-key', key: keyRef(path.name), withVersions: true };
}

export function decodeSoftDeleteRestore({ path }: Input): Command<'enable-key'> {
  return { kind: 'enable-key', key: keyRef(path.name), withVersions: true };
}

export function decodeDeleteKey({ path }: Input): Command<'destroy-key'> {
  return { kind: 'destroy-key', key: keyRef(path.name) };
}

export function decodeReadCache(): Command<'read-key-cache'> {
  return { kind: 'read-key-cache' };
}

/** Vault takes 0 for an unlimited cache; here the server then chooses. */
export function decodeSetCache({ body }: Input): Command<'set-key-cache'> {
  return { kind: 'set-key-cache', size: integer(body, 'size') ?? 0 };
}

export function decodeReadRules({ folder }: Input): Command<'get-key-rules'> {
  return { kind: 'get-key-rules', folder };
}

export function decodeSetRules({ folder, body }: Input): Command<'set-key-rules'> {
  return { kind: 'set-key-rules', folder, rules: { madeOnPurpose: boolean(body, 'disable_upsert') ?? false } };
}
