import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Command, type ErrorCode, KmsError, Plaintext } from '#domain/domain.ts';
import { toBase64 } from '#encoding/encoding.ts';
import type { JsonObject } from '#wire/common/common.ts';
import { narrowable } from './decode-token.ts';
import { operations } from './operations.ts';
import type { Input, Method } from './row.ts';

const b64 = (text: string) => toBase64(new TextEncoder().encode(text));
const bytes = (text: string) => Buffer.from(text);
const byName = { by: 'name', name: 'k' };
const base = { context: {}, scheme: 'natural' };

interface Case {
  readonly body?: JsonObject;
  readonly path?: Record<string, string>;
  readonly item?: JsonObject;
}

function decode(operation: string, { body = {}, path = { name: 'k' }, item = body }: Case, method?: Method): Command {
  const row = operations.find((one) => one.operation === operation && (method === undefined || one.method === method));
  assert.ok(row, operation);
  const input: Input = { path, folder: '', query: '', body, item, token: 'clv.t', clock: () => 0 };
  return row.decode(input);
}

/** Plaintexts compare by their bytes. */
const plain = (command: object) =>
  Object.fromEntries(Object.entries(command).map(([k, v]) => [k, v instanceof Plaintext ? v.release() : v]));

const wrapped = `vault:v2:${b64('wrapped')}`;

const good: ReadonlyArray<readonly [operation: string, given: Case, expected: object]> = [
  [
    'transit/encrypt',
    { body: { plaintext: b64('hi') } },
    { kind: 'encrypt', key: byName, plaintext: bytes('hi'), ...base },
  ],
  ['transit/encrypt', { body: { plaintext: '' } }, { kind: 'encrypt', key: byName, plaintext: bytes(''), ...base }],
  [
    'transit/encrypt',
    { body: { plaintext: b64('hi'), key_version: '3', context: b64('c'), associated_data: b64('a'), nonce: '' } },
    {
      kind: 'encrypt',
      key: byName,
      plaintext: bytes('hi'),
      context: { associatedData: bytes('a'), derivation: bytes('c') },
      scheme: 'natural',
      version: 3,
    },
  ],
  [
    'transit/encrypt',
    { body: { plaintext: b64('hi'), key_version: 0, context: null, associated_data: '' } },
    { kind: 'encrypt', key: byName, plaintext: bytes('hi'), ...base },
  ],
  [
    'transit/decrypt',
    { body: { ciphertext: wrapped } },
    { kind: 'decrypt', key: byName, ciphertext: bytes('wrapped'), version: 2, ...base },
  ],
  [
    'transit/rewrap',
    { body: { ciphertext: wrapped, key_version: 4 } },
    {
      kind: 're-encrypt',
      source: byName,
      sourceVersion: 2,
      sourceScheme: 'natural',
      sourceContext: {},
      ciphertext: bytes('wrapped'),
      target: byName,
      targetScheme: 'natural',
      targetContext: {},
      targetVersion: 4,
    },
  ],
  [
    'transit/datakey',
    { path: { form: 'plaintext', name: 'k' } },
    { kind: 'generate-data-key', key: byName, bytes: 32, context: {}, withPlaintext: true, scheme: 'natural' },
  ],
  [
    'transit/datakey',
    { path: { form: 'wrapped', name: 'k' }, body: { bits: '512', key_version: '2' } },
    {
      ...{ kind: 'generate-data-key', key: byName, bytes: 64, context: {}, withPlaintext: false, version: 2 },
      scheme: 'natural',
    },
  ],
  ['transit/random', { path: {} }, { kind: 'generate-random', bytes: 32 }],
  ['transit/random', { path: { source: '64' } }, { kind: 'generate-random', bytes: 64 }],
  ['transit/random', { path: { source: 'all', bytes: '7' } }, { kind: 'generate-random', bytes: 7 }],
  ['transit/random', { path: { source: 'platform' }, body: { bytes: 9 } }, { kind: 'generate-random', bytes: 9 }],
  ['transit/hash', { path: {}, body: { input: b64('hi') } }, { kind: 'hash', hash: 'sha256', input: bytes('hi') }],
  [
    'transit/hash',
    { path: { algorithm: 'sha3-512' }, body: { input: b64('hi'), algorithm: 'sha2-224', format: 'base64' } },
    { kind: 'hash', hash: 'sha3-512', input: bytes('hi') },
  ],
  ['transit/hmac', { body: { input: b64('hi') } }, { kind: 'generate-mac', key: byName, message: bytes('hi') }],
  [
    'transit/hmac',
    { body: { algorithm: 'sha2-384', key_version: 1 }, item: { input: b64('hi') } },
    { kind: 'generate-mac', key: byName, hash: 'sha384', message: bytes('hi'), version: 1 },
  ],
  [
    'transit/verify',
    { body: { input: b64('hi'), hmac: wrapped } },
    { kind: 'verify-mac', key: byName, message: bytes('hi'), mac: bytes('wrapped'), version: 2 },
  ],
];

