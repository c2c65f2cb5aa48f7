import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KmsError } from '#domain/domain.ts';
import type { Json } from '#encoding/encoding.ts';
import type { JsonObject } from '#wire/common/common.ts';
import { readBody } from './fields.ts';
import { decodeSegment, undress } from './names.ts';
import { operations } from './operations.ts';
import { Router } from './route.ts';
import { openOperations } from './system.ts';

/** A small generator with a seed (xorshift32), so that a failure can be seen again. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const seed = 20_261_124;
const names = [
  'plaintext',
  'ciphertext',
  'input',
  'signature',
  'hmac',
  'context',
  'associated_data',
  'nonce',
  'key_version',
  'type',
  'parameter_set',
  'key_size',
  'derived',
  'exportable',
  'convergent_encryption',
  'auto_rotate_period',
  'min_decryption_version',
  'min_encryption_version',
  'min_available_version',
  'deletion_allowed',
  'bits',
  'bytes',
  'format',
  'algorithm',
  'hash_algorithm',
  'prehashed',
  'signature_algorithm',
  'marshaling_algorithm',
  'salt_length',
  'batch_input',
  'reference',
  'policies',
  'ttl',
  'increment',
  'accessor',
  'meta',
  'num_uses',
  '__proto__',
  'constructor',
];
const values: readonly Json[] = [
  null,
  true,
  false,
  0,
  1,
  -1,
  1.5,
  1e300,
  '',
  'aGk=',
  'vault:v1:aGk=',
  'vault:v1:',
  'vault:v999999999999:aGk=',
  'none',
  'sha2-512',
  'rsa-2048',
  'ml-dsa',
  '44',
  '30d',
  '1h1h',
  'true',
  'jws',
  'pkcs1v15',
  'auto',
  '\u0000',
  '\ud800',
  'x'.repeat(5000),
  [],
  {},
  [null],
  { a: 1 },
];
const segments = [
  'k',
  '',
  '.',
  '..',
  '%2e%2e',
  '%',
  '%ff',
  'a%2Fb',
  'keys',
  'transit',
  'plaintext',
  'sha2-256',
  '64',
  '%00',
  'é',
];

/** Runs what must never fail otherwise than by KmsError; true if it did not fail. */
function total(run: () => unknown, what: () => string): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (error instanceof KmsError && error.code !== 'internal') return false;
    assert.fail(`${what()}: ${error}`);
  }
}

test('decoders know no failure but KmsError, whatever the fields', () => {
  const random = generator(seed);
  const pick = <T>(from: readonly T[]): T => from[random(from.length)] as T;
  let decoded = 0;
  for (let round = 0; round < 60_000; round++) {
    const fields: [string, Json][] = [];
    for (let i = random(6); i >= 0; i--) fields.push([pick(names), pick(values)]);
    const body: JsonObject = JSON.parse(
      `{${fields.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(',')}}`,
    );
    const path = { name: pick(segments), form: pick(segments), source: pick(segments), algorithm: pick(segments) };
    const row = pick(operations);
    const input = { path, folder: '', query: '', body, item: body, token: '', clock: () => 0 };
    const what = () => `${row.operation} ${JSON.stringify(path)} ${JSON.stringify(body)}`;
    if (total(() => row.decode(input), what)) decoded++;
    total(() => row.creates?.(input), what);
  }
  assert.ok(decoded > 1000, `only ${decoded} were decoded at all`);
});

test('bodies of random bytes and mangled JSON are objects or malformed', () => {
  const random = generator(seed);
  const sample = new TextEncoder().encode('{"plaintext":"aGk=","batch_input":[{"context":"\\u0041"}],"key_version":1}');
  let read = 0;
  for (let round = 0; round < 40_000; round++) {
    const bytes = round % 2 === 0 ? Uint8Array.from({ length: random(40) }, () => random(256)) : sample.slice();
    if (round % 2 === 1) for (let i = random(4); i >= 0; i--) bytes[random(bytes.length)] = random(256);
    if (
      total(
        () => assert.equal(typeof readBody(bytes), 'object'),
        () => Buffer.from(bytes).toString('hex'),
      )
    )
      read++;
  }
  assert.ok(read > 1000, `only ${read} were read at all`);
});

test('paths lead somewhere, nowhere, or are malformed', () => {
  const random = generator(seed);
  const router = new Router(operations, openOperations);
  const pick = <T>(from: readonly T[]): T => from[random(from.length)] as T;
  const words = [...segments, ...operations.flatMap(({ paths }) => paths.flatMap((path) => path.split('/')))];
  let found = 0;
  for (let round = 0; round < 60_000; round++) {
    const steps =
      round % 2 === 0
        ? Array.from({ length: random(6) }, () => pick(words))
        : pick(pick(operations).paths)
            .split('/')
            .map((step) => (step.startsWith(':') ? pick(segments) : step));
    const path = `/v1/${steps.join('/')}`;
    const method = pick(['GET', 'POST', 'PUT', 'LIST', 'DELETE', 'PATCH', '']);
    const query = pick(['', 'list=true', 'list', 'a=b&list=1', '%']);
    total(
      () => {
        if (router.find(method, path, query) !== undefined) found++;
      },
      () => `${method} ${path}?${query}`,
    );
  }
  assert.ok(found > 1000, `only ${found} were found at all`);
});

test('one changed character of a dressed ciphertext changes its bytes or its version, or undoes it', () => {
  const dressed = `vault:v1:${Buffer.from(Array.from({ length: 50 }, (_, i) => i * 5)).toString('base64')}`;
  const original = undress(dressed);
  for (let i = 0; i < dressed.length; i++) {
    for (let code = 0; code < 128; code++) {
      const changed = dressed.slice(0, i) + String.fromCharCode(code) + dressed.slice(i + 1);
      if (changed !== dressed) assert.notDeepEqual(undress(changed), original ?? 'undressed', changed);
    }
  }
  assert.notEqual(original, undefined);
});

test('segments decode or are malformed', () => {
  const random = generator(seed);
  for (let round = 0; round < 20_000; round++) {
    const segment = Array.from({ length: random(8) }, () => '%0aAfF2eéx'[random(10)]).join('');
    total(
      () => decodeSegment(segment),
      () => segment,
    );
  }
});
