import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Credential, type Key, type KeyVersion, Plaintext, type WrappedMaterial } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import { encodeChangedKey, encodeKey, encodeKeyList } from './encode-keys.ts';
import { encodeCreatedToken, encodeLookupAccessor, encodeLookupSelf, encodeRenewedSelf } from './encode-token.ts';
import {
  encodeCiphertext,
  encodeDataKey,
  encodeHash,
  encodeHmac,
  encodePlaintext,
  encodeRandom,
  encodeSignature,
  encodeValid,
} from './encode-transit.ts';
import type { Input } from './row.ts';

const used = { realm: '000000000000', keyId: 'id', version: 3 };
const some = Uint8Array.of(0xfb, 0xff, 1);
const now = 1_700_000_000_000;

function input(body: Input['body'] = {}, item: Input['item'] = body): Input {
  return { path: { name: 'k' }, folder: '', query: '', body, item, token: 'clv.secret', clock: () => now };
}

const transit: ReadonlyArray<readonly [string, string, object]> = [
  ['a ciphertext', encodeCiphertext({ ...used, ciphertext: some }), { ciphertext: 'vault:v3:+/8B', key_version: 3 }],
  ['a plaintext', encodePlaintext({ ...used, plaintext: new Plaintext(some) }), { plaintext: '+/8B' }],
  ['a wrapped data key', encodeDataKey({ ...used, ciphertext: some }), { ciphertext: 'vault:v3:+/8B', key_version: 3 }],
  [
    'a data key in plaintext',
    encodeDataKey({ ...used, ciphertext: some, plaintext: new Plaintext(some) }),
    { ciphertext: 'vault:v3:+/8B', key_version: 3, plaintext: '+/8B' },
  ],
  ['random bytes', encodeRandom({ bytes: new Plaintext(some) }, input()), { random_bytes: '+/8B' }],
  ['random hex', encodeRandom({ bytes: new Plaintext(some) }, input({ format: 'hex' })), { random_bytes: 'fbff01' }],
  ['a hash', encodeHash({ digest: some }, input()), { sum: 'fbff01' }],
  ['a hash in base64', encodeHash({ digest: some }, input({ format: 'base64' })), { sum: '+/8B' }],
  ['a hmac', encodeHmac({ ...used, mac: some, hash: 'sha256' }), { hmac: 'vault:v3:+/8B' }],
  [
    'a signature',
    encodeSignature({ ...used, signature: some }, input()),
    { signature: 'vault:v3:+/8B', key_version: 3 },
  ],
  [
    'a JWS signature',
    encodeSignature({ ...used, signature: some }, input({ marshaling_algorithm: 'jws' })),
    { signature: 'vault:v3:-_8B', key_version: 3 },
  ],
  [
    'the public half of a derived key',
    encodeSignature({ ...used, signature: some, publicKey: some }, input()),
    { signature: 'vault:v3:+/8B', key_version: 3, public_key: '+/8B' },
  ],
  [
    'the public half of a derived key in a batch',
    encodeSignature({ ...used, signature: some, publicKey: some }, input({}, {})),
    { signature: 'vault:v3:+/8B', key_version: 3, publickey: '+/8B' },
  ],
  ['a verdict', encodeValid({ ...used, valid: false }), { valid: false }],
];

for (const [what, text, expected] of transit) {
  test(`encodes ${what}`, () => assert.deepEqual(JSON.parse(text), expected));
}

const wrapped = Uint8Array.of(1) as WrappedMaterial;
const version = (n: number, more: Partial<KeyVersion> = {}): KeyVersion => ({
  version: n,
  state: 'active',
  createdAt: now + n * 1000,
  wrapped,
  ...more,
});

const key: Key = {
  realm: '000000000000',
  id: '0f8fad5b-d9cb-469f-a165-70867728950e',
  revision: 1,
  spec: 'aes-256',
  usages: ['encrypt', 'mac'],
  class: 'enveloped',
  description: '',
  tags: {},
  names: ['first', 'other'],
  enabled: true,
  createdAt: now,
  current: version(3),
  minDecryptionVersion: 2,
  minEncryptionVersion: 0,
  minAvailableVersion: 1,
  derived: false,
  exportable: false,
  deletionAllowed: false,
  onDemandRotations: 0,
};

