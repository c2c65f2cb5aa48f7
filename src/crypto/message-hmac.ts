import { createHmac } from 'node:crypto';
import { SecretBytes } from '#domain/domain.ts';
import { bytesOf, KeyHandle } from './key-handle.ts';
import { loadOpenSsl, none, type OpenSsl, type Pointer } from './openssl.ts';

const macLengths = { sha256: 32, sha512: 64 } as const;
type MacHash = keyof typeof macLengths;
const names = { sha256: 'SHA256', sha512: 'SHA512' } as const;

// One piece of memory for one message at a time: input, output, the length that OpenSSL answers, and a key while it is handed over.
const at = {
  input: 0,
  output: 1024,
  length: 1088,
  key: 1096,
  name: 1160,
  digest: 1168,
  parameters: 1176,
  size: 1176 + 2 * 40,
} as const;
const maxInput = at.output;
const maxKey = at.name - at.key;
/** OSSL_PARAM_UTF8_STRING of <openssl/core.h>. */
const utf8String = 4;

/**
 * HMAC under a key that is used for many messages. OpenSSL keeps the key's two hash states in a context of its own for as
 * long as the handle lives, so a message costs its own blocks only and makes no native object.
 */
export class MessageHmac {
  readonly #openssl: OpenSsl;
  readonly #outputSize: bigint;
  readonly #bytes: Buffer<ArrayBuffer>;
  /** What `derive` leaves there; whoever called it wipes it. */
  readonly output: Buffer;
  readonly #start: Pointer;
  readonly #outputAt: Pointer;
  readonly #lengthAt: Pointer;
  readonly #contexts = new WeakMap<KeyHandle, Pointer>();
  readonly #seen = new WeakSet<KeyHandle>();
  readonly #unused: FinalizationRegistry<Pointer>;
  #once: Pointer | undefined;

