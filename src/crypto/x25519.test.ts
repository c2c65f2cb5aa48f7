import assert from 'node:assert/strict';
import { test } from 'node:test';
import { x25519 } from '@noble/curves/ed25519.js';
import { x25519Public, x25519Shared } from './x25519.ts';

const hex = (text: string) => Buffer.from(text, 'hex');

const alice = hex('70'.repeat(32));
// RFC 7748 section 6.1.
const bob = hex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb');
const bobPublic = hex('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f');

test('the public half is that of RFC 7748, by either implementation', () => {
  assert.deepEqual(Buffer.from(x25519Public(bob)), bobPublic);
  assert.deepEqual(Buffer.from(x25519.getPublicKey(bob)), bobPublic);
});

test('both ends, and both implementations, come to one secret', () => {
  const shared = Buffer.from(x25519Shared(alice, bobPublic));
  assert.deepEqual(Buffer.from(x25519Shared(bob, x25519Public(alice))), shared);
  assert.deepEqual(Buffer.from(x25519.getSharedSecret(alice, bobPublic)), shared);
});

test('a point of small order gives none', () => {
  for (const point of [new Uint8Array(32), Uint8Array.of(1, ...new Uint8Array(31))]) {
    assert.throws(() => x25519Shared(alice, point));
    assert.throws(() => x25519.getSharedSecret(alice, point));
  }
});
