import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBase64, fromBase64Url, fromHex, toBase64, toBase64Url, toHex, view } from './encoding.ts';

// RFC 4648 section 10.
const vectors = [
  ['', ''],
  ['f', 'Zg=='],
  ['fo', 'Zm8='],
  ['foo', 'Zm9v'],
  ['foob', 'Zm9vYg=='],
  ['fooba', 'Zm9vYmE='],
  ['foobar', 'Zm9vYmFy'],
] as const;

test('encodes and decodes the vectors of RFC 4648', () => {
  for (const [text, encoded] of vectors) {
    assert.equal(toBase64(Buffer.from(text)), encoded);
    assert.equal(Buffer.from(fromBase64(encoded)!).toString(), text);
    assert.equal(toBase64Url(Buffer.from(text)), encoded.replace(/=+$/, ''));
    assert.equal(Buffer.from(fromBase64Url(encoded.replace(/=+$/, ''))!).toString(), text);
  }
});

test('every byte string comes back', () => {
  for (let length = 0; length < 70; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 73 + length * 31) & 255);
    assert.deepEqual([...fromBase64(toBase64(bytes))!], [...bytes]);
    assert.deepEqual([...fromBase64Url(toBase64Url(bytes))!], [...bytes]);
    assert.deepEqual([...fromHex(toHex(bytes))!], [...bytes]);
    assert.deepEqual([...fromHex(toHex(bytes).toUpperCase())!], [...bytes]);
  }
});

test('base64 that is not canonical is no base64', () => {
  const wrong = [
    ...['Zg', 'Zg=', 'Zg===', 'Zm8', 'Z', '=', '====', 'Zg==Zg==', 'Zm9v Zm9v', 'Zm9v\n', ' Zm9v'],
    // Stray bits in the last character, the other alphabet, and what is in none.
    ...['Zh==', 'Zm9=', 'Zm-v', 'Zm_v', 'Zm9*', 'Zm9\u0000', 'Z\u00e99v', '\ud83d\ude00aa'],
  ];
  for (const text of wrong) assert.equal(fromBase64(text), undefined, JSON.stringify(text));
  for (const text of ['Zg==', 'Zh', 'Z', 'Zm+v', 'Zm/v', 'Zm9v\n']) assert.equal(fromBase64Url(text), undefined, text);
});

test('hex has whole bytes of hexadecimal digits', () => {
  for (const text of ['0', 'abc', '0g', '0x00', ' 00', '00 ', '\uff10\uff10'])
    assert.equal(fromHex(text), undefined, text);
  assert.deepEqual([...fromHex('')!], []);
});

test('a view shares the memory', () => {
  const bytes = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
  const buffer = view(bytes);
  buffer[0] = 9;
  assert.deepEqual([...bytes], [9, 3]);
  assert.equal(view(buffer), buffer);
});
