import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { kmsClient } from '../conformance/aws-kms/clients.ts';
import { clientFrom } from '../conformance/vault/client.ts';
import { type Env, type RunningServer, startServer } from '../harness.ts';
import { program, run } from '../programs.ts';

/** sops, unmodified, with `--hc-vault-transit`: VAULT_TOKEN and VAULT_CACERT reach it through Vault's own Go client. */

const sops = program('sops', ['--version', '--disable-version-check'], /sops (\d+\.\d+\.\d+)/);
const skip = sops.missing;
const folder = mkdtempSync(join(tmpdir(), 'claviger-sops-vault-'));
const plain = join(folder, 'plain.yaml');
const sealed = join(folder, 'sealed.yaml');
const yaml = 'database:\n    user: app\n    password: correct horse\nports:\n    - 5432\n';

let server: RunningServer | undefined;
let env: Env;

before(async () => {
  if (skip) return;
  server = await startServer();
  env = await server.env();
  await clientFrom(env).write('transit/keys/sops', {});
  writeFileSync(plain, yaml);
  const uri = `${env.VAULT_ADDR}/v1/transit/keys/sops`;
  writeFileSync(sealed, await run(sops.path, ['encrypt', '--hc-vault-transit', uri, plain], env));
});

after(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true });
});

const decrypted = () => run(sops.path, ['decrypt', sealed], env);

test('sops encrypts a YAML file with a transit key, and decrypts it', { skip }, async () => {
  const text = readFileSync(sealed, 'utf8');
  assert.match(text, /enc: vault:v1:/);
  assert.ok(!text.includes('correct horse'));
  assert.equal(await decrypted(), yaml);
});

test('sops rotates the data key of a file after the transit key was rotated', { skip }, async () => {
  await clientFrom(env).write('transit/keys/sops/rotate', {});
  assert.equal(await decrypted(), yaml);
  await run(sops.path, ['rotate', '--in-place', sealed], env);
  assert.match(readFileSync(sealed, 'utf8'), /enc: vault:v2:/);
  await clientFrom(env).write('transit/keys/sops/config', { min_decryption_version: 2 });
  assert.equal(await decrypted(), yaml);
});

test('sops uses a key at a mount that was made for it', { skip }, async () => {
  await clientFrom(env).mount({ mount_point: 'files/sops', type: 'transit' });
  await clientFrom(env).write('files/sops/keys/own', {});
  const own = join(folder, 'own.yaml');
  const uri = `${env.VAULT_ADDR}/v1/files/sops/keys/own`;
  writeFileSync(own, await run(sops.path, ['encrypt', '--hc-vault-transit', uri, plain], env));
  assert.match(readFileSync(own, 'utf8'), /engine_path: files\/sops/);
  assert.equal(await run(sops.path, ['decrypt', own], env), yaml);
});

test('sops is refused a file once an AWS client has disabled its key', { skip }, async () => {
  const kms = kmsClient(env);
  const { KeyMetadata } = await kms.describeKey({ KeyId: 'alias/sops' });
  await kms.disableKey({ KeyId: KeyMetadata!.KeyId! });
  await assert.rejects(decrypted(), /disabled/);
  await kms.enableKey({ KeyId: KeyMetadata!.KeyId! });
  assert.equal(await decrypted(), yaml);
  kms.destroy();
});
