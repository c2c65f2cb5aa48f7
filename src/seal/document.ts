import { equalSecrets, hkdf, hmac, recipientLength } from '#crypto/crypto.ts';
import { KmsError, type SecretBytes } from '#domain/domain.ts';
import {
  canonicalJson,
  fromBase64,
  hasTwins,
  isJsonObject,
  type Json,
  parseJson,
  toBase64,
  toUtf8,
} from '#encoding/encoding.ts';

/** One credential of a seal, and what it opens. */
export interface Lock {
  readonly settings: Readonly<Record<string, unknown>>;
  /** The public half of the seal's key pair. */
  readonly recipient: Uint8Array;
  /** The private half, wrapped by the seal. */
  readonly guarded: Uint8Array;
  /** The root key, encrypted to the recipient. */
  readonly root: Uint8Array;
}

export interface SealEntry extends Lock {
  readonly name: string;
  readonly kind: string;
  /** What was handed out for it has not been used yet. */
  readonly unproven?: true;
  /** What it took before, as long as it isn't known that what it takes now has arrived. */
  readonly former?: Lock;
}

/** Every way to one root key. */
export interface SealDocument {
  /** Counts what was ever written. */
  readonly revision: number;
  readonly seals: readonly SealEntry[];
}

const format = 2;
const maxText = 1024 * 1024;
export const maxSeals = 16;
const macLength = 32;
const namePattern = /^[a-z0-9][a-z0-9-]{0,31}$/;

/** Under which the document stands. The caller owns it, and still owns `root`. */
export function documentKey(root: SecretBytes): SecretBytes {
  return hkdf('sha512', root, toUtf8('claviger/v1/seal-file'), toUtf8('mac'), 32);
}

export function assertSealName(name: string): void {
  if (namePattern.test(name)) return;
  throw new KmsError('invalid-parameter', 'A seal is called by up to 32 small letters, digits and hyphens.');
}

/** Throws 'invalid-parameter'. */
export function entryNamed({ seals }: SealDocument, name: string): SealEntry {
  const entry = seals.find((seal) => seal.name === name);
  if (entry !== undefined) return entry;
  throw new KmsError('invalid-parameter', `This server has no seal called "${name.slice(0, 40)}".`);
}

/** What the file holds, under the MAC of `key`. Throws 'limit-exceeded' where that is more than would be read again. */
export function writeDocument({ revision, seals }: SealDocument, key: SecretBytes): string {
  const content = { format, revision, seals: seals.map(entryJson) };
  const text = `${JSON.stringify({ ...content, mac: toBase64(macOf(content, key)) }, undefined, 2)}\n`;
  if (toUtf8(text).length <= maxText) return text;
  throw new KmsError(
    'limit-exceeded',
    'All seals together take at most 1 MiB: settle former shares, remove seals, or give custodians shorter keys.',
  );
}

/** Read from a file, and not believed before `assertAuthentic`: somebody must open it to know. */
export interface UnprovenDocument extends SealDocument {
  /** Throws 'tampered' unless it was written under this key. */
  assertAuthentic(key: SecretBytes): void;
}

/** Throws 'tampered' where any part is not as it is written. */
export function readDocument(text: string): UnprovenDocument {
  const bytes = toUtf8(text);
  const json = bytes.length > maxText || hasTwins(text) ? undefined : parseJson(bytes);
  const { mac: given, ...content } = members(json, ['format', 'revision', 'seals', 'mac'], [], 'file');
  if (content.format !== format) throw damaged('format');
  if (!Number.isSafeInteger(content.revision) || (content.revision as number) < 1) throw damaged('revision');
  const { seals: listed } = content;
  if (!Array.isArray(listed) || listed.length === 0 || listed.length > maxSeals) throw damaged('list of seals');
  const seals = listed.map((entry, i) => readEntry(entry as Json, i));
  if (new Set(seals.map(({ name }) => name)).size !== seals.length) throw damaged('list of seals');
  const mac = bytesOf(given, 'mac', macLength, macLength);
  return {
    revision: content.revision as number,
    seals,
    assertAuthentic(key) {
      if (!equalSecrets(macOf(content, key), mac)) throw damaged('mac');
    },
  };
}

function macOf(content: object, key: SecretBytes): Uint8Array {
  return hmac('sha256', key, 'seal file', toUtf8(canonicalJson(content)));
}

function entryJson({ name, kind, unproven, former, ...lock }: SealEntry): object {
  return {
    name,
    kind,
    ...lockJson(lock),
    ...(unproven === true && { unproven }),
    ...(former !== undefined && { former: lockJson(former) }),
  };
}

function lockJson({ settings, recipient, guarded, root }: Lock): object {
  return { settings, recipient: toBase64(recipient), guarded: toBase64(guarded), root: toBase64(root) };
}

const lockMembers = ['settings', 'recipient', 'guarded', 'root'];

function readEntry(json: Json, index: number): SealEntry {
  const entry = members(json, ['name', 'kind', ...lockMembers], ['unproven', 'former'], `seal ${index + 1}`);
  const { name, kind, unproven, former } = entry;
  if (typeof name !== 'string' || !namePattern.test(name)) throw damaged(`name of seal ${index + 1}`);
  if (typeof kind !== 'string' || !namePattern.test(kind)) throw damaged(`kind of the seal "${name}"`);
  if (unproven !== undefined && unproven !== true) throw damaged(`seal "${name}"`);
  return Object.freeze({
    name,
    kind,
    ...readLock(entry, name),
    ...(unproven === true && { unproven }),
    ...(former !== undefined && { former: readLock(members(former, lockMembers, [], `seal "${name}"`), name) }),
  });
}

function readLock({ settings, recipient, guarded, root }: Record<string, Json>, name: string): Lock {
  if (!isJsonObject(settings)) throw damaged(`settings of the seal "${name}"`);
  return Object.freeze({
    settings,
    recipient: bytesOf(recipient, `recipient of the seal "${name}"`, recipientLength, recipientLength),
    guarded: bytesOf(guarded, `guarded key of the seal "${name}"`, 1, 16 * 1024),
    root: bytesOf(root, `root of the seal "${name}"`, recipientLength, recipientLength + 256),
  });
}

/** Exactly these, and of the optional ones whichever are there. */
function members(
  json: Json | undefined,
  required: readonly string[],
  optional: readonly string[],
  part: string,
): Record<string, Json> {
  if (!isJsonObject(json)) throw damaged(part);
  const known = new Set([...required, ...optional]);
  if (!required.every((name) => Object.hasOwn(json, name)) || !Object.keys(json).every((name) => known.has(name))) {
    throw damaged(part);
  }
  return json;
}

function bytesOf(json: Json | undefined, part: string, least: number, most: number): Uint8Array {
  const bytes = typeof json === 'string' ? fromBase64(json) : undefined;
  if (bytes === undefined || bytes.length < least || bytes.length > most) throw damaged(part);
  return bytes;
}

function damaged(part: string): KmsError {
  return new KmsError(
    'tampered',
    `The seal file is not as Claviger wrote it (${part}); restore the newest copy of seal.json.`,
  );
}
