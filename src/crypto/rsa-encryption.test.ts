import assert from 'node:assert/strict';
import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import { test } from 'node:test';
import {
  generateMaterial,
  openMaterial,
  openPublicKey,
  rsaDecrypt,
  rsaEncrypt,
  rsaMaxPlaintext,
} from '#crypto/crypto.ts';

const { material, publicKey: spki } = await generateMaterial('rsa-2048');
const privateKey = openMaterial('rsa-2048', material);
const publicKey = openPublicKey('rsa-2048', spki!);

const schemes = [
  ['rsa-oaep-sha1', 'sha1', 214],
  ['rsa-oaep-sha256', 'sha256', 190],
  ['rsa-oaep-sha512', 'sha512', 126],
  ['natural', 'sha256', 190],
] as const;

test('OAEP encrypts up to the length that its hash leaves, and not a byte more', () => {
  for (const [scheme, , max] of schemes) {
    assert.equal(rsaMaxPlaintext(publicKey, scheme), max);
    for (const length of [0, 1, max]) {
      const plaintext = Buffer.alloc(length, 7);
      const ciphertext = rsaEncrypt(publicKey, scheme, plaintext);
      assert.equal(ciphertext.length, 256);
      assert.deepEqual(rsaDecrypt(privateKey, scheme, ciphertext), plaintext);
    }
    assert.throws(() => rsaEncrypt(publicKey, scheme, Buffer.alloc(max + 1)), { code: 'invalid-parameter' });
  }
});

test('reads what OpenSSL encrypted with the same hash in MGF1', () => {
  const key = createPublicKey({ key: Buffer.from(spki!), format: 'der', type: 'spki' });
  for (const [scheme, oaepHash] of schemes) {
    const ciphertext = publicEncrypt(
      { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash },
      Buffer.from('hello'),
    );
    assert.equal(rsaDecrypt(privateKey, scheme, ciphertext)?.toString(), 'hello');
  }
});

test('every wrong ciphertext is the same undefined', () => {
  const ciphertext = rsaEncrypt(publicKey, 'rsa-oaep-sha256', Buffer.from('hello'));
  const wrong = [
    Buffer.alloc(0),
    Buffer.alloc(256),
    Buffer.alloc(256, 0xff),
    ciphertext.subarray(1),
    Buffer.concat([ciphertext, ciphertext]),
  ];
  for (let bit = 0; bit < 2048; bit += 61) {
    const flipped = Buffer.from(ciphertext);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    wrong.push(flipped);
  }
  for (const bytes of wrong) assert.equal(rsaDecrypt(privateKey, 'rsa-oaep-sha256', bytes), undefined);
  assert.equal(rsaDecrypt(privateKey, 'rsa-oaep-sha1', ciphertext), undefined);
});

test('refuses keys and schemes that don’t belong together', async () => {
  const ec = openMaterial('ec-p256', (await generateMaterial('ec-p256')).material);
  assert.throws(() => rsaEncrypt(ec, 'rsa-oaep-sha256', Buffer.alloc(1)), { code: 'wrong-algorithm' });
  assert.throws(() => rsaDecrypt(ec, 'rsa-oaep-sha256', Buffer.alloc(256)), { code: 'wrong-algorithm' });
  assert.throws(() => rsaEncrypt(publicKey, 'envelope', Buffer.alloc(1)), { code: 'wrong-algorithm' });
});

test('a leading zero of a ciphertext may not be left out', () => {
  let ciphertext: Buffer;
  do ciphertext = rsaEncrypt(publicKey, 'rsa-oaep-sha256', Buffer.from('hello'));
  while (ciphertext[0] !== 0);
  assert.ok(rsaDecrypt(privateKey, 'rsa-oaep-sha256', ciphertext));
  assert.equal(rsaDecrypt(privateKey, 'rsa-oaep-sha256', ciphertext.subarray(1)), undefined);
});
