import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import nodeVault from 'node-vault';
import { type RunningServer, startServer } from '../../harness.ts';
import { b64, clientFrom, refused } from './client.ts';

/** Official clients in ways that are legal and rare. */

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'claviger-vault-'));
let server: RunningServer;
let env: Record<string, string>;
let vault: nodeVault.client;
const message = b64('a message');

before(async () => {
  server = await startServer();
  env = await server.env();
  vault = clientFrom(env);
  await vault.write('transit/keys/k', {});
});

after(async () => {
  await server.claviger('audit', 'verify');
  await server.stop();
  rmSync(folder, { recursive: true });
});

interface Line {
  readonly action: string;
  readonly outcome: string;
  readonly operation: string;
  readonly requestId: string;
}

/** The ledger's lines of one request. */
async function linesOf(requestId: string): Promise<readonly Line[]> {
  const { stdout } = await server.claviger('audit', 'tail', '--lines', '200', '--json');
  const lines: Line[] = [];
  JSON.parse(stdout, (_, value) => {
    if (value?.requestId === requestId) lines.push(value);
    return value;
  });
  return lines;
}

const noCurl = spawnSync('curl', ['--version']).status === 0 ? false : 'skipped: curl is not installed';

/** curl as `vault` users type it; answers the HTTP version, the status and the body. */
async function curl(...args: string[]) {
  const options = ['-s', '--cacert', env.VAULT_CACERT!, '-H', `X-Vault-Token: ${env.VAULT_TOKEN}`];
  const last = args.pop()!;
  const urls = last.split(' ').map((path) => `${env.VAULT_ADDR}${path}`);
  const format = '\n%{http_version} %{http_code} %{num_connects}\n';
  const { stdout } = await run('curl', [...options, '-w', format, ...args, ...urls], { maxBuffer: 2 ** 24 });
  return stdout.trim().split('\n');
}

for (const version of ['1.1', '2']) {
  test(`curl lists, reads, writes and deletes over HTTP/${version}`, { skip: noCurl }, async () => {
    const flag = version === '2' ? '--http2' : '--http1.1';
    const asked = async (status: number, ...args: string[]) => {
      const [body = '', told = body] = await curl(flag, ...args);
      assert.match(told, new RegExp(`^${version} ${status} `), args.join(' '));
      return told === body ? undefined : JSON.parse(body);
    };
    const path = `/v1/transit/keys/curl-${version === '2' ? 2 : 1}`;
    await asked(200, '-X', 'POST', path);
    await asked(200, '-X', 'PUT', '-d', '{}', path);
    assert.ok((await asked(200, '-X', 'LIST', '/v1/transit/keys')).data.keys.includes('k'));
    assert.ok((await asked(200, '-X', 'LIST', '/v1/transit/keys/')).data.keys.includes('k'));
    assert.ok((await asked(200, '-X', 'LIST', '-d', '{}', '/v1/transit/keys')).data.keys.includes('k'));
    assert.ok((await asked(200, '/v1/transit/keys?list=true')).data.keys.includes('k'));
    assert.equal((await asked(200, path)).data.type, 'aes256-gcm96');
    await asked(200, '-d', '{"deletion_allowed":true}', `${path}/config`);
    await asked(204, '-X', 'DELETE', path);
    await asked(404, path);
  });
}

test('curl sends a batch of 2 MB that it announces, or in chunks, and is told when it sends too much', {
  skip: noCurl,
}, async () => {
  const item = { plaintext: Buffer.alloc(100_000).toString('base64') };
  const file = (items: number) => {
    const path = join(folder, `${items}.json`);
    writeFileSync(path, JSON.stringify({ batch_input: Array(items).fill(item) }));
    return path;
  };
  const ways = [
    (path: string) => ['--http1.1', '-H', 'Expect: 100-continue', '-d', `@${path}`],
    (path: string) => ['--http1.1', '-X', 'POST', '-H', 'Transfer-Encoding: chunked', '-T', path],
    (path: string) => ['--http2', '-d', `@${path}`],
    (path: string) => ['--http2', '-X', 'POST', '-T', path],
  ];
  for (const way of ways) {
    const [answer = ''] = await curl(...way(file(15)), '/v1/transit/encrypt/k');
    assert.equal(JSON.parse(answer).data.batch_results.length, 15);
    const [refusal = '', told = ''] = await curl(...way(file(200)), '/v1/transit/encrypt/k');
    assert.match(told, /^\S+ 413 /);
    assert.deepEqual(JSON.parse(refusal), { errors: ['the request body is too large'] });
  }
});

