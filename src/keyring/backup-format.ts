import { commitmentLength, MessageCipher, randomBytes } from '#crypto/crypto.ts';
import type { Key, KeyVersion, SecretBytes } from '#domain/domain.ts';
import { canonicalJson, fromUtf8, toUtf8, view } from '#encoding/encoding.ts';
import { decodeKey, decodeVersion, encodeKey, encodeVersion } from './key-record.ts';

/**
 * A key as one piece, under the key of its realm:
 *
 *   'CB' 2 | format 1 | salt 32 | commitment 32 | sealed JSON of the key's rows
 *
 * Material in the rows is wrapped as it is in the store, so that what is sealed here is what binds the rows together.
 */
const magic = 0x4342;
const format = 1;
const saltAt = 3;
const commitmentAt = saltAt + 32;
const bodyAt = commitmentAt + commitmentLength;
const tagLength = 16;
const info = toUtf8('claviger/v1/key-backup');

/** The key and its versions before the current one, as they were. */
export interface BackedUp {
  readonly key: Key;
  readonly older: readonly KeyVersion[];
}

export function sealBackup(realmKey: SecretBytes, { key, older }: BackedUp): Uint8Array {
  const body = toUtf8(canonicalJson({ key: encodeKey(key), older: older.map(encodeVersion) }));
  const out = Buffer.alloc(bodyAt + body.length + tagLength);
  out.writeUInt16BE(magic, 0);
  out[2] = format;
  randomBytes(commitmentAt - saltAt).copy(out, saltAt);
  const cipher = new MessageCipher('aes-256-gcm', realmKey, out.subarray(saltAt, commitmentAt), info);
  out.set(cipher.commitment, commitmentAt);
  cipher.sealInto(bound(key.realm, out), body, out, bodyAt);
  return out;
}

/** Undefined for anything that isn't a backup of this realm. */
export function openBackup(realmKey: SecretBytes, realm: string, backup: Uint8Array): BackedUp | undefined {
  const bytes = view(backup);
  if (bytes.length < bodyAt + tagLength || bytes.readUInt16BE(0) !== magic || bytes[2] !== format) return undefined;
  const cipher = new MessageCipher('aes-256-gcm', realmKey, bytes.subarray(saltAt, commitmentAt), info);
  const body = cipher.open(bytes.subarray(commitmentAt, bodyAt), bound(realm, bytes), bytes.subarray(bodyAt));
  const json = body && fromUtf8(body);
  if (json === undefined) return undefined;
  const { key, older } = JSON.parse(json) as { key: unknown; older: readonly unknown[] };
  return { key: decodeKey(0, key), older: older.map(decodeVersion) };
}

function bound(realm: string, backup: Buffer): Uint8Array {
  return Buffer.concat([backup.subarray(0, bodyAt), toUtf8(realm)]);
}
