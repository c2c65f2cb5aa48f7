import { type Key, type KeyVersion, KmsError, type Result, specFacts } from '#domain/domain.ts';
import { toBase64, toPem } from '#encoding/encoding.ts';
import { exportedVersion, exportFormatOf } from './decode-export.ts';
import { visible } from './encode-keys.ts';
import { chainText } from './key-certificates.ts';
import { shownName, wordsOf } from './names.ts';
import type { Input } from './row.ts';

/** Of kinds that are bare bytes in Vault's own way of writing them. */
function isBare(key: Key): boolean {
  const { family, bytes } = specFacts(key.spec);
  return bytes !== undefined || family === 'ed25519';
}

const privateLabels = { rsa: 'RSA PRIVATE KEY', ec: 'EC PRIVATE KEY' } as const;

/** Wipes what it was given: the text is all that is left. */
export function encodeExport({ key, exported }: Result<'export-key'>, input: Input): string {
  const format = exportFormatOf(input);
  const mac = input.path.type === 'hmac-key';
  const { family } = specFacts(key.spec);
  const label = format === '' && (family === 'rsa' || family === 'ec') ? privateLabels[family] : 'PRIVATE KEY';
  const bare = mac || format === 'der' || (isBare(key) && format !== 'pem');
  const keys: Record<string, string> = {};
  for (const { version, material } of exported) {
    const bytes = material.release();
    keys[version] = bytes.length === 0 ? '' : bare ? toBase64(bytes) : trimmed(family, toPem(label, bytes));
    material.wipe();
  }
  return answer(key, keys, input);
}

/** Go writes PEM with a line feed at its end, which Vault leaves to RSA keys. */
function trimmed(family: string, pem: string): string {
  return family === 'rsa' ? pem : pem.trimEnd();
}

/** A SubjectPublicKeyInfo of Ed25519 ends with the bare 32 bytes (RFC 8410 section 4). */
const bareLength = 32;

export function encodePublicExport({ key, versions }: Result<'describe-key'>, input: Input): string {
  const format = exportFormatOf(input);
  const { family } = specFacts(key.spec);
  if (key.current.publicKey === undefined || key.derived) {
    throw new KmsError('wrong-usage', `unknown key type ${wordsOf(key.spec).type} for export type public-key`, key.id);
  }
  if (format === 'raw' && family !== 'ed25519') {
    throw new KmsError('invalid-parameter', 'unknown key format; supported values are ``, `der`, or `pem`', key.id);
  }
  const bare = format === 'raw' || (format === '' && family === 'ed25519');
  const keys = shown(key, versions, input).map(({ version, publicKey }) => {
    const der = publicKey!;
    if (bare) return [version, toBase64(der.subarray(-bareLength))];
    return [version, format === 'der' ? toBase64(der) : trimmed(family, toPem('PUBLIC KEY', der))];
  });
  return answer(key, Object.fromEntries(keys), input);
}

export function encodeChainExport({ key, versions }: Result<'describe-key'>, input: Input): string {
  if (!key.usages.includes('sign')) {
    const why = 'certificate chain not supported for keys that do not support signing';
    throw new KmsError('wrong-usage', why, key.id);
  }
  const keys = shown(key, versions, input).map((version) => {
    const chain = chainText(version);
    if (chain !== '') return [version.version, chain];
    throw new KmsError('invalid-state', 'selected key version does not have a certificate chain imported', key.id);
  });
  return answer(key, Object.fromEntries(keys), input);
}

/** The versions that the path asks for. Throws 'version-not-found', 'version-too-old'. */
function shown(key: Key, versions: readonly KeyVersion[], { path }: Input): readonly KeyVersion[] {
  const asked = exportedVersion(path.version);
  const all = visible(key, versions);
  if (asked === undefined) return all;
  const number = asked === 'newest' ? key.current.version : asked;
  const version = all.find((one) => one.version === number);
  if (version !== undefined) return [version];
  throw number < key.minDecryptionVersion
    ? new KmsError('version-too-old', 'version for export is below minimum decryption version', key.id)
    : new KmsError('version-not-found', 'version does not exist or cannot be found', key.id);
}

export function encodeWrappedExport({ key, exported }: Result<'export-wrapped-key'>, input: Input): string {
  const keys = exported.map(({ version, wrapped }) => [version, toBase64(wrapped)]);
  return answer(key, Object.fromEntries(keys), input);
}

function answer(key: Key, keys: Readonly<Record<string, string>>, input: Input): string {
  return JSON.stringify({ keys, name: shownName(input), type: wordsOf(key.spec).type });
}
