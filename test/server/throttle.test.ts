import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EncryptCommand } from '@aws-sdk/client-kms';
import { kmsClient } from '../conformance/aws-kms/clients.ts';
import { startServer } from '../harness.ts';

const command = () => new EncryptCommand({ KeyId: 'alias/first', Plaintext: new Uint8Array(8) });

test('the JavaScript SDK waits and asks again where it is over its share', async () => {
  const server = await startServer({ args: ['--max-rate', '40'] });
  try {
    const env = await server.env();
    const patient = kmsClient(env, { maxAttempts: 10 });
    const answers = await Promise.all(Array.from({ length: 70 }, () => patient.send(command())));
    assert.equal(answers.length, 70);
    const attempts = answers.reduce((sum, { $metadata }) => sum + ($metadata.attempts ?? 1), 0);
    assert.ok(attempts > 70, 'nobody had to ask again');

    const impatient = kmsClient(env, { maxAttempts: 1 });
    const outcomes = await Promise.allSettled(Array.from({ length: 100 }, () => impatient.send(command())));
    const refusals = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    assert.ok(refusals.length >= 20, `${refusals.length} were refused`);
    for (const { name, $metadata, $fault } of refusals) {
      assert.deepEqual([name, $metadata.httpStatusCode, $fault], ['ThrottlingException', 400, 'client']);
    }
  } finally {
    await server.stop();
  }
});

test('a share that is no number is not taken', async () => {
  for (const rate of ['0', 'many', '-1', '1.5']) {
    await assert.rejects(startServer({ args: [`--max-rate=${rate}`] }), /takes requests per second/);
  }
});
