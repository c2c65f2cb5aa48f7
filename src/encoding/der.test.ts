import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  der,
  derContext,
  derInteger,
  derOid,
  derSequence,
  derTag,
  derTime,
  everyFromPem,
  fromHex,
  fromPem,
  readDer,
  readNatural,
  readOid,
  toHex,
  toPem,
} from '#encoding/encoding.ts';

test('integers are as short as they can be and never negative', () => {
  assert.equal(toHex(derInteger(Uint8Array.of())), '020100');
  assert.equal(toHex(derInteger(Uint8Array.of(0, 0, 1))), '020101');
  assert.equal(toHex(derInteger(Uint8Array.of(0x80))), '02020080');
  assert.equal(toHex(derInteger(Uint8Array.of(0, 0x7f, 0xff))), '02027fff');
});

test('object identifiers follow X.690 section 8.19', () => {
  assert.equal(toHex(derOid('1.2.840.10045.2.1')), '06072a8648ce3d0201');
  assert.equal(toHex(derOid('2.5.29.17')), '0603551d11');
});

test('lengths change form at 128 and 256 bytes', () => {
  for (const [length, head] of [
    [127, '047f'],
    [128, '048180'],
    [255, '0481ff'],
    [256, '04820100'],
    [65536, '0483010000'],
  ] as const) {
    const element = der(derTag.octetString, new Uint8Array(length));
    assert.equal(toHex(element.subarray(0, head.length / 2)), head);
    assert.equal(readDer(element)?.[0]?.body.length, length);
  }
});

test('times turn from UTCTime to GeneralizedTime in 2050', () => {
  assert.equal(Buffer.from(derTime(Date.UTC(2049, 11, 31, 23, 59, 59, 999))).toString('latin1', 2), '491231235959Z');
  assert.equal(Buffer.from(derTime(Date.UTC(2050, 0, 1))).toString('latin1', 2), '20500101000000Z');
});

test('what was written is read back element by element', () => {
  const inner = derSequence(derInteger(Uint8Array.of(5)), derContext(1, false, Uint8Array.of(9)));
  const elements = readDer(Buffer.concat([inner, derOid('1.3.14.3.2.26')]));
  assert.deepEqual(
    elements?.map((element) => element.tag),
    [derTag.sequence, derTag.oid],
  );
  assert.deepEqual(
    readDer(elements![0]!.body)?.map((element) => toHex(element.whole)),
    ['020105', '810109'],
  );
});

test('refuses cut elements, indefinite and overlong lengths and long tags', () => {
  for (const hex of ['30', '3080', '300201', '308101ff', '30820001ff', '3085000000000100', '1f0100', '02']) {
    assert.equal(readDer(fromHex(hex)!), undefined, hex);
  }
  assert.deepEqual(readDer(new Uint8Array(0)), []);
});

test('no input makes the reader throw or read past its end', () => {
  let state = 7;
  const next = () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state >> 16;
  };
  for (let round = 0; round < 20_000; round++) {
    const bytes = Uint8Array.from({ length: next() % 12 }, () => next() & 0xff);
    const elements = readDer(bytes);
    if (elements === undefined) continue;
    assert.equal(
      elements.reduce((sum, element) => sum + element.whole.length, 0),
      bytes.length,
    );
  }
});

test('object identifiers and numbers are read in their shortest form only', () => {
  for (const dotted of ['0.0', '1.39.5', '2.5.29.17', '2.999.3', '1.2.840.113549.1.1.11', '1.3.6.1.4.1.4294967296']) {
    const [element] = readDer(derOid(dotted)) ?? [];
    assert.equal(readOid(element!.body), dotted);
  }
  for (const hex of ['', '80', '2a80', '2a8001', '2a'.repeat(65)]) assert.equal(readOid(fromHex(hex)!), undefined, hex);
  for (const [hex, value] of [
    ['00', 0n],
    ['7f', 127n],
    ['0080', 128n],
    ['010000000000000000', 2n ** 64n],
  ] as const) {
    assert.equal(readNatural(fromHex(hex)!), value);
  }
  for (const hex of ['', '80', 'ff', '007f', '01'.repeat(129)])
    assert.equal(readNatural(fromHex(hex)!), undefined, hex);
});

test('PEM goes there and back, and finds its own label only', () => {
  for (const length of [0, 1, 47, 48, 49, 200]) {
    const bytes = Uint8Array.from({ length }, (_, i) => i);
    const text = toPem('CERTIFICATE', bytes);
    assert.ok(text.split('\n').every((line) => line.length <= 64));
    assert.equal(toHex(fromPem('CERTIFICATE', `head\n${text}tail`)!), toHex(bytes));
    assert.equal(fromPem('PRIVATE KEY', text), undefined);
  }
  assert.equal(fromPem('X', '-----BEGIN X-----\n!!!!\n-----END X-----\n'), undefined);
  assert.equal(fromPem('X', '-----END X-----\n-----BEGIN X-----\n'), undefined);
  const two = `${toPem('X', Uint8Array.of(1))}between\n${toPem('Y', Uint8Array.of(9))}${toPem('X', Uint8Array.of(2))}`;
  assert.deepEqual(everyFromPem('X', two)?.map(toHex), ['01', '02']);
  assert.equal(everyFromPem('Z', two), undefined);
  assert.equal(everyFromPem('X', `${two}-----BEGIN X-----\n!!!!\n-----END X-----\n`), undefined);
  assert.equal(everyFromPem('X', `${two}-----BEGIN X-----\n`), undefined);
});
