import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chunkVectors, chunkVectorsPath, sha512 } from '../../test/journeys/chunk-vectors.ts';
import { vectorsMissing } from '../../test/vectors.ts';
import {
  chunkLength,
  chunkNonce,
  InauthenticError,
  openChunks,
  prefixLength,
  sealChunks,
  sealedChunkLength,
} from './chunked.ts';
import { webCryptoEngine } from './web-crypto-engine.ts';

const key = Uint8Array.from({ length: 32 }, (_, i) => i);
const context = Buffer.from('a context');

/** A stream in pieces of the given size. */
async function* pieces(bytes: Uint8Array, size = 10_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** What is yielded is only lent, so it is copied at once. */
async function gathered(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

const seal = (plaintext: Uint8Array, size?: number) =>
  gathered(sealChunks(webCryptoEngine, key, context, pieces(plaintext, size)));
const open = (sealed: Uint8Array, size?: number) =>
  gathered(openChunks(webCryptoEngine, key, context, pieces(sealed, size)));

const patterned = (length: number) => Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 255));

test('every vector of Wycheproof ends as it says', { skip: vectorsMissing(chunkVectorsPath) }, async () => {
  const vectors = chunkVectors();
  assert.ok(vectors.length >= 35);
  for (const vector of vectors) {
    const stream = openChunks(webCryptoEngine, vector.key, vector.context, pieces(vector.ciphertext, 7000));
    if (vector.valid) assert.equal(sha512(await gathered(stream)), vector.sha512, vector.comment);
    else await assert.rejects(gathered(stream), InauthenticError, vector.comment);
  }
});

test('what is given out before a failure is a start of the message', {
  skip: vectorsMissing(chunkVectorsPath),
}, async () => {
  // A run of one chunk, so that everything before the bad chunk comes out.
  const engine = { ...webCryptoEngine, runChunks: 1 };
  for (const vector of chunkVectors().filter(({ valid }) => !valid)) {
    const given: Buffer[] = [];
    const drain = async () => {
      const stream = openChunks(engine, vector.key, vector.context, pieces(vector.ciphertext));
      for await (const part of stream) given.push(Buffer.from(part));
    };
    await assert.rejects(drain(), InauthenticError, vector.comment);
    if (vector.sha512 === undefined) assert.equal(given.length, 0, vector.comment);
    else assert.equal(sha512(Buffer.concat(given)), vector.sha512, vector.comment);
  }
});

test('opens what it sealed, at every edge of a chunk and in pieces of any size', async () => {
  const run = webCryptoEngine.runChunks * chunkLength;
  for (const length of [0, 1, chunkLength - 1, chunkLength, chunkLength + 1, 3 * chunkLength, run - 1, run, run + 1]) {
    const plaintext = patterned(length);
    const sealed = await seal(plaintext, length > 20_000 ? 333 : 5);
    assert.equal(sealed.length, prefixLength + length + 16 * (Math.floor(length / chunkLength) + 1));
    for (const size of [length > 20_000 ? 1001 : 1, 1 << 20]) assert.deepEqual(await open(sealed, size), plaintext);
  }
});

test('never makes the same ciphertext twice', async () => {
  assert.notDeepEqual(await seal(patterned(10)), await seal(patterned(10)));
});

test('refuses every flipped bit', async () => {
  const sealed = await seal(patterned(40));
  for (let bit = 0; bit < 8 * sealed.length; bit++) {
    const altered = Buffer.from(sealed);
    altered[bit >> 3]! ^= 1 << (bit & 7);
    await assert.rejects(open(altered), InauthenticError, `bit ${bit}`);
  }
});

test('refuses every truncation and extension', async () => {
  const sealed = await seal(patterned(60));
  for (let length = 0; length < sealed.length; length++) {
    await assert.rejects(open(sealed.subarray(0, length)), InauthenticError, `${length} bytes`);
  }
  for (const extra of [1, 15, 16, 17, 100, sealedChunkLength]) {
    await assert.rejects(open(Buffer.concat([sealed, Buffer.alloc(extra)])), InauthenticError, `${extra} more`);
  }
  const long = await seal(patterned(3 * chunkLength + 100));
  for (let chunks = 0; chunks <= 3; chunks++) {
    for (const odd of [0, 1, 15, 16, 17]) {
      const length = prefixLength + chunks * sealedChunkLength + odd;
      await assert.rejects(open(long.subarray(0, length)), InauthenticError, `${length} bytes`);
    }
  }
});

test('refuses chunks that were swapped, repeated, dropped or taken from another message', async () => {
  const whole = await seal(patterned(4 * chunkLength + 50));
  const other = await seal(patterned(4 * chunkLength + 50));
  const chunk = (of: Buffer, i: number) =>
    of.subarray(prefixLength + i * sealedChunkLength, prefixLength + (i + 1) * sealedChunkLength);
  const of = (...chunks: Buffer[]) => Buffer.concat([whole.subarray(0, prefixLength), ...chunks]);
  const original = [0, 1, 2, 3, 4].map((i) => chunk(whole, i));
  assert.equal((await open(of(...original))).length, 4 * chunkLength + 50);
  const orders = [[1, 0, 2, 3, 4], [0, 1, 3, 2, 4], [0, 0, 2, 3, 4], [0, 1, 2, 4], [0, 1, 2, 3, 3, 4], [4], [0, 4]];
  for (const order of orders) await assert.rejects(open(of(...order.map((i) => chunk(whole, i)))), InauthenticError);
  for (let i = 0; i < 5; i++) {
    const mixed = original.map((own, at) => (at === i ? chunk(other, i) : own));
    await assert.rejects(open(of(...mixed)), InauthenticError, `chunk ${i} of another message`);
  }
});

test('refuses another key and another context', async () => {
  const sealed = await seal(patterned(100));
  const otherKey = key.with(0, 99);
  await assert.rejects(gathered(openChunks(webCryptoEngine, otherKey, context, pieces(sealed))), InauthenticError);
  const otherContext = Buffer.from('b context');
  await assert.rejects(gathered(openChunks(webCryptoEngine, key, otherContext, pieces(sealed))), InauthenticError);
});

test('counts chunks in the last five bytes of the nonce', () => {
  const base = Uint8Array.from({ length: 12 }, () => 0xff);
  assert.deepEqual([...chunkNonce(base, 0)], [...base]);
  assert.deepEqual([...chunkNonce(base, 0x2143658709).subarray(7)], [0xde, 0xbc, 0x9a, 0x78, 0xf6]);
  assert.throws(() => chunkNonce(base, 2 ** 38), InauthenticError);
  assert.throws(() => chunkNonce(base, -1), InauthenticError);
});

test('closes the source when the reader stops early', async () => {
  let closed = false;
  async function* source() {
    try {
      for (;;) yield new Uint8Array(chunkLength);
    } finally {
      closed = true;
    }
  }
  for await (const part of sealChunks(webCryptoEngine, key, context, source())) if (part.length > prefixLength) break;
  assert.equal(closed, true);
});
