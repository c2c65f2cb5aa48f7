import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openChunkCipher } from './chunk-engine.ts';

const key = Uint8Array.from({ length: 32 }, (_, i) => i * 3);
const nonce = Uint8Array.from({ length: 12 }, (_, i) => 200 - i);
const indexes = [0, 1, 255, 256, 2 ** 32 - 1, 2 ** 32, 2 ** 38 - 1];

test("OpenSSL's own functions are in reach on this platform", { skip: process.platform === 'win32' }, async () => {
  const cipher = await openChunkCipher(key, nonce, new ArrayBuffer(64));
  assert.equal(cipher.kind, 'openssl');
  cipher.dispose();
});

test('both ways make the same chunks and open each other’s', async () => {
  for (const length of [0, 1, 15, 16, 17, 5000, 16384]) {
    const memories = [new ArrayBuffer(length + 32), new ArrayBuffer(length + 32)] as const;
    const fast = await openChunkCipher(key, nonce, memories[0]);
    const slow = await openChunkCipher(key, nonce, memories[1], { native: false });
    assert.equal(slow.kind, 'node');
    for (const index of indexes) {
      const plaintext = Uint8Array.from({ length }, (_, i) => i + index);
      for (const memory of memories) new Uint8Array(memory).set(plaintext, 5);
      fast.seal(index, 5, length, 5);
      slow.seal(index, 5, length, 5);
      assert.deepEqual(new Uint8Array(memories[0]), new Uint8Array(memories[1]));
      const swapped = Uint8Array.from(new Uint8Array(memories[0]));
      new Uint8Array(memories[0]).set(new Uint8Array(memories[1]));
      new Uint8Array(memories[1]).set(swapped);
      for (const [cipher, memory] of [
        [fast, memories[0]],
        [slow, memories[1]],
      ] as const) {
        assert.equal(cipher.open(index, 5, length, 5), true);
        assert.deepEqual(new Uint8Array(memory, 5, length), plaintext);
      }
    }
    fast.dispose();
    slow.dispose();
  }
});

test('a chunk that is not authentic is wiped, and the next one still opens', async () => {
  for (const native of [true, false]) {
    const memory = new ArrayBuffer(116);
    const bytes = new Uint8Array(memory);
    const cipher = await openChunkCipher(key, nonce, memory, { native });
    bytes.fill(7);
    cipher.seal(4, 0, 100, 0);
    const sealed = bytes.slice();
    for (let at = 0; at < sealed.length; at++) {
      bytes.set(sealed);
      bytes[at]! ^= 1;
      assert.equal(cipher.open(4, 0, 100, 0), false, `byte ${at}`);
      assert.ok(bytes.subarray(0, 100).every((byte) => byte === 0));
    }
    bytes.set(sealed);
    assert.equal(cipher.open(5, 0, 100, 0), false);
    bytes.set(sealed);
    assert.equal(cipher.open(4, 0, 100, 0), true);
    assert.ok(bytes.subarray(0, 100).every((byte) => byte === 7));
    cipher.dispose();
  }
});

test('from one place to another: the source stays, and only the target of a failed chunk is wiped', async () => {
  for (const native of [true, false]) {
    const memory = new ArrayBuffer(1000);
    const bytes = new Uint8Array(memory);
    const cipher = await openChunkCipher(key, nonce, memory, { native });
    bytes.fill(7, 0, 100);
    cipher.seal(4, 0, 100, 300);
    cipher.seal(4, 0, 100, 0);
    assert.deepEqual(bytes.slice(0, 116), bytes.slice(300, 416));
    assert.equal(cipher.open(4, 300, 100, 600), true);
    assert.ok(bytes.subarray(600, 700).every((byte) => byte === 7));
    bytes[350]! ^= 1;
    const altered = bytes.slice(300, 416);
    assert.equal(cipher.open(4, 300, 100, 600), false);
    assert.ok(bytes.subarray(600, 700).every((byte) => byte === 0));
    assert.deepEqual(bytes.slice(300, 416), altered);
    for (const [from, to] of [
      [0, 99],
      [50, 0],
      [0, 885],
      [901, 0],
    ] as const) {
      assert.throws(() => cipher.seal(0, from, 100, to), RangeError);
    }
    assert.throws(() => cipher.open(0, 0, 100, 115), RangeError);
    cipher.open(0, 0, 100, 116);
    cipher.dispose();
  }
});

test('refuses memory that is not there, chunks beyond the last, and use after disposal', async () => {
  const memory = new ArrayBuffer(1000);
  const cipher = await openChunkCipher(key, nonce, memory);
  for (const [index, offset, length] of [
    [0, 0, 985],
    [0, 985, 0],
    [0, -1, 10],
    [0, 0, -1],
    [0, 0.5, 10],
    [0, Number.NaN, 10],
    [2 ** 38, 0, 10],
    [-1, 0, 10],
  ] as const) {
    assert.throws(() => cipher.seal(index, offset, length, offset), RangeError);
    assert.throws(() => cipher.open(index, offset, length, offset), RangeError);
  }
  structuredClone(memory, { transfer: [memory] });
  assert.throws(() => cipher.seal(0, 0, 10, 0), RangeError);
  cipher.dispose();
  cipher.dispose();
  assert.throws(() => cipher.seal(0, 0, 10, 0), /disposal/);
});
