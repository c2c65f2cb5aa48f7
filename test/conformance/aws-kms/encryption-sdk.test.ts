import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Env, type RunningServer, startServer } from '../../harness.ts';
import { run } from '../../programs.ts';
import { kmsClient } from './clients.ts';

const script = fileURLToPath(new URL('encryption-sdk-client.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'claviger-aws-'));
const file = (name: string) => join(folder, name);

let server: RunningServer;
let env: Env;

before(async () => {
  server = await startServer();
  env = await server.env();
});

after(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true });
});

test('the unmodified AWS Encryption SDK encrypts and decrypts a file as a stream, under two keys', async () => {
  const kms = kmsClient(env);
  const arns = [];
  for (let i = 0; i < 2; i++) arns.push((await kms.createKey({})).KeyMetadata!.Arn!);
  const plain = randomFillSync(Buffer.alloc(3 * 1024 * 1024 + 17));
  writeFileSync(file('plain'), plain);

  await run(process.execPath, [script, 'encrypt', arns.join(), file('plain'), file('sealed')], env);
  const sealed = readFileSync(file('sealed'));
  assert.equal(sealed.includes(plain.subarray(0, 64)), false);

  for (const arn of arns) {
    await run(process.execPath, [script, 'decrypt', arn, file('sealed'), file('opened')], env);
    assert.deepEqual(readFileSync(file('opened')), plain);
  }

  // With the first key out of use the second still opens the file.
  await kms.disableKey({ KeyId: arns[0]! });
  await run(process.execPath, [script, 'decrypt', arns[1]!, file('sealed'), file('opened')], env);
  await assert.rejects(run(process.execPath, [script, 'decrypt', arns[0]!, file('sealed'), file('refused')], env));

  sealed[sealed.length >> 1]! ^= 1;
  writeFileSync(file('forged'), sealed);
  await assert.rejects(run(process.execPath, [script, 'decrypt', arns[1]!, file('forged'), file('refused')], env));
});
