import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverOfThisFile } from '../../harness.ts';
import { clientFrom, refused } from './client.ts';
import { holds, noHvac } from './hvac.ts';

const { server, env: first } = await serverOfThisFile();
let env = first;
let vault = clientFrom(env);

/** The same server after a kill -9, at another port. */
async function killed(): Promise<void> {
  await server.restart('SIGKILL');
  env = await server.env();
  vault = clientFrom(env);
}

test('hvac logs in as to Vault', { skip: noHvac, timeout: 120_000 }, () => holds('hvac_login.py', env, 1));

test('node-vault logs in by AppRole and by password, and what it becomes is an identity', async () => {
  await vault.write('auth/approle/role/node', { token_ttl: '5m' });
  const { role_id } = (await vault.read('auth/approle/role/node/role-id')).data;
  const { secret_id } = (await vault.write('auth/approle/role/node/secret-id', {})).data;
  const worker = clientFrom(env, '');
  const { auth } = await worker.approleLogin({ role_id, secret_id });
  assert.equal(auth.lease_duration, 300);
  assert.equal((await clientFrom(env, auth.client_token).tokenLookupSelf()).data.meta.identity, 'node');
  assert.match((await server.claviger('identity', 'list')).stdout, /\bnode\b/);
  await server.claviger('grant', 'create', 'node', '--role', 'key-user');
  await vault.write('transit/keys/logged-in', {});
  await clientFrom(env, auth.client_token).write('transit/encrypt/logged-in', { plaintext: 'AAAA' });
  await server.claviger('identity', 'disable', 'node');
  await refused(clientFrom(env, auth.client_token).tokenLookupSelf(), 403, /permission denied/);
  await refused(worker.approleLogin({ role_id, secret_id }), 400, /invalid role or secret ID/);

  await vault.write('auth/userpass/users/bea', { password: 'correct horse' });
  const entered = await worker.userpassLogin({ username: 'bea', password: 'correct horse' });
  assert.equal(entered.auth.metadata.username, 'bea');
  await refused(worker.userpassLogin({ username: 'bea', password: 'wrong' }), 400, /invalid username or password/);
});

test('a token with uses left is counted before anything is done with it, also across kill -9', async () => {
  const made = await vault.write('auth/token/create', { num_uses: 3, ttl: '10m' });
  const counted = () => clientFrom(env, made.auth.client_token).tokenLookupSelf();
  await counted();
  await counted();
  await killed();
  assert.equal((await counted()).data.num_uses, 0);
  await refused(counted(), 403, /permission denied/);
  await killed();
  await refused(counted(), 403, /permission denied/);
});

test('of thirty requests at once with a token of ten uses ten are answered', async () => {
  const made = await vault.write('auth/token/create', { num_uses: 10, ttl: '10m' });
  const asking = Array.from({ length: 30 }, () => clientFrom(env, made.auth.client_token).tokenLookupSelf());
  const answered = (await Promise.allSettled(asking)).filter(({ status }) => status === 'fulfilled');
  assert.equal(answered.length, 10);
});

test('a batch is one use', async () => {
  await vault.write('transit/keys/batched', {});
  const made = await vault.write('auth/token/create', { num_uses: 2, ttl: '10m' });
  const counted = clientFrom(env, made.auth.client_token);
  const batch_input = Array.from({ length: 20 }, () => ({ plaintext: 'AAAA' }));
  for (let i = 0; i < 2; i++) {
    assert.equal((await counted.write('transit/encrypt/batched', { batch_input })).data.batch_results.length, 20);
  }
  await refused(counted.write('transit/encrypt/batched', { batch_input }), 403, /permission denied/);
});

test('a token that is bound to addresses is refused from others', async () => {
  await vault.write('auth/approle/role/elsewhere', { token_bound_cidrs: ['10.0.0.0/8'] });
  const { role_id } = (await vault.read('auth/approle/role/elsewhere/role-id')).data;
  const { secret_id } = (await vault.write('auth/approle/role/elsewhere/secret-id', {})).data;
  await refused(clientFrom(env, '').approleLogin({ role_id, secret_id }), 400, /invalid role or secret ID/);
});

test("a role's members are read, written and taken back one by one", async () => {
  await vault.write('auth/approle/role/parts', { token_ttl: '5m', token_policies: ['a'], secret_id_num_uses: 4 });
  const member = async (name: string) => (await vault.read(`auth/approle/role/parts/${name}`)).data;
  assert.deepEqual(await member('policies'), { token_policies: ['a'] });
  assert.deepEqual(await member('token-ttl'), { token_ttl: 300 });
  assert.deepEqual(await member('local-secret-ids'), { local_secret_ids: false });
  await vault.write('auth/approle/role/parts/token-ttl', { token_ttl: '2m' });
  await vault.write('auth/approle/role/parts/period', { token_period: 60 });
  await vault.delete('auth/approle/role/parts/secret-id-num-uses');
  const { data } = await vault.read('auth/approle/role/parts');
  assert.deepEqual([data.token_ttl, data.token_period, data.secret_id_num_uses], [120, 60, 0]);
  assert.deepEqual(data.token_policies, ['a']);
  await refused(vault.write('auth/approle/role/parts/token-ttl', { token_max_ttl: 9 }), 400, /missing token_ttl/);
  await refused(
    vault.write('auth/approle/role/parts/token-ttl', { token_ttl: 1, period: 9 }),
    400,
    /none of this path's/,
  );
  await refused(vault.write('auth/approle/role/absent/token-ttl', { token_ttl: 1 }), 404, /no role/);
  await refused(vault.write('auth/approle/role/parts/nonsense', { a: 1 }), 404, /unsupported path/);
});