test('encodes a symmetric key with the versions that may be used', () => {
  const text = encodeKey({ key, versions: [version(1), version(2), version(3)] }, input());
  assert.deepEqual(JSON.parse(text), {
    allow_plaintext_backup: false,
    auto_rotate_period: 0,
    deletion_allowed: false,
    derived: false,
    exportable: false,
    imported_key: false,
    keys: { 2: 1_700_000_002, 3: 1_700_000_003 },
    latest_version: 3,
    min_available_version: 0,
    min_decryption_version: 2,
    min_encryption_version: 0,
    name: 'k',
    soft_deleted: false,
    supports_decryption: true,
    supports_derivation: true,
    supports_encryption: true,
    supports_signing: false,
    type: 'aes256-gcm96',
  });
});

test('encodes the public halves of a key pair', () => {
  const publicKey = Uint8Array.from({ length: 44 }, (_, i) => i);
  const pair: Key = {
    ...key,
    spec: 'ed25519',
    usages: ['sign'],
    minDecryptionVersion: 1,
    current: version(1, { publicKey }),
  };
  const ed = JSON.parse(encodeChangedKey({ key: pair }, input()));
  assert.equal(ed.type, 'ed25519');
  assert.equal(ed.supports_signing, true);
  assert.equal(ed.keys['1'].public_key, Buffer.from(publicKey.subarray(12)).toString('base64'));
  assert.equal(ed.keys['1'].creation_time, '2023-11-14T22:13:21.000Z');
  const ec = JSON.parse(encodeChangedKey({ key: { ...pair, spec: 'ec-p256' } }, input()));
  assert.equal(ec.keys['1'].name, 'P-256');
  assert.match(ec.keys['1'].public_key, /^-----BEGIN PUBLIC KEY-----\n/);
  const ml = JSON.parse(encodeChangedKey({ key: { ...pair, spec: 'ml-dsa-65' } }, input()));
  assert.deepEqual([ml.type, ml.parameter_set, ml.keys['1'].name], ['ml-dsa', '65', 'ml-dsa-65']);
});

test('shows no destroyed version', () => {
  const { wrapped: _, ...destroyed } = version(2);
  const text = encodeKey({ key: { ...key, minAvailableVersion: 2 }, versions: [destroyed, version(3)] }, input());
  assert.deepEqual(Object.keys(JSON.parse(text).keys), ['3']);
});

test('lists names in order over all pages, and the id of a key without a name', () => {
  const pages = [
    { realm: used.realm, keys: [{ id: 'i1', names: ['b', 'a'] }], next: 'i1' },
    {
      realm: used.realm,
      keys: [
        { id: 'i2', names: [] },
        { id: 'i3', names: ['"quoted"'] },
      ],
    },
  ];
  assert.deepEqual(JSON.parse(encodeKeyList(pages[1]!, input(), pages)), { keys: ['"quoted"', 'a', 'b', 'i2'] });
  const none = { realm: used.realm, keys: [] };
  assert.equal(encodeKeyList(none, input(), [none]), '');
});

const credential: Credential = {
  id: 'accessor',
  kind: 'token',
  realm: '000000000000',
  identity: 'ada',
  revision: 1,
  createdAt: now - 60_000,
  expiresAt: now + 3_540_000,
  ttl: 3_600_000,
  renewable: true,
  enabled: true,
  parent: 'other',
};
const info = { credential, policies: ['key-user'] };

test('encodes a token for its bearer', () => {
  const self = JSON.parse(encodeLookupSelf(info, input()));
  assert.equal(self.id, 'clv.secret');
  assert.deepEqual(
    [self.accessor, self.creation_time, self.creation_ttl, self.ttl, self.renewable, self.orphan, self.policies],
    ['accessor', 1_699_999_940, 3600, 3540, true, false, ['key-user']],
  );
  const { expiresAt: _, ttl: __, parent: ___, ...endless } = credential;
  const forever = JSON.parse(encodeLookupSelf({ credential: endless, policies: [] }, input()));
  assert.deepEqual([forever.ttl, forever.creation_ttl, forever.expire_time, forever.orphan], [0, 0, null, true]);
});

test('gives no token to who names an accessor', () => {
  assert.equal(JSON.parse(encodeLookupAccessor(info, input())).id, '');
});

test('encodes a new and a renewed token as an auth block', () => {
  const made = JSON.parse(encodeCreatedToken({ ...info, token: new Plaintext(toUtf8('clv.new')) }, input()));
  assert.deepEqual(
    [made.client_token, made.accessor, made.lease_duration, made.renewable, made.policies, made.token_type],
    ['clv.new', 'accessor', 3540, true, ['key-user'], 'service'],
  );
  assert.equal(JSON.parse(encodeRenewedSelf(info, input())).client_token, 'clv.secret');
});
