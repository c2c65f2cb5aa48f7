import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KeySpec, KmsError, keySpecs } from '#domain/domain.ts';
import {
  canonicalPath,
  decodeSegment,
  dress,
  hashOf,
  keyName,
  keyRef,
  specOf,
  typeWords,
  undress,
  withoutOuterSlashes,
} from './names.ts';

const refused = (code: string) => (error: unknown) => error instanceof KmsError && error.code === code;

test('takes the names that Vault and AWS aliases have in common', () => {
  for (const name of [
    'a',
    'first',
    'my-key',
    'a.b',
    '_x',
    'payments/db',
    'A1',
    '-a',
    'a-',
    'a..b',
    `a${'b'.repeat(249)}`,
  ]) {
    assert.deepEqual(keyRef(name), { by: 'name', name });
  }
});

test('refuses names that could lead elsewhere', () => {
  for (const name of [
    '',
    '.',
    '..',
    'a/../b',
    '../x',
    '/a',
    'a/',
    'a//b',
    'a b',
    'a\u0000b',
    'a\nb',
    'ключ',
    'a%2e',
    'a'.repeat(251),
  ]) {
    assert.throws(() => keyName(name), refused('malformed'), JSON.stringify(name));
  }
  assert.throws(() => keyName(undefined), refused('malformed'));
});

test('reaches a key without a name by its UUID, in either case', () => {
  assert.deepEqual(keyRef('0F8FAD5B-D9CB-469F-A165-70867728950E'), {
    by: 'id',
    id: '0f8fad5b-d9cb-469f-a165-70867728950e',
  });
});

test('decodes a path segment once', () => {
  assert.equal(decodeSegment('payments%2Fdb'), 'payments/db');
  assert.equal(decodeSegment('a%252e'), 'a%2e');
  for (const segment of ['%', '%zz', '%ff', '%c3']) assert.throws(() => decodeSegment(segment), refused('malformed'));
});

test('finds the spec of each type that Vault creates', () => {
  const cases: ReadonlyArray<readonly [string, string | undefined, number | undefined, KeySpec]> = [
    ['aes128-gcm96', undefined, undefined, 'aes-128'],
    ['aes256-gcm96', undefined, 0, 'aes-256'],
    ['chacha20-poly1305', undefined, undefined, 'chacha20-poly1305'],
    ['ed25519', undefined, undefined, 'ed25519'],
    ['ecdsa-p256', undefined, undefined, 'ec-p256'],
    ['ecdsa-p384', undefined, undefined, 'ec-p384'],
    ['ecdsa-p521', undefined, undefined, 'ec-p521'],
    ['rsa-2048', undefined, undefined, 'rsa-2048'],
    ['rsa-3072', undefined, undefined, 'rsa-3072'],
    ['rsa-4096', undefined, undefined, 'rsa-4096'],
    ['hmac', undefined, undefined, 'hmac-sha256'],
    ['hmac', undefined, 32, 'hmac-sha256'],
    ['hmac', undefined, 48, 'hmac-sha384'],
    ['hmac', undefined, 64, 'hmac-sha512'],
    ['ml-dsa', '44', undefined, 'ml-dsa-44'],
    ['ml-dsa', '65', undefined, 'ml-dsa-65'],
    ['ml-dsa', '87', undefined, 'ml-dsa-87'],
    ['slh-dsa', 'slh-dsa-sha2-128s', undefined, 'slh-dsa-sha2-128s'],
  ];
  for (const [type, set, size, spec] of cases) assert.equal(specOf(type, set, size), spec, `${type} ${set} ${size}`);
});

test('says which types it does not offer', () => {
  for (const type of [
    'xchacha20-poly1305',
    'managed_key',
    'aes256-cmac',
    'ecdsa-secp256k1',
    'x25519',
    'toString',
    '',
  ]) {
    assert.throws(() => specOf(type, undefined, undefined), refused('unsupported'), type);
  }
  assert.throws(() => specOf('hmac', undefined, 33), refused('unsupported'));
  assert.throws(() => specOf('aes256-gcm96', undefined, 32), refused('invalid-parameter'));
  for (const set of [undefined, '', '43', '44x']) {
    assert.throws(() => specOf('ml-dsa', set, undefined), refused('invalid-parameter'));
  }
});

