import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as sdk from '@aws-sdk/client-kms';
import { serverOfThisFile } from '../../harness.ts';
import { kmsClient } from './clients.ts';

const { server, env } = await serverOfThisFile();
const kms = kmsClient(env);

const data = Buffer.from('message');
const denied = (promise: Promise<unknown>) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof sdk.KMSServiceException, `${error}`);
    assert.equal(error.name, 'AccessDeniedException');
    assert.equal(error.$metadata.httpStatusCode, 400);
    return true;
  });

async function identity(name: string, role: string): Promise<sdk.KMS> {
  await server.claviger('identity', 'create', name, '--role', role);
  return kmsClient(await server.env(name));
}

test('who administers keys does not use them, and who uses them does not administer', async () => {
  const administrator = await identity('anna', 'key-administrator');
  const user = await identity('uwe', 'key-user');
  const KeyId = (await administrator.createKey({})).KeyMetadata!.Arn!;
  await denied(administrator.encrypt({ KeyId, Plaintext: data }));
  const { CiphertextBlob } = await user.encrypt({ KeyId, Plaintext: data });
  assert.deepEqual(Buffer.from((await user.decrypt({ CiphertextBlob: CiphertextBlob! })).Plaintext!), data);
  await denied(user.disableKey({ KeyId }));
  await denied(user.scheduleKeyDeletion({ KeyId }));
  assert.equal((await administrator.describeKey({ KeyId })).KeyMetadata!.KeyState, 'Enabled');
});

test('an auditor neither uses nor administers keys', async () => {
  const auditor = await identity('ada', 'auditor');
  await denied(auditor.encrypt({ KeyId: 'alias/first', Plaintext: data }));
  await denied(auditor.createKey({}));
});

test('an access key that was disabled is refused', async () => {
  const leaver = await identity('leo', 'key-user');
  await leaver.encrypt({ KeyId: 'alias/first', Plaintext: data });
  await server.claviger('identity', 'disable', 'leo');
  await assert.rejects(leaver.encrypt({ KeyId: 'alias/first', Plaintext: data }), {
    name: 'UnrecognizedClientException',
  });
});

// Last: nothing else is answered afterwards.
test('a sealed server is KeyUnavailableException, which the SDK tries again', async () => {
  await server.claviger('seal');
  await assert.rejects(kms.encrypt({ KeyId: 'alias/first', Plaintext: data }), (error) => {
    assert.ok(error instanceof sdk.KeyUnavailableException, `${error}`);
    assert.equal(error.$metadata.httpStatusCode, 500);
    assert.equal(error.$metadata.attempts, 3);
    return true;
  });
});
