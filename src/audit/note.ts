import { digest, type Ed25519Signer, verifyEd25519 } from '#crypto/crypto.ts';
import { fromBase64, toBase64, toUtf8, view } from '#encoding/encoding.ts';

/** Signed notes as c2sp.org/signed-note states them, with Ed25519 signatures only. */
const ed25519Type = 0x01;

/** Characters; room for the 16 signatures, post-quantum ones too, that a verifier must accept. */
const maxNote = 256 * 1024;

export interface VerifierKey {
  readonly name: string;
  /** The first four bytes of a hash over name and key: tells keys apart, proves nothing. */
  readonly id: number;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

export function verifierKey(name: string, publicKey: Uint8Array): VerifierKey {
  if (!isKeyName(name)) throw new RangeError('a key name has no spaces and no plus sign');
  return { name, id: keyId(name, publicKey), publicKey };
}

/** `name+hash+base64`, as an auditor keeps it. */
export function formatVerifierKey(key: VerifierKey): string {
  const id = key.id.toString(16).padStart(8, '0');
  return `${key.name}+${id}+${toBase64(Buffer.concat([Uint8Array.of(ed25519Type), key.publicKey]))}`;
}

/** Undefined unless it is an Ed25519 key whose hash is right. */
export function parseVerifierKey(text: string): VerifierKey | undefined {
  const parts = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text);
  const name = parts?.[1] ?? '';
  const typed = fromBase64(parts?.[3] ?? '');
  if (!isKeyName(name) || typed === undefined || typed.length !== 33 || typed[0] !== ed25519Type) return undefined;
  const key = verifierKey(name, typed.subarray(1));
  return formatVerifierKey(key) === text ? key : undefined;
}

/** One key a line, the older signers' too; undefined if any line is no key or there is none. */
export function parseVerifierKeys(text: string): readonly VerifierKey[] | undefined {
  const keys: VerifierKey[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const key = parseVerifierKey(line.trim());
    if (key === undefined) return undefined;
    keys.push(key);
  }
  return keys.length === 0 ? undefined : keys;
}

/** `text` ends in a newline. */
export function signNote(text: string, name: string, signer: Ed25519Signer): string {
  const { id } = verifierKey(name, signer.publicKey);
  const signature = Buffer.concat([uint32(id), signer.sign(toUtf8(text))]);
  return `${text}\n\u2014 ${name} ${toBase64(signature)}\n`;
}

export interface OpenedNote {
  readonly text: string;
  /** The keys among those given that signed it: at least one. */
  readonly signedBy: readonly VerifierKey[];
}

/** The text that at least one of `keys` signed, if no signature of theirs is wrong; otherwise undefined. */
export function openNote(note: string, keys: readonly VerifierKey[]): OpenedNote | undefined {
  const parsed = parseNote(note);
  if (parsed === undefined) return undefined;
  const message = toUtf8(parsed.text);
  const signedBy: VerifierKey[] = [];
  for (const { name, id, signature } of parsed.signatures) {
    // Signatures by unknown keys, such as witnesses', are passed over; one by a known key must be right.
    for (const key of keys.filter((known) => known.name === name && known.id === id)) {
      if (!verifyEd25519(key.publicKey, message, signature)) return undefined;
      signedBy.push(key);
    }
  }
  return signedBy.length === 0 ? undefined : { text: parsed.text, signedBy };
}

interface NoteSignature {
  readonly name: string;
  readonly id: number;
  readonly signature: Uint8Array;
}

/** The form alone: nothing in it may be believed yet. */
export function parseNote(
  note: string,
): { readonly text: string; readonly signatures: readonly NoteSignature[] } | undefined {
  if (note.length > maxNote || !note.isWellFormed() || hasControl(note)) return undefined;
  const blank = note.lastIndexOf('\n\n');
  if (blank < 0 || !note.endsWith('\n')) return undefined;
  const signatures: NoteSignature[] = [];
  for (const line of note.slice(blank + 2, -1).split('\n')) {
    const parts = /^\u2014 ([^ ]+) ([^ ]+)$/.exec(line);
    const name = parts?.[1] ?? '';
    const bytes = fromBase64(parts?.[2] ?? '');
    if (!isKeyName(name) || bytes === undefined || bytes.length < 5) return undefined;
    signatures.push({ name, id: view(bytes).readUInt32BE(0), signature: bytes.subarray(4) });
  }
  return { text: note.slice(0, blank + 1), signatures };
}

function isKeyName(name: string): boolean {
  return name !== '' && name.isWellFormed() && !/[\p{White_Space}+]/u.test(name) && !hasControl(name);
}

function hasControl(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the standard forbids them
  return /[\0-\x09\x0b-\x1f]/.test(text);
}

function keyId(name: string, publicKey: Uint8Array): number {
  const input = Buffer.concat([toUtf8(`${name}\n`), Uint8Array.of(ed25519Type), publicKey]);
  return digest('sha256', input).readUInt32BE(0);
}

function uint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