for (const [operation, given, expected] of good) {
  test(`decodes ${operation} of ${JSON.stringify(given)}`, () => {
    assert.deepEqual(plain(decode(operation, given)), expected);
  });
}

const created = {
  class: 'enveloped',
  derived: false,
  exportable: false,
  ifAbsent: true,
  withVersions: true,
  kind: 'create-key',
  name: 'k',
};

const management: ReadonlyArray<readonly [operation: string, method: Method, body: JsonObject, expected: object]> = [
  ['transit/keys:create', 'POST', {}, { ...created, spec: 'aes-256', usages: ['encrypt', 'mac'] }],
  [
    'transit/keys:create',
    'POST',
    { type: 'rsa-3072', exportable: 'true', auto_rotate_period: '720h', convergent_encryption: false },
    {
      ...created,
      spec: 'rsa-3072',
      usages: ['encrypt', 'sign'],
      exportable: true,
      rotationPeriodDays: 30,
      pairsRotate: true,
    },
  ],
  [
    'transit/keys:create',
    'POST',
    { derived: 'true', convergent_encryption: 'true' },
    { ...created, spec: 'aes-256', usages: ['encrypt', 'mac'], derived: true, convergent: true },
  ],
  [
    'transit/keys:create',
    'POST',
    { type: 'chacha20-poly1305', derived: true, auto_rotate_period: 0 },
    { ...created, spec: 'chacha20-poly1305', usages: ['encrypt', 'mac'], derived: true },
  ],
  ['transit/keys:create', 'POST', { type: 'hmac', key_size: 64 }, { ...created, spec: 'hmac-sha512', usages: ['mac'] }],
  [
    'transit/keys:create',
    'POST',
    { type: 'ml-dsa', parameter_set: 65 },
    { ...created, spec: 'ml-dsa-65', usages: ['sign'] },
  ],
  ['transit/keys:read', 'GET', {}, { kind: 'describe-key', key: byName, withVersions: true }],
  ['transit/keys:list', 'LIST', {}, { kind: 'list-keys', after: '', limit: 1000 }],
  ['transit/keys:delete', 'DELETE', {}, { kind: 'destroy-key', key: byName }],
  ['transit/keys/rotate', 'POST', {}, { kind: 'rotate-key', key: byName, withVersions: true }],
  [
    'transit/keys/trim',
    'POST',
    { min_available_version: '2' },
    { kind: 'trim-key', key: byName, minAvailableVersion: 2, withVersions: true },
  ],
  ['transit/keys/soft-delete', 'DELETE', {}, { kind: 'disable-key', key: byName, withVersions: true }],
  ['transit/keys/soft-delete-restore', 'POST', {}, { kind: 'enable-key', key: byName, withVersions: true }],
  ['transit/keys/config', 'POST', {}, { kind: 'update-key', key: byName, patch: {}, withVersions: true }],
  [
    'transit/keys/config',
    'POST',
    {
      min_decryption_version: 0,
      min_encryption_version: '2',
      deletion_allowed: 'true',
      exportable: true,
      auto_rotate_period: '0',
    },
    {
      kind: 'update-key',
      key: byName,
      patch: {
        minDecryptionVersion: 1,
        minEncryptionVersion: 2,
        deletionAllowed: true,
        exportable: true,
        rotationPeriodDays: null,
      },
      ...{ withVersions: true, pairsRotate: true },
    },
  ],
  [
    'transit/keys/config',
    'POST',
    { exportable: false, allow_plaintext_backup: false, auto_rotate_period: '36h' },
    { kind: 'update-key', key: byName, patch: { rotationPeriodDays: 1.5 }, withVersions: true, pairsRotate: true },
  ],
  ['auth/token/create', 'POST', {}, { kind: 'create-token', renewable: true }],
  [
    'auth/token/create',
    'POST',
    // What the vault CLI sends when it is told nothing.
    {
      policies: null,
      ttl: '',
      explicit_max_ttl: '',
      period: '',
      display_name: '',
      num_uses: 0,
      renewable: true,
      no_parent: false,
      meta: {},
    },
    { kind: 'create-token', renewable: true },
  ],
  [
    'auth/token/create',
    'POST',
    { policies: ['default', 'encrypt'], ttl: '1h', display_name: 'ci', renewable: false },
    {
      kind: 'create-token',
      renewable: false,
      ttl: 3_600_000,
      label: 'ci',
      actions: ['lookup-token', 'renew-token', 'revoke-token', 'encrypt'],
    },
  ],
  ['auth/token/lookup-self', 'GET', {}, { kind: 'lookup-token' }],
  ['auth/token/lookup-accessor', 'POST', { accessor: 'a' }, { kind: 'lookup-token', accessor: 'a' }],
  ['auth/token/renew-self', 'POST', { increment: '60s' }, { kind: 'renew-token', increment: 60_000 }],
  ['auth/token/renew-self', 'POST', {}, { kind: 'renew-token' }],
  ['auth/token/revoke-self', 'POST', {}, { kind: 'revoke-token' }],
  ['auth/token/revoke-accessor', 'POST', { accessor: 'a' }, { kind: 'revoke-token', accessor: 'a', ifThere: true }],
];

