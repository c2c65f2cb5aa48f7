import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ok, refused, server, skip, told } from './bao.ts';

/** Each command as its help shows it. */

test('bao status, secrets list and auth list show an unsealed server and its mounts', { skip }, async () => {
  const status = await told('status');
  assert.deepEqual([status.initialized, status.sealed], [true, false]);
  assert.equal((await told('secrets list'))['transit/'].type, 'transit');
  assert.equal((await told('auth list'))['token/'].type, 'token');
});

test('bao write, read, list and delete keep a transit key', { skip }, async () => {
  await ok('write -f transit/keys/cli');
  assert.equal((await told('read transit/keys/cli')).data.type, 'aes256-gcm96');
  assert.ok((await told('list transit/keys')).includes('cli'));
  assert.equal(await ok('read -field=latest_version transit/keys/cli'), '1');
  await ok('write -f transit/keys/cli/rotate');
  assert.equal(await ok('read -field=latest_version transit/keys/cli'), '2');
  await refused('delete transit/keys/cli', /deletion is not allowed/);
  await ok('write transit/keys/cli/config deletion_allowed=true auto_rotate_period=720h');
  await ok('delete transit/keys/cli');
  await refused('read transit/keys/cli', /No value found/);
});

test('bao write encrypts, decrypts, rewraps, signs, verifies, hashes and draws random bytes', { skip }, async () => {
  await ok('write -f transit/keys/work');
  const plaintext = Buffer.from('a message').toString('base64');
  const ciphertext = await ok(`write -field=ciphertext transit/encrypt/work plaintext=${plaintext}`);
  assert.match(ciphertext, /^vault:v1:/);
  assert.equal(await ok(`write -field=plaintext transit/decrypt/work ciphertext=${ciphertext}`), plaintext);
  await ok('write -f transit/keys/work/rotate');
  assert.match(await ok(`write -field=ciphertext transit/rewrap/work ciphertext=${ciphertext}`), /^vault:v2:/);
  await ok('write transit/keys/signer type=ecdsa-p256');
  const signature = await ok(`write -field=signature transit/sign/signer input=${plaintext}`);
  const valid = await ok(`write -field=valid transit/verify/signer input=${plaintext} signature=${signature}`);
  assert.equal(valid, 'true');
  const hmac = await ok(`write -field=hmac transit/hmac/work input=${plaintext}`);
  assert.equal(await ok(`write -field=valid transit/verify/work input=${plaintext} hmac=${hmac}`), 'true');
  assert.match(await ok(`write -field=sum transit/hash/sha2-256 input=${plaintext}`), /^[0-9a-f]{64}$/);
  assert.match(await ok('write -field=random_bytes transit/random bytes=8 format=hex'), /^[0-9a-f]{16}$/);
  const dataKey = await told('write -f transit/datakey/plaintext/work');
  assert.equal(
    await ok(`write -field=plaintext transit/decrypt/work ciphertext=${dataKey.data.ciphertext}`),
    dataKey.data.plaintext,
  );
});

test('bao token creates, looks up, renews and revokes; bao login takes a token', { skip }, async () => {
  const { auth } = await told('token create -ttl=1h');
  const as = { VAULT_TOKEN: auth.client_token };
  assert.equal((await told('token lookup', as)).data.id, auth.client_token);
  assert.equal((await told(`token lookup -accessor ${auth.accessor}`)).data.accessor, auth.accessor);
  assert.equal((await told('token renew', as)).auth.client_token, auth.client_token);
  assert.ok((await told(`token renew -accessor ${auth.accessor}`)).auth.lease_duration > 0);
  assert.match(await ok(`login ${auth.client_token}`, { VAULT_TOKEN: '' }), /You are now authenticated/);
  assert.equal((await told('token lookup', { VAULT_TOKEN: '' })).data.id, auth.client_token);
  await ok(`token revoke -accessor ${auth.accessor}`);
  await refused('token lookup', /permission denied/, as);
  const { auth: other } = await told('token create -ttl=1h');
  await ok('token revoke -self', { VAULT_TOKEN: other.client_token });
  await refused('token lookup', /permission denied/, { VAULT_TOKEN: other.client_token });
  await refused('login nonsense', /permission denied/, { VAULT_TOKEN: '' });
});

