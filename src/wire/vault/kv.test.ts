import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Command, KmsError, Plaintext, type Secret, type SecretValue } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import type { JsonObject } from '#wire/common/common.ts';
import { encodeMetadata, encodePlain, encodeRead, encodeSubkeys, leaseOf, readStatus } from './encode-kv.ts';
import { kv } from './kv-operations.ts';
import type { Input } from './row.ts';

const inputOf = (rest: string | undefined, body: JsonObject = {}, query = ''): Input => ({
  path: rest === undefined ? {} : { rest },
  folder: '',
  query,
  body,
  item: body,
  token: 't',
  clock: () => 0,
});

function decode(operation: string, rest: string | undefined, body: JsonObject = {}, query = ''): Command {
  const found = kv.find((row) => row.operation === operation)!;
  return found.decode(inputOf(rest, body, query));
}

const refuses = (ask: () => unknown, message: RegExp) =>
  assert.throws(ask, (error) => error instanceof KmsError && message.test(error.message));

test('a path is a name, canonical and once decoded', () => {
  const named = (rest: string) => (decode('secret/data:read', rest) as Command<'read-secret-version'>).secret.name;
  assert.equal(named('a/b'), 'a/b');
  assert.equal(named('a%20b/%C3%A9%2525'), 'a b/é%25');
  assert.equal(named('x'.repeat(512)), 'x'.repeat(512));
  for (const wrong of [
    '',
    '.',
    '..',
    'a//b',
    '/a',
    'a/',
    'a/../b',
    'a/%2e%2e/b',
    '%00',
    'a%0ab',
    '%ff',
    'x'.repeat(513),
  ]) {
    refuses(() => named(wrong), /path/i);
  }
  refuses(() => decode('kv:read', '../a'), /path/i);
});

test('what a write says is read in full or refused', () => {
  const write = (body: JsonObject) => decode('secret/data:write', 'a', body) as Command<'write-secret'>;
  assert.equal(write({ data: { a: 1 }, options: { cas: '2' } }).expected, 2);
  assert.equal(write({ data: {}, options: {} }).expected, undefined);
  assert.equal(write({ data: {}, options: { cas: 3, method: 'rw' } }).expected, 3);
  assert.equal(Buffer.from(write({ data: { a: [1.5, null] } }).value.bytes.release()).toString(), '{"a":[1.5,null]}');
  for (const [body, message] of [
    [{}, /no data provided/],
    [{ data: 'x' }, /object/],
    [{ data: [] }, /object/],
    [{ data: {}, options: { cas: 'x' } }, /cas/],
    [{ data: {}, options: { cas: -1 } }, /cas/],
    [{ data: {}, options: { other: 1 } }, /other/],
    [{ data: {}, options: { method: 'guess' } }, /method/],
    [{ data: { a: { b: [2 ** 64] } } }, /exactly/],
    [{ data: JSON.parse('{"a":1e999}') }, /exactly/],
  ] as const) {
    refuses(() => write(body), message);
  }
  refuses(() => decode('kv:write', 'a', {}), /missing data fields/);
});

test('versions are whole numbers, as a list or between commas', () => {
  const numbers = (versions: JsonObject['x']) =>
    (decode('secret/destroy', 'a', { versions: versions! }) as Command<'change-secret-versions'>).numbers;
  assert.deepEqual(numbers([1, '2']), [1, 2]);
  assert.deepEqual(numbers('3, 4'), [3, 4]);
  for (const wrong of [null, '', [], [0], [-1], [1.5], ['x'], [[1]], {}]) {
    refuses(() => numbers(wrong), /version/);
  }
  refuses(() => decode('secret/data:read', 'a', {}, 'version=-1'), /version/);
  assert.equal((decode('secret/data:read', 'a', {}, 'version=') as Command<'read-secret-version'>).number, 0);
});

