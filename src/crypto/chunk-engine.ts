import { createCipheriv, createDecipheriv } from 'node:crypto';
import { getTag, loadOpenSsl, none, type OpenSsl, setTag } from './openssl.ts';

/**
 * AES-256-GCM over the 16 KiB chunks of one message (C2SP chunked-encryption), within memory of the caller. A chunk is too
 * small for `createCipheriv`, whose set-up costs more than the encryption: so the chunks go to the same OpenSSL through
 * `node:ffi` with one reused context, about three times as fast. Where that is missing or fails its self-test, `node:crypto`
 * does the work with the same result.
 */
export interface ChunkCipher {
  readonly kind: 'openssl' | 'node';
  /** Offset of the first 4 KiB boundary of the machine's memory in the workspace: where copies to and from files are fastest. */
  readonly firstPage: number;
  /**
   * Encrypts `length` bytes at `from` as chunk `index` to `to`, and writes the 16-byte tag after them. Both places are the same, or
   * they don't overlap. Throws RangeError.
   */
  seal(index: number, from: number, length: number, to: number): void;
  /** Opens `length` bytes at `from`, whose tag follows them, to `to`. False: not authentic, and what is at `to` is wiped. */
  open(index: number, from: number, length: number, to: number): boolean;
  /** Forgets the key. Must be called: OpenSSL's memory isn't collected. */
  dispose(): void;
}

const tagLength = 16;
/** The message MUST NOT exceed 2^38 chunks (C2SP chunked-encryption, message chunking). */
const maxChunks = 2 ** 38;
const pageSize = 4096n;

/** `workspace` must not be resized or transferred while the cipher lives. Copies `key` (32 bytes) and `baseNonce` (12 bytes). */
export async function openChunkCipher(
  key: Uint8Array,
  baseNonce: Uint8Array,
  workspace: ArrayBuffer,
  options: { readonly native?: boolean } = {},
): Promise<ChunkCipher> {
  if (key.length !== 32 || baseNonce.length !== 12) throw new RangeError('a chunk cipher takes 32 and 12 bytes');
  if (options.native !== false) {
    loading ??= loadOpenSsl().then((found) => (found !== undefined && agrees(found) ? found : undefined));
    const openssl = await loading;
    if (openssl !== undefined) return opensslCipher(openssl, key, baseNonce, workspace);
  }
  return nodeCipher(key, baseNonce, workspace);
}

/** The base nonce with its last 5 bytes XORed with the chunk's number, big-endian. */
function writeNonce(target: Uint8Array, base: Uint8Array, index: number): void {
  if (!(index >= 0 && index < maxChunks)) throw new RangeError('a message has at most 2^38 chunks');
  target.set(base);
  target[7]! ^= Math.floor(index / 2 ** 32);
  target[8]! ^= index >>> 24;
  target[9]! ^= index >>> 16;
  target[10]! ^= index >>> 8;
  target[11]! ^= index;
}

/** Also holds once the memory was transferred away: its length is then 0. */
function checkPlaces(workspace: ArrayBuffer, sealed: number, length: number, plain: number): void {
  const whole = Number.isInteger(sealed) && Number.isInteger(length) && Number.isInteger(plain);
  if (!whole || sealed < 0 || length < 0 || plain < 0) throw new RangeError('a chunk outside its memory');
  const sealedEnd = sealed + length + tagLength;
  if (Math.max(sealedEnd, plain + length) > workspace.byteLength) throw new RangeError('a chunk outside its memory');
  if (sealed !== plain && sealed < plain + length && plain < sealedEnd) throw new RangeError('a chunk over itself');
}

function nodeCipher(givenKey: Uint8Array, givenNonce: Uint8Array, workspace: ArrayBuffer): ChunkCipher {
  const key = Uint8Array.from(givenKey);
  const base = Uint8Array.from(givenNonce);
  const nonce = new Uint8Array(12);
  const bytes = new Uint8Array(workspace);
  return {
    kind: 'node',
    firstPage: 0,
    seal(index, from, length, to) {
      checkPlaces(workspace, to, length, from);
      writeNonce(nonce, base, index);
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagLength });
      const sealed = cipher.update(bytes.subarray(from, from + length));
      cipher.final();
      bytes.set(sealed, to);
      bytes.set(cipher.getAuthTag(), to + length);
    },
    open(index, from, length, to) {
      checkPlaces(workspace, from, length, to);
      writeNonce(nonce, base, index);
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagLength });
      decipher.setAuthTag(bytes.subarray(from + length, from + length + tagLength));
      const opened = decipher.update(bytes.subarray(from, from + length));
      try {
        decipher.final();
      } catch {
        opened.fill(0);
        bytes.fill(0, to, to + length);
        return false;
      }
      bytes.set(opened, to);
      return true;
    },
    dispose() {
      key.fill(0);
    },
  };
}