test('curl lists three times over one HTTP/1.1 connection', { skip: noCurl }, async () => {
  const told = await curl('--http1.1', '-X', 'LIST', '/v1/transit/keys /v1/transit/keys /v1/transit/keys');
  const connects = told.filter((line) => /^1\.1 200 /.test(line)).map((line) => Number(line.split(' ')[2]));
  assert.deepEqual(connects, [1, 0, 0]);
});

test('LIST in several packets, with a body, and among other methods, stays in step on one connection', async () => {
  const agent = new Agent({ ca: readFileSync(env.VAULT_CACERT!), keepAlive: true, maxSockets: 1 });
  const sockets = new Set<unknown>();
  const ask = (method: string, path: string, body = '') =>
    new Promise<{ status: number; json: { data: { keys: string[]; ciphertext?: string } } }>((resolve, reject) => {
      const headers = { 'x-vault-token': env.VAULT_TOKEN!, 'content-length': String(body.length) };
      const asking = request(`${env.VAULT_ADDR}${path}`, { method, agent, headers }, (incoming: IncomingMessage) => {
        let text = '';
        incoming.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        incoming.on('end', () => resolve({ status: incoming.statusCode!, json: JSON.parse(text) }));
      });
      asking.on('socket', (socket) => sockets.add(socket));
      asking.on('error', reject);
      asking.flushHeaders();
      for (const character of body) asking.write(character);
      asking.end();
    });
  for (let i = 0; i < 5; i++) {
    // A body that begins with the letters of the method, as data would.
    const listed = await ask('LIST', '/v1/transit/keys', i % 2 === 0 ? '' : '{"x":"LIST /v1/sys/mounts HTTP/1.1"}');
    assert.ok(listed.json.data.keys.includes('k'));
    const sealed = await ask('POST', '/v1/transit/encrypt/k', JSON.stringify({ plaintext: b64('LIST /') }));
    assert.match(sealed.json.data.ciphertext!, /^vault:v1:/);
  }
  assert.equal(sockets.size, 1);
  agent.destroy();
});

const noHvac = spawnSync('python3', ['-c', 'import hvac']).status === 0 ? false : 'skipped: hvac is not installed';

test('hvac does rare things over one connection', { skip: noHvac }, async () => {
  const script = fileURLToPath(new URL('hvac_odd.py', import.meta.url));
  const { stdout } = await run('python3', [script], { env: { ...process.env, ...env } });
  assert.equal(stdout.trim().split('\n').pop(), 'end');
});

test('node-vault asks with a namespace that is unset, empty, root or its own, and is refused with any other', async () => {
  const requestOptions = { ca: readFileSync(env.VAULT_CACERT!) };
  const client = (namespace: string | undefined) =>
    nodeVault({
      endpoint: env.VAULT_ADDR!,
      token: env.VAULT_TOKEN!,
      requestOptions,
      ...(namespace === undefined ? {} : { namespace }),
    });
  for (const namespace of [undefined, '', 'root', 'root/', 'main', 'main/']) {
    assert.ok((await client(namespace).list('transit/keys')).data.keys.includes('k'), `${namespace}`);
  }
  await refused(client('team-a').list('transit/keys'), 403, /^permission denied$/);
});

test('node-vault asks with a path that ends with a slash, and by its own names of operations', async () => {
  assert.ok((await vault.list('transit/keys/')).data.keys.includes('k'));
  assert.equal((await vault.read('transit/keys/k/')).data.name, 'k');
  const named = vault as unknown as Record<string, (ask: object) => Promise<{ data: Record<string, unknown> }>>;
  assert.ok(((await named.transitListKeys!({})).data.keys as string[]).includes('k'));
  const { ciphertext } = (await named.encryptData!({ name: 'k', plaintext: message })).data;
  assert.equal((await named.decryptData!({ name: 'k', ciphertext })).data.plaintext, message);
});

