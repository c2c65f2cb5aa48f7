import { toUtf8 } from '#encoding/encoding.ts';

/**
 * C2SP chunked-encryption v1 (https://c2sp.org/chunked-encryption) as Cobblestone-256: AES-256-GCM, HKDF-Expand with SHA-512.
 * Committing: a ciphertext opens under one key, salt and context only.
 */
export const chunkLength = 16 * 1024;
export const tagLength = 16;
export const sealedChunkLength = chunkLength + tagLength;
export const saltLength = 24;
/** Salt and commitment, which come before the chunks. */
export const prefixLength = saltLength + 32;

/** The one error of this format: the ciphertext is wrong, and nothing more can be said safely. */
export class InauthenticError extends Error {
  constructor(message = 'The encrypted data was altered, cut short or extended, or belongs to another key.') {
    super(message);
    this.name = 'InauthenticError';
  }
}

/**
 * Encrypts runs of consecutive chunks of one message. All chunks of a run are full; with `final` one shorter chunk, perhaps
 * empty, follows them. What is answered stays valid until the next call only.
 */
export interface ChunkSealer {
  seal(first: number, run: Uint8Array, final: boolean): Promise<Uint8Array> | Uint8Array;
  /** Undefined unless every chunk of the run is authentic. */
  open(first: number, run: Uint8Array, final: boolean): Promise<Uint8Array | undefined> | Uint8Array | undefined;
  /** Forgets the key. */
  dispose(): void;
}

/** Where the cipher runs. `runChunks` is how many chunks it likes to get at once. */
export interface ChunkEngine {
  readonly runChunks: number;
  start(key: Uint8Array, baseNonce: Uint8Array): Promise<ChunkSealer>;
}

export interface MessageKey {
  readonly key: Uint8Array;
  readonly baseNonce: Uint8Array;
  readonly commitment: Uint8Array;
}

/** Section "Key derivation". `inputKey` is 32 uniformly random bytes; `salt` never repeats under it. */
export async function deriveMessageKey(
  inputKey: Uint8Array,
  salt: Uint8Array,
  context: Uint8Array,
): Promise<MessageKey> {
  if (inputKey.length !== 32 || salt.length !== saltLength) throw new InauthenticError();
  const label = toUtf8('c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0');
  const info = concat(label, salt, context);
  const prk = await crypto.subtle.importKey('raw', own(inputKey), { name: 'HMAC', hash: 'SHA-512' }, false, ['sign']);
  // HKDF-Expand (RFC 5869 section 2.3) alone, which WebCrypto doesn't have: two blocks of 64 bytes hold the 76 that are needed.
  const first = new Uint8Array(await crypto.subtle.sign('HMAC', prk, concat(info, Uint8Array.of(1))));
  const second = new Uint8Array(await crypto.subtle.sign('HMAC', prk, concat(first, info, Uint8Array.of(2))));
  const output = concat(first, second);
  return { key: output.subarray(0, 32), baseNonce: output.subarray(32, 44), commitment: output.subarray(44, 76) };
}

/** Starts a new message: its key, and the prefix that goes before the chunks. */
export async function newMessage(
  inputKey: Uint8Array,
  context: Uint8Array,
): Promise<{ readonly message: MessageKey; readonly prefix: Uint8Array }> {
  const salt = crypto.getRandomValues(new Uint8Array(saltLength));
  const message = await deriveMessageKey(inputKey, salt, context);
  return { message, prefix: concat(salt, message.commitment) };
}

/** The key of the message whose prefix this is. Throws InauthenticError where the commitment isn't that of key and context. */
export async function openMessage(inputKey: Uint8Array, prefix: Uint8Array, context: Uint8Array): Promise<MessageKey> {
  if (prefix.length !== prefixLength) throw new InauthenticError();
  const message = await deriveMessageKey(inputKey, prefix.subarray(0, saltLength), context);
  let difference = 0;
  for (let i = 0; i < 32; i++) difference |= message.commitment[i]! ^ prefix[saltLength + i]!;
  if (difference !== 0) throw new InauthenticError();
  return message;
}