// Layout of a cipher's scratch memory: key, nonce, and the length that OpenSSL answers.
const scratch = { key: 0, nonce: 32, length: 48, size: 64 } as const;

function opensslCipher(openssl: OpenSsl, key: Uint8Array, base: Uint8Array, workspace: ArrayBuffer): ChunkCipher {
  const baseNonce = Uint8Array.from(base);
  // Memory of its own, outside the collected heap, so that the addresses stay good; the closures below keep it alive.
  const memory = new ArrayBuffer(scratch.size);
  const at = openssl.address(memory);
  const noncePointer = at + BigInt(scratch.nonce);
  const lengthPointer = at + BigInt(scratch.length);
  const nonce = new Uint8Array(memory, scratch.nonce, 12);
  const start = openssl.address(workspace);
  const bytes = new Uint8Array(workspace);
  const keyBytes = new Uint8Array(memory, scratch.key, 32);
  keyBytes.set(key);
  const sealing = openssl.newContext();
  const opening = openssl.newContext();
  let live = true;
  const dispose = () => {
    if (live) for (const context of [sealing, opening]) openssl.freeContext(context);
    live = false;
  };
  const ready =
    openssl.encryptInit(sealing, openssl.cipher, none, at, noncePointer) === 1 &&
    openssl.decryptInit(opening, openssl.cipher, none, at, noncePointer) === 1;
  keyBytes.fill(0);
  if (!ready) {
    dispose();
    throw new Error('OpenSSL refused to set up AES-256-GCM');
  }
  const prepare = (index: number, sealed: number, length: number, plain: number): void => {
    if (!live) throw new Error('a chunk cipher was used after disposal');
    checkPlaces(workspace, sealed, length, plain);
    writeNonce(nonce, baseNonce, index);
  };
  return {
    kind: 'openssl',
    firstPage: Number(-start & (pageSize - 1n)),
    seal(index, from, length, to) {
      prepare(index, to, length, from);
      const sealed = start + BigInt(to);
      const done =
        openssl.encryptInit(sealing, none, none, none, noncePointer) === 1 &&
        openssl.encryptUpdate(sealing, sealed, lengthPointer, start + BigInt(from), length) === 1 &&
        openssl.encryptFinal(sealing, sealed, lengthPointer) === 1 &&
        openssl.control(sealing, getTag, tagLength, sealed + BigInt(length)) === 1;
      if (!done) throw new Error('OpenSSL failed to encrypt a chunk');
    },
    open(index, from, length, to) {
      prepare(index, from, length, to);
      const sealed = start + BigInt(from);
      const plain = start + BigInt(to);
      const done =
        openssl.decryptInit(opening, none, none, none, noncePointer) === 1 &&
        openssl.decryptUpdate(opening, plain, lengthPointer, sealed, length) === 1 &&
        openssl.control(opening, setTag, tagLength, sealed + BigInt(length)) === 1 &&
        openssl.decryptFinal(opening, plain, lengthPointer) === 1;
      if (!done) bytes.fill(0, to, to + length);
      return done;
    },
    dispose,
  };
}

let loading: Promise<OpenSsl | undefined> | undefined;

/** Both ciphers make the same bytes, open them again, and refuse an altered one. */
function agrees(openssl: OpenSsl): boolean {
  const key = Uint8Array.from({ length: 32 }, (_, i) => i * 7);
  const nonce = Uint8Array.from({ length: 12 }, (_, i) => 255 - i);
  for (const length of [0, 1, 1000, 16384]) {
    const fast = new ArrayBuffer(length + tagLength);
    const slow = new ArrayBuffer(length + tagLength);
    const plaintext = Uint8Array.from({ length }, (_, i) => i);
    for (const memory of [fast, slow]) new Uint8Array(memory).set(plaintext);
    const a = opensslCipher(openssl, key, nonce, fast);
    const b = nodeCipher(key, nonce, slow);
    try {
      a.seal(2 ** 33 + length, 0, length, 0);
      b.seal(2 ** 33 + length, 0, length, 0);
      if (Buffer.compare(new Uint8Array(fast), new Uint8Array(slow)) !== 0) return false;
      if (!a.open(2 ** 33 + length, 0, length, 0)) return false;
      if (Buffer.compare(new Uint8Array(fast, 0, length), plaintext) !== 0) return false;
      a.seal(3, 0, length, 0);
      new Uint8Array(fast)[length]! ^= 1;
      if (a.open(3, 0, length, 0)) return false;
    } finally {
      a.dispose();
      b.dispose();
    }
  }
  return true;
}