test('a signature is one line of the ledger, and a token narrowed to signing can sign', async () => {
  await vault.write('transit/keys/signer', { type: 'ecdsa-p256' });
  const made = (await clientFrom(env).tokenCreate({ policies: ['sign'] })).auth;
  const signer = clientFrom(env, made.client_token);
  const answer = await signer.write('transit/sign/signer', { input: message });
  const lines = await linesOf(answer.request_id);
  assert.deepEqual(
    lines.map(({ action, outcome }) => `${action} ${outcome}`),
    ['sign ok'],
  );
  await refused(signer.read('transit/keys/signer'), 403, /permission denied/);
  const { signature } = answer.data;
  await refused(signer.write('transit/verify/signer', { input: message, signature }), 403, /permission denied/);
  const verified = await vault.write('transit/verify/signer', { input: message, signature });
  assert.equal(verified.data.valid, true);
  assert.deepEqual(
    (await linesOf(verified.request_id)).map(({ action }) => action),
    ['verify'],
  );
});

test('says of each key in what it can not sign', async () => {
  await vault.write('transit/keys/ed', { type: 'ed25519' });
  await vault.write('transit/keys/pq', { type: 'ml-dsa', parameter_set: '44' });
  await vault.write('transit/keys/ec', { type: 'ecdsa-p256' });
  const input = createHash('sha256').update('x').digest('base64');
  const sign = (name: string, body: object) => vault.write(`transit/sign/${name}`, { input, ...body });
  await refused(sign('ed', { prehashed: true }), 400, /Ed25519ph/);
  await refused(sign('pq', { prehashed: true }), 400, /messages, not digests/);
  await refused(sign('ec', { hash_algorithm: 'none' }), 400, /prehashed=true/);
  const none = { hash_algorithm: 'none', prehashed: true, signature_algorithm: 'pkcs1v15' };
  await refused(sign('ec', none), 400, /with a hash/);
  await refused(sign('absent', {}), 400, /^encryption key not found$/);
});

test('an hmac key of any size takes its own hash where none is named', async () => {
  for (const [size, bytes] of [
    [32, 32],
    [48, 48],
    [64, 64],
  ] as const) {
    await vault.write(`transit/keys/mac-${size}`, { type: 'hmac', key_size: size });
    const { hmac } = (await vault.write(`transit/hmac/mac-${size}`, { input: message })).data;
    assert.equal(Buffer.from(hmac.split(':')[2], 'base64').length, bytes);
    const named = (await vault.write(`transit/hmac/mac-${size}`, { input: message, algorithm: `sha2-${bytes * 8}` }))
      .data;
    assert.equal(named.hmac, hmac);
    const verify = async (body: object) =>
      (await vault.write(`transit/verify/mac-${size}`, { input: message, ...body })).data.valid;
    assert.equal(await verify({ hmac }), true);
    assert.equal(await verify({ hmac, input: b64('x') }), false);
  }
  const { hmac } = (await vault.write('transit/hmac/k', { input: message })).data;
  assert.equal((await vault.write('transit/hmac/k/sha2-256', { input: message })).data.hmac, hmac);
});

test('a data key is wrapped by the version that is asked for, or by an RSA key', async () => {
  await vault.write('transit/keys/turned', {});
  await vault.write('transit/keys/turned/rotate', {});
  const wrap = (body: object) => vault.write('transit/datakey/plaintext/turned', body);
  assert.equal((await wrap({})).data.key_version, 2);
  await refused(wrap({ key_version: 1 }), 400, /./);
  await vault.write('transit/keys/turned/config', { min_encryption_version: 1 });
  const { data } = await wrap({ key_version: 1 });
  assert.deepEqual([data.key_version, data.ciphertext.slice(0, 9)], [1, 'vault:v1:']);
  assert.equal(
    (await vault.write('transit/decrypt/turned', { ciphertext: data.ciphertext })).data.plaintext,
    data.plaintext,
  );
  await refused(wrap({ key_version: 3 }), 400, /no version 3/);
  await vault.write('transit/keys/rsa', { type: 'rsa-2048' });
  const byRsa = (await vault.write('transit/datakey/plaintext/rsa', { bits: 512 })).data;
  assert.equal(
    (await vault.write('transit/decrypt/rsa', { ciphertext: byRsa.ciphertext })).data.plaintext,
    byRsa.plaintext,
  );
  await refused(vault.write('transit/datakey/wrapped/rsa', { associated_data: message }), 400, /context/);
});

