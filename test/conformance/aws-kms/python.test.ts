import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Env, type RunningServer, startServer } from '../../harness.ts';
import { run } from '../../programs.ts';

const script = fileURLToPath(new URL('boto3_client.py', import.meta.url));
const oddScript = fileURLToPath(new URL('boto3_odd.py', import.meta.url));

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

test('boto3 does rare things', { skip: noBoto3 }, async () => {
  assert.equal(await run('python3', [oddScript], env), 'end\n');
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

test('the AWS CLI lists in pages, describes, reads and writes files, and prints as it is asked', {
  skip: noCli,
}, async () => {
  const aws = async (...args: string[]) => (await run('aws', ['kms', ...args], env)).trim();
  const text = (...args: string[]) => aws(...args, '--output', 'text');
  const file = (name: string, bytes: string | Buffer, form = 'fileb') => {
    writeFileSync(join(folder, name), bytes);
    return `${form}://${join(folder, name)}`;
  };
  const id = await text('create-key', '--query', 'KeyMetadata.KeyId');
  await text('create-alias', '--alias-name', 'alias/cli/odd', '--target-key-id', id);
  const whole = (await text('list-keys', '--query', 'Keys[].KeyId')).split('\t');
  assert.ok(whole.includes(id));
  const paged = JSON.parse(await aws('list-keys', '--page-size', '1', '--output', 'json'));
  assert.deepEqual(
    paged.Keys.map(({ KeyId }: { KeyId: string }) => KeyId),
    whole,
  );
  const first = JSON.parse(await aws('list-keys', '--max-items', '1', '--output', 'json'));
  const second = await text(
    ...['list-keys', '--max-items', '1', '--starting-token', first.NextToken, '--query', 'Keys[].KeyId'],
  );
  assert.deepEqual([first.Keys[0].KeyId, second.split(/\s/)[0]], whole.slice(0, 2));
  assert.equal(await text('describe-key', '--key-id', 'alias/cli/odd', '--query', 'KeyMetadata.KeyState'), 'Enabled');
  const listed = await text('list-aliases', '--key-id', id, '--query', 'Aliases[].AliasName');
  assert.equal(listed, 'alias/cli/odd');

  // Bytes that no text holds, and a context in both notations.
  const bytes = Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7) & 255));
  const shorthand = ['--encryption-context', 'purpose=test,place=here'];
  const blob = await text(
    ...['encrypt', '--key-id', id, '--plaintext', file('bytes', bytes), '--query', 'CiphertextBlob', ...shorthand],
  );
  const sealed = file('bytes.sealed', Buffer.from(blob, 'base64'));
  const context = file('context.json', '{"place":"here","purpose":"test"}', 'file');
  const opened = await text(
    ...['decrypt', '--ciphertext-blob', sealed, '--encryption-context', context, '--query', 'Plaintext'],
  );
  assert.deepEqual(Buffer.from(opened, 'base64'), bytes);
  await assert.rejects(aws('decrypt', '--ciphertext-blob', sealed), /InvalidCiphertextException/);
  const moved = await text(
    ...['re-encrypt', '--ciphertext-blob', sealed, '--source-encryption-context', 'purpose=test,place=here'],
    ...['--destination-key-id', 'alias/cli/odd', '--query', 'SourceKeyId'],
  );
  assert.ok(moved.endsWith(id));

  // The whole request from a file, and a skeleton that is only printed.
  const ask = file('ask.json', JSON.stringify({ KeyId: id, NumberOfBytes: 17 }), 'file');
  const key = await text('generate-data-key', '--cli-input-json', ask, '--query', 'Plaintext');
  assert.equal(Buffer.from(key, 'base64').length, 17);
  assert.ok('KeyId' in JSON.parse(await aws('generate-data-key', '--generate-cli-skeleton')));

  const signer = await text(
    ...['create-key', '--key-spec', 'ECC_NIST_P256', '--key-usage', 'SIGN_VERIFY', '--query', 'KeyMetadata.Arn'],
  );
  const signing = ['--key-id', signer, '--message', file('m', 'message'), '--signing-algorithm', 'ECDSA_SHA_256'];
  const signature = await text('sign', ...signing, '--query', 'Signature');
  const signed = file('m.sig', Buffer.from(signature, 'base64'));
  assert.equal(await text('verify', ...signing, '--signature', signed, '--query', 'SignatureValid'), 'True');
  await assert.rejects(aws('verify', ...signing, '--signature', file('x', 'x')), /KMSInvalidSignatureException/);
});
