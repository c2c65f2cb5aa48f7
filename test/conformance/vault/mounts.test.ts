import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverOfThisFile } from '../../harness.ts';
import { b64, clientFrom, refused } from './client.ts';
import { holds, noHvac } from './hvac.ts';

const { env } = await serverOfThisFile();
const vault = clientFrom(env);

test('hvac works at mounts of its own', { skip: noHvac, timeout: 120_000 }, () => holds('hvac_mounts.py', env, 32));

test('node-vault mounts, uses and takes away what it mounted', async () => {
  await vault.mount({ mount_point: 'node/keys', type: 'transit', description: 'of Node' });
  await vault.mount({ mount_point: 'node/kv', type: 'kv', options: { version: 2 } });
  const { data } = await vault.mounts();
  assert.deepEqual([data['node/keys/'].type, data['node/keys/'].description], ['transit', 'of Node']);
  await vault.write('node/keys/keys/k', {});
  const { ciphertext } = (await vault.write('node/keys/encrypt/k', { plaintext: b64('m') })).data;
  assert.equal((await vault.write('node/keys/decrypt/k', { ciphertext })).data.plaintext, b64('m'));
  assert.deepEqual((await vault.list('node/keys/keys')).data.keys, ['k']);
  await vault.write('node/kv/data/a/b', { data: { x: 'y' } });
  assert.deepEqual((await vault.read('node/kv/data/a/b')).data.data, { x: 'y' });
  assert.deepEqual((await vault.list('node/kv/metadata')).data.keys, ['a/']);
  await refused(vault.unmount({ mount_point: 'node/kv' }), 400, /still holds secrets/);
  await vault.delete('node/kv/metadata/a/b');
  await vault.unmount({ mount_point: 'node/kv' });
  await refused(vault.read('node/kv/data/a/b'), 404, /nothing is at this path/);
  await refused(vault.remount({ from: 'node/keys', to: 'elsewhere' }), 400, /not moved/);
});

test('a description of the mounts is brought about, read back unchanged, changed, and taken away, as Terraform does it', async () => {
  const wanted = { type: 'kv', description: 'by plan', options: { version: '2' }, seal_wrap: false, local: false };
  const config = { default_lease_ttl: '3600s', max_lease_ttl: '7200s', force_no_cache: false };
  await vault.write('sys/mounts/planned', {
    ...wanted,
    config: { ...config, audit_non_hmac_request_keys: [], listing_visibility: '' },
    external_entropy_access: false,
  });
  const { data } = await vault.read('sys/mounts/planned');
  for (const [name, value] of Object.entries(wanted)) assert.deepEqual(data[name], value, name);
  assert.deepEqual(data.config, { default_lease_ttl: 3600, force_no_cache: false, max_lease_ttl: 7200 });
  assert.deepEqual((await vault.read('sys/mounts')).data['planned/'], data);
  await vault.write('sys/mounts/planned/tune', {
    description: 'other',
    default_lease_ttl: '60s',
    max_lease_ttl: '90s',
  });
  const changed = (await vault.read('sys/mounts/planned')).data;
  assert.deepEqual(changed, {
    ...data,
    description: 'other',
    config: { ...data.config, default_lease_ttl: 60, max_lease_ttl: 90 },
  });
  await vault.delete('sys/mounts/planned');
  await refused(vault.read('sys/mounts/planned'), 400, /No secret engine mount at planned\//);
});
