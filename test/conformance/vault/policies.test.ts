import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { serverOfThisFile } from '../../harness.ts';
import { b64, clientFrom, refused } from './client.ts';

const { env } = await serverOfThisFile();
const vault = clientFrom(env);
await vault.write('transit/keys/orders', {});

const policy = 'path "transit/encrypt/orders" {\n  capabilities = ["update"]\n}\n';

test('node-vault writes, lists, reads and deletes policies, and its tokens keep to them', async () => {
  await vault.addPolicy({ name: 'orders', rules: policy });
  const { policies } = await vault.policies();
  for (const name of ['default', 'orders', 'root']) assert.ok(policies.includes(name), name);
  assert.equal((await vault.getPolicy({ name: 'orders' })).rules, policy);
  // The client goes over to the token that it makes.
  const { auth } = await clientFrom(env).tokenCreate({ policies: ['orders'], ttl: '1h' });
  assert.deepEqual(auth.policies, ['default', 'orders']);
  const narrow = clientFrom(env, auth.client_token);
  const { data } = await narrow.write('transit/encrypt/orders', { plaintext: b64('m') });
  assert.match(data.ciphertext, /^vault:v1:/);
  await refused(narrow.write('transit/decrypt/orders', { ciphertext: data.ciphertext }), 403, /^permission denied$/);
  await refused(narrow.read('transit/keys/orders'), 403, /^permission denied$/);
  assert.ok((await narrow.tokenLookupSelf()).data.policies.includes('orders'));
  await vault.removePolicy({ name: 'orders' });
  await refused(narrow.write('transit/encrypt/orders', { plaintext: b64('m') }), 403, /^permission denied$/);
  await refused(vault.addPolicy({ name: 'wrong', rules: 'path "a" { capabilities = ["fly"] }' }), 400, /fly/);
});

const python = `
import hvac
from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest
client = hvac.Client()

def refused(kind, call):
    try:
        call()
    except kind as error:
        assert type(error) is kind, error
    else:
        raise AssertionError("was not refused")

text = 'path "transit/+/orders" { capabilities = ["update", "read"] }'
client.sys.create_or_update_policy(name="py", policy=text)
client.sys.create_or_update_policy(name="py-map", policy={"path": {"transit/*": {"capabilities": ["list"]}}})
assert {"default", "root", "py", "py-map"} <= set(client.sys.list_policies()["data"]["policies"])
assert client.sys.read_policy(name="py")["data"]["rules"] == text
client.sys.create_or_update_acl_policy(name="py-acl", policy=text)
assert client.sys.read_acl_policy(name="py-acl")["data"]["policy"] == text
assert "py-acl" in client.sys.list_acl_policies()["data"]["keys"]
client.sys.delete_acl_policy(name="py-acl")
refused(InvalidPath, lambda: client.sys.read_acl_policy(name="py-acl"))
refused(InvalidRequest, lambda: client.sys.create_or_update_policy(name="bad", policy="path {"))
made = client.auth.token.create(policies=["py"])["auth"]
paths = ["transit/encrypt/orders", "transit/encrypt/other"]
expected = {"transit/encrypt/orders": ["read", "update"], "transit/encrypt/other": ["deny"]}
assert client.sys.get_capabilities(paths=paths, token=made["client_token"])["data"] == expected
assert client.sys.get_capabilities(paths=paths, accessor=made["accessor"])["data"] == expected
assert client.sys.get_capabilities(paths=["sys/mounts"])["data"]["sys/mounts"] == ["root"]
narrow = hvac.Client(token=made["client_token"])
assert narrow.sys.get_capabilities(paths=paths)["data"] == expected
assert narrow.secrets.transit.encrypt_data(name="orders", plaintext="aGk=")["data"]["ciphertext"]
refused(Forbidden, lambda: narrow.secrets.transit.encrypt_data(name="other", plaintext="aGk="))
refused(Forbidden, lambda: narrow.sys.list_policies())
client.sys.delete_policy(name="py")
refused(InvalidPath, lambda: client.sys.read_policy(name="py"))
print("end")
`;

const hvac = spawnSync('python3', ['-c', 'import hvac']).status === 0;
const noHvac = hvac ? false : 'skipped: the Python package hvac is not installed';

test('hvac manages policies, and asks for capabilities', { skip: noHvac, timeout: 60_000 }, async () => {
  const { stdout } = await promisify(execFile)('python3', ['-c', python], { env: { ...process.env, ...env } });
  assert.equal(stdout.trim(), 'end');
});

const bao = process.env.BAO_BIN ?? 'bao';
const noBao = existsSync(bao) || spawnSync(bao, ['version']).status === 0 ? false : 'skipped: bao is not installed';

test('the command line of OpenBao manages policies', { skip: noBao, timeout: 60_000 }, async () => {
  const run = async (args: readonly string[], token = env.VAULT_TOKEN!) => {
    const asked = { ...process.env, BAO_ADDR: env.VAULT_ADDR, BAO_CACERT: env.VAULT_CACERT, BAO_TOKEN: token };
    return (await promisify(execFile)(bao, args, { env: asked })).stdout.trim();
  };
  const written = promisify(execFile)(bao, ['policy', 'write', 'cli', '-'], {
    env: { ...process.env, BAO_ADDR: env.VAULT_ADDR, BAO_CACERT: env.VAULT_CACERT, BAO_TOKEN: env.VAULT_TOKEN },
  });
  written.child.stdin?.end(policy);
  await written;
  const listed = (await run(['policy', 'list'])).split('\n');
  for (const name of ['cli', 'default', 'root']) assert.ok(listed.includes(name), name);
  assert.equal(await run(['policy', 'read', 'cli']), policy.trim());
  const token = await run(['token', 'create', '-policy=cli', '-field=token']);
  assert.equal(await run(['token', 'capabilities', token, 'transit/encrypt/orders']), 'update');
  assert.equal(await run(['token', 'capabilities', 'transit/encrypt/orders'], token), 'update');
  assert.match(await run(['write', 'transit/encrypt/orders', 'plaintext=aGk='], token), /vault:v1:/);
  await assert.rejects(run(['read', 'transit/keys/orders'], token), /permission denied/);
  await run(['policy', 'delete', 'cli']);
  await assert.rejects(run(['policy', 'read', 'cli']), /No policy named: cli/);
});
