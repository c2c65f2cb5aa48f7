import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as sdk from '@aws-sdk/client-kms';
import { errorCodes, KmsError } from '#domain/domain.ts';
import { invalid } from '../common/aws-errors.ts';
import { AwsFault, awsError } from './errors.ts';

const signed = {
  kind: 'sigv4',
  method: '',
  path: '',
  query: '',
  headers: [],
  body: new Uint8Array(),
  services: [],
} as const;

/** Exceptions of every AWS service (KMS API reference, "Common Errors"), for which the SDK has no class of their own. */
const common = [
  'AccessDeniedException',
  'IncompleteSignatureException',
  'InvalidSignatureException',
  'SerializationException',
  'ThrottlingException',
  'UnknownOperationException',
  'UnrecognizedClientException',
  'ValidationException',
];

test('every code of the domain is an exception that AWS clients know', () => {
  for (const code of errorCodes) {
    const { type, status } = awsError(new KmsError(code, 'text'), signed, undefined);
    assert.ok(type in sdk || common.includes(type), `${code} is answered as ${type}`);
    assert.ok([400, 412, 500].includes(status), code);
  }
});

test('what the server is to blame for is a 500, so the SDKs try again', () => {
  const codes = errorCodes.filter((code) => awsError(new KmsError(code, ''), signed, undefined).status === 500);
  assert.deepEqual(codes, ['sealed', 'audit-unavailable', 'storage-full', 'tampered', 'unavailable', 'internal']);
});

test('a state is told with the key that is in it', () => {
  const told = (code: 'disabled' | 'pending-destruction' | 'not-pending-destruction') =>
    awsError(new KmsError(code, 'text'), signed, 'alias/a');
  assert.deepEqual(told('disabled'), { type: 'DisabledException', status: 400, message: 'alias/a is disabled.' });
  assert.equal(told('pending-destruction').message, 'alias/a is pending deletion.');
  assert.equal(told('not-pending-destruction').message, 'alias/a is not pending deletion.');
  assert.equal(awsError(new KmsError('disabled', 'text'), signed, undefined).message, 'text');
});

test('no proof and an unknown one are told apart', () => {
  const error = new KmsError('unauthenticated', 'text');
  assert.equal(awsError(error, { kind: 'none' }, undefined).type, 'MissingAuthenticationTokenException');
  assert.equal(awsError(error, signed, undefined).type, 'UnrecognizedClientException');
});

test('an exception of AWS alone keeps its name', () => {
  assert.deepEqual(awsError(new AwsFault('TagException', 'text'), signed, 'alias/a'), {
    type: 'TagException',
    status: 400,
    message: 'text',
  });
});

test('anything unforeseen says nothing of itself', () => {
  const told = awsError(new TypeError('secret'), signed, undefined);
  assert.equal(told.type, 'KMSInternalException');
  assert.ok(!told.message.includes('secret'));
});

test('validation names the member as AWS does', () => {
  assert.match(invalid('KeyId', 'text').message, /^1 validation error detected: Value at 'keyId' failed/);
});

test('of a proof that fails AWS clients hear which half of it did', () => {
  const heard = (code: 'invalid-proof' | 'expired-proof', subject?: string) => {
    const { type, status, message } = awsError(new KmsError(code, 'text', subject), signed, undefined);
    assert.equal(status, 400);
    return [type, message === 'text'];
  };
  assert.deepEqual(heard('invalid-proof', 'credential'), ['UnrecognizedClientException', false]);
  assert.deepEqual(heard('invalid-proof', 'signature'), ['InvalidSignatureException', false]);
  assert.deepEqual(heard('invalid-proof'), ['InvalidSignatureException', true]);
  assert.deepEqual(heard('expired-proof', 'credential'), ['ExpiredTokenException', false]);
  assert.deepEqual(heard('expired-proof', 'clock'), ['InvalidSignatureException', true]);
});
