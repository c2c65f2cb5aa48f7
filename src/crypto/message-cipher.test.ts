import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { SecretBytes } from '#domain/domain.ts';
import { aeadOpen, aeadSeal, tagLength } from './aead.ts';
import { KeyHandle, openMaterial } from './key-handle.ts';
import { MessageCipher, messageEngine } from './message-cipher.ts';
import { openMessageGcm } from './message-gcm.ts';
import { openMessageHmac } from './message-hmac.ts';

test('messages go to OpenSSL directly on the Node that comes with the package', () => {
  assert.equal(messageEngine, 'openssl');
});

test('the direct cipher makes and opens what node:crypto does, at every length around its blocks and limits', async () => {
  const gcm = (await openMessageGcm())!;
  const longest = 8192 - tagLength;
  for (const length of [0, 1, 15, 16, 17, 31, 32, 33, 255, 4096, longest]) {
    for (const aadLength of [0, 1, 94, 126, 4032]) {
      const [key, nonce, aad, text] = [randomBytes(32), randomBytes(12), randomBytes(aadLength), randomBytes(length)];
      const sealed = Buffer.alloc(length + tagLength + 7, 0xee);
      gcm.sealInto(key, nonce, aad, text, sealed, 3);
      const body = sealed.subarray(3, 3 + length + tagLength);
      assert.ok(body.equals(aeadSeal('aes-256-gcm', key, nonce, aad, text)));
      assert.deepEqual([sealed.subarray(0, 3), sealed.subarray(-4)], [Buffer.alloc(3, 0xee), Buffer.alloc(4, 0xee)]);
      assert.deepEqual(gcm.open(key, nonce, aad, body), text);
      assert.deepEqual(aeadOpen('aes-256-gcm', key, nonce, aad, body), text);
    }
  }
});

test('the direct cipher refuses every altered bit and every cut, and goes on', async () => {
  const gcm = (await openMessageGcm())!;
  const [key, nonce, aad, text] = [randomBytes(32), randomBytes(12), randomBytes(94), randomBytes(32)];
  const sealed = aeadSeal('aes-256-gcm', key, nonce, aad, text);
  for (const part of [key, nonce, aad, sealed]) {
    for (let bit = 0; bit < part.length * 8; bit++) {
      part[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(gcm.open(key, nonce, aad, sealed), undefined);
      part[bit >> 3]! ^= 1 << (bit & 7);
    }
  }
  for (let length = 0; length < sealed.length; length++) {
    assert.equal(gcm.open(key, nonce, aad, sealed.subarray(0, length)), undefined);
  }
  assert.deepEqual(gcm.open(key, nonce, aad, sealed), text);
});

test('the direct cipher takes nothing that its memory has no room for', async () => {
  const gcm = (await openMessageGcm())!;
  const [key, nonce] = [randomBytes(32), randomBytes(12)];
  for (const [aad, data] of [
    [4033, 20],
    [0, 8193],
  ] as const) {
    assert.equal(gcm.takes(aad, data), false);
    const target = Buffer.alloc(16_384);
    assert.throws(() => gcm.sealInto(key, nonce, Buffer.alloc(aad), Buffer.alloc(data), target, 0), RangeError);
    assert.throws(() => gcm.open(key, nonce, Buffer.alloc(aad), Buffer.alloc(data)), RangeError);
  }
  assert.throws(() => gcm.open(key.subarray(1), nonce, Buffer.alloc(0), Buffer.alloc(32)), RangeError);
  assert.throws(() => gcm.open(key, nonce.subarray(1), Buffer.alloc(0), Buffer.alloc(32)), RangeError);
});

test('the direct MAC is that of node:crypto under many keys in turn, also after their handles are collected', async () => {
  for (const hash of ['sha256', 'sha512'] as const) {
    const hmac = (await openMessageHmac(hash))!;
    const keys = Array.from({ length: 300 }, (_, i) => randomBytes(i % 2 === 0 ? 16 : 32));
    for (let round = 0; round < 3; round++) {
      const handles = keys.map((key) => new KeyHandle('aes-256', SecretBytes.copyOf(key)));
      for (const [i, handle] of handles.entries()) {
        const input = randomBytes((i * 37) % 1024);
        // The first message of a key is left to node:crypto.
        assert.equal(hmac.compute(handle, input), undefined);
        assert.deepEqual(hmac.compute(handle, input), createHmac(hash, keys[i]!).update(input).digest());
        assert.equal(hmac.compute(handle, Buffer.alloc(1025)), undefined);
      }
      await new Promise(setImmediate);
    }
  }
});

test('a message is opened by the cipher that made it, whatever its length and kind', () => {
  const cases = [
    ['aes-256-gcm', 'aes-256', 32],
    ['aes-128-gcm', 'aes-128', 16],
    ['chacha20-poly1305', 'chacha20-poly1305', 32],
  ] as const;
  for (const [aead, spec, size] of cases) {
    const key = openMaterial(spec, new SecretBytes(randomBytes(size)));
    const [salt, info] = [randomBytes(32), Buffer.from('info')];
    for (const length of [0, 32, 8176, 8177, 100_000]) {
      const text = randomBytes(length);
      const sealed = Buffer.alloc(length + tagLength);
      const made = new MessageCipher(aead, key, salt, info);
      made.sealInto(Buffer.from('aad'), text, sealed, 0);
      const again = new MessageCipher(aead, key, salt, info);
      assert.deepEqual(again.commitment, made.commitment);
      assert.deepEqual(again.open(made.commitment, Buffer.from('aad'), sealed), text);
      const opened = (commitment: Uint8Array, aad: string) =>
        new MessageCipher(aead, key, salt, info).open(commitment, Buffer.from(aad), sealed);
      assert.equal(opened(made.commitment, 'other'), undefined);
      assert.equal(opened(randomBytes(32), 'aad'), undefined);
      assert.equal(opened(made.commitment.subarray(1), 'aad'), undefined);
    }
    const other = openMaterial(spec, new SecretBytes(randomBytes(size)));
    assert.notDeepEqual(
      new MessageCipher(aead, other, salt, info).commitment,
      new MessageCipher(aead, key, salt, info).commitment,
    );
  }
});

test('the direct MAC of a key of one message is right again after that key was forgotten', async () => {
  const hmac = (await openMessageHmac('sha512'))!;
  for (let round = 0; round < 3; round++) {
    const [key, input] = [randomBytes(32), randomBytes(93)];
    assert.deepEqual(hmac.computeOnce(key, input), createHmac('sha512', key).update(input).digest());
    hmac.forget();
    hmac.forget();
  }
});
