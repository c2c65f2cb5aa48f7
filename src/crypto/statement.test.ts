import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { SecretBytes } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import { isStatementKey, signStatement, verifyStatement } from './crypto.ts';

const message = toUtf8('I have received it.');
const secret = (text: string) => new SecretBytes(toUtf8(text));
const plain = { format: 'pem', type: 'pkcs8' } as const;
const encrypted = { ...plain, cipher: 'aes-256-cbc', passphrase: 'sesame' } as const;

const publicKeyEncoding = { format: 'pem', type: 'spki' } as const;

const pairs = (privateKeyEncoding: typeof plain | typeof encrypted) => [
  generateKeyPairSync('ed25519', { publicKeyEncoding, privateKeyEncoding }),
  ...['P-256', 'P-384', 'P-521'].map((namedCurve) =>
    generateKeyPairSync('ec', { namedCurve, publicKeyEncoding, privateKeyEncoding }),
  ),
];

test('a statement is by whoever signed it, and says what was signed', () => {
  const all = pairs(plain);
  for (const [i, { publicKey, privateKey }] of all.entries()) {
    assert.ok(isStatementKey(publicKey));
    const signature = signStatement(secret(privateKey), undefined, message)!;
    assert.equal(verifyStatement(publicKey, message, signature), true);
    assert.equal(verifyStatement(publicKey, toUtf8('I have received it!'), signature), false);
    assert.equal(verifyStatement(all[(i + 1) % all.length]!.publicKey, message, signature), false);
    for (let at = 0; at < signature.length; at += 7) {
      const damaged = Uint8Array.from(signature);
      damaged[at]! ^= 1;
      assert.equal(verifyStatement(publicKey, message, damaged), false);
    }
  }
});

test('an encrypted key takes its passphrase', () => {
  for (const { publicKey, privateKey } of pairs(encrypted)) {
    const signature = signStatement(secret(privateKey), secret('sesame'), message)!;
    assert.ok(verifyStatement(publicKey, message, signature));
    assert.equal(signStatement(secret(privateKey), secret('other'), message), undefined);
    assert.equal(signStatement(secret(privateKey), undefined, message), undefined);
  }
});

test('keys that statements are not signed with are none', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding, privateKeyEncoding: plain });
  const koblitz = generateKeyPairSync('ec', { namedCurve: 'secp256k1', publicKeyEncoding, privateKeyEncoding: plain });
  const { privateKey } = generateKeyPairSync('ed25519', { publicKeyEncoding, privateKeyEncoding: plain });
  const { publicKey } = generateKeyPairSync('ed25519', { publicKeyEncoding, privateKeyEncoding: plain });
  for (const pem of [
    rsa.publicKey,
    koblitz.publicKey,
    privateKey,
    publicKey + privateKey,
    publicKey + publicKey,
    'a key',
    '',
  ]) {
    assert.equal(isStatementKey(pem), false);
    assert.equal(verifyStatement(pem, message, new Uint8Array(64)), false);
  }
  for (const pem of [rsa.privateKey, koblitz.privateKey, rsa.publicKey])
    assert.equal(signStatement(secret(pem), undefined, message), undefined);
});
