import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  chunkLength,
  decodeHeader,
  encodeHeader,
  InauthenticError,
  openChunks,
  prefixLength,
  sealChunks,
  sealedChunkLength,
  webCryptoEngine,
} from '#client/client.ts';
import { chunkVectors, chunkVectorsPath, sha512 } from '../../test/journeys/chunk-vectors.ts';
import { vectorsMissing } from '../../test/vectors.ts';
import { decryptFile, encryptFile, readFileHeader, streamEngine } from './file-crypt.ts';

const dir = mkdtempSync(join(tmpdir(), 'claviger-files-'));
after(() => rmSync(dir, { recursive: true }));

const dataKey = Uint8Array.from({ length: 32 }, (_, i) => i + 1);
const header = encodeHeader({
  realm: '123456789012',
  keyId: '0b5e3c1a-9d2f-4e6b-8a7c-1f2e3d4c5b6a',
  keyVersion: 1,
  keyName: 'first',
  wrappedKey: Uint8Array.of(1, 2, 3),
  context: [],
});

const path = (name: string) => join(dir, name);
const patterned = (length: number) =>
  Buffer.alloc(
    length,
    Uint8Array.from({ length: 997 }, (_, i) => (i * i) & 255),
  );

async function* pieces(bytes: Uint8Array, size = 50_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function gathered(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

async function seal(plaintext: Uint8Array, threads: number): Promise<Buffer> {
  writeFileSync(path('plain'), plaintext);
  const input = openSync(path('plain'), 'r');
  const output = openSync(path('sealed'), 'w');
  try {
    await encryptFile(input, output, async () => ({ header, dataKey: dataKey.slice() }), { threads });
  } finally {
    closeSync(input);
    closeSync(output);
  }
  return readFileSync(path('sealed'));
}

async function open(sealed: Uint8Array, threads: number): Promise<Buffer> {
  writeFileSync(path('sealed'), sealed);
  const input = openSync(path('sealed'), 'r');
  const output = openSync(path('opened'), 'w');
  try {
    const { bytes } = readFileHeader(input);
    await decryptFile(input, output, bytes, async () => dataKey.slice(), { threads });
  } finally {
    closeSync(input);
    closeSync(output);
  }
  return readFileSync(path('opened'));
}

test('the stream cipher passes every vector of Wycheproof', { skip: vectorsMissing(chunkVectorsPath) }, async () => {
  for (const vector of chunkVectors()) {
    const stream = openChunks(streamEngine, vector.key, vector.context, pieces(vector.ciphertext));
    if (vector.valid) assert.equal(sha512(await gathered(stream)), vector.sha512, vector.comment);
    else await assert.rejects(gathered(stream), InauthenticError, vector.comment);
  }
});

test('files, streams and WebCrypto open what each other made, at every edge', async () => {
  const batch = 64 * chunkLength;
  for (const length of [
    0,
    1,
    chunkLength - 1,
    chunkLength,
    chunkLength + 1,
    batch - 1,
    batch,
    batch + 1,
    3 * batch + 7,
  ]) {
    const plaintext = patterned(length);
    const sealed = await seal(plaintext, 2);
    assert.equal(sealed.length, header.length + prefixLength + length + 16 * (Math.floor(length / chunkLength) + 1));
    assert.deepEqual(sealed.subarray(0, header.length), Buffer.from(header));
    const chunks = sealed.subarray(header.length);
    for (const engine of [webCryptoEngine, streamEngine]) {
      assert.ok(plaintext.equals(await gathered(openChunks(engine, dataKey, header, pieces(chunks)))));
      const streamed = await gathered(sealChunks(engine, dataKey, header, pieces(plaintext)));
      assert.ok(plaintext.equals(await open(Buffer.concat([header, streamed]), 2)));
    }
  }
});

test('a large file comes out the same with one thread and with three', async () => {
  const plaintext = patterned(9 * 1024 * 1024 + 5);
  for (const [sealing, opening] of [
    [1, 3],
    [3, 1],
  ] as const) {
    const sealed = await seal(plaintext, sealing);
    assert.ok(plaintext.equals(await open(sealed, opening)));
  }
});

test('in threads too, an altered, cut, extended or reordered file is refused', async () => {
  const sealed = await seal(patterned(6 * 1024 * 1024), 2);
  const start = header.length + prefixLength;
  const chunk = (i: number) => sealed.subarray(start + i * sealedChunkLength, start + (i + 1) * sealedChunkLength);
  const wrong: Array<readonly [string, Buffer]> = [];
  for (const at of [header.length, header.length + 30, start, start + 5_000_000, sealed.length - 1]) {
    const altered = Buffer.from(sealed);
    altered[at]! ^= 1;
    wrong.push([`byte ${at}`, altered]);
  }
  const renamed = { ...decodeHeader(header)!, keyName: 'other' };
  wrong.push(['header', Buffer.concat([encodeHeader(renamed), sealed.subarray(header.length)])]);
  for (const less of [1, 16, 17, sealedChunkLength, 5 * sealedChunkLength + 16]) {
    wrong.push([`${less} less`, sealed.subarray(0, sealed.length - less)]);
  }
  wrong.push(['more', Buffer.concat([sealed, Buffer.alloc(16)])]);
  const swapped = Buffer.from(sealed);
  swapped.set(chunk(40), start);
  swapped.set(chunk(0), start + 40 * sealedChunkLength);
  wrong.push(['swapped', swapped]);
  for (const [what, bytes] of wrong) await assert.rejects(open(bytes, 2), InauthenticError, what);
  for (const length of [0, 5, header.length - 1]) await assert.rejects(open(sealed.subarray(0, length), 2));
  await assert.rejects(open(sealed.subarray(0, header.length + 10), 2), InauthenticError);
});

test('the empty last chunk of a file that fills its chunks is proven like every other', async () => {
  const sealed = await seal(patterned(8 * 1024 * 1024), 2);
  sealed[sealed.length - 1]! ^= 1;
  for (let round = 0; round < 10; round++) await assert.rejects(open(sealed, 3), InauthenticError);
  for (const batches of [5, 6, 7]) {
    const cut = sealed.subarray(0, header.length + prefixLength + batches * 64 * sealedChunkLength);
    await assert.rejects(open(Buffer.concat([cut, Buffer.alloc(16)]), 3), InauthenticError);
  }
});

test('a file that shrinks or grows while it is encrypted is not taken for whole', async () => {
  for (const length of [5 * 1024 * 1024, 100]) {
    writeFileSync(path('changing'), patterned(8 * 1024 * 1024));
    const input = openSync(path('changing'), 'r');
    const output = openSync(path('sealed'), 'w');
    const working = encryptFile(input, output, async () => ({ header, dataKey: dataKey.slice() }), { threads: 1 });
    truncateSync(path('changing'), length);
    await assert.rejects(working, /changed|shorter/);
    closeSync(input);
    closeSync(output);
  }
});
