import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EncryptCommand, GenerateMacCommand, GetKeyLastUsageCommand, type KMSClient } from '@aws-sdk/client-kms';
import { kmsClient } from '../conformance/aws-kms/clients.ts';
import { startServer } from '../harness.ts';

const bytes = new Uint8Array(16);

async function lastUsage(kms: KMSClient, KeyId: string) {
  const { KeyLastUsage: used } = await kms.send(new GetKeyLastUsageCommand({ KeyId }));
  return { operation: used?.Operation, requestId: used?.KmsRequestId, at: used?.Timestamp?.getTime() };
}

test('a server that is killed forgets no use that it answered', async () => {
  const server = await startServer();
  try {
    const env = await server.env();
    const kms = kmsClient(env);
    const made = async (...args: string[]) =>
      (JSON.parse((await server.claviger('key', 'create', ...args, '--json')).stdout) as { key: { id: string } }).key
        .id;
    const [used, mac, idle] = [await made(), await made('--spec', 'hmac-sha256'), await made()];
    await kms.send(new EncryptCommand({ KeyId: used, Plaintext: bytes }));
    const { $metadata } = await kms.send(new EncryptCommand({ KeyId: used, Plaintext: bytes }));
    await kms.send(new GenerateMacCommand({ KeyId: mac, Message: bytes, MacAlgorithm: 'HMAC_SHA_256' }));
    const before = await lastUsage(kms, used);
    assert.equal(before.operation, 'Encrypt');
    assert.equal(before.requestId, $metadata.requestId);
    assert.ok(Math.abs(before.at! - Date.now()) < 60_000);

    // Killed before anything was written but the ledger; then again after a graceful stop, which writes it.
    for (const signal of ['SIGKILL', 'SIGTERM', 'SIGKILL'] as const) {
      await server.restart(signal);
      const next = kmsClient(await server.env());
      assert.deepEqual(await lastUsage(next, used), before, signal);
      assert.equal((await lastUsage(next, mac)).operation, 'GenerateMac', signal);
      assert.equal((await lastUsage(next, idle)).operation, undefined, signal);
    }
    const shown = (await server.claviger('key', 'show', used)).stdout;
    assert.match(shown, /last used +(just now|\d+ (second|minute)s? ago) by encrypt, through aws-kms/);
    assert.match((await server.claviger('key', 'show', idle)).stdout, /last used +never/);
  } finally {
    await server.stop();
  }
});
