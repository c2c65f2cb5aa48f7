import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KMS, KMSServiceException } from '@aws-sdk/client-kms';
import { serverOfThisFile } from '../../harness.ts';
import { kmsClient, raw } from './clients.ts';

const { server, env } = await serverOfThisFile();
const kms = kmsClient(env, { maxAttempts: 1 });

const json11 = 'application/x-amz-json-1.1';
const type = (body: string) => JSON.parse(body).__type as string;

interface HttpRequest {
  body: Uint8Array | string;
  headers: Record<string, string>;
}

/** A client that changes each request before or after it is signed. */
function tampering(step: 'build' | 'deserialize', change: (request: HttpRequest) => void, config = {}): KMS {
  const client = kmsClient(env, { maxAttempts: 1, ...config });
  const tamper = (next: (args: never) => Promise<never>) => (args: { request: unknown }) => {
    change(args.request as HttpRequest);
    return next(args as never);
  };
  client.middlewareStack.add(tamper as never, { step: step as 'build', priority: 'low', name: 'tamper' });
  return client;
}

/** Sends these bytes as a request that the developer really signed. */
const signed = (body: string | Uint8Array) =>
  tampering('build', (request) => {
    request.body = body;
    request.headers['content-length'] = String(Buffer.byteLength(body));
  });

const rejectsWith = (name: string, promise: Promise<unknown>) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof KMSServiceException, `${error}`);
    assert.equal(error.name, name);
    assert.ok(error.$metadata.requestId);
    return true;
  });

test('a signed body that is no JSON object is a SerializationException', async () => {
  for (const body of ['{', '[]', 'null', '"x"', '{"KeyId":1}', Uint8Array.of(0x7b, 0xff, 0x7d)]) {
    await rejectsWith('SerializationException', signed(body).describeKey({ KeyId: 'x' }));
  }
});

test('a signed body that is nested ten thousand deep is a SerializationException', async () => {
  const deep = `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`;
  await rejectsWith('SerializationException', signed(deep).describeKey({ KeyId: 'x' }));
});

test('a signed blob that is no base64 is a SerializationException', async () => {
  const { KeyMetadata } = await kms.createKey({});
  for (const blob of ['AA', 'A===', 'AA==AA==', 'A-_=', ' AAAA', 'AAB=']) {
    const body = JSON.stringify({ KeyId: KeyMetadata!.KeyId, Plaintext: blob });
    await rejectsWith('SerializationException', signed(body).encrypt({ KeyId: 'x', Plaintext: Buffer.from('x') }));
  }
});

test('a signed request of another content type is a SerializationException', async () => {
  const client = tampering('build', (request) => {
    request.headers['content-type'] = 'text/plain';
  });
  await rejectsWith('SerializationException', client.listKeys({}));
});

test('an operation that nobody knows is an UnknownOperationException', async () => {
  for (const target of [
    'TrentService.Explode',
    'TrentService.',
    'TrentService.constructor',
    'TrentService.__proto__',
  ]) {
    const client = tampering('build', (request) => {
      request.headers['x-amz-target'] = target;
    });
    await rejectsWith('UnknownOperationException', client.listKeys({}));
  }
});

test('a body that changed after it was signed is an InvalidSignatureException, and changes nothing', async () => {
  const { KeyMetadata } = await kms.createKey({ Description: 'before' });
  const KeyId = KeyMetadata!.KeyId!;
  const client = tampering('deserialize', (request) => {
    request.body = new TextDecoder().decode(request.body as Uint8Array).replace('second', 'forged');
  });
  await rejectsWith('InvalidSignatureException', client.updateKeyDescription({ KeyId, Description: 'second' }));
  assert.equal((await kms.describeKey({ KeyId })).KeyMetadata!.Description, 'before');
});

test('a header that changed after it was signed is an InvalidSignatureException', async () => {
  const client = tampering('deserialize', (request) => {
    request.headers['x-amz-target'] = 'TrentService.GenerateRandom';
  });
  await rejectsWith('InvalidSignatureException', client.listKeys({}));
});

test('a clock an hour off is refused, and the SDK corrects itself by the answer', async (t) => {
  const { now } = Date;
  t.mock.method(Date, 'now', () => now() + 3_600_000);
  const early = kmsClient(env, { maxAttempts: 1 }).listKeys({});
  await rejectsWith('InvalidSignatureException', early);
  await assert.rejects(
    early,
    /^InvalidSignatureException: Signature not yet current: \d{8}T\d{6}Z is still later than /,
  );
  const { Keys } = await kmsClient(env).listKeys({});
  assert.ok(Keys);
});

test('without a proof nothing is answered', async () => {
  const headers = { 'content-type': json11, 'x-amz-target': 'TrentService.ListKeys' };
  for (const authorization of [undefined, 'Basic eDp5', 'Bearer clv.x']) {
    const answer = await raw(env, authorization ? { ...headers, authorization } : headers, '{}');
    assert.equal(answer.status, 400);
    assert.equal(type(answer.body), 'MissingAuthenticationTokenException');
    assert.ok(answer.headers['x-amzn-requestid']);
    assert.equal(answer.headers['content-type'], json11);
  }
  const garbled = await raw(env, { ...headers, authorization: 'AWS4-HMAC-SHA256 nonsense' }, '{}');
  assert.equal(type(garbled.body), 'IncompleteSignatureException');
});

test('without a target nothing is done', async () => {
  const answer = await raw(env, { 'content-type': json11 }, '{}');
  assert.equal(answer.status, 400);
  assert.ok(['UnknownOperationException', 'MissingAuthenticationTokenException'].includes(type(answer.body)));
});

test('a body of 100 MB is refused unread', async () => {
  const headers = {
    'content-type': json11,
    'x-amz-target': 'TrentService.Encrypt',
    'content-length': String(100 * 1024 * 1024),
  };
  const answer = await raw(env, headers, '{').catch((error: NodeJS.ErrnoException) => error);
  assert.ok(!(answer instanceof Error), `${answer}`);
  assert.equal(answer.status, 413);
  assert.equal(type(answer.body), 'RequestEntityTooLargeException');
});

test('every refusal above is a line of an audit log that verifies', async () => {
  await server.claviger('audit', 'verify');
  const { stdout } = await server.claviger('audit', 'tail', '--lines', '500');
  for (const outcome of ['malformed', 'unknown-operation', 'invalid-proof', 'expired-proof', 'unauthenticated']) {
    assert.ok(stdout.includes(outcome), `the log tells of ${outcome}`);
  }
});
