import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverOfThisFile } from '../../harness.ts';
import { clientFrom, refused } from './client.ts';
import { holds, noHvac } from './hvac.ts';

const { server, env } = await serverOfThisFile();
await server.claviger('identity', 'create', 'tess', '--role', 'developer', '--realm', 'tenant');
const tenant = await server.env('tess');
const vault = clientFrom(env);

test('hvac lives in a namespace', { skip: noHvac, timeout: 60_000 }, () =>
  holds('hvac_namespaces.py', { ...env, TENANT_TOKEN: tenant.VAULT_TOKEN! }, 15),
);

test('node-vault names its namespace by header, and what is in another one is not there', async () => {
  const at = (namespace: string) => Object.assign(clientFrom(env, tenant.VAULT_TOKEN), { namespace });
  await at('tenant').write('transit/keys/k', {});
  await refused(at('tenant').read('tenant/transit/keys/k'), 404, /no handler for route/);
  assert.equal((await at('').read('tenant/transit/keys/k')).data.name, 'k');
  await refused(at('main').read('transit/keys/k'), 403, /^permission denied$/);
  await refused(vault.read('tenant/transit/keys/k'), 404, /no handler for route/);
  const listed = (await vault.list('sys/namespaces')).data;
  assert.ok(listed.keys.includes('tenant/'));
  assert.equal(listed.key_info['tenant/'].path, 'tenant/');
});
