import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openMaterial, randomBytes, unwrapAesKw, unwrapAesKwp, wrapAesKw, wrapAesKwp } from '#crypto/crypto.ts';
import { SecretBytes } from '#domain/domain.ts';

const secret = (bytes: Uint8Array) => new SecretBytes(Buffer.from(bytes));

test('what was wrapped unwraps under the same key, as a handle or as bytes', () => {
  for (const [spec, bytes] of [
    ['aes-128', 16],
    ['aes-256', 32],
  ] as const) {
    const kek = secret(randomBytes(bytes));
    const handle = openMaterial(spec, kek);
    for (const length of [1, 7, 8, 9, 15, 16, 24, 31, 32, 1217, 4096]) {
      const material = randomBytes(length);
      const padded = wrapAesKwp(handle, secret(material));
      assert.equal(padded.length, Math.ceil(length / 8) * 8 + 8);
      assert.deepEqual(unwrapAesKwp(kek, padded)?.expose(), material);
      if (length < 16 || length % 8 !== 0) continue;
      const plain = wrapAesKw(kek, secret(material));
      assert.equal(plain.length, length + 8);
      assert.deepEqual(unwrapAesKw(handle, plain)?.expose(), material);
      assert.equal(unwrapAesKwp(kek, plain), undefined);
      assert.equal(unwrapAesKw(kek, padded), undefined);
    }
  }
});

test('every flipped bit, every cut and every other key is refused', () => {
  const kek = secret(randomBytes(32));
  const material = randomBytes(32);
  for (const [wrap, unwrap] of [
    [wrapAesKw, unwrapAesKw],
    [wrapAesKwp, unwrapAesKwp],
  ] as const) {
    const wrapped = wrap(kek, secret(material));
    for (let bit = 0; bit < wrapped.length * 8; bit++) {
      const flipped = Buffer.from(wrapped);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(unwrap(kek, flipped), undefined);
    }
    for (let length = 0; length < wrapped.length; length++) {
      assert.equal(unwrap(kek, wrapped.subarray(0, length)), undefined);
    }
    assert.equal(unwrap(secret(randomBytes(32)), wrapped), undefined);
  }
});

test('lengths that the standard has no wrapping for are refused', () => {
  const kek = secret(randomBytes(32));
  for (const length of [0, 1, 8, 17, 23]) {
    assert.throws(() => wrapAesKw(kek, secret(Buffer.alloc(length))), { code: 'invalid-parameter' });
  }
  assert.throws(() => wrapAesKwp(kek, secret(Buffer.alloc(0))), { code: 'invalid-parameter' });
});
