import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorCode, Key, KeySpec, MessageType, NaturalScheme, SignatureScheme } from '#domain/domain.ts';
import { schemeOf } from './natural-scheme.ts';

const natural: NaturalScheme = { family: 'natural', hash: 'sha256', rsa: 'pss', saltLength: 'max', encoding: 'der' };
const resolved = (spec: KeySpec, asked: Partial<NaturalScheme>, messageType: MessageType) =>
  schemeOf({ spec, id: 'k' } as Key, { ...natural, ...asked }, messageType);

const schemes: ReadonlyArray<readonly [KeySpec, Partial<NaturalScheme>, MessageType, SignatureScheme]> = [
  ['rsa-2048', {}, 'raw', { family: 'rsa-pss', hash: 'sha256', saltLength: 'max' }],
  [
    'rsa-2048',
    { hash: 'sha512', saltLength: 'digest' },
    'digest',
    { family: 'rsa-pss', hash: 'sha512', saltLength: 'digest' },
  ],
  ['rsa-4096', { rsa: 'pkcs1' }, 'raw', { family: 'rsa-pkcs1', hash: 'sha256' }],
  ['rsa-4096', { rsa: 'pkcs1', hash: 'none' }, 'digest', { family: 'rsa-pkcs1', hash: 'none' }],
  ['ec-p384', {}, 'raw', { family: 'ecdsa', hash: 'sha256', encoding: 'der' }],
  ['ec-p256', { hash: 'sha384', encoding: 'p1363' }, 'digest', { family: 'ecdsa', hash: 'sha384', encoding: 'p1363' }],
  ['ed25519', { hash: 'sha512' }, 'raw', { family: 'ed25519' }],
  ['ed25519', { hash: 'sha512' }, 'digest', { family: 'ed25519ph', hash: 'sha512' }],
  ['ml-dsa-65', {}, 'raw', { family: 'ml-dsa' }],
  ['slh-dsa-sha2-128s', {}, 'raw', { family: 'slh-dsa' }],
];

for (const [spec, asked, messageType, scheme] of schemes) {
  test(`a ${spec} key picks ${scheme.family} for ${messageType} and ${JSON.stringify(asked)}`, () => {
    assert.deepEqual(resolved(spec, asked, messageType), scheme);
  });
}

const refusals: ReadonlyArray<readonly [KeySpec, Partial<NaturalScheme>, MessageType, ErrorCode]> = [
  ['rsa-2048', { hash: 'none' }, 'digest', 'wrong-algorithm'],
  ['ec-p256', { hash: 'none', rsa: 'pkcs1' }, 'digest', 'wrong-algorithm'],
  ['ed25519', {}, 'digest', 'wrong-algorithm'],
  ['ml-dsa-44', {}, 'digest', 'unsupported'],
  ['slh-dsa-sha2-128s', {}, 'digest', 'unsupported'],
  ['aes-256', {}, 'raw', 'wrong-usage'],
  ['hmac-sha256', {}, 'raw', 'wrong-usage'],
  ['x25519', {}, 'raw', 'wrong-usage'],
  ['ml-kem-768', {}, 'raw', 'wrong-usage'],
];

for (const [spec, asked, messageType, code] of refusals) {
  test(`a ${spec} key refuses ${messageType} and ${JSON.stringify(asked)} as ${code}`, () => {
    assert.throws(() => resolved(spec, asked, messageType), { code });
  });
}

test('a scheme that is named is taken as it is', () => {
  const scheme: SignatureScheme = { family: 'ecdsa', hash: 'sha512' };
  assert.equal(schemeOf({ spec: 'rsa-2048', id: 'k' } as Key, scheme, 'raw'), scheme);
});
