import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type RunningServer, startServer } from '../harness.ts';
import { runClaviger } from '../process.ts';

const bin = fileURLToPath(new URL('../../bin/claviger.js', import.meta.url));
let server: RunningServer;

before(async () => {
  server = await startServer();
});
after(() => server?.stop());

test('names everything that the official clients read', async () => {
  const env = await server.env();
  const aws = ['AWS_ENDPOINT_URL_KMS', 'AWS_ENDPOINT_URL_SECRETS_MANAGER', 'AWS_ENDPOINT_URL_STS'];
  for (const name of [...aws, 'VAULT_ADDR', 'CLAVIGER_ADDR']) assert.equal(env[name], server.url);
  for (const name of [
    'AWS_CA_BUNDLE',
    'NODE_EXTRA_CA_CERTS',
    'REQUESTS_CA_BUNDLE',
    'VAULT_CACERT',
    'CLAVIGER_CACERT',
  ]) {
    assert.match(readFileSync(env[name]!, 'utf8'), /BEGIN CERTIFICATE/, name);
  }
  assert.match(env.AWS_ACCESS_KEY_ID!, /^CLAV[A-Z2-7]{16}$/);
  assert.match(env.AWS_SECRET_ACCESS_KEY!, /^[A-Za-z0-9+/]{40}$/);
  assert.match(env.AWS_REGION!, /^[a-z]+-[a-z]+-\d$/);
  assert.match(env.VAULT_TOKEN!, /^clv\./);
  assert.equal(env.SSL_CERT_FILE, undefined);
});

test('eval "$(claviger env)" in a shell is enough for the next command', async () => {
  const run = `"${process.execPath}" "${bin}"`;
  const script = `export AWS_SESSION_TOKEN=stale; eval "$(${run} env --data "${server.data}")" && cd / && ${run} key list --json && echo "[$AWS_SESSION_TOKEN]"`;
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', script]);
  assert.match(stdout, /"first"/);
  assert.match(stdout, /^\[\]$/m);
});

