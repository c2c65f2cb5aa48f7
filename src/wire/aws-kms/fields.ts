import { type Context, KmsError, Plaintext } from '#domain/domain.ts';
import { invalid, missing } from '../common/aws-errors.ts';
import { choice, fromPageMark, integer, object, type Page, tagCharacters } from '../common/aws-fields.ts';
import {
  type JsonObject,
  optionalArray,
  optionalBytes,
  optionalObject,
  optionalString,
  optionalStringMap,
} from '../common/common.ts';
import { AwsFault } from './errors.ts';

export function text(fields: JsonObject, name: string): string {
  const value = optionalString(fields, name);
  if (value === undefined) throw missing(name);
  return value;
}

/** Strict base64 of `min` to `max` bytes. */
export function bytes(fields: JsonObject, name: string, min: number, max: number): Uint8Array {
  const value = optionalBytes(fields, name);
  if (value === undefined) throw missing(name);
  if (value.length < min || value.length > max) {
    throw invalid(name, `Member must have length from ${min} to ${max}`);
  }
  return value;
}

/** PlaintextType: 1 to 4096 bytes. */
export function plaintext(fields: JsonObject, name: string): Plaintext {
  return new Plaintext(bytes(fields, name, 1, 4096));
}

/** CiphertextType: 1 to 6144 bytes. */
export function ciphertext(fields: JsonObject, name: string): Uint8Array {
  return bytes(fields, name, 1, 6144);
}

export function requiredChoice<T>(fields: JsonObject, name: string, values: ReadonlyMap<string, T>): T {
  const found = choice(fields, name, values, undefined);
  if (found === undefined) throw missing(name);
  return found;
}

const maxContext = 8192;

/** At most 8 KiB of keys and values in UTF-8. */
export function context(fields: JsonObject, name: string): Context {
  const pairs = optionalStringMap(fields, name);
  if (pairs === undefined) return {};
  let size = 0;
  for (const [key, value] of pairs) {
    // A lone surrogate has no UTF-8 of its own, so two contexts would become one.
    if (!key.isWellFormed() || !value.isWellFormed()) throw invalid(name, 'Member must be valid Unicode');
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (size > maxContext) throw invalid(name, `Member must have length less than or equal to ${maxContext}`);
  return pairs.length === 0 ? {} : { pairs };
}

const mechanisms: ReadonlyMap<string, true> = new Map([['RSAES_OAEP_SHA_256', true]]);

/**
 * An attestation document comes from hardware of AWS, whose word this server can't verify; and what is meant for an enclave's key must
 * not be answered in the clear instead.
 */
function refuseRecipient(fields: JsonObject): void {
  const recipient = optionalObject(fields, 'Recipient');
  if (recipient === undefined) return;
  requiredChoice(recipient, 'KeyEncryptionAlgorithm', mechanisms);
  bytes(recipient, 'AttestationDocument', 1, 262_144);
  throw invalid('Recipient', 'Member must hold an attestation document that this server can verify');
}

/** What every cryptographic operation may carry and this server doesn't offer. */
export function refuseExtras(fields: JsonObject): void {
  if (Object.hasOwn(fields, 'Recipient')) refuseRecipient(fields);
}

/** Limit and Marker. A larger limit than the answer can have is not an error, as with AWS. */
export function page(fields: JsonObject, usual: number, most = 1000): Page {
  const limit = integer(fields, 'Limit', 1, 1000) ?? usual;
  const marker = optionalString(fields, 'Marker');
  const after = marker === undefined ? '' : fromPageMark(marker, 1024);
  if (after === undefined) throw invalidMarker();
  return { limit: Math.min(limit, most), after };
}

export function invalidMarker(): KmsError {
  return new KmsError('invalid-page', 'The marker is not one that this server gave.');
}

export type Tags = Readonly<Record<string, string>>;

const maxTags = 50;

function tagFault(message: string): AwsFault {
  return new AwsFault('TagException', message);
}

export function tagKey(value: unknown): string {
  if (typeof value !== 'string' || value.length < 1 || value.length > 128 || !tagCharacters.test(value)) {
    throw tagFault('A tag key is 1 to 128 letters, digits, spaces or _ . : / = + - @');
  }
  if (/^aws:/i.test(value)) throw tagFault('Tag keys that begin with aws: are reserved.');
  return value;
}

export function tags(fields: JsonObject): Tags | undefined {
  const list = optionalArray(fields, 'Tags');
  if (list === undefined) return undefined;
  if (list.length > maxTags) throw new KmsError('limit-exceeded', `A key has at most ${maxTags} tags.`);
  const found = new Map<string, string>();
  for (const one of list) {
    const tag = object(one, 'Tags');
    const key = tagKey(text(tag, 'TagKey'));
    const value = text(tag, 'TagValue');
    if (value.length > 256 || !tagCharacters.test(value)) {
      throw tagFault('A tag value is at most 256 letters, digits, spaces or _ . : / = + - @');
    }
    if (found.has(key)) throw tagFault('A tag key is given twice.');
    found.set(key, value);
  }
  return Object.fromEntries(found);
}
