import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { kmsClient } from '../conformance/aws-kms/clients.ts';
import { type Env, type RunningServer, startServer } from '../harness.ts';
import { program, run } from '../programs.ts';

/** sops, unmodified: AWS_ENDPOINT_URL_KMS and AWS_CA_BUNDLE reach it through the AWS SDK for Go. */

const sops = program('sops', ['--version', '--disable-version-check'], /sops (\d+\.\d+\.\d+)/);
const skip = sops.missing;
const folder = mkdtempSync(join(tmpdir(), 'claviger-sops-'));
const at = (name: string) => join(folder, name);
const yaml = 'database:\n    user: app\n    password: correct horse\nports:\n    - 5432\n';

let server: RunningServer | undefined;
let env: Env;
let arn: string;

before(async () => {
  if (skip) return;
  server = await startServer();
  env = await server.env();
  const kms = kmsClient(env);
  arn = (await kms.createKey({})).KeyMetadata!.Arn!;
  kms.destroy();
  writeFileSync(at('plain.yaml'), yaml);
});

after(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true });
});

const seal = async (...more: string[]) => {
  const sealed = await run(sops.path, ['encrypt', '--kms', arn, ...more, at('plain.yaml')], env);
  writeFileSync(at('sealed.yaml'), sealed);
  return sealed;
};

test('sops encrypts a YAML file with a key of the server, and decrypts it', { skip }, async () => {
  const sealed = await seal();
  assert.ok(!sealed.includes('correct horse'));
  assert.ok(sealed.includes(arn));
  assert.equal(await run(sops.path, ['decrypt', at('sealed.yaml')], env), yaml);
});

test('sops binds a file to an encryption context', { skip }, async () => {
  await seal('--encryption-context', 'team:a,stage:test');
  assert.equal(await run(sops.path, ['decrypt', at('sealed.yaml')], env), yaml);
  writeFileSync(at('sealed.yaml'), readFileSync(at('sealed.yaml'), 'utf8').replace('stage: test', 'stage: live'));
  await assert.rejects(run(sops.path, ['decrypt', at('sealed.yaml')], env));
});

test('sops rotates the data key of a file, and is refused once the key is disabled', { skip }, async () => {
  const sealed = await seal();
  await run(sops.path, ['rotate', '--in-place', at('sealed.yaml')], env);
  assert.notEqual(readFileSync(at('sealed.yaml'), 'utf8'), sealed);
  assert.equal(await run(sops.path, ['decrypt', at('sealed.yaml')], env), yaml);
  const kms = kmsClient(env);
  await kms.disableKey({ KeyId: arn });
  await assert.rejects(run(sops.path, ['decrypt', at('sealed.yaml')], env), /DisabledException|disabled/);
  await kms.enableKey({ KeyId: arn });
  kms.destroy();
});

test('sops reads one value and edits another in place', { skip }, async () => {
  await seal();
  assert.equal(await run(sops.path, ['decrypt', '--extract', '["database"]["user"]', at('sealed.yaml')], env), 'app');
  await run(sops.path, ['set', at('sealed.yaml'), '["database"]["user"]', '"other"'], env);
  assert.equal(await run(sops.path, ['decrypt', at('sealed.yaml')], env), yaml.replace('app', 'other'));
});
