import assert from 'node:assert/strict';
import test from 'node:test';
import type { Entry } from '#domain/domain.ts';
import { decodeEntry, encodeEntry, entryLine, maxField, maxSummary } from './entry-line.ts';
import { below, sampleEntry, seeded } from './sample-log.ts';

const entry: Entry = {
  time: Date.UTC(2026, 10, 24, 20, 0, 0, 7),
  requestId: 'r-1',
  protocol: 'vault',
  operation: 'POST transit/encrypt/first',
  peer: '[::1]:40000',
  realm: '000000000001',
  principal: 'developer',
  credential: 'CLAV',
  action: 'encrypt',
  outcome: 'ok',
};

test('writes one line of fixed order, with the time of RFC 3339, and leaves absent members out', () => {
  assert.equal(
    entryLine(entry),
    '{"time":"2026-11-24T20:00:00.007Z","requestId":"r-1","protocol":"vault","operation":"POST transit/encrypt/first",' +
      '"peer":"[::1]:40000","realm":"000000000001","principal":"developer","credential":"CLAV","action":"encrypt","outcome":"ok"}',
  );
  assert.match(
    entryLine({ ...entry, key: 'k', version: 3, summary: 's' }),
    /"key":"k","version":3,"outcome":"ok","summary":"s"}$/,
  );
});

test('writes no member that an entry does not have, whatever object it is given', () => {
  const careless = { ...entry, plaintext: 'secret', secretAccessKey: 'secret' };
  assert.equal(entryLine(careless), entryLine(entry));
});

test('escapes what JSON or ASCII needs escaped and reads it back', () => {
  for (const text of ['"', '\\', '\n', '\0', '\x7f', 'ü', '—', '\u2028', '😀', '\ud800', '"},{"', '__proto__']) {
    const line = entryLine({ ...entry, operation: text, principal: `a${text}b`, summary: text });
    assert.match(line, /^[ -~]+$/);
    assert.equal(JSON.parse(line).operation, text);
    assert.deepEqual(decodeEntry(encodeEntry({ ...entry, operation: text, summary: text })), {
      ...entry,
      operation: text,
      summary: text,
    });
  }
});

test('keeps the beginning of a field that is too long', () => {
  const decoded = decodeEntry(
    encodeEntry({ ...entry, operation: '\0'.repeat(9999), key: 'k'.repeat(9999), summary: 's'.repeat(9999) }),
  );
  assert.equal(decoded?.operation, '\0'.repeat(maxField));
  assert.equal(decoded?.key, 'k'.repeat(maxField));
  assert.equal(decoded?.summary, 's'.repeat(maxSummary));
});

test('reads back the longest line that can be written', () => {
  const long = '\u{1f600}'.repeat(maxSummary);
  const all = Object.fromEntries(
    Object.entries(entry).map(([name, value]) => [name, typeof value === 'string' ? long : value]),
  );
  const longest = {
    ...(all as unknown as Entry),
    key: long,
    summary: long,
    version: Number.MAX_SAFE_INTEGER,
    outcome: 'separation-of-duties',
  } as const;
  assert.ok(decodeEntry(encodeEntry(longest)) !== undefined);
});

test('refuses to write what it could not read back', () => {
  for (const time of [Number.NaN, -1, Number.POSITIVE_INFINITY, Date.UTC(10000, 0, 1)]) {
    assert.throws(() => entryLine({ ...entry, time }), RangeError);
  }
  for (const version of [Number.NaN, -1, 1.5, 2 ** 53])
    assert.throws(() => entryLine({ ...entry, version }), RangeError);
});

test('formats times that come in any order', () => {
  for (const time of [0, 1, 0, 999, 1000, Date.UTC(9999, 11, 31, 23, 59, 59, 999), 1]) {
    assert.equal(JSON.parse(entryLine({ ...entry, time })).time, new Date(time).toISOString());
  }
});

test('reads back what it wrote, for 5,000 random entries', () => {
  const random = seeded(7);
  for (let i = 0; i < 5000; i++) {
    const one = sampleEntry(i, random);
    assert.deepEqual(decodeEntry(encodeEntry(one)), one);
  }
});

test('reads only the one form of an entry', () => {
  const line = entryLine({ ...entry, key: 'k', version: 3 });
  const others = [
    ` ${line}`,
    `${line}\n`,
    line.replace('"version":3', '"version":3.0'),
    line.replace('"version":3', '"version":-1'),
    line.replace('"key":"k"', '"key":"\\u006b"'),
    line.replace('"key":"k"', '"key":null'),
    line.replace('"key":"k",', '"key":"k","extra":1,'),
    line.replace('"key":"k",', '"key":"x","key":"k",'),
    line.replace('"outcome":"ok"', '"outcome":"fine"'),
    line.replace('.007Z', 'Z'),
    line.replace('.007Z', '.007+00:00'),
    line.replace('2026-11-24', '2026-11-31'),
    line.replace('"peer":"[::1]:40000",', ''),
    line.replace('developer', 'd\u00fc'),
    line.replace('"k"', `"${'k'.repeat(maxField + 1)}"`),
    '',
    'null',
    '[]',
    '"x"',
    '['.repeat(100_000),
  ];
  assert.ok(decodeEntry(Buffer.from(line)) !== undefined);
  for (const other of others) assert.equal(decodeEntry(Buffer.from(other)), undefined, other.slice(0, 300));
});

test('never throws, and never reads altered bytes as the same entry', () => {
  const random = seeded(11);
  for (let i = 0; i < 20_000; i++) {
    assert.equal(decodeEntry(Uint8Array.from({ length: below(random, 80) }, () => below(random, 256))), undefined);
    const bytes = encodeEntry(sampleEntry(i, random));
    const before = decodeEntry(bytes);
    bytes[below(random, bytes.length)]! ^= 1 << below(random, 8);
    assert.notDeepEqual(decodeEntry(bytes), before);
  }
});
