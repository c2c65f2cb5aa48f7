import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SecretBytes } from '#domain/domain.ts';
import { toHex, toUtf8 } from '#encoding/encoding.ts';
import { readVectors, vectorsDir, vectorsMissing } from '../../test/vectors.ts';
import { rawPublicKeyOf } from './key-handle.ts';
import { isSigV4aSignature, sigV4aPublicKey } from './sigv4a.ts';

const suite = 'aws-sigv4/v4a';
const secretOf = (text: string) => new SecretBytes(toUtf8(`AWS4A${text}`));

test('derives the public keys that AWS publishes for its vectors', {
  skip: vectorsMissing(`${suite}/get-vanilla/public-key.json`),
}, (t) => {
  let compared = 0;
  for (const name of readdirSync(join(vectorsDir()!, suite))) {
    const published = readVectors(`${suite}/${name}/public-key.json`);
    if (published === undefined) continue;
    const { X, Y } = JSON.parse(published.toString());
    const { credentials } = JSON.parse(readVectors(`${suite}/${name}/context.json`)!.toString());
    const key = sigV4aPublicKey(secretOf(credentials.secret_access_key), credentials.access_key_id);
    assert.equal(toHex(rawPublicKeyOf(key)), `04${X}${Y}`, name);
    compared++;
  }
  assert.equal(compared, 38);
  t.diagnostic(`${compared} public keys compared`);
});

test('another secret or another access key id gives another key pair', () => {
  const keys = [
    ['a secret', 'CLAVA'],
    ['a secret', 'CLAVB'],
    ['b secret', 'CLAVA'],
  ].map(([secret, id]) => toHex(rawPublicKeyOf(sigV4aPublicKey(secretOf(secret!), id!))));
  assert.equal(new Set(keys).size, 3);
});

test('what is no signature is not believed, however it looks', () => {
  const key = sigV4aPublicKey(secretOf('a secret'), 'CLAVA');
  const zero = Uint8Array.of(0x30, 6, 2, 1, 0, 2, 1, 0);
  for (const bytes of [new Uint8Array(0), new Uint8Array(72), zero, zero.subarray(0, 5)]) {
    assert.equal(isSigV4aSignature(key, 'text', bytes), false);
  }
});
