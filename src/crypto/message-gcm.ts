import { aeadOpen, aeadSeal, nonceLength, tagLength } from './aead.ts';
import { getTag, loadOpenSsl, none, type OpenSsl, type Pointer, setTag } from './openssl.ts';

// One piece of memory for one message at a time: key, nonce, the length that OpenSSL answers, additional data, and the data itself.
const at = { key: 0, nonce: 32, length: 48, aad: 64, data: 4096, size: 4096 + 8192 + tagLength } as const;
const maxAad = at.data - at.aad;
const maxData = at.size - at.data - tagLength;

/**
 * AES-256-GCM for short messages under a key of their own. A `createCipheriv` for each would cost more in native objects, and in
 * collecting them, than the encryption itself: this goes to the same OpenSSL with two contexts that are used again and again.
 * Nothing runs between the beginning and the end of a call, so the memory never holds two messages; keys and plaintexts are wiped.
 */
export class MessageGcm {
  readonly #openssl: OpenSsl;
  readonly #bytes: Buffer<ArrayBuffer>;
  readonly #sealing: Pointer;
  readonly #opening: Pointer;
  readonly #key: Pointer;
  readonly #nonce: Pointer;
  readonly #length: Pointer;
  readonly #aad: Pointer;
  readonly #data: Pointer;

