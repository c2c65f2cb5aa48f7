import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverOfThisFile, startServer } from '../../harness.ts';
import { secretsClient } from '../aws-secrets-manager/clients.ts';
import { clientFrom, refused } from './client.ts';
import { holds, noHvac } from './hvac.ts';

const { env } = await serverOfThisFile();
const vault = clientFrom(env);

test('hvac keeps secrets with the server as with Vault', { skip: noHvac, timeout: 120_000 }, async (t) => {
  const own = await startServer();
  t.after(() => own.stop());
  await holds('hvac_kv.py', await own.env(), 46);
});

test('a secret is one and the same for clients of Vault and of AWS', async (t) => {
  const aws = secretsClient(env);
  t.after(() => aws.destroy());
  await vault.write('secret/data/prod/db', { data: { user: 'u', ports: [1, 2] } });
  const made = await aws.getSecretValue({ SecretId: 'prod/db' });
  assert.deepEqual(JSON.parse(made.SecretString!), { user: 'u', ports: [1, 2] });
  await aws.putSecretValue({ SecretId: 'prod/db', SecretString: '{"user":"w"}' });
  const { data } = await vault.read('secret/data/prod/db');
  assert.deepEqual([data.data, data.metadata.version], [{ user: 'w' }, 2]);
  const previous = await aws.getSecretValue({ SecretId: 'prod/db', VersionStage: 'AWSPREVIOUS' });
  assert.equal(previous.VersionId, made.VersionId);

  await vault.delete('secret/data/prod/db');
  await assert.rejects(aws.getSecretValue({ SecretId: 'prod/db' }), { name: 'ResourceNotFoundException' });
  await vault.write('secret/undelete/prod/db', { versions: [2] });
  assert.equal((await aws.getSecretValue({ SecretId: 'prod/db' })).SecretString, '{"user":"w"}');

  await aws.createSecret({ Name: 'kv/plain', SecretString: 'not JSON' });
  assert.deepEqual((await vault.read('kv/plain')).data, { value: 'not JSON' });
  assert.deepEqual((await vault.read('secret/data/kv/plain')).data.data, { value: 'not JSON' });
  await aws.createSecret({ Name: 'bytes', SecretBinary: Uint8Array.of(255) });
  await refused(vault.read('secret/data/bytes'), 400, /binary/);

  await aws.deleteSecret({ SecretId: 'prod/db', RecoveryWindowInDays: 7 });
  await refused(vault.read('secret/data/prod/db'), 404, /^$/);
  await aws.restoreSecret({ SecretId: 'prod/db' });
  assert.ok((await vault.list('secret/metadata')).data.keys.includes('prod/'));
  await vault.delete('secret/metadata/prod/db');
  await assert.rejects(aws.describeSecret({ SecretId: 'prod/db' }), { name: 'ResourceNotFoundException' });
});

test('a value has at most 1 MiB, and a path one spelling', async () => {
  const at = (bytes: number) => ({ data: { a: 'x'.repeat(bytes - '{"a":""}'.length) } });
  await vault.write('secret/data/large', at(1024 * 1024));
  assert.equal((await vault.read('secret/data/large')).data.data.a.length, 1024 * 1024 - 8);
  await refused(vault.write('secret/data/large', at(1024 * 1024 + 1)), 400, /1048576 bytes/);
  for (const path of ['secret/data/a//b', `secret/data/${'x'.repeat(513)}`]) {
    await assert.rejects(vault.write(path, { data: {} }), path);
  }
});

test('a patch says that it is one', async () => {
  await vault.write('secret/data/patched', { data: { a: '1' } });
  const patch = (headers: object) =>
    vault.request({ path: '/secret/data/patched', method: 'PATCH', json: { data: { a: null, b: '2' } }, headers });
  await refused(patch({ 'X-Vault-Token': env.VAULT_TOKEN! }), 415, /merge-patch/);
  await patch({ 'X-Vault-Token': env.VAULT_TOKEN!, 'Content-Type': 'application/merge-patch+json' });
  assert.deepEqual((await vault.read('secret/data/patched')).data.data, { b: '2' });
});
