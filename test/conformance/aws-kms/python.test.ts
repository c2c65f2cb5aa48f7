import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type RunningServer, startServer } from '../../harness.ts';
import { type Env, run } from './clients.ts';

const script = fileURLToPath(new URL('boto3_client.py', import.meta.url));

/** False, or the line that says why the program can't be used here. */
function missing(program: string, args: readonly string[], wanted: RegExp): string | false {
  try {
    const told = execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return wanted.test(told) ? false : `skipped: ${program} is too old (${told.trim()})`;
  } catch {
    return `skipped: ${program} ${args.join(' ')} does not run; tools/setup installs it`;
  }
}

// From 1.28 and 1.29 or 2.13 on, these two read AWS_ENDPOINT_URL_KMS.
const noBoto3 = missing('python3', ['-c', 'import boto3; print(boto3.__version__)'], /^1\.(2[89]|[3-9]\d)\./);
const noCli = missing('aws', ['--version'], /aws-cli\/(1\.(29|[3-9]\d)|2\.(1[3-9]|[2-9]\d))\./);

const folder = mkdtempSync(join(tmpdir(), 'claviger-aws-'));
let server: RunningServer | undefined;
let env: Env = {};

before(async () => {
  if (noBoto3 && noCli) return;
  server = await startServer();
  env = await server.env();
});

after(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true });
});

test('boto3 does a whole life of a key', { skip: noBoto3 }, async () => {
  assert.equal(await run('python3', [script], env), 'ok\n');
});

test('the AWS CLI creates, encrypts, rotates, decrypts, is refused once disabled, and ends a key', {
  skip: noCli,
}, async () => {
  const aws = (...args: string[]) => run('aws', ['kms', ...args, '--output', 'json'], env);
  // Version 1 and 2 read blobs from the command line differently, and from files alike.
  const blob = (name: string, bytes: Buffer) => {
    writeFileSync(join(folder, name), bytes);
    return `fileb://${join(folder, name)}`;
  };
  const hello = blob('plain', Buffer.from('hello'));
  const { KeyMetadata } = JSON.parse(await aws('create-key', '--description', 'by the CLI'));
  const id: string = KeyMetadata.KeyId;
  const encrypt = () => aws('encrypt', '--key-id', id, '--plaintext', hello);
  const { CiphertextBlob } = JSON.parse(await encrypt());
  await aws('rotate-key-on-demand', '--key-id', id);
  const sealed = blob('sealed', Buffer.from(CiphertextBlob, 'base64'));
  const opened = JSON.parse(await aws('decrypt', '--ciphertext-blob', sealed));
  assert.equal(opened.Plaintext, Buffer.from('hello').toString('base64'));
  assert.equal(opened.KeyId, KeyMetadata.Arn);
  await aws('disable-key', '--key-id', id);
  await assert.rejects(encrypt(), /DisabledException/);
  const ended = JSON.parse(await aws('schedule-key-deletion', '--key-id', id, '--pending-window-in-days', '7'));
  assert.equal(ended.KeyState, 'PendingDeletion');
  const listed = JSON.parse(await aws('list-keys'));
  assert.ok(listed.Keys.some(({ KeyId }: { KeyId: string }) => KeyId === id));
});