for (const [operation, method, body, expected] of management) {
  test(`decodes ${operation} of ${JSON.stringify(body)}`, () => {
    assert.deepEqual(decode(operation, { body }, method), expected);
  });
}

test('a token is narrowed to actions if it asks for nothing else, and to ACL policies otherwise', () => {
  const asked = (body: JsonObject) => decode('auth/token/create', { body }) as Command<'create-token'>;
  assert.deepEqual(asked({ policies: ['orders', 'Shop'] }).policies, ['default', 'orders', 'shop']);
  assert.deepEqual(asked({ policies: ['orders'], no_default_policy: true }).policies, ['orders']);
  assert.deepEqual(asked({ policies: ['default'] }).policies, ['default']);
  assert.deepEqual(asked({ policies: ['root'] }).policies, ['root']);
  assert.deepEqual(asked({ policies: 'encrypt,orders' }).policies, ['default', 'encrypt', 'orders']);
  assert.equal(asked({ policies: ['encrypt'] }).policies, undefined);
  assert.ok(asked({ policies: ['encrypt', 'default'] }).actions?.includes('encrypt'));
  assert.equal(asked({ policies: [] }).policies ?? asked({}).policies, undefined);
});

test('narrows a token to any action of this door', () => {
  // What has a proof of its own asks no token.
  const actions = new Set(operations.filter(({ proof }) => proof === undefined).map(({ action }) => action));
  assert.deepEqual([...narrowable].sort(), [...actions, 'verify-mac'].sort());
});

const natural = { family: 'natural', hash: 'sha256', rsa: 'pss', saltLength: 'max', encoding: 'der' };
const signatures: ReadonlyArray<readonly [body: JsonObject, said: object, messageType: string]> = [
  [{}, {}, 'raw'],
  [
    { hash_algorithm: 'sha2-512', prehashed: true, salt_length: 'hash' },
    { hash: 'sha512', saltLength: 'digest' },
    'digest',
  ],
  [{ salt_length: 20 }, { saltLength: 20 }, 'raw'],
  [{ salt_length: '20' }, { saltLength: 20 }, 'raw'],
  [{ signature_algorithm: 'pss', salt_length: 'AUTO' }, {}, 'raw'],
  [{ signature_algorithm: 'pkcs1v15' }, { rsa: 'pkcs1' }, 'raw'],
  [
    { signature_algorithm: 'pkcs1v15', hash_algorithm: 'none', prehashed: true },
    { rsa: 'pkcs1', hash: 'none' },
    'digest',
  ],
  [
    { marshaling_algorithm: 'jws', prehashed: 'true', algorithm: 'sha2-384' },
    { hash: 'sha384', encoding: 'p1363' },
    'digest',
  ],
];

