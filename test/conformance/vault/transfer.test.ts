import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { serverOfThisFile } from '../../harness.ts';
import { bao } from '../../openbao.ts';
import { run } from '../../programs.ts';
import { kmsClient } from '../aws-kms/clients.ts';
import { b64, clientFrom, refused } from './client.ts';
import { holds, noHvac } from './hvac.ts';

const { server, env } = await serverOfThisFile();
const vault = clientFrom(env);
const folder = mkdtempSync(join(tmpdir(), 'claviger-transfer-'));
after(() => rmSync(folder, { recursive: true }));

test('hvac brings keys, takes them away, and puts them back', { skip: noHvac, timeout: 120_000 }, () =>
  holds('hvac_transfer.py', env, 60),
);

const withBao = { skip: bao.missing, timeout: 60_000 };
const asBao = (...args: string[]) => run(bao.path, args, { ...env, VAULT_FORMAT: 'json' });

/** As `bao transit import` reads it. */
function file(name: string, material: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, b64(material), { mode: 0o600 });
  return `@${path}`;
}

test('bao imports a key and versions of it, and AWS clients use it by its alias', withBao, async () => {
  const kms = kmsClient(env);
  const KeyId = 'alias/from-bao';
  const Plaintext = Buffer.from('made by version 1');
  await asBao('transit', 'import', 'transit/keys/from-bao', file('one', randomBytes(32)), 'exportable=true');
  const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext });
  await asBao('transit', 'import-version', 'transit/keys/from-bao', file('two', randomBytes(32)));
  assert.equal((await vault.read('transit/keys/from-bao')).data.latest_version, 2);
  const blob = Buffer.from(CiphertextBlob!);
  assert.deepEqual(Buffer.from((await kms.decrypt({ CiphertextBlob: blob })).Plaintext!), Plaintext);
  const ciphertext = `vault:v1:${blob.toString('base64')}`;
  assert.equal((await vault.write('transit/decrypt/from-bao', { ciphertext })).data.plaintext, b64(Plaintext));
  const { KeyMetadata } = await kms.describeKey({ KeyId });
  assert.deepEqual([KeyMetadata!.Origin, KeyMetadata!.KeyState], ['EXTERNAL', 'Enabled']);
});

test('bao imports pairs of its own kinds', withBao, async () => {
  const pairs = {
    'rsa-2048': generateKeyPairSync('rsa', { modulusLength: 2048 }),
    'ecdsa-p384': generateKeyPairSync('ec', { namedCurve: 'secp384r1' }),
    ed25519: generateKeyPairSync('ed25519'),
  };
  for (const [type, { privateKey }] of Object.entries(pairs)) {
    const material = file(type, privateKey.export({ format: 'der', type: 'pkcs8' }));
    await asBao('transit', 'import', `transit/keys/bao-${type}`, material, `type=${type}`);
    const { data } = JSON.parse(await asBao('write', `transit/sign/bao-${type}`, `input=${b64('m')}`));
    const verified = await asBao(
      'write',
      `transit/verify/bao-${type}`,
      `input=${b64('m')}`,
      `signature=${data.signature}`,
    );
    assert.equal(JSON.parse(verified).data.valid, true, type);
  }
});

test('an imported key whose material an AWS client deletes waits for it, at this door too', withBao, async () => {
  const material = randomBytes(32);
  await asBao('transit', 'import', 'transit/keys/both', file('both', material));
  const kms = kmsClient(env);
  const { KeyId, CurrentKeyMaterialId } = (await kms.describeKey({ KeyId: 'alias/both' })).KeyMetadata!;
  await kms.deleteImportedKeyMaterial({ KeyId });
  await refused(vault.write('transit/encrypt/both', { plaintext: b64('m') }), 400, /pending import/);
  await refused(vault.write('transit/keys/both/import_version', { ciphertext: b64('x') }), 400, /pending import/);
  assert.equal((await kms.describeKey({ KeyId })).KeyMetadata!.CurrentKeyMaterialId, CurrentKeyMaterialId);
});

test('who uses keys takes none away, who takes them away uses none, and each that leaves has its line', async () => {
  await vault.write('transit/keys/guarded', { exportable: true, allow_plaintext_backup: true });
  const as = async (role: string) => {
    await server.claviger('identity', 'create', role, '--role', role);
    return clientFrom(await server.env(role));
  };
  const [user, exporter, administrator] = [
    await as('key-user'),
    await as('key-exporter'),
    await as('key-administrator'),
  ];
  const ways = ['export/encryption-key/guarded', 'byok-export/guarded/guarded', 'backup/guarded'];
  for (const one of [user, administrator]) {
    for (const way of ways) await refused(one.read(`transit/${way}`), 403, /permission denied/);
  }
  await refused(exporter.write('transit/encrypt/guarded', { plaintext: b64('m') }), 403, /permission denied/);
  await refused(exporter.write('transit/keys/guarded/config', { exportable: true }), 403, /permission denied/);
  const { data } = await exporter.read('transit/export/encryption-key/guarded');
  const { backup } = (await exporter.read('transit/backup/guarded')).data;
  await refused(exporter.write('transit/restore', { backup }), 403, /permission denied/);
  await administrator.write('transit/restore/put-back', { backup });
  const { stdout } = await server.claviger('audit', 'tail', '--lines', '200', '--json');
  for (const words of ['exported version 1', '"backup-key"', 'restored a copy of '])
    assert.ok(stdout.includes(words), words);
  assert.ok(!stdout.includes(data.keys[1]) && !stdout.includes(backup));
});
