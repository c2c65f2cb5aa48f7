import { SecretBytes } from '#domain/domain.ts';
import { loadOpenSsl, none, type OpenSsl, type Pointer } from './openssl.ts';

// One piece of memory for one unwrapping at a time: the key that wraps, the cipher's name, a length, the initial value, what comes out, what
// goes in.
const longest = 16 * 1024;
const at = { key: 0, name: 32, length: 64, iv: 72, out: 80, input: 80 + longest, size: 80 + 2 * longest } as const;

/**
 * AES key unwrapping by OpenSSL's EVP interface. `node:crypto` copies what a decipher gives into a buffer of its exact length, and frees the
 * first one as it is, with the material in it.
 */
class DirectUnwrap {
  readonly #openssl: OpenSsl;
  readonly #bytes: Buffer<ArrayBuffer>;
  readonly #start: Pointer;
  readonly #ciphers = new Map<string, Pointer>();

  constructor(openssl: OpenSsl) {
    this.#openssl = openssl;
    const memory = new ArrayBuffer(at.size);
    this.#bytes = Buffer.from(memory);
    this.#start = openssl.address(memory);
  }

  takes(wrapped: Uint8Array): boolean {
    return wrapped.length <= longest;
  }

  /** The material, which the caller owns, or undefined when anything at all is wrong. `cipher`: OpenSSL's name for a key of that length. */
  unwrap(cipher: string, kek: Uint8Array, iv: Uint8Array, wrapped: Uint8Array): SecretBytes | undefined {
    const ssl = this.#openssl;
    const known = this.#cipherOf(cipher);
    if (known === none) return undefined;
    const context = ssl.newContext();
    this.#bytes.set(kek, at.key);
    this.#bytes.set(iv, at.iv);
    this.#bytes.set(wrapped, at.input);
    const address = (offset: number) => this.#start + BigInt(offset);
    try {
      const done =
        ssl.decryptInit(context, known, none, address(at.key), address(at.iv)) === 1 &&
        ssl.decryptUpdate(context, address(at.out), address(at.length), address(at.input), wrapped.length) === 1;
      if (!done) {
        ssl.clearErrors();
        return undefined;
      }
      // An ArrayBuffer's bytes are outside V8's heap, where they would be moved and copied.
      const material = Buffer.from(new ArrayBuffer(this.#bytes.readInt32LE(at.length)));
      this.#bytes.copy(material, 0, at.out, at.out + material.length);
      return new SecretBytes(material);
    } finally {
      ssl.freeContext(context);
      this.#bytes.fill(0);
    }
  }

  #cipherOf(name: string): Pointer {
    let cipher = this.#ciphers.get(name);
    if (cipher === undefined) {
      this.#bytes.write(`${name}\0`, at.name, 'latin1');
      cipher = this.#openssl.fetchCipher(none, this.#start + BigInt(at.name), none);
      this.#ciphers.set(name, cipher);
    }
    return cipher;
  }
}

/** RFC 5649 section 6, first example, and RFC 3394 section 4.6: what comes out, and that an altered one gives nothing. */
function agrees(direct: DirectUnwrap): boolean {
  const hex = (text: string) => Buffer.from(text, 'hex');
  return [
    {
      cipher: 'id-aes192-wrap-pad',
      kek: '5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8',
      iv: 'a65959a6',
      wrapped: '138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a',
      material: 'c37b7e6492584340bed12207808941155068f738',
    },
    {
      cipher: 'id-aes256-wrap',
      kek: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
      iv: 'a6a6a6a6a6a6a6a6',
      wrapped: '28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21',
      material: '00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f',
    },
  ].every(({ cipher, kek, iv, wrapped, material }) => {
    using right = direct.unwrap(cipher, hex(kek), hex(iv), hex(wrapped));
    const altered = hex(wrapped);
    altered[9]! ^= 1;
    return (
      right !== undefined && hex(material).equals(right.expose()) && !direct.unwrap(cipher, hex(kek), hex(iv), altered)
    );
  });
}

async function openDirectUnwrap(): Promise<DirectUnwrap | undefined> {
  try {
    const openssl = await loadOpenSsl();
    const direct = openssl && new DirectUnwrap(openssl);
    return direct !== undefined && agrees(direct) ? direct : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined where OpenSSL can't be reached this way or doesn't do what the standards say. */
export const directUnwrap: DirectUnwrap | undefined = await openDirectUnwrap();
