import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ErrorCode, errorCodes, KmsError, type Proof } from '#domain/domain.ts';
import { answers, asKmsError, errorResponse, failsWholeRequest, messageOf, PlacedError } from './errors.ts';

const withToken: Proof = { kind: 'token', token: 'clv.x' };
const words = 'what went wrong';

/** Every code, as a Vault client sees it when it wrote something. */
const expected: Record<ErrorCode, readonly [status: number, text: string | RegExp]> = {
  malformed: [400, words],
  'invalid-parameter': [400, words],
  'too-large': [413, /too large/],
  'unknown-operation': [404, words],
  unsupported: [400, words],
  unauthenticated: [403, 'permission denied'],
  'invalid-proof': [403, 'permission denied'],
  'expired-proof': [403, 'permission denied'],
  replayed: [400, words],
  denied: [403, 'permission denied'],
  'needs-approval': [403, words],
  'separation-of-duties': [403, words],
  'grant-to-self': [403, words],
  'not-found': [400, 'encryption key not found'],
  'alias-not-found': [400, 'encryption key not found'],
  'already-exists': [400, words],
  conflict: [412, words],
  'limit-exceeded': [400, words],
  disabled: [400, words],
  'pending-destruction': [400, words],
  'not-pending-destruction': [400, words],
  'invalid-state': [400, words],
  'wrong-usage': [400, words],
  'wrong-algorithm': [400, words],
  'version-not-found': [400, words],
  'version-too-old': [400, /disallowed by policy \(too old\)/],
  'destruction-not-allowed': [400, /deletion is not allowed/],
  'invalid-ciphertext': [400, 'invalid ciphertext: unable to decrypt'],
  'wrong-key': [400, 'invalid ciphertext: unable to decrypt'],
  'invalid-signature': [400, words],
  'invalid-mac': [400, words],
  'dry-run': [400, words],
  'malformed-policy': [400, words],
  'invalid-page': [400, words],
  'incomplete-proof': [403, 'permission denied'],
  throttled: [429, words],
  'invalid-grant': [400, words],
  'invalid-assertion': [400, words],
  'invalid-import-token': [400, words],
  'expired-import-token': [400, words],
  'invalid-wrapping': [400, words],
  'wrong-material': [400, words],
  'secret-not-found': [404, words],
  'secret-exists': [400, words],
  'secret-deleted': [404, words],
  'secret-undecryptable': [500, words],
  sealed: [503, /Vault is sealed/],
  'not-sealed': [400, words],
  'invalid-unseal': [400, words],
  'audit-unavailable': [500, /audit/],
  'storage-full': [507, words],
  tampered: [500, words],
  unavailable: [503, words],
  internal: [500, 'internal error'],
};

for (const code of errorCodes) {
  test(`answers ${code} in Vault's form`, () => {
    const [status, text] = expected[code];
    const response = errorResponse(new KmsError(code, words), withToken, false);
    assert.equal(response.status, status);
    assert.equal(response.contentType, 'application/json');
    const { errors, ...others } = JSON.parse(String(response.body));
    assert.deepEqual(others, {});
    assert.equal(errors.length, 1);
    if (typeof text === 'string') assert.equal(errors[0], text);
    else assert.match(errors[0], text);
  });
}

test('has an answer for exactly the codes there are', () => {
  assert.deepEqual(Object.keys(answers).sort(), [...errorCodes].sort());
});

test('tells a request without a token so', () => {
  const response = errorResponse(new KmsError('unauthenticated', words), { kind: 'none' }, false);
  assert.deepEqual([response.status, response.body], [400, '{"errors":["missing client token"]}']);
});

test('says nothing more than 404 of what can not be read', () => {
  const response = errorResponse(new KmsError('not-found', words), withToken, true);
  assert.deepEqual([response.status, response.body], [404, '{"errors":[]}']);
});

test('lets a place choose the status', () => {
  const response = errorResponse(new PlacedError(405, 'unknown-operation', 'unsupported operation'), withToken, true);
  assert.deepEqual([response.status, response.body], [405, '{"errors":["unsupported operation"]}']);
});

test('never shows the text of an unexpected failure', () => {
  const response = errorResponse(asKmsError(new TypeError('secret inside')), withToken, false);
  assert.deepEqual([response.status, response.body], [500, '{"errors":["internal error"]}']);
});

test('a refusal fails a whole batch, whatever its reason, and a wrong item does not', () => {
  const fails = (code: ErrorCode) => failsWholeRequest(new KmsError(code, words));
  for (const code of ['denied', 'needs-approval', 'separation-of-duties', 'sealed'] as const)
    assert.ok(fails(code), code);
  for (const code of ['invalid-ciphertext', 'version-not-found', 'malformed'] as const) assert.ok(!fails(code), code);
});

test('an item of a batch is told the words that its place chose', () => {
  assert.equal(messageOf(new PlacedError(400, 'invalid-proof', 'missing role_id')), 'missing role_id');
});