  constructor(openssl: OpenSsl) {
    this.#openssl = openssl;
    // Outside the collected heap, so that the addresses stay good; this object keeps it alive.
    const memory = new ArrayBuffer(at.size);
    this.#bytes = Buffer.from(memory);
    const start = openssl.address(memory);
    this.#key = start + BigInt(at.key);
    this.#nonce = start + BigInt(at.nonce);
    this.#length = start + BigInt(at.length);
    this.#aad = start + BigInt(at.aad);
    this.#data = start + BigInt(at.data);
    this.#sealing = openssl.newContext();
    this.#opening = openssl.newContext();
    const ready =
      openssl.encryptInit(this.#sealing, openssl.cipher, none, this.#key, this.#nonce) === 1 &&
      openssl.decryptInit(this.#opening, openssl.cipher, none, this.#key, this.#nonce) === 1;
    if (!ready) throw new Error('OpenSSL refused to set up AES-256-GCM');
  }

  /** The last message's keys are no longer in the contexts: those of zeros are. */
  forget(): void {
    this.#bytes.fill(0);
    this.#openssl.encryptInit(this.#sealing, none, none, this.#key, this.#nonce);
    this.#openssl.decryptInit(this.#opening, none, none, this.#key, this.#nonce);
  }

  /** Whether a message is short enough. */
  takes(aadLength: number, dataLength: number): boolean {
    return aadLength <= maxAad && dataLength <= maxData;
  }

  /** As `aeadSealInto`, for a message that it takes. `key` 32 bytes, `nonce` 12. */
  sealInto(
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
    target: Uint8Array,
    offset: number,
  ): void {
    const { length } = plaintext;
    this.#load(key, nonce, aad, plaintext);
    this.#seal(aad.length, length, target, offset);
  }

  /**
   * As `sealInto`, of a message whose nonce stands in `target` at `nonceAt` and whose additional data is all of `target` before `offset`,
   * then `context`: nothing is allocated.
   */
  sealBehind(
    key: Uint8Array,
    nonceAt: number,
    context: Uint8Array,
    plaintext: Uint8Array,
    target: Buffer,
    offset: number,
  ): void {
    this.#loadBehind(key, nonceAt, context, target, offset);
    this.#bytes.set(plaintext, at.data);
    this.#seal(offset + context.length, plaintext.length, target, offset);
  }

  /** As `open`, of a message as `sealBehind` makes it. */
  openBehind(
    key: Uint8Array,
    nonceAt: number,
    context: Uint8Array,
    message: Buffer,
    offset: number,
  ): Buffer | undefined {
    this.#loadBehind(key, nonceAt, context, message, offset);
    message.copy(this.#bytes, at.data, offset);
    return this.#open(offset + context.length, message.length - offset);
  }

  #loadBehind(key: Uint8Array, nonceAt: number, context: Uint8Array, message: Buffer, offset: number): void {
    this.#bytes.set(key, at.key);
    message.copy(this.#bytes, at.nonce, nonceAt, nonceAt + nonceLength);
    message.copy(this.#bytes, at.aad, 0, offset);
    this.#bytes.set(context, at.aad + offset);
  }

  #seal(aadLength: number, length: number, target: Uint8Array, offset: number): void {
    const ssl = this.#openssl;
    const done =
      ssl.encryptInit(this.#sealing, none, none, this.#key, this.#nonce) === 1 &&
      ssl.encryptUpdate(this.#sealing, none, this.#length, this.#aad, aadLength) === 1 &&
      ssl.encryptUpdate(this.#sealing, this.#data, this.#length, this.#data, length) === 1 &&
      ssl.encryptFinal(this.#sealing, this.#data, this.#length) === 1 &&
      ssl.control(this.#sealing, getTag, tagLength, this.#data + BigInt(length)) === 1;
    if (done) this.#bytes.copy(target, offset, at.data, at.data + length + tagLength);
    this.#wipe(length);
    if (!done) throw new Error('OpenSSL failed to encrypt a message');
  }

  /** As `aeadOpen`, for a message that it takes. */
  open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Buffer | undefined {
    if (sealed.length < tagLength) return undefined;
    this.#load(key, nonce, aad, sealed);
    return this.#open(aad.length, sealed.length);
  }

  #open(aadLength: number, sealedLength: number): Buffer | undefined {
    const length = sealedLength - tagLength;
    const ssl = this.#openssl;
    const done =
      ssl.decryptInit(this.#opening, none, none, this.#key, this.#nonce) === 1 &&
      ssl.decryptUpdate(this.#opening, none, this.#length, this.#aad, aadLength) === 1 &&
      ssl.decryptUpdate(this.#opening, this.#data, this.#length, this.#data, length) === 1 &&
      ssl.control(this.#opening, setTag, tagLength, this.#data + BigInt(length)) === 1 &&
      ssl.decryptFinal(this.#opening, this.#data, this.#length) === 1;
    const plaintext = done ? Buffer.from(this.#bytes.subarray(at.data, at.data + length)) : undefined;
    this.#wipe(sealedLength);
    return plaintext;
  }

  #load(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, data: Uint8Array): void {
    if (key.length !== 32 || nonce.length !== 12 || !this.takes(aad.length, data.length))
      throw new RangeError('no message that this takes');
    this.#bytes.set(key, at.key);
    this.#bytes.set(nonce, at.nonce);
    this.#bytes.set(aad, at.aad);
    this.#bytes.set(data, at.data);
  }

  #wipe(length: number): void {
    this.#bytes.fill(0, at.key, at.nonce);
    this.#bytes.fill(0, at.data, at.data + length);
  }
}

/** Makes the same bytes as `node:crypto`, opens them again, and refuses what was altered. */
function agrees(gcm: MessageGcm): boolean {
  const key = Uint8Array.from({ length: 32 }, (_, i) => i * 5);
  const nonce = Uint8Array.from({ length: 12 }, (_, i) => 250 - i);
  for (const [aadLength, length] of [
    [0, 0],
    [94, 32],
    [1, 4096],
    [maxAad, maxData - tagLength],
  ] as const) {
    const aad = Uint8Array.from({ length: aadLength }, (_, i) => i * 3);
    const plaintext = Uint8Array.from({ length }, (_, i) => i);
    const sealed = Buffer.alloc(length + tagLength);
    gcm.sealInto(key, nonce, aad, plaintext, sealed, 0);
    if (!sealed.equals(aeadSeal('aes-256-gcm', key, nonce, aad, plaintext))) return false;
    if (gcm.open(key, nonce, aad, sealed)?.equals(plaintext) !== true) return false;
    if (aeadOpen('aes-256-gcm', key, nonce, aad, sealed) === undefined) return false;
    for (const flipped of [0, sealed.length - 1]) {
      const altered = Buffer.from(sealed);
      altered[flipped]! ^= 1;
      if (gcm.open(key, nonce, aad, altered) !== undefined) return false;
    }
    const other = Uint8Array.of(...aad.subarray(1), 77);
    if (gcm.open(key, nonce, other, sealed) !== undefined) return false;
  }
  return true;
}

/** Undefined where OpenSSL can't be reached this way or doesn't do what `node:crypto` does: then that does the work. */
export async function openMessageGcm(): Promise<MessageGcm | undefined> {
  try {
    const openssl = await loadOpenSsl();
    const gcm = openssl && new MessageGcm(openssl);
    return gcm !== undefined && agrees(gcm) ? gcm : undefined;
  } catch {
    return undefined;
  }
}