test('metadata becomes rules and notes', () => {
  const body = { max_versions: 3, cas_required: true, delete_version_after: '1h30m', custom_metadata: { a: 1 } };
  assert.deepEqual(decode('secret/metadata:write', 'a', body), {
    kind: 'configure-secret',
    secret: { name: 'a' },
    rules: { keep: 3, checked: true, lifetime: 5_400_000 },
    notes: { a: '1' },
    merge: false,
  });
  const patch = decode('secret/metadata:patch', 'a', { custom_metadata: { a: null } }) as Command<'configure-secret'>;
  assert.deepEqual([patch.notes, patch.merge, patch.rules], [{ a: null }, true, {}]);
  refuses(() => decode('secret/metadata:write', 'a', { custom_metadata: { a: null } }), /strings/);
  refuses(() => decode('secret/metadata:write', 'a', { custom_metadata: { a: {} } }), /strings/);
  refuses(() => decode('secret/metadata:write', 'a', { metadata_cas: 1 }), /not offered/);
});

const value = (text: string, form: SecretValue['form'] = 'text'): SecretValue => ({
  form,
  bytes: new Plaintext(toUtf8(text)),
});
const found = { id: 'v', createdAt: 0, labels: ['claviger:current'], keyId: 'k', number: 2 };
const secret: Secret = {
  ...{ realm: 'r', id: 's', revision: 1, name: 'a', resource: 'arn', description: '', tags: {} },
  ...{ createdAt: 0, changedAt: 1000, versions: [found] },
};

test('a value that another door keeps as text is shown under one name, and bytes are not shown', () => {
  const shown = (text: string) => JSON.parse(encodeRead({ secret, found, value: value(text) })).data;
  assert.deepEqual(shown('{"a":{"b":1}}'), { a: { b: 1 } });
  for (const text of ['plain', '[1]', '7', '{"a":', '"']) assert.deepEqual(shown(text), { value: text });
  refuses(() => encodeRead({ secret, found, value: value('{}', 'binary') }), /binary/);
});

test('a version without a value is answered with what is known of it', () => {
  const hidden = { ...found, hiddenAt: 5000 };
  assert.equal(readStatus({ secret, found: hidden }), 404);
  assert.deepEqual(JSON.parse(encodeRead({ secret, found: hidden })), {
    data: null,
    metadata: {
      created_time: '1970-01-01T00:00:00.000Z',
      deletion_time: '1970-01-01T00:00:05.000Z',
      destroyed: false,
      custom_metadata: null,
      version: 2,
    },
  });
  refuses(() => encodePlain({ secret, found: hidden }), /no value/);
});

test('subkeys go as deep as they are asked for, and hold no value', () => {
  const result = { secret, found, value: value('{"a":{"b":{"c":"hush"}},"d":["hush"],"e":{}}') };
  const at = (query: string) => JSON.parse(encodeSubkeys(result, inputOf('a', {}, query))).subkeys;
  assert.deepEqual(at(''), { a: { b: { c: null } }, d: null, e: null });
  assert.deepEqual(at('depth=1'), { a: null, d: null, e: null });
  assert.deepEqual(at('depth=2'), { a: { b: null }, d: null, e: null });
});

test('metadata names every version and the oldest that is left', () => {
  const answer = JSON.parse(encodeMetadata({ secret: { ...secret, rules: { lifetime: 12_319_000 } } }));
  assert.deepEqual(Object.keys(answer.versions), ['2']);
  assert.deepEqual([answer.oldest_version, answer.current_version, answer.delete_version_after], [2, 2, '3h25m19s']);
});

test('a value of version 1 may say how long it is good for', () => {
  const lease = (text: string) => leaseOf({ secret, found, value: value(text) }, inputOf('a'));
  assert.equal(lease('{"ttl":"1h"}'), 3600);
  assert.equal(lease('{"ttl":30}'), 30);
  for (const text of ['{}', '{"ttl":"soon"}', 'plain']) assert.equal(lease(text), 2_764_800);
});
