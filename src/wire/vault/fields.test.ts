import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KmsError } from '#domain/domain.ts';
import type { Json } from '#encoding/encoding.ts';
import { boolean, bytes, integer, readBody, seconds, text, words } from './fields.ts';

const malformed = (error: unknown) => error instanceof KmsError && error.code === 'malformed';
const body = (text: string) => new TextEncoder().encode(text);

test('takes no body, an empty one and null for an empty object', () => {
  for (const given of ['', 'null', 'null\n', '{}']) assert.deepEqual(readBody(body(given)), {}, given);
  for (const given of ['nul', '[]', '1', '"x"', 'true', '{', '{"a":1}x', '{"a":}', 'plaintext=aGk%3D']) {
    assert.throws(() => readBody(body(given)), malformed, given);
  }
  assert.throws(() => readBody(Uint8Array.of(0x7b, 0xff, 0x7d)), malformed);
  assert.throws(() => readBody(body(`{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`)), malformed);
});

test('reads numbers, booleans and durations from strings too, as the CLI sends them', () => {
  const cases: ReadonlyArray<readonly [(o: Record<string, Json>, n: string) => unknown, Json, unknown]> = [
    [integer, 2, 2],
    [integer, '2', 2],
    [integer, '', undefined],
    [integer, null, undefined],
    [boolean, true, true],
    [boolean, 'true', true],
    [boolean, '0', false],
    [boolean, '', undefined],
    [seconds, 3600, 3600],
    [seconds, '3600', 3600],
    [seconds, '720h', 2_592_000],
    [seconds, '1d12h30m5s', 131_405],
    [seconds, '0', 0],
    [seconds, '', undefined],
    [text, '', undefined],
    [text, 'x', 'x'],
    [words, 'a, b,', ['a', 'b']],
    [words, ['a'], ['a']],
    [bytes, 'aGk=', Buffer.from('hi')],
    [bytes, 'aG\nk=\r\n', Buffer.from('hi')],
    [bytes, '', Buffer.alloc(0)],
  ];
  for (const [read, given, expected] of cases) {
    assert.deepEqual(read({ f: given }, 'f'), expected, `${read.name} ${JSON.stringify(given)}`);
  }
});

test('refuses what is not that', () => {
  const cases: ReadonlyArray<readonly [(o: Record<string, Json>, n: string) => unknown, readonly Json[]]> = [
    [integer, [1.5, '1.5', '0x1', 'one', true, [], {}, 1e300, '9999999999999999']],
    [boolean, ['yes', 2, [], {}, 'tRUE']],
    [seconds, ['1w', 'h', '1h-', '-1h', 1.5, true, [], '1'.repeat(40)]],
    [text, [1, true, [], {}]],
    [words, [1, [1], {}, true]],
    [bytes, ['aGk', 'a Gk=', '=', 'aGl=', 'aGk=\taGk=', 1, []]],
  ];
  for (const [read, wrong] of cases) {
    for (const given of wrong) assert.throws(() => read({ f: given }, 'f'), malformed, `${read.name} ${given}`);
  }
  assert.throws(() => seconds({ f: -1 }, 'f'), KmsError);
});

test('finds no field in the prototype', () => {
  for (const read of [integer, boolean, seconds, text, words, bytes]) {
    assert.equal(read({}, 'constructor'), undefined, read.name);
  }
});
