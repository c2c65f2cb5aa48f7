import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  asciiOf,
  decodeBase64,
  encodeBase64,
  itemsOf,
  JsonError,
  member,
  membersOf,
  naturalOf,
  parsed,
} from './json-bytes.ts';

const bytes = (text: string) => Buffer.from(text);
const text = (slice: Uint8Array | undefined) => slice && Buffer.from(slice).toString();

test('members and items are the slices that stand for them, to the last digit', () => {
  const object = membersOf(
    bytes(' { "a" : 1.0 , "b":{"c":[1,2,{"}":"]"}]},"d":"x\\"}","e":null , "n":12345678901234567890} '),
  );
  assert.equal(text(object.get('a')), '1.0');
  assert.equal(text(object.get('b')), '{"c":[1,2,{"}":"]"}]}');
  assert.equal(text(object.get('d')), '"x\\"}"');
  assert.equal(text(object.get('n')), '12345678901234567890');
  assert.equal(member(object, 'e'), undefined);
  assert.equal(member(object, 'absent'), undefined);
  assert.deepEqual(itemsOf(bytes('[1, "a,b", [], {} ]')).map(text), ['1', '"a,b"', '[]', '{}']);
  assert.deepEqual([membersOf(bytes('{}')).size, itemsOf(bytes('[ ]')).length], [0, 0]);
});

test('reads whatever JSON.parse reads, as it does', () => {
  const value = { a: [true, false, null, -1.5e10, 'ü\u2028"\\', { b: {} }], '': '', 'k"': [[[]]] };
  for (const indent of [0, 2]) {
    const json = bytes(JSON.stringify(value, undefined, indent));
    const read = Object.fromEntries([...membersOf(json)].map(([name, slice]) => [name, parsed(slice)]));
    assert.deepEqual(read, value);
    const items = itemsOf(membersOf(json).get('a')!);
    assert.deepEqual(items.map(parsed), value.a);
  }
});

test('refuses what is cut off at any byte, or is something else', () => {
  const whole = '{"a":[1,{"b":"c\\n"}],"d":2}';
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => membersOf(bytes(whole.slice(0, length))), JsonError, whole.slice(0, length));
  }
  for (const wrong of ['[]', '1', '{"a"}', '{"a":}', '{,}', '{"a":1,}', '{"a":1}x', '{"a" 1}', '{1:2}', '']) {
    assert.throws(() => membersOf(bytes(wrong)), JsonError, wrong);
  }
  for (const wrong of ['{}', '[1,]', '[,]', '[1 2]', '[']) assert.throws(() => itemsOf(bytes(wrong)), JsonError, wrong);
});

test('strings, base64 and long numbers become bytes without becoming text', () => {
  assert.equal(text(asciiOf(bytes('"a\\n\\t\\"\\\\\\/\\u003d+"'))), 'a\n\t"\\/=+');
  for (const wrong of ['a', '"\\u0101"', '"ü"', '"\\x"']) assert.throws(() => asciiOf(bytes(wrong)), JsonError, wrong);
  for (let length = 0; length < 70; length++) {
    const raw = Uint8Array.from({ length }, (_, i) => (i * 37 + length) & 0xff);
    const coded = Buffer.from(raw).toString('base64');
    assert.equal(text(encodeBase64(raw)), coded);
    assert.deepEqual(Buffer.from(decodeBase64(bytes(coded))), Buffer.from(raw));
    assert.deepEqual(Buffer.from(decodeBase64(bytes(coded.replace(/(.{4})/g, '$1\n')))), Buffer.from(raw));
  }
  for (const wrong of ['a*==', 'YQ==YQ==', 'ü']) assert.throws(() => decodeBase64(bytes(wrong)), JsonError, wrong);
  for (const number of [0n, 1n, 255n, 256n, 2n ** 521n - 1n, 2n ** 4096n - 3n]) {
    assert.equal(BigInt(`0x${Buffer.from(naturalOf(bytes(String(number)))).toString('hex')}`), number);
  }
  assert.throws(() => naturalOf(bytes('-1')), JsonError);
});
