import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { home, ok, refused, say, server, skip, told } from './bao.ts';

const nobody = { VAULT_TOKEN: '' };

test('bao policy writes, reads, lists, formats and deletes, and a token is held to one', { skip }, async () => {
  const file = join(home, 'reader.hcl');
  writeFileSync(file, 'path "secret/data/app/*" {\n  capabilities = ["read"]\n}\n');
  await ok(`policy fmt ${file}`);
  await ok(`policy write reader ${file}`);
  assert.match(await ok('policy read reader'), /capabilities = \["read"\]/);
  assert.deepEqual(await told('policy list'), ['default', 'reader', 'root']);
  const { auth } = await told('token create -policy=reader -ttl=1h');
  const as = { VAULT_TOKEN: auth.client_token };
  assert.deepEqual(auth.policies, ['default', 'reader']);
  assert.deepEqual(await told('token capabilities secret/data/app/db', as), ['read']);
  assert.deepEqual(await told(`token capabilities ${auth.client_token} secret/data/x`), ['deny']);
  await ok('kv put secret/app/db a=b');
  assert.equal(await ok('kv get -field=a secret/app/db', as), 'b');
  await refused('kv put secret/app/db a=c', /permission denied/, as);
  await ok('policy delete reader');
  await refused('policy read reader', /No policy named/);
  await refused('read secret/data/app/db', /permission denied/, as);
});

test('bao token makes orphans, periodic and counted tokens, and tokens by a role', { skip }, async () => {
  assert.equal((await told('token create -orphan -ttl=1h')).auth.orphan, true);
  const { auth } = await told('token create -period=1h -use-limit=5 -display-name=x -metadata=a=b');
  const { data } = await told(`token lookup -accessor ${auth.accessor}`);
  assert.deepEqual([data.num_uses, data.period], [5, 3600]);
  await ok('write auth/token/roles/worker allowed_policies=default orphan=true');
  assert.deepEqual(await told('list auth/token/roles'), ['worker']);
  assert.equal((await told('token create -role=worker')).auth.orphan, true);
  await refused('token create -role=nobody', /unknown role nobody/);
  assert.ok((await told('list auth/token/accessors')).includes(auth.accessor));
  await ok('delete auth/token/roles/worker');
  await refused('token create -type=batch', /Batch tokens are not offered/);
});

test('bao login takes a name and password, and a role id with its secret id', { skip }, async () => {
  await ok('write auth/userpass/users/bea password=longpassword');
  const login = 'login -method=userpass username=bea password=longpassword';
  const token = await ok(login.replace('-method', '-token-only -method'), nobody);
  assert.equal((await told('token lookup', { VAULT_TOKEN: token })).data.meta.username, 'bea');
  await ok(login, nobody);
  assert.equal((await told('token lookup', nobody)).data.meta.username, 'bea');
  assert.match(await ok('print token', nobody), /^clv\./);
  await refused(login.replace('longpassword', 'wrong'), /invalid username or password/, nobody);
  assert.deepEqual(await told('list auth/userpass/users'), ['bea']);
  await ok('delete auth/userpass/users/bea');

  await ok('write auth/approle/role/cli token_ttl=10m secret_id_num_uses=1');
  const role = await ok('read -field=role_id auth/approle/role/cli/role-id');
  const secret = await ok('write -f -field=secret_id auth/approle/role/cli/secret-id');
  assert.equal((await told('list auth/approle/role/cli/secret-id')).length, 1);
  const entering = `write auth/approle/login role_id=${role} secret_id=${secret}`;
  assert.equal((await told(entering, nobody)).auth.lease_duration, 600);
  await refused(entering, /invalid role or secret ID/, nobody);
  await ok('delete auth/approle/role/cli');
});

test('bao auth enables, lists, tunes and disables ways of logging in at own paths', { skip }, async () => {
  await ok('auth enable -path=machines -description=own approle');
  await ok('auth enable userpass');
  await ok('auth tune -default-lease-ttl=1h -description=tuned machines/');
  const listed = await told('auth list -detailed');
  assert.deepEqual([listed['machines/'].type, listed['machines/'].description], ['approle', 'tuned']);
  await ok('write auth/machines/role/a token_ttl=5m');
  assert.match(await ok('auth help userpass'), /bao login -method=userpass/);
  await refused('auth move machines others', /not moved/);
  await ok('auth disable machines');
  assert.equal((await told('auth list'))['machines/'], undefined);
});

test('bao operator tells how the server stands, and says no to what a cluster would do', { skip }, async () => {
  assert.equal(await ok('operator init -status'), 'Vault is initialized');
  await refused('operator init', /Vault is already initialized/);
  assert.match(await ok('operator generate-root -status'), /Started\s+false/);
  assert.match(await ok('operator generate-root -generate-otp'), /^\w+$/);
  assert.match(await ok('operator rekey -status'), /Started\s+false/);
  await refused('operator key-status', /no barrier key/);
  await refused('operator rotate', /no barrier key/);
  await refused('operator step-down', /There is one server/);
});

test('bao operator seals the server, and bao operator unseal opens it with the passphrase', { skip }, async () => {
  await ok('operator seal');
  assert.equal((await say('status')).code, 2);
  await refused('kv get secret/app/db', /sealed/i);
  await refused('operator unseal wrong', /./);
  const passphrase = readFileSync(join(server.data, 'dev-passphrase'), 'utf8').trim();
  assert.match(await ok(['operator', 'unseal', passphrase]), /Sealed\s+false/);
  assert.equal(await ok('kv get -field=a secret/app/db'), 'b');
});

test('bao lease, namespace and audit', { skip }, async () => {
  await refused('lease lookup abc', /invalid lease/);
  await refused('lease renew abc', /lease not found/);
  await ok('lease revoke abc');
  assert.equal((await told('namespace create other')).path, 'other/');
  assert.deepEqual(await told('namespace list'), ['other/']);
  assert.equal((await told('namespace lookup other')).path, 'other/');
  assert.equal((await told('audit list'))['ledger/'].type, 'ledger');
  await refused('audit enable file file_path=/dev/null', /can not be changed through this API/);
});