test('a server whose certificate comes from elsewhere is not talked to', async () => {
  const env = await server.env();
  const other = await startServer();
  try {
    const wrongCa = { ...env, CLAVIGER_CACERT: (await other.env()).CLAVIGER_CACERT! };
    const { code, stderr } = await failure(['key', 'list'], wrongCa);
    assert.equal(code, 1);
    assert.match(stderr, /can't be reached: .*certificate/i);
    const noCa = { ...env, CLAVIGER_CACERT: '', NODE_EXTRA_CA_CERTS: '' };
    assert.match((await failure(['key', 'list'], noCa)).stderr, /can't be reached: .*certificate/i);
  } finally {
    await other.stop();
  }
});

async function failure(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; stderr: string }> {
  return runClaviger(args, env).then(
    () => assert.fail('should have failed'),
    (error: { code: number; stderr: string }) => error,
  );
}

test('says what to do where there is no server, no such identity, or nobody listens', async () => {
  const none = await failure(['status', '--data', '/nonexistent']);
  assert.equal(none.code, 1);
  assert.match(none.stderr, /claviger dev/);
  const nobody = await failure(['env', '--identity', 'nobody', '--data', server.data]);
  assert.match(nobody.stderr, /identity create nobody/);
  const outside = await failure(['env', '--identity', '../tls/ca', '--data', server.data]);
  assert.match(outside.stderr, /can't be the name/);
  const deaf = await failure(['status'], { CLAVIGER_ADDR: 'https://127.0.0.1:1', CLAVIGER_TOKEN: 'x' });
  assert.match(deaf.stderr, /127\.0\.0\.1:1 can't be reached/);
});

test('an identity that is made can be used at once, is saved for its owner only, and is refused once disabled', async () => {
  const made = await server.claviger('identity', 'create', 'ann', '--role', 'key-user', '--group', 'ops', '--json');
  const credentials = JSON.parse(made.stdout);
  assert.equal(credentials.identity, 'ann');
  const file = join(server.data, 'identities', 'ann.json');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(dirname(file)).mode & 0o077, 0);
  assert.equal(JSON.parse(readFileSync(file, 'utf8')).token, credentials.token);
  assert.equal((await server.env('ann')).AWS_ACCESS_KEY_ID, credentials.accessKeyId);
  const listed = await server.claviger('key', 'list', '--identity', 'ann');
  assert.match(listed.stdout, /first/);
  const refused = await failure(['key', 'create', 'x', '--identity', 'ann', '--data', server.data]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /^claviger: .+\n[\s\S]*Request id: /);
  await server.claviger('identity', 'disable', 'ann');
  assert.equal((await failure(['key', 'list', '--identity', 'ann', '--data', server.data])).code, 1);
});

test('another realm has keys of its own', async () => {
  await server.claviger('identity', 'create', 'zoe', '--role', 'key-administrator', '--realm', 'elsewhere');
  assert.match((await server.claviger('realm', 'list')).stdout, /elsewhere/);
  assert.deepEqual(JSON.parse((await server.claviger('key', 'list', '--identity', 'zoe', '--json')).stdout), {
    keys: [],
  });
});

test('a key lives its whole life by command', async () => {
  const state = async (...args: string[]) => JSON.parse((await server.claviger('key', ...args, '--json')).stdout).key;
  assert.equal((await state('create', 'life', '--tag', 'team=a', '--rotation-days', '90')).state, 'active');
  assert.equal((await state('rotate', 'life')).version, 2);
  assert.equal((await state('disable', 'life')).state, 'suspended');
  assert.equal((await state('enable', 'alias/life')).state, 'active');
  const doomed = await state('schedule-destruction', 'life', '--days', '7');
  assert.equal(doomed.state, 'destroy-scheduled');
  assert.ok(Date.parse(doomed.destroyedAt) > Date.parse(doomed.createdAt) + 6 * 86_400_000);
  assert.notEqual((await state('cancel-destruction', 'life')).state, 'destroy-scheduled');
  await server.claviger('key', 'name', 'life', 'other/name');
  const shown = await server.claviger('key', 'show', 'other/name');
  assert.match(shown.stdout, /other names\s+other\/name/);
  assert.match(shown.stdout, /^2\s+active/m);
  await server.claviger('key', 'unname', 'other/name');
  assert.equal((await failure(['key', 'show', 'other/name', '--data', server.data])).code, 1);
});

test('a token does no more than it was made for, and ends when it is revoked', async () => {
  const { token, accessor } = JSON.parse(
    (await server.claviger('token', 'create', '--ttl', '1h', '--action', 'list-keys', '--json')).stdout,
  );
  const env = { ...(await server.env()), CLAVIGER_TOKEN: token };
  assert.match((await runClaviger(['key', 'list'], env)).stdout, /first/);
  assert.equal((await failure(['key', 'create', 'y'], env)).code, 1);
  await server.claviger('token', 'revoke', accessor);
  assert.equal((await failure(['key', 'list'], env)).code, 1);
});

test('senseless command lines exit 2 and touch nothing', async () => {
  for (const args of [
    ['nonsense'],
    ['key'],
    ['key', 'show'],
    ['key', 'list', 'x'],
    ['status', '--nope'],
    ['decrypt', 'x'],
  ]) {
    const { code, stderr } = await failure([...args, '--data', server.data]);
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, /claviger help/);
  }
});

test('help lists every command, also those that start a server', async () => {
  const { stdout } = await runClaviger(['help']);
  for (const name of ['dev', 'init', 'server', 'env', 'encrypt FILE', 'audit verify'])
    assert.ok(stdout.includes(`  ${name}`), name);
  assert.match((await runClaviger(['help', 'audit', 'verify'])).stdout, /--checkpoint FILE/);
  assert.match((await runClaviger(['--version'])).stdout, /^claviger \d+\.\d+\.\d+$/m);
});

test('without a colour terminal there are no colours', async () => {
  const { stdout } = await server.claviger('key', 'list');
  assert.equal(stdout.includes('\u001b'), false);
});

test('a sealed server says so, and the passphrase unseals it from a file', async () => {
  const own = await startServer();
  try {
    await own.claviger('seal');
    const sealed = await failure(['key', 'list', '--data', own.data]);
    assert.match(sealed.stderr, /claviger unseal/);
    assert.equal((await failure(['status', '--data', own.data])).code, 1);
    const noTerminal = await failure(['unseal', '--data', own.data]);
    assert.match(noTerminal.stderr, /--passphrase-fd/);
    const wrong = join(own.data, 'wrong');
    writeFileSync(wrong, 'not the passphrase\n');
    assert.equal((await failure(['unseal', '--passphrase-file', wrong, '--data', own.data])).code, 1);
    const right = join(own.data, 'dev-passphrase');
    assert.match((await own.claviger('unseal', '--passphrase-file', right)).stdout, /unsealed/);
    assert.match((await own.claviger('key', 'list')).stdout, /first/);
    await own.claviger('seal');
    const command = `"${process.execPath}" "${bin}" unseal --passphrase-fd 7 --data "${own.data}" 7< "${right}"`;
    assert.match((await promisify(execFile)('/bin/sh', ['-c', command])).stdout, /unsealed/);
  } finally {
    await own.stop();
    rmSync(own.data, { recursive: true, force: true });
  }
});

test('a token is never sent in the clear to another machine', async () => {
  const env = { CLAVIGER_ADDR: 'http://192.0.2.1:8200', CLAVIGER_TOKEN: 'clv.x' };
  assert.match((await failure(['key', 'list'], env)).stderr, /in the clear/);
  assert.match((await failure(['key', 'list'], { ...env, CLAVIGER_ADDR: 'nonsense' })).stderr, /no address/);
});

test('CLAVIGER_TOKEN asks the server of a data folder, and not when it belongs to another address', async () => {
  const made = await server.claviger('identity', 'create', 'tom', '--role', 'auditor', '--json');
  const token = JSON.parse(made.stdout).token;
  const asTom = await runClaviger(['token', 'show', '--json', '--data', server.data], { CLAVIGER_TOKEN: token });
  assert.equal(JSON.parse(asTom.stdout).identity, 'tom');
  const elsewhere = { CLAVIGER_TOKEN: token, CLAVIGER_ADDR: 'https://127.0.0.1:1' };
  const asDeveloper = await runClaviger(['token', 'show', '--json', '--data', server.data], elsewhere);
  assert.equal(JSON.parse(asDeveloper.stdout).identity, 'developer');
});