test('warns that a key was there before', async () => {
  assert.equal((await vault.write('transit/keys/twice', {})).warnings, null);
  const again = await vault.write('transit/keys/twice', {});
  assert.deepEqual(again.warnings, ['key twice already existed']);
  assert.equal(again.data.latest_version, 1);
});

test('a batch answers each item in its place, whatever is wrong with its neighbours', async () => {
  const bad = ['!', 7, null, undefined, {}, []].map((plaintext) => ({ plaintext }));
  const batch_input = [{ plaintext: message, reference: 'r' }, ...bad, { plaintext: '' }];
  const partial = { batch_input, partial_failure_response_code: 200 };
  const encrypted = (await vault.write('transit/encrypt/k', partial)).data.batch_results;
  assert.equal(encrypted.length, batch_input.length);
  assert.deepEqual(
    encrypted.map(({ error }: { error?: string }) => error !== undefined),
    [false, true, true, true, true, true, true, false],
  );
  assert.equal(encrypted[0].reference, 'r');
  const opened = await vault.write('transit/decrypt/k', {
    batch_input: [encrypted[7], { ciphertext: 'vault:v9:AAAA' }, encrypted[0], { ciphertext: 'vault:v0:AAAA' }],
    partial_failure_response_code: '200',
  });
  const { batch_results } = opened.data;
  assert.deepEqual(
    batch_results.map(({ plaintext, error }: { plaintext: string; error?: string }) => [
      plaintext,
      error !== undefined,
    ]),
    [
      ['', false],
      ['', true],
      [message, false],
      ['', true],
    ],
  );
  const hmacs = (await vault.write('transit/hmac/k', { batch_input: [{ input: message }, { input: '!' }, {}] })).data;
  assert.deepEqual(
    hmacs.batch_results.map((item: object) => Object.keys(item).sort().join()),
    ['hmac,reference', 'error,reference', 'error,reference'],
  );
  const verdicts = await vault.write('transit/verify/k', {
    batch_input: [
      { input: message, hmac: hmacs.batch_results[0].hmac },
      { input: b64('x'), hmac: hmacs.batch_results[0].hmac },
      { input: message, hmac: 'vault:v1:!' },
    ],
  });
  assert.deepEqual(
    verdicts.data.batch_results.map(({ valid, error }: { valid: boolean; error?: string }) => [
      valid,
      error !== undefined,
    ]),
    [
      [true, false],
      [false, false],
      [false, true],
    ],
  );
  const lacking = [{ input: message, hmac: hmacs.batch_results[0].hmac }, { input: message }];
  await refused(vault.write('transit/verify/k', { batch_input: lacking }), 400, /missing 'hmac'/);
});

test('refuses what only looks like JSON, whatever its content type says', { skip: noCurl }, async () => {
  const ask = async (type: string, body: string) => {
    const [text = '', told = ''] = await curl(
      '--http1.1',
      '-H',
      `Content-Type: ${type}`,
      '-d',
      body,
      '/v1/transit/encrypt/k',
    );
    return [told.split(' ')[1], JSON.parse(text).errors?.length ?? 0];
  };
  const good = `{"plaintext":"${message}"}`;
  for (const type of [
    'application/json',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    '',
  ]) {
    assert.deepEqual(await ask(type, good), ['200', 0], type);
    assert.deepEqual(await ask(type, `plaintext=${message}`), ['400', 1], type);
    assert.deepEqual(await ask(type, `${good}${good}`), ['400', 1], type);
    assert.deepEqual(await ask(type, `[${good}]`), ['400', 1], type);
  }
});