test('bao secrets mounts engines at own paths, which bao kv and bao write then use', { skip }, async () => {
  await ok('secrets enable -path=team transit');
  await ok('secrets enable -path=team-kv -version=2 kv');
  await ok('secrets enable -path=old/kv kv');
  const listed = await told('secrets list');
  assert.deepEqual([listed['team/'].type, listed['team-kv/'].options], ['transit', { version: '2' }]);
  await ok('write -f team/keys/pay');
  assert.deepEqual(await told('list team/keys'), ['pay']);
  const ciphertext = await ok('write -field=ciphertext team/encrypt/pay plaintext=aGVsbG8=');
  assert.equal(await ok(`write -field=plaintext team/decrypt/pay ciphertext=${ciphertext}`), 'aGVsbG8=');
  await ok('kv put team-kv/x a=b');
  await ok('kv put -mount=team-kv deep/z a=1');
  assert.equal(await ok('kv get -field=a team-kv/x'), 'b');
  assert.equal(await ok('kv get -mount=team-kv -field=a deep/z'), '1');
  assert.deepEqual(await told('kv list team-kv'), ['deep/', 'x']);
  await ok('kv put old/kv/y c=d');
  assert.equal(await ok('kv get -field=c old/kv/y'), 'd');
  await ok('kv enable-versioning old/kv');
  await ok('kv put old/kv/y c=e');
  assert.equal(await ok('kv get -version=1 -field=c old/kv/y'), 'd');
  await ok('secrets tune -description=changed -default-lease-ttl=1h team');
  assert.equal((await told('read sys/mounts/team/tune')).data.description, 'changed');
  await refused('secrets disable team', /still holds keys/);
  await refused('secrets disable kv', /cannot unmount/);
  await refused('secrets move team other', /not moved/);
  await refused('secrets enable -path=team/x kv', /path is already in use at team\//);
  await ok('kv metadata delete team-kv/x');
  await ok('kv metadata delete team-kv/deep/z');
  await ok('secrets disable team-kv');
  await refused('kv get team-kv/x', /preflight capability check returned 403/);
});

test('bao -namespace is the realm of its token, and bao login -namespace where a login is', { skip }, async () => {
  await server.claviger('identity', 'create', 'tess', '--role', 'developer', '--realm', 'tenant');
  const tess = { VAULT_TOKEN: (await server.env('tess')).VAULT_TOKEN! };
  assert.deepEqual(await told('list sys/namespaces'), ['tenant/']);
  await ok('namespace create fresh');
  assert.equal(await ok('read -field=path sys/namespaces/fresh'), 'fresh/');
  await ok('secrets enable -namespace=tenant -path=own -version=2 kv', tess);
  await ok('kv put -namespace=tenant own/x a=b', tess);
  assert.equal(await ok('kv get -field=a own/x', { ...tess, VAULT_NAMESPACE: 'tenant' }), 'b');
  assert.equal(await ok('kv get -field=a tenant/own/x', tess), 'b');
  await refused('kv get -namespace=fresh own/x', /permission denied/, tess);
  await refused('kv get -namespace=tenant own/x', /permission denied/);
  await refused('kv get own/x', /preflight capability check returned 403/);
  await ok('auth enable -namespace=tenant -path=people userpass', tess);
  await ok('write -namespace=tenant auth/people/users/bob password=right', tess);
  const login = 'login -method=userpass -path=people -no-store username=bob password=right';
  const nobody = { VAULT_TOKEN: '' };
  assert.match(await ok(login, { ...nobody, VAULT_NAMESPACE: 'tenant' }), /You are now authenticated/);
  await refused(login, /missing client token/, nobody);
  assert.match(await ok('write -field=token tenant/auth/people/login/bob password=right', nobody), /^clv\./);
  await refused('namespace delete fresh', /realm stays/);
});