  constructor(openssl: OpenSsl, hash: MacHash) {
    this.#openssl = openssl;
    this.#outputSize = BigInt(macLengths[hash]);
    const memory = new ArrayBuffer(at.size);
    this.#bytes = Buffer.from(memory);
    this.output = Buffer.from(memory, at.output, macLengths[hash]);
    this.#start = openssl.address(memory);
    this.#outputAt = this.#start + BigInt(at.output);
    this.#lengthAt = this.#start + BigInt(at.length);
    // OSSL_PARAM { key, type, data, size, size of the answer } with the digest's name, and the empty one that ends the list.
    const setUp = this.#bytes;
    setUp.write('digest\0\0', at.name, 'latin1');
    setUp.write(names[hash], at.digest, 'latin1');
    setUp.writeBigUInt64LE(this.#start + BigInt(at.name), at.parameters);
    setUp.writeUInt32LE(utf8String, at.parameters + 8);
    setUp.writeBigUInt64LE(this.#start + BigInt(at.digest), at.parameters + 16);
    setUp.writeBigUInt64LE(6n, at.parameters + 24);
    this.#unused = new FinalizationRegistry((context) => openssl.freeMac(context));
  }

  /**
   * The MAC, the caller's own; undefined for a key's first message and for what its memory has no room for. Contexts are freed only
   * when their handle is collected, so a key that is read for one message and forgotten gets none.
   */
  compute(key: KeyHandle, input: Uint8Array): Buffer | undefined {
    const context = this.#contextOf(key);
    if (context === undefined || input.length > maxInput) return undefined;
    this.#bytes.set(input, at.input);
    this.#run(context, input.length);
    return this.#taken(input.length);
  }

  #taken(inputLength: number): Buffer {
    // It may have been a secret.
    this.#bytes.fill(0, at.input, at.input + inputLength);
    const mac = Buffer.allocUnsafe(this.output.length);
    mac.set(this.output);
    this.output.fill(0);
    return mac;
  }

  /** The last key of `computeOnce` is in no context any more. */
  forget(): void {
    if (this.#once !== undefined) this.#openssl.freeMac(this.#once);
    this.#once = undefined;
  }

  /** As `compute`, with a key that is used for this message only. Undefined for what its memory has no room for. */
  computeOnce(key: Uint8Array, input: Uint8Array): Buffer | undefined {
    if (key.length > maxKey || input.length > maxInput) return undefined;
    const openssl = this.#openssl;
    const known = this.#once;
    this.#once ??= openssl.newMac(openssl.hmac);
    this.#bytes.set(key, at.key);
    // Its digest stays set.
    const parameters = known === undefined ? this.#start + BigInt(at.parameters) : none;
    const ready = openssl.macInit(this.#once, this.#start + BigInt(at.key), BigInt(key.length), parameters);
    this.#bytes.fill(0, at.key, at.key + key.length);
    if (ready !== 1) throw new Error('OpenSSL refused to set up HMAC');
    this.#bytes.set(input, at.input);
    this.#finish(this.#once, input.length);
    return this.#taken(input.length);
  }

  /**
   * The MAC over `info`, the `saltLength` bytes of `message` at `saltAt`, and `last`, into `output`: nothing is allocated. False as for
   * `compute`'s undefined.
   */
  derive(key: KeyHandle, info: Uint8Array, message: Buffer, saltAt: number, saltLength: number, last: number): boolean {
    const context = this.#contextOf(key);
    const length = info.length + saltLength + 1;
    if (context === undefined || length > maxInput) return false;
    this.#bytes.set(info, at.input);
    message.copy(this.#bytes, at.input + info.length, saltAt, saltAt + saltLength);
    this.#bytes[at.input + length - 1] = last;
    this.#run(context, length);
    return true;
  }

  #run(context: Pointer, length: number): void {
    if (this.#openssl.macInit(context, none, 0n, none) !== 1) throw new Error('OpenSSL failed to compute a MAC');
    this.#finish(context, length);
  }

  #finish(context: Pointer, length: number): void {
    const openssl = this.#openssl;
    const done =
      openssl.macUpdate(context, this.#start, BigInt(length)) === 1 &&
      openssl.macFinal(context, this.#outputAt, this.#lengthAt, this.#outputSize) === 1;
    if (!done) throw new Error('OpenSSL failed to compute a MAC');
  }

  #contextOf(key: KeyHandle): Pointer | undefined {
    return this.#contexts.get(key) ?? this.#openAgain(key);
  }

  #openAgain(key: KeyHandle): Pointer | undefined {
    if (this.#seen.has(key)) return this.#open(key);
    if (bytesOf(key).length <= maxKey) this.#seen.add(key);
    return undefined;
  }

  #open(key: KeyHandle): Pointer {
    const secret = bytesOf(key);
    const context = this.#openssl.newMac(this.#openssl.hmac);
    this.#bytes.set(secret, at.key);
    const ready = this.#openssl.macInit(
      context,
      this.#start + BigInt(at.key),
      BigInt(secret.length),
      this.#start + BigInt(at.parameters),
    );
    this.#bytes.fill(0, at.key, at.key + maxKey);
    if (ready !== 1) {
      this.#openssl.freeMac(context);
      throw new Error('OpenSSL refused to set up HMAC');
    }
    this.#contexts.set(key, context);
    this.#unused.register(key, context);
    return context;
  }
}

/** Computes what `node:crypto` does, for several keys in turn. */
function agrees(hmac: MessageHmac, hash: MacHash): boolean {
  const handles = [16, 32].map((size) => new KeyHandle('aes-256', new SecretBytes(Buffer.alloc(size, size))));
  return [0, 1, 93, 111, 112, 200, maxInput, 93].every((length) =>
    handles.every((handle) => {
      const input = Buffer.alloc(length, length);
      const wanted = createHmac(hash, bytesOf(handle)).update(input).digest();
      const mac = hmac.compute(handle, input) ?? hmac.compute(handle, input);
      return mac?.equals(wanted) === true && hmac.computeOnce(bytesOf(handle), input)?.equals(wanted) === true;
    }),
  );
}

/** Undefined where OpenSSL can't be reached this way or doesn't do what `node:crypto` does: then that does the work. */
export async function openMessageHmac(hash: MacHash): Promise<MessageHmac | undefined> {
  try {
    const openssl = await loadOpenSsl();
    const hmac = openssl && new MessageHmac(openssl, hash);
    return hmac !== undefined && agrees(hmac, hash) ? hmac : undefined;
  } catch {
    return undefined;
  }
}