test('has Vault words for every kind of key, also those of other protocols', () => {
  assert.deepEqual(Object.keys(typeWords).sort(), Object.keys(keySpecs).sort());
});

test('knows the hashes of Vault and no others', () => {
  assert.equal(hashOf(undefined), 'sha256');
  assert.equal(hashOf('sha2-512'), 'sha512');
  assert.equal(hashOf('sha3-256'), 'sha3-256');
  for (const word of ['md5', 'sha256', 'SHA2-256', 'none', '__proto__']) {
    assert.throws(() => hashOf(word), refused('invalid-parameter'), word);
  }
});

test('dresses bytes with their version and undresses nothing else', () => {
  const bytes = Uint8Array.of(0xfb, 0xff, 1, 2);
  assert.equal(dress(3, bytes), 'vault:v3:+/8BAg==');
  assert.equal(dress(3, bytes, true), 'vault:v3:-_8BAg');
  assert.deepEqual(undress('vault:v3:+/8BAg=='), { version: 3, bytes: Buffer.from(bytes) });
  assert.deepEqual(undress('vault:v3:-_8BAg', true), { version: 3, bytes: Buffer.from(bytes) });
  const wrong = [
    '',
    'vault',
    'vault:v',
    'vault:v1',
    'vault:1:AAAA',
    'vault:v:AAAA',
    'vault:v0:AAAA',
    'vault:v01:AAAA',
    'vault:v-1:AAAA',
    'vault:v+1:AAAA',
    'vault:v1.0:AAAA',
    'vault:v9999999999:AAAA',
    'VAULT:v1:AAAA',
    ' vault:v1:AAAA',
    'vault:v1:AAA',
    'vault:v1:AAAA ',
    'vault:v1:AA\nAA',
    'vault:v1:AAB=',
    'vault:v1:-_8BAg==',
    'vault:v1:AAAA:AAAA',
  ];
  for (const text of wrong) assert.equal(undress(text), undefined, text);
});

test('a path has one reading, however it is written', () => {
  for (const [raw, canonical] of [
    ['transit/keys/k', 'transit/keys/k'],
    ['transit/keys/k/', 'transit/keys/k'],
    ['%74ransit/%6Beys/k', 'transit/keys/k'],
    ['transit/keys/a%2fb', 'transit/keys/a%2Fb'],
    ['transit/keys/a%252Fb', 'transit/keys/a%252Fb'],
    ['transit/keys/%C3%A9', 'transit/keys/é'],
    ['Transit/Keys', 'Transit/Keys'],
    ['', undefined],
    ['/', undefined],
    ['transit//k', undefined],
    ['transit/k//', undefined],
    ['/transit/k', undefined],
  ] as const) {
    assert.equal(canonicalPath(raw), canonical, raw);
  }
  for (const raw of ['a/../b', 'a/./b', '..', 'a/%2e%2E/b', 'a/.%2e', 'a/%', 'a/%ff']) {
    assert.throws(
      () => canonicalPath(raw),
      (error) => error instanceof KmsError && error.code === 'malformed',
      raw,
    );
  }
});

test('takes slashes off both ends, in no more time than the text is long', () => {
  for (const [given, wanted] of [
    ['', ''],
    ['/', ''],
    ['a', 'a'],
    ['//a/b/', 'a/b'],
    ['a//b', 'a//b'],
  ] as const) {
    assert.equal(withoutOuterSlashes(given), wanted);
  }
  const long = `a${'/'.repeat(1_000_000)}a`;
  const began = performance.now();
  assert.equal(withoutOuterSlashes(long), long);
  assert.ok(performance.now() - began < 1000);
});