/** The nonce of chunk `index`: the base nonce with its last 5 bytes XORed with the number, big-endian. */
export function chunkNonce(baseNonce: Uint8Array, index: number): Uint8Array<ArrayBuffer> {
  if (!(index >= 0 && index < 2 ** 38)) throw new InauthenticError('A message has at most 2^38 chunks.');
  const nonce = Uint8Array.from(baseNonce);
  nonce[7]! ^= Math.floor(index / 2 ** 32);
  for (let i = 8; i < 12; i++) nonce[i]! ^= index >>> (8 * (11 - i));
  return nonce;
}

/** Prefix and sealed chunks of everything in `source`. What is yielded stays valid until the next step only. */
export async function* sealChunks(
  engine: ChunkEngine,
  inputKey: Uint8Array,
  context: Uint8Array,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const { message, prefix } = await newMessage(inputKey, context);
  const sealer = await engine.start(message.key, message.baseNonce);
  try {
    yield prefix;
    let index = 0;
    for await (const { run, final } of gather(source, engine.runChunks * chunkLength)) {
      yield await sealer.seal(index, run, final);
      index += engine.runChunks;
    }
  } finally {
    sealer.dispose();
    message.key.fill(0);
  }
}

/**
 * The plaintext of prefix and sealed chunks. Yields authenticated bytes only, and throws InauthenticError in the end if there is
 * anything wrong with the rest: whoever reads must not take what came before as the whole.
 */
export async function* openChunks(
  engine: ChunkEngine,
  inputKey: Uint8Array,
  context: Uint8Array,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const { head, rest } = await takeExactly(source, prefixLength);
  const message = await openMessage(inputKey, head, context);
  const sealer = await engine.start(message.key, message.baseNonce);
  try {
    let index = 0;
    for await (const { run, final } of gather(rest, engine.runChunks * sealedChunkLength)) {
      // The last chunk is always shorter than a full one and always there: a message that ends elsewhere was cut.
      if (final && run.length % sealedChunkLength < tagLength) throw new InauthenticError();
      const opened = await sealer.open(index, run, final);
      if (opened === undefined) throw new InauthenticError();
      if (opened.length > 0) yield opened;
      index += engine.runChunks;
    }
  } finally {
    sealer.dispose();
    message.key.fill(0);
  }
}

/** Cuts a stream into runs of `length` bytes and one shorter final run, in memory that is used again. */
async function* gather(
  source: AsyncIterable<Uint8Array>,
  length: number,
): AsyncGenerator<{ readonly run: Uint8Array; readonly final: boolean }> {
  const buffer = new Uint8Array(length);
  let filled = 0;
  for await (const piece of source) {
    for (let taken = 0; taken < piece.length; ) {
      const part = piece.subarray(taken, taken + length - filled);
      buffer.set(part, filled);
      filled += part.length;
      taken += part.length;
      if (filled === length) {
        yield { run: buffer, final: false };
        filled = 0;
      }
    }
  }
  yield { run: buffer.subarray(0, filled), final: true };
}

/** The first `length` bytes of a stream (fewer where it ends before), and the stream of what follows. */
export async function takeExactly(
  source: AsyncIterable<Uint8Array>,
  length: number,
): Promise<{ readonly head: Uint8Array; readonly rest: AsyncIterable<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]();
  const head = new Uint8Array(length);
  let filled = 0;
  let left: Uint8Array = new Uint8Array();
  while (filled < length) {
    const next = await iterator.next();
    if (next.done) break;
    const part = next.value.subarray(0, length - filled);
    head.set(part, filled);
    filled += part.length;
    left = next.value.subarray(part.length);
  }
  async function* rest(): AsyncGenerator<Uint8Array> {
    try {
      if (left.length > 0) yield left;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { head: head.subarray(0, filled), rest: rest() };
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** WebCrypto takes bytes in memory that isn't shared. */
export function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : Uint8Array.from(bytes);
}
