import {
  type AeadName,
  commitmentLength,
  digest,
  equalSecrets,
  type KeyHandle,
  openMessage,
  randomInto,
  sealMessage,
  syntheticSalt,
} from '#crypto/crypto.ts';
import { accountOf, type KeySpec, KmsError } from '#domain/domain.ts';
import { fromHex, toHex, toUtf8 } from '#encoding/encoding.ts';

/**
 * Claviger's ciphertext (docs/envelope-format.md):
 *
 *   magic 2 | format 1 | suite 2 | realm tag 4 | key id 16 | version 4 | flags 1 | salt 32 | commitment 32 | ciphertext | tag 16
 *
 * Everything before the ciphertext is authenticated, followed by the canonical context.
 */
const magic = 0x4356; // 'CV'
const format = 1;
const saltAt = 30;
const commitmentAt = 62;
const bodyAt = commitmentAt + commitmentLength;
const layout = { saltAt, saltLength: commitmentAt - saltAt, commitmentAt, bodyAt } as const;
const tagLength = 16;

/** The key's id is `mrk-` and the hexadecimal digits of the 16 bytes; without the flag they are a UUID. */
const multiRegionFlag = 1;
const multiRegionPrefix = 'mrk-';
/** The salt follows from context and message, where a random one stands otherwise. */
const convergentFlag = 2;
const knownFlags = multiRegionFlag | convergentFlag;

/** How many bytes an envelope is longer than what it holds. */
export const envelopeOverhead = bodyAt + tagLength;

const suites: ReadonlyArray<{ readonly suite: number; readonly spec: KeySpec; readonly aead: AeadName }> = [
  { suite: 1, spec: 'aes-256', aead: 'aes-256-gcm' },
  { suite: 2, spec: 'aes-128', aead: 'aes-128-gcm' },
  { suite: 3, spec: 'chacha20-poly1305', aead: 'chacha20-poly1305' },
];

/** Undefined for specs that don't encrypt messages. */
export function aeadOf(spec: KeySpec): AeadName | undefined {
  return suites.find((suite) => suite.spec === spec)?.aead;
}

/** What is the same for every message under one key version; kept with the opened version. */
export interface EnvelopeKey {
  readonly handle: KeyHandle;
  readonly aead: AeadName;
  /** The envelope's first 30 bytes. */
  readonly prefix: Buffer;
  /** HKDF info. */
  readonly info: Uint8Array;
  readonly convergent: boolean;
}

/** Undefined for specs that don't encrypt messages. */
export function envelopeKey(
  realm: string,
  keyId: string,
  version: number,
  handle: KeyHandle,
  convergent = false,
): EnvelopeKey | undefined {
  const suite = suites.find(({ spec }) => spec === handle.spec);
  if (suite === undefined) return undefined;
  const prefix = Buffer.alloc(saltAt);
  prefix.writeUInt16BE(magic, 0);
  prefix[2] = format;
  prefix.writeUInt16BE(suite.suite, 3);
  prefix.set(realmTag(realm), 5);
  const multiRegion = keyId.startsWith(multiRegionPrefix);
  const id = multiRegion ? keyId.slice(multiRegionPrefix.length) : keyId.replaceAll('-', '');
  prefix.set(fromHex(id)!, 9);
  prefix.writeUInt32BE(version, 25);
  prefix[29] = (multiRegion ? multiRegionFlag : 0) | (convergent ? convergentFlag : 0);
  // What one region's key makes its replicas open, so the region is no part of it.
  const name = toUtf8(accountOf(realm));
  const info = Buffer.concat([
    toUtf8('claviger/v1/message'),
    prefix.subarray(3, 5),
    prefix.subarray(9, 29),
    Buffer.from([name.length]),
    name,
  ]);
  return { handle, aead: suite.aead, prefix, info, convergent };
}

function realmTag(realm: string): Uint8Array {
  return digest('sha256', toUtf8(`claviger/v1/realm/${accountOf(realm)}`)).subarray(0, 4);
}

/** A new envelope around `plaintext`, bound to `context` (canonical bytes). */
export function sealEnvelope(key: EnvelopeKey, context: Uint8Array, plaintext: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(envelopeOverhead + plaintext.length);
  key.prefix.copy(out);
  if (key.convergent) out.set(syntheticSalt(key.handle, key.info, context, plaintext), saltAt);
  else randomInto(out, saltAt, commitmentAt - saltAt);
  sealMessage(key.aead, key.handle, key.info, layout, context, plaintext, out);
  return out;
}

/** What an envelope says of itself, before any of it is proven. */
export interface EnvelopeHeader {
  readonly keyId: string;
  readonly version: number;
}

const wrong = () => new KmsError('invalid-ciphertext', 'The ciphertext is not valid for this key and context.');

/** Whether it says that it is an envelope of this realm. */
export function isEnvelope(realm: string, envelope: Uint8Array): boolean {
  const bytes = Buffer.from(envelope.buffer, envelope.byteOffset, envelope.byteLength);
  return (
    bytes.length >= envelopeOverhead &&
    bytes.readUInt16BE(0) === magic &&
    bytes[2] === format &&
    suites.some(({ suite }) => suite === bytes.readUInt16BE(3)) &&
    bytes.subarray(5, 9).equals(realmTag(realm)) &&
    (bytes[29]! & ~knownFlags) === 0
  );
}

/** Throws 'invalid-ciphertext' for anything that isn't an envelope of this realm. */
export function readEnvelope(realm: string, envelope: Uint8Array): EnvelopeHeader {
  if (!isEnvelope(realm, envelope)) throw wrong();
  const bytes = Buffer.from(envelope.buffer, envelope.byteOffset, envelope.byteLength);
  const hex = toHex(bytes.subarray(9, 25));
  const version = bytes.readUInt32BE(25);
  if ((bytes[29]! & multiRegionFlag) !== 0) return { keyId: multiRegionPrefix + hex, version };
  const keyId = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  return { keyId, version };
}

/** The plaintext; every way in which the envelope can be wrong throws the same 'invalid-ciphertext'. */
export function openEnvelope(key: EnvelopeKey, context: Uint8Array, envelope: Uint8Array): Uint8Array {
  const bytes = Buffer.from(envelope.buffer, envelope.byteOffset, envelope.byteLength);
  if (bytes.length < envelopeOverhead || !bytes.subarray(0, saltAt).equals(key.prefix)) throw wrong();
  const plaintext = openMessage(key.aead, key.handle, key.info, layout, context, bytes);
  if (plaintext === undefined) throw wrong();
  if (key.convergent) assertSynthetic(key, context, plaintext, bytes.subarray(saltAt, commitmentAt));
  return plaintext;
}

/** Of each message in each context there is one ciphertext only, so a comparison of ciphertexts is one of messages. */
function assertSynthetic(key: EnvelopeKey, context: Uint8Array, plaintext: Uint8Array, salt: Uint8Array): void {
  if (!equalSecrets(syntheticSalt(key.handle, key.info, context, plaintext), salt)) throw wrong();
}
