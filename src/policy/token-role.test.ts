import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KmsError } from '#domain/domain.ts';
import { namesPolicies, policiesByRole } from './policy.ts';

const none = { allowed: [], disallowed: [], allowedGlobs: [], disallowedGlobs: [], noDefaultPolicy: false };
const refusal = (words: RegExp) => (error: unknown) =>
  error instanceof KmsError && error.code === 'invalid-parameter' && words.test(error.message);

test('a role without lists says nothing of policies', () => {
  assert.equal(namesPolicies(none), false);
  assert.equal(namesPolicies({ ...none, disallowedGlobs: ['a*'] }), true);
});

test('what is allowed is what a token gets that asks for nothing', () => {
  const role = { ...none, allowed: ['b', 'a'] };
  assert.deepEqual(policiesByRole(role, [], ['other'], false), ['a', 'b', 'default']);
  assert.deepEqual(policiesByRole(role, ['a'], ['other'], false), ['a', 'default']);
  assert.deepEqual(policiesByRole(role, ['a'], undefined, true), ['a']);
  assert.deepEqual(policiesByRole({ ...role, noDefaultPolicy: true }, [], undefined, false), ['a', 'b']);
});

test('what is not allowed is refused, by name and by glob', () => {
  const role = { ...none, allowed: ['a'], allowedGlobs: ['te*', '*-ro'] };
  assert.deepEqual(policiesByRole(role, ['test', 'db-ro'], [], false), ['db-ro', 'default', 'test']);
  for (const asked of ['best', 'te', 'ro', 'a2', 'root', 't*', 'te?']) {
    const fits = asked === 'te' || asked === 'te?';
    if (fits) assert.deepEqual(policiesByRole(role, [asked], [], false), ['default', asked]);
    else assert.throws(() => policiesByRole(role, [asked], [], false), refusal(/must be subset of the role's allowed/));
  }
});

test('what is barred is refused although it is allowed, and the asking token has no say', () => {
  const role = { ...none, allowed: ['a'], disallowed: ['a'] };
  assert.throws(() => policiesByRole(role, [], ['a'], false), refusal(/"a" is disallowed/));
  const globs = { ...none, disallowedGlobs: ['prod*'] };
  assert.throws(() => policiesByRole(globs, ['production'], undefined, false), refusal(/"production" is disallowed/));
  assert.deepEqual(policiesByRole(globs, ['stage'], undefined, false), ['default', 'stage']);
  assert.deepEqual(policiesByRole({ ...none, disallowed: ['default'] }, ['b'], [], false), ['b']);
});

test('a token without policies is `root` to a role: it hands on all or, where that is barred, nothing', () => {
  assert.equal(policiesByRole({ ...none, disallowed: ['x'] }, [], undefined, false), undefined);
  assert.throws(() => policiesByRole({ ...none, disallowed: ['root'] }, [], undefined, false), refusal(/"root"/));
  assert.deepEqual(policiesByRole({ ...none, disallowed: ['x'] }, [], ['b'], false), ['b', 'default']);
});
