import assert from 'node:assert/strict';
import { constants, generateKeyPairSync, publicEncrypt } from 'node:crypto';
import { describe, test } from 'node:test';
import { openMaterial, randomBytes, unwrapImport, wrapAesKwp } from '#crypto/crypto.ts';
import { type ImportWrapping, SecretBytes } from '#domain/domain.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const wrappingKey = openMaterial('rsa-2048', new SecretBytes(privateKey.export({ format: 'der', type: 'pkcs8' })));

const oaep = (oaepHash: string, bytes: Uint8Array) =>
  publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, bytes);

function twoSteps(oaepHash: string, bytes: Uint8Array, kekBytes = 32): Buffer {
  const kek = randomBytes(kekBytes);
  const inner = wrapAesKwp(new SecretBytes(Buffer.from(kek)), new SecretBytes(Buffer.from(bytes)));
  return Buffer.concat([oaep(oaepHash, kek), inner]);
}

const ways: ReadonlyArray<readonly [ImportWrapping, (bytes: Uint8Array) => Buffer]> = [
  ['rsa-oaep-sha1', (bytes) => oaep('sha1', bytes)],
  ['rsa-oaep-sha256', (bytes) => oaep('sha256', bytes)],
  ['rsa-aes-kwp-sha1', (bytes) => twoSteps('sha1', bytes)],
  ['rsa-aes-kwp-sha256', (bytes) => twoSteps('sha256', bytes)],
];

describe('wrapped material', () => {
  for (const [wrapping, wrap] of ways) {
    test(`opens by ${wrapping}, and by that alone`, () => {
      const material = randomBytes(48);
      const wrapped = wrap(material);
      for (const [other] of ways) {
        const found = unwrapImport(wrappingKey, other, wrapped);
        if (other === wrapping) assert.deepEqual(found?.expose(), material);
        else assert.equal(found, undefined, other);
      }
    });

    test(`by ${wrapping} is refused with any byte changed, left out or added`, () => {
      const wrapped = wrap(randomBytes(48));
      for (const at of [0, 1, 255, wrapped.length - 9, wrapped.length - 1]) {
        const changed = Buffer.from(wrapped);
        changed[at]! ^= 1;
        assert.equal(unwrapImport(wrappingKey, wrapping, changed), undefined, `byte ${at}`);
      }
      for (const length of [0, 1, 255, wrapped.length - 1]) {
        assert.equal(unwrapImport(wrappingKey, wrapping, wrapped.subarray(0, length)), undefined, `${length} bytes`);
      }
      assert.equal(unwrapImport(wrappingKey, wrapping, Buffer.concat([wrapped, Buffer.alloc(8)])), undefined);
    });
  }

  test('of any size comes by two steps', () => {
    for (const length of [1, 7, 8, 9, 2375]) {
      const material = randomBytes(length);
      assert.deepEqual(
        unwrapImport(wrappingKey, 'rsa-aes-kwp-sha256', twoSteps('sha256', material))?.expose(),
        material,
      );
    }
  });

  test('is refused under an AES key of another size', () => {
    for (const bytes of [16, 24]) {
      assert.equal(
        unwrapImport(wrappingKey, 'rsa-aes-kwp-sha256', twoSteps('sha256', randomBytes(32), bytes)),
        undefined,
      );
    }
  });

  test('is refused with another hash in MGF1 or a label', () => {
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    const labelled = publicEncrypt(
      { key: publicKey, padding, oaepHash: 'sha256', oaepLabel: Buffer.of(1) },
      randomBytes(32),
    );
    assert.equal(unwrapImport(wrappingKey, 'rsa-oaep-sha256', labelled), undefined);
    const old = publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, randomBytes(32));
    for (const [wrapping] of ways) assert.equal(unwrapImport(wrappingKey, wrapping, old), undefined);
  });
});
