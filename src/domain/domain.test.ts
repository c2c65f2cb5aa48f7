import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorCodes, isSymmetric, type KeySpec, KmsError, keySpecs, recordKinds, roles, specFacts } from './domain.ts';

test('error codes, record kinds and roles are each named once', () => {
  for (const names of [errorCodes, recordKinds, roles]) assert.equal(new Set<string>(names).size, names.length);
});

test('an error carries its code and what it is about, and nothing else', () => {
  const error = new KmsError('disabled', 'The key is disabled.', 'key 1');
  assert.deepEqual(
    [error.name, error.code, error.subject, error.message],
    ['KmsError', 'disabled', 'key 1', 'The key is disabled.'],
  );
  assert.ok(error instanceof Error);
});

test('a spec is symmetric or a pair, and has the strength of SP 800-57 part 1 table 2 and FIPS 203 to 205', () => {
  for (const spec of Object.keys(keySpecs) as KeySpec[]) {
    const { bytes, usages, strength, hash, family } = specFacts(spec);
    assert.equal(isSymmetric(spec), bytes !== undefined);
    assert.ok(usages.length > 0 && new Set(usages).size === usages.length, spec);
    assert.ok(strength >= 112 && strength <= 256, spec);
    // A secret key is at least as long as it is strong.
    if (bytes !== undefined) assert.ok(bytes * 8 >= strength, spec);
    if (family === 'hmac') assert.ok(hash !== undefined && spec.endsWith(hash), spec);
  }
});
