import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { serverOfThisFile } from '../../harness.ts';
import { bao } from '../../openbao.ts';
import { run } from '../../programs.ts';
import { clientFrom, refused } from './client.ts';

const { server, env: first } = await serverOfThisFile();
let env = first;
/** A client of its own each time: node-vault goes on with a token that it was answered. */
const root = () => clientFrom(env);

test('node-vault keeps token roles, makes tokens by them, and manages these by accessor', async () => {
  await root().addTokenRole({ role_name: 'ci', allowed_policies: 'deploy', renewable: true, token_period: '1h' });
  assert.deepEqual((await root().tokenRoles()).data.keys, ['ci']);
  assert.deepEqual((await root().getTokenRole({ role_name: 'ci' })).data.allowed_policies, ['deploy']);
  const { auth } = await root().tokenCreateRole({ role_name: 'ci' });
  assert.deepEqual(auth.policies, ['default', 'deploy']);
  assert.ok((await root().tokenAccessors()).data.keys.includes(auth.accessor));
  const { data } = await root().tokenLookupAccessor({ accessor: auth.accessor });
  assert.deepEqual([data.path, data.role, data.id], ['auth/token/create/ci', 'ci', '']);
  await root().tokenRevokeAccessor({ accessor: auth.accessor });
  await refused(clientFrom(env, auth.client_token).tokenLookupSelf(), 403, /permission denied/);
  await refused(root().tokenCreateRole({ role_name: 'nowhere' }), 400, /unknown role nowhere/);
  await refused(root().write('auth/token/create/ci', { policies: ['root'] }), 400, /must be subset of the role's/);
  await root().removeTokenRole({ role_name: 'ci' });
  await refused(root().getTokenRole({ role_name: 'ci' }), 404, /^$/);
});

test('a role gives a token policies that its maker does not carry, and nothing beyond', async () => {
  await root().write('transit/keys/app', {});
  await root().write('sys/policies/acl/deploy', {
    policy: 'path "transit/encrypt/app" { capabilities = ["update"] }',
  });
  await root().write('sys/policies/acl/maker', {
    policy: 'path "auth/token/create/deployer" { capabilities = ["update"] }',
  });
  await root().write('auth/token/roles/deployer', { allowed_policies: 'deploy', orphan: true });
  const maker = (await root().tokenCreate({ policies: ['maker'], ttl: '1h' })).auth.client_token;
  await refused(clientFrom(env, maker).write('transit/encrypt/app', { plaintext: 'AAAA' }), 403, /permission denied/);
  await refused(clientFrom(env, maker).tokenCreate({ policies: ['deploy'] }), 403, /permission denied/);
  const made = (await clientFrom(env, maker).write('auth/token/create/deployer', {})).auth;
  assert.equal(made.orphan, true);
  const deployer = clientFrom(env, made.client_token);
  await deployer.write('transit/encrypt/app', { plaintext: 'AAAA' });
  await refused(deployer.read('transit/keys/app'), 403, /permission denied/);
  await refused(deployer.write('auth/token/create/deployer', {}), 403, /permission denied/);
});

test('roles, accessors and leases are there after a kill -9, and what was revoked by its prefix is not', async () => {
  const made = [await root().tokenCreateRole({ role_name: 'deployer' }), await root().tokenCreate({ ttl: '1h' })];
  const [byRole, plain] = made.map(({ auth }) => auth as { client_token: string; accessor: string });
  await server.restart('SIGKILL');
  env = await server.env();
  const leases = (await root().list('sys/leases/lookup/auth/token/create')).data.keys as readonly string[];
  assert.ok(leases.includes('deployer/') && leases.includes(plain!.accessor));
  const lease = await root().write('sys/leases/lookup', {
    lease_id: `auth/token/create/deployer/${byRole!.accessor}`,
  });
  assert.equal(lease.data.path, 'auth/token/create/deployer');
  await root().write('sys/leases/revoke-prefix/auth/token/create/deployer', {});
  await server.restart('SIGKILL');
  env = await server.env();
  await refused(clientFrom(env, byRole!.client_token).tokenLookupSelf(), 403, /permission denied/);
  await clientFrom(env, plain!.client_token).tokenLookupSelf();
});

test('a narrowed token is no way to other people’s tokens', async () => {
  const { auth } = await root().tokenCreate({ ttl: '1h' });
  const narrow = clientFrom(env, (await root().tokenCreate({ policies: ['encrypt'] })).auth.client_token);
  await refused(narrow.tokenAccessors(), 403, /permission denied/);
  await refused(narrow.tokenLookupAccessor({ accessor: auth.accessor }), 400, /invalid accessor/);
  await refused(narrow.tokenRevokeAccessor({ accessor: auth.accessor }), 400, /invalid accessor/);
  await refused(narrow.write('sys/leases/revoke-prefix/auth', {}), 403, /permission denied/);
  await refused(narrow.write('auth/token/roles/own', {}), 403, /permission denied/);
  await clientFrom(env, auth.client_token).tokenLookupSelf();
});

test('a development server keeps its passphrase, which proves whoever asks for a root token', async () => {
  await refused(
    root().write('sys/rekey/init', { secret_shares: 1, secret_threshold: 1 }),
    400,
    /lies beside its data: there is none to be changed/,
  );
  const { nonce } = await root().generateRootInit({});
  const key = readFileSync(join(server.data, 'dev-passphrase'), 'utf8');
  assert.equal((await root().generateRootUpdate({ key, nonce })).complete, true);
});

test('bao makes tokens by roles, and looks up and revokes leases', { skip: bao.missing }, async () => {
  const say = (...words: string[]) => run(bao.path, words, { ...env, HOME: server.data });
  await say('write', 'auth/token/roles/cli', 'allowed_policies=cli', 'token_explicit_max_ttl=2h', 'path_suffix=first');
  assert.match(await say('read', 'auth/token/roles/cli'), /token_explicit_max_ttl +2h/);
  const made = JSON.parse(await say('token', 'create', '-format=json', '-role=cli', '-ttl=1h'));
  assert.deepEqual(made.warnings, ['Policy "cli" does not exist']);
  const { client_token, accessor } = made.auth as { client_token: string; accessor: string };
  assert.match(await say('list', 'auth/token/accessors'), new RegExp(accessor));
  const lease = `auth/token/create/cli/first/${accessor}`;
  assert.match(await say('lease', 'lookup', lease), /renewable +true/);
  await assert.rejects(say('lease', 'renew', lease), /tokens cannot be renewed through this endpoint/);
  await say('lease', 'revoke', '-prefix', 'auth/token/create/cli/first');
  await refused(clientFrom(env, client_token).tokenLookupSelf(), 403, /permission denied/);
  await say('delete', 'auth/token/roles/cli');
});