for (const [words, said, messageType] of signatures) {
  test(`signs and verifies given ${JSON.stringify(words)}, and leaves the rest to the key`, () => {
    const body: JsonObject = { ...words, input: b64('hi') };
    const scheme = { ...natural, ...said };
    assert.deepEqual(plain(decode('transit/sign', { body })), {
      kind: 'sign',
      key: byName,
      message: bytes('hi'),
      scheme,
      messageType,
      context: {},
    });
    const jws = words.marshaling_algorithm === 'jws';
    const signature = jws ? 'vault:v2:d3JhcHBlZA' : wrapped;
    assert.deepEqual(plain(decode('transit/verify', { body: { ...body, signature } })), {
      kind: 'verify',
      key: byName,
      message: bytes('hi'),
      scheme: scheme.saltLength === 'max' ? { ...scheme, saltLength: 'auto' } : scheme,
      messageType,
      signature: bytes('wrapped'),
      version: 2,
      context: {},
    });
  });
}

const input = b64('hi');
const bad: ReadonlyArray<readonly [operation: string, given: Case, code: ErrorCode]> = [
  ['transit/encrypt', {}, 'invalid-parameter'],
  ['transit/encrypt', { body: { plaintext: null } }, 'invalid-parameter'],
  ['transit/encrypt', { body: { plaintext: 'not base64' } }, 'malformed'],
  ['transit/encrypt', { body: { plaintext: 1 } }, 'malformed'],
  ['transit/encrypt', { body: { plaintext: input, nonce: 'AAAAAAAAAAAAAAAA' } }, 'unsupported'],
  ['transit/encrypt', { body: { plaintext: input, key_version: -1 } }, 'invalid-parameter'],
  ['transit/encrypt', { body: { plaintext: input, key_version: 1.5 } }, 'malformed'],
  ['transit/encrypt', { body: { plaintext: input, context: '!' } }, 'malformed'],
  ['transit/encrypt', { body: { plaintext: input, associated_data: '!' } }, 'malformed'],
  ['transit/encrypt', { body: { plaintext: input }, path: { name: '../x' } }, 'malformed'],
  ['transit/decrypt', {}, 'invalid-parameter'],
  ['transit/decrypt', { body: { ciphertext: input } }, 'invalid-ciphertext'],
  ['transit/decrypt', { body: { ciphertext: 'vault:v1:!' } }, 'invalid-ciphertext'],
  ['transit/decrypt', { body: { ciphertext: 'vault:v0:AAAA' } }, 'invalid-ciphertext'],
  ['transit/decrypt', { body: { ciphertext: wrapped, nonce: 'AAAAAAAAAAAAAAAA' } }, 'unsupported'],
  ['transit/rewrap', { body: { ciphertext: 'x' } }, 'invalid-ciphertext'],
  ['transit/datakey', { path: { form: 'both', name: 'k' } }, 'invalid-parameter'],
  ['transit/datakey', { path: { form: 'wrapped', name: 'k' }, body: { bits: 192 } }, 'invalid-parameter'],
  ['transit/random', { path: {}, body: { bytes: 0 } }, 'invalid-parameter'],
  ['transit/random', { path: {}, body: { bytes: 131_073 } }, 'invalid-parameter'],
  ['transit/random', { path: { source: 'dice' } }, 'invalid-parameter'],
  ['transit/random', { path: { source: 'all', bytes: 'x' } }, 'malformed'],
  ['transit/random', { path: {}, body: { format: 'octal' } }, 'invalid-parameter'],
  ['transit/hash', { path: {} }, 'invalid-parameter'],
  ['transit/hash', { path: { algorithm: 'md5' }, body: { input } }, 'invalid-parameter'],
  ['transit/hmac', { body: { algorithm: 'none', input } }, 'invalid-parameter'],
  ['transit/hmac', {}, 'invalid-parameter'],
  ['transit/sign', { body: { input, hash_algorithm: 'none' } }, 'invalid-parameter'],
  ['transit/sign', { body: { input, hash_algorithm: 'none', signature_algorithm: 'pkcs1v15' } }, 'invalid-parameter'],
  ['transit/sign', { body: { input, hash_algorithm: 'none' } }, 'invalid-parameter'],
  ['transit/sign', { body: { input, marshaling_algorithm: 'raw' } }, 'invalid-parameter'],
  ['transit/sign', { body: { input, signature_algorithm: 'x' } }, 'invalid-parameter'],
  ['transit/sign', { body: { input, salt_length: 'long' } }, 'invalid-parameter'],
  ['transit/verify', { body: { input } }, 'invalid-parameter'],
  ['transit/verify', { body: { input, hmac: wrapped, signature: wrapped } }, 'invalid-parameter'],
  ['transit/verify', { body: { input, hmac: 'x' } }, 'malformed'],
  ['transit/verify', { body: { input, signature: 'vault:v1:-_8' } }, 'malformed'],
  ['transit/keys:create', { body: { convergent_encryption: true } }, 'invalid-parameter'],
  ['transit/keys/import', { body: { ciphertext: 'AAAA', convergent_encryption: false } }, 'unsupported'],
  ['transit/keys/import', { body: {} }, 'invalid-parameter'],
  ['transit/keys/import', { body: { ciphertext: 'AAAA', hash_function: 'MD5' } }, 'invalid-parameter'],
  ['transit/keys/import', { body: { ciphertext: 'AAAA', auto_rotate_period: '1h' } }, 'invalid-parameter'],
  ['transit/keys/import', { body: { ciphertext: 'AAAA', type: 'rsa-2048', derived: true } }, 'unsupported'],
  ['transit/keys/import', { body: { type: 'rsa-2048', public_key: 'no PEM' } }, 'malformed'],
  ['transit/keys/import_version', { body: { ciphertext: '!' } }, 'malformed'],
  ['transit/restore', { body: {} }, 'invalid-parameter'],
  ['transit/keys:create', { body: { type: 'rsa-2048', derived: true } }, 'unsupported'],
  ['transit/keys:create', { body: { type: 'ecdsa-p256', derived: true } }, 'unsupported'],
  ['transit/keys:create', { body: { auto_rotate_period: '59m' } }, 'invalid-parameter'],
  ['transit/keys:create', { path: { name: '0f8fad5b-d9cb-469f-a165-70867728950e' } }, 'invalid-parameter'],
  ['transit/export', { path: { type: 'key', name: 'k' } }, 'invalid-parameter'],
  ['transit/export', { path: { type: 'hmac-key', name: 'k', version: 'x' } }, 'invalid-parameter'],
  ['transit/keys/config', { body: { min_decryption_version: 'two' } }, 'malformed'],
  ['transit/keys/trim', {}, 'invalid-parameter'],
  ['transit/keys/trim', { body: { min_available_version: 0 } }, 'invalid-parameter'],
  ['auth/token/create', { body: { id: 'mine' } }, 'unsupported'],
  ['auth/token/create', { body: { num_uses: -1 } }, 'invalid-parameter'],
  ['auth/token/create', { body: { meta: { a: 1 } } }, 'malformed'],
  ['auth/token/create', { body: { meta: 'a=b' } }, 'malformed'],
  ['auth/token/create', { body: { type: 'batch' } }, 'unsupported'],
  ['auth/token/lookup-accessor', {}, 'invalid-parameter'],
  ['transit/export', {}, 'invalid-parameter'],
];

for (const [operation, given, code] of bad) {
  test(`answers ${code} to ${operation} of ${JSON.stringify(given)}`, () => {
    assert.throws(
      () => decode(operation, given),
      (error) => error instanceof KmsError && error.code === code,
    );
  });
}
