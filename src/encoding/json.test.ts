import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalJson, compareBytes, fromPem, fromUtf8, parseJson, toPem, toUtf8 } from './encoding.ts';

const parse = (text: string, depth?: number) =>
  depth === undefined ? parseJson(toUtf8(text)) : parseJson(toUtf8(text), { depth });

test('parses JSON and nothing else', () => {
  assert.deepEqual(parse('{"a":[1,"\\u00e9",true,null]}'), { a: [1, '\u00e9', true, null] });
  assert.equal(parse('null'), null);
  for (const text of ['', '{', '{"a":1,}', "{'a':1}", 'NaN', '[1 2]', '{} {}', '\ufeff{}', 'undefined', '"\n"']) {
    assert.equal(parse(text), undefined, JSON.stringify(text));
  }
});

test('refuses bytes that are not UTF-8', () => {
  for (const bytes of [[0xff], [0x22, 0xc3, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22], [0x22, 0xc0, 0x80, 0x22]]) {
    assert.equal(parseJson(Uint8Array.from(bytes)), undefined);
    assert.equal(fromUtf8(Uint8Array.from(bytes)), undefined);
  }
});

test('counts nesting up to its limit, and brackets in strings not at all', () => {
  const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
  assert.notEqual(parse(nested(32)), undefined);
  assert.equal(parse(nested(33)), undefined);
  assert.equal(parse(nested(1_000_000)), undefined);
  assert.equal(parse(`${'{"a":'.repeat(33)}1${'}'.repeat(33)}`), undefined);
  assert.notEqual(parse(nested(3), 3), undefined);
  assert.equal(parse(nested(4), 3), undefined);
  assert.equal(parse(JSON.stringify('[{'.repeat(100)), 1), '[{'.repeat(100));
  assert.equal(parse('"\\"[[[[[["', 1), '"[[[[[[');
  assert.equal(parse('["\\\\",[[]]]', 2), undefined);
  // Siblings aren't nesting.
  assert.notEqual(parse(`[${'[],'.repeat(1000)}[]]`, 2), undefined);
});

test('a member called __proto__ is a member', () => {
  const value = parse('{"__proto__":{"admin":true}}') as Record<string, unknown>;
  assert.ok(Object.hasOwn(value, '__proto__'));
  assert.equal(({} as Record<string, unknown>).admin, undefined);
  assert.equal(value.admin, undefined);
});

test('canonical JSON has one form for one value', () => {
  assert.equal(
    canonicalJson({ b: 1, a: [{ d: 'x', c: undefined }], '\u00e9': null }),
    '{"a":[{"d":"x"}],"b":1,"\u00e9":null}',
  );
  const [one, two] = [
    { x: 1, y: { p: 1, q: 2 } },
    { y: { q: 2, p: 1 }, x: 1 },
  ];
  assert.equal(canonicalJson(one), canonicalJson(two));
  assert.equal(canonicalJson({ '10': 1, '9': 2, a: 3 }), '{"10":1,"9":2,"a":3}');
});

test('compares by UTF-8 bytes, which above U+FFFF is another order than that of strings', () => {
  const texts = ['', 'a', 'aa', 'b', '\u00e9', '\uffff', '\u{10000}', '\u{10ffff}'];
  for (const a of texts) {
    for (const b of texts) {
      const expected = Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      assert.equal(Math.sign(compareBytes(toUtf8(a), toUtf8(b))), expected, `${a} ${b}`);
    }
  }
  assert.ok('\uffff' > '\u{10000}' && compareBytes(toUtf8('\uffff'), toUtf8('\u{10000}')) < 0);
});

test('PEM comes back, and the first block of the label counts', () => {
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
  const text = toPem('TEST KEY', bytes);
  assert.match(text, /^-----BEGIN TEST KEY-----\n(?:[A-Za-z0-9+/=]{1,64}\n)+-----END TEST KEY-----\n$/);
  assert.deepEqual([...fromPem('TEST KEY', `before\n${text}${toPem('TEST KEY', new Uint8Array(3))}`)!], [...bytes]);
  assert.equal(fromPem('OTHER', text), undefined);
  assert.equal(fromPem('TEST KEY', text.replace('-----END', '-----EN')), undefined);
  assert.equal(fromPem('TEST KEY', text.replace('AAEC', 'A*EC')), undefined);
});
