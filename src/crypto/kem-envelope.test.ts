import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { SecretBytes } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import { isKemPublicKey, openWithKemKey, sealToKemKey } from './crypto.ts';

const context = toUtf8('context');
const secret = () => new SecretBytes(toUtf8('what nobody else may read'));

function pair(type: 'ml-kem-512' | 'ml-kem-768' | 'ml-kem-1024') {
  const { publicKey, privateKey } = generateKeyPairSync(type as 'ml-kem-768', {
    publicKeyEncoding: { format: 'pem', type: 'spki' },
    privateKeyEncoding: { format: 'pem', type: 'pkcs8' },
  });
  return { publicKey, privateKey: () => new SecretBytes(toUtf8(privateKey)), privatePem: privateKey };
}

test('whoever holds the private half opens it, and nobody else', () => {
  for (const type of ['ml-kem-768', 'ml-kem-1024'] as const) {
    const { publicKey, privateKey } = pair(type);
    const sealed = sealToKemKey(publicKey, context, secret())!;
    using opened = openWithKemKey(privateKey(), context, sealed)!;
    assert.equal(Buffer.from(opened.expose()).toString(), 'what nobody else may read');
    assert.equal(openWithKemKey(pair(type).privateKey(), context, sealed), undefined);
    assert.equal(openWithKemKey(privateKey(), toUtf8('another'), sealed), undefined);
    for (let i = 0; i < sealed.length; i += 97) {
      const damaged = Uint8Array.from(sealed);
      damaged[i]! ^= 1;
      assert.equal(openWithKemKey(privateKey(), context, damaged), undefined, `byte ${i}`);
    }
    for (const length of [0, 1, 1087, sealed.length - 17, sealed.length - 1]) {
      assert.equal(openWithKemKey(privateKey(), context, sealed.subarray(0, length)), undefined, `cut to ${length}`);
    }
  }
});

test('the weakest ML-KEM, a private key, another kind of key and no key at all are no recipients', () => {
  const curve = generateKeyPairSync('x25519', {
    publicKeyEncoding: { format: 'pem', type: 'spki' },
    privateKeyEncoding: { format: 'pem', type: 'pkcs8' },
  });
  for (const pem of [pair('ml-kem-512').publicKey, pair('ml-kem-1024').privatePem, curve.publicKey, 'a key']) {
    assert.equal(isKemPublicKey(pem), false);
    assert.equal(sealToKemKey(pem, context, secret()), undefined);
  }
  assert.equal(openWithKemKey(new SecretBytes(toUtf8(curve.privateKey)), context, new Uint8Array(2000)), undefined);
});
