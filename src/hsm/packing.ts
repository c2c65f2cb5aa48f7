import type { HsmHash, HsmUse } from './contract.ts';

/*
 * Many uses in one buffer, which is handed over instead of copied, and wiped behind: numbers in front (words of 32 bits, as this machine
 * has them: both ends are one process), then iv, aad and data of each. The names of the keys go beside it, each once.
 */

export interface Batch {
  readonly keys: readonly string[];
  readonly bytes: ArrayBuffer;
}

/** One use, where it lies in the batch. */
export interface PackedUse {
  readonly key: string;
  readonly use: HsmUse['use'];
  readonly hash: HsmHash;
  readonly iv: Buffer;
  readonly aad: Buffer;
  readonly data: Buffer;
}

const useNumbers = {
  ...{ 'encrypt-gcm': 0, 'decrypt-gcm': 1, 'sign-ecdsa': 2, 'sign-pkcs1': 3 },
  ...{ 'sign-pss': 4, mac: 5, 'decrypt-oaep': 6 },
} as const satisfies Record<HsmUse['use'], number>;
const uses = Object.keys(useNumbers) as ReadonlyArray<HsmUse['use']>;
const hashNumbers = {
  ...{ 'SHA-1': 0, 'SHA-224': 1, 'SHA-256': 2, 'SHA-384': 3, 'SHA-512': 4 },
} as const satisfies Record<HsmHash, number>;
const hashes = Object.keys(hashNumbers) as readonly HsmHash[];

/** Of a use: key, use, hash, bytes of iv, aad and data. */
const wordsOfUse = 6;
/** Modules refuse data without an address, which a buffer has only if there is something in it. */
const nothing = Buffer.alloc(1).subarray(0, 0);

export function pack(given: ReadonlyArray<{ readonly key: string; readonly use: HsmUse }>): Batch {
  const front = 4 * (1 + wordsOfUse * given.length);
  let length = front;
  for (const { use } of given) length += use.data.length + ('iv' in use ? use.iv.length + use.aad.length : 0);
  const bytes = new Uint8Array(new ArrayBuffer(length));
  const words = new Uint32Array(bytes.buffer, 0, front / 4);
  words[0] = given.length;
  const keys: string[] = [];
  let word = 1;
  let at = front;
  const put = (part: Uint8Array) => {
    bytes.set(part, at);
    at += part.length;
    return part.length;
  };
  for (const { key, use } of given) {
    let number = keys.indexOf(key);
    if (number < 0) number = keys.push(key) - 1;
    words[word++] = number;
    words[word++] = useNumbers[use.use];
    words[word++] = 'hash' in use ? hashNumbers[use.hash] : 0;
    words[word++] = 'iv' in use ? put(use.iv) : 0;
    words[word++] = 'aad' in use ? put(use.aad) : 0;
    words[word++] = put(use.data);
  }
  return { keys, bytes: bytes.buffer };
}

export function unpack({ keys, bytes }: Batch): readonly PackedUse[] {
  const [count = 0] = new Uint32Array(bytes, 0, 1);
  const words = new Uint32Array(bytes, 4, wordsOfUse * count);
  let at = 4 * (1 + words.length);
  const take = (length: number) => {
    if (length === 0) return nothing;
    at += length;
    return Buffer.from(bytes, at - length, length);
  };
  return Array.from({ length: count }, (_, i) => {
    const [key, use, hash, iv, aad, data] = words.subarray(wordsOfUse * i, wordsOfUse * (i + 1)) as unknown as number[];
    const named = { key: keys[key!]!, use: uses[use!]!, hash: hashes[hash!]! };
    return { ...named, iv: take(iv!), aad: take(aad!), data: take(data!) };
  });
}

/** Of an answer: return value, bytes; then the answers, each with as much room as it may need. */
const wordsOfAnswer = 2;

/** Where the answers to a batch are put, one after the other. */
export class Answers {
  readonly bytes: ArrayBuffer;
  readonly #words: Int32Array;
  #next = 0;
  #at: number;

  constructor(rooms: readonly number[]) {
    const front = 4 * wordsOfAnswer * rooms.length;
    this.bytes = new ArrayBuffer(rooms.reduce((sum, room) => sum + room, front));
    this.#words = new Int32Array(this.bytes, 0, wordsOfAnswer * rooms.length);
    this.#at = front;
  }

  /** Of the next answer. */
  room(length: number): Buffer {
    return Buffer.from(this.bytes, this.#at, length);
  }

  /** What became of it: the room that it had is passed over by what it used of it. */
  put(rv: number, length: number): void {
    this.#words[this.#next++] = rv;
    this.#words[this.#next++] = length;
    this.#at += length;
  }
}

/** Calls back for each: its return value and the answer, which is wiped behind, with the rest of `bytes`. */
export function readAnswers(
  bytes: ArrayBuffer,
  count: number,
  take: (index: number, rv: number, answer: Uint8Array) => void,
): void {
  const words = new Int32Array(bytes, 0, wordsOfAnswer * count);
  const all = new Uint8Array(bytes);
  let at = 4 * words.length;
  for (let i = 0; i < count; i++) {
    const length = words[wordsOfAnswer * i + 1]!;
    take(i, words[wordsOfAnswer * i]!, all.subarray(at, at + length));
    at += length;
  }
  all.fill(0);
}
