import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { test } from 'node:test';
import { serverOfThisFile } from '../../harness.ts';
import { b64, clientFrom, failedBatch, refused } from './client.ts';

const { server, env } = await serverOfThisFile();
const vault = clientFrom(env);
const message = b64('a message');
await vault.write('transit/keys/k', {});

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** What no client sends. */
function send(
  method: string,
  path: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const url = new URL(env.VAULT_ADDR!);
    const asking = request({
      host: url.hostname,
      port: url.port,
      method,
      path,
      ca: readFileSync(env.VAULT_CACERT!),
      headers: { 'x-vault-token': env.VAULT_TOKEN!, ...headers },
    });
    asking.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode!, body: Buffer.concat(chunks).toString() }));
    });
    asking.on('error', reject);
    asking.end(body);
  });
}

test('answers malformed requests in the form of Vault', async () => {
  const deep = `{"plaintext":${'['.repeat(10_000)}${']'.repeat(10_000)}}`;
  const cases: ReadonlyArray<readonly [method: string, path: string, body: string, status: number]> = [
    ['POST', '/v1/transit/encrypt/k', '{"plaintext":', 400],
    ['POST', '/v1/transit/encrypt/k', '[]', 400],
    ['POST', '/v1/transit/encrypt/k', deep, 400],
    ['POST', '/v1/transit/encrypt/k', '{"plaintext":"not base64"}', 400],
    ['POST', '/v1/transit/encrypt/k', '{"plaintext":7}', 400],
    ['POST', '/v1/transit/encrypt/k', `{"plaintext":"${message}","nonce":"AAAAAAAAAAAAAAAA"}`, 400],
    ['POST', '/v1/transit/encrypt/k', 'plaintext=aGk%3D', 400],
    ['POST', '/v1/transit/encrypt/..%2Fk', `{"plaintext":"${message}"}`, 400],
    ['POST', '/v1/transit/encrypt/%ff', `{"plaintext":"${message}"}`, 400],
    ['POST', '/v1/transit/keys/x', '{"type":"des"}', 400],
    ['POST', '/v1/transit/keys/x', '{"convergent_encryption":true}', 400],
    ['PATCH', '/v1/transit/keys/k', '{}', 405],
    ['POST', '/v1/ssh/sign/x', '{}', 404],
  ];
  for (const [method, path, body, status] of cases) {
    const answer = await send(method, path, body, { 'content-type': 'application/json' });
    assert.equal(answer.status, status, `${method} ${path} ${body.slice(0, 60)}: ${answer.body}`);
    assert.equal(JSON.parse(answer.body).errors.length, 1);
  }
});

test('takes JSON whatever its content type says', async () => {
  for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'application/json; charset=utf-8']) {
    const answer = await send('PUT', '/v1/transit/encrypt/k', `{"plaintext":"${message}"}`, { 'content-type': type });
    assert.equal(answer.status, 200, type);
  }
});

test('refuses a body of 100 MB without reading it', async () => {
  const { status, body } = await new Promise<Answer>((resolve, reject) => {
    const url = new URL(env.VAULT_ADDR!);
    const asking = request({
      host: url.hostname,
      port: url.port,
      method: 'POST',
      path: '/v1/transit/encrypt/k',
      ca: readFileSync(env.VAULT_CACERT!),
      headers: { 'x-vault-token': env.VAULT_TOKEN!, 'content-length': String(100_000_000) },
    });
    asking.on('error', reject);
    asking.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => {
        asking.destroy();
        resolve({ status: response.statusCode!, body: text });
      });
    });
    asking.flushHeaders();
  });
  assert.equal(status, 413);
  assert.match(JSON.parse(body).errors[0], /too large/);
});

test('answers alike at mounts that are there, at others, and at the strangest of paths, who is nobody', async () => {
  await vault.mount({ mount_point: 'there', type: 'transit' });
  const nobody = { 'x-vault-token': 'clv.nobody' };
  const body = `{"plaintext":"${message}"}`;
  const answers = [];
  for (const path of [
    'there/encrypt/k',
    'gone/encrypt/k',
    'there',
    `${'a/'.repeat(3000)}k`,
    '__proto__/encrypt/k',
    'main/x/y',
  ]) {
    const answer = await send('POST', `/v1/${path}`, body, nobody);
    answers.push([answer.status, answer.body]);
  }
  for (const answer of answers) assert.deepEqual(answer, [403, '{"errors":["permission denied"]}']);
  const large = 'x'.repeat(4 * 1024 * 1024 + 1);
  for (const path of ['there/encrypt/k', 'gone/encrypt/k']) {
    assert.equal((await send('POST', `/v1/${path}`, large)).status, 413, path);
  }
  for (const path of ['there/encrypt/..%2Fk', 'there/encrypt/%2E%2E', 'there/encrypt/a%2F%2Fb', 'there/keys/%00']) {
    assert.equal((await send('POST', `/v1/${path}`, body)).status, 400, path);
  }
});

test('refuses namespaces of others, and to wrap for no time that it understands', async () => {
  const body = `{"plaintext":"${message}"}`;
  for (const namespace of ['team', 'root/team', '../main', 'main/main', 'm%61in', '000000000000']) {
    const { status } = await send('POST', '/v1/transit/encrypt/k', body, { 'x-vault-namespace': namespace });
    assert.equal(status, 403, namespace);
  }
  assert.equal((await send('POST', '/v1/transit/encrypt/k', body, { 'x-vault-wrap-ttl': 'soon' })).status, 400);
});

test('finds every flipped bit of a ciphertext', async () => {
  const { ciphertext } = (await vault.write('transit/encrypt/k', { plaintext: message })).data;
  const bytes = Buffer.from(ciphertext.slice('vault:v1:'.length), 'base64');
  const flipped = Array.from({ length: bytes.length * 8 }, (_, bit) => {
    const copy = Buffer.from(bytes);
    copy[bit >> 3]! ^= 1 << (bit & 7);
    return { ciphertext: `vault:v1:${copy.toString('base64')}` };
  });
  const results = await failedBatch(vault.write('transit/decrypt/k', { batch_input: flipped }));
  assert.equal(results.length, flipped.length);
  for (const [bit, { error, plaintext }] of results.entries()) {
    assert.deepEqual([error, plaintext], ['invalid ciphertext: unable to decrypt', ''], `bit ${bit}`);
  }
});

test('opens no ciphertext of another key, realm or version', async () => {
  await vault.write('transit/keys/other', {});
  const { ciphertext } = (await vault.write('transit/encrypt/k', { plaintext: message })).data;
  await refused(vault.write('transit/decrypt/other', { ciphertext }), 400, /^invalid ciphertext: unable to decrypt$/);
  await server.claviger('identity', 'create', 'stranger', '--role', 'key-user', '--realm', 'elsewhere');
  const stranger = clientFrom(await server.env('stranger'));
  await refused(stranger.write('transit/decrypt/k', { ciphertext }), 400, /^encryption key not found$/);
  await vault.write('transit/keys/k/rotate', {});
  const moved = ciphertext.replace('vault:v1:', 'vault:v2:');
  await refused(vault.write('transit/decrypt/k', { ciphertext: moved }), 400, /unable to decrypt/);
});

test('leaves a line in the ledger for each refusal', async () => {
  const before = (await server.claviger('audit', 'tail', '--json')).stdout;
  await send('POST', '/v1/transit/encrypt/k', '{');
  await send('POST', '/v1/transit/decrypt/k', '{"ciphertext":"vault:v1:AAAA"}');
  await send('GET', '/v1/no/such/path', '');
  const after = (await server.claviger('audit', 'tail', '--json')).stdout;
  assert.notEqual(after, before);
  for (const outcome of ['malformed', 'invalid-ciphertext', 'unknown-operation'])
    assert.match(after, new RegExp(outcome));
});

test('refuses a key that another door disabled or gave an end', async () => {
  await vault.write('transit/keys/waning', {});
  const { ciphertext } = (await vault.write('transit/encrypt/waning', { plaintext: message })).data;
  const encrypt = () => vault.write('transit/encrypt/waning', { plaintext: message });
  const decrypt = () => vault.write('transit/decrypt/waning', { ciphertext });
  await server.claviger('key', 'disable', 'waning');
  for (const use of [encrypt, decrypt]) await refused(use(), 400, /disabled/);
  await server.claviger('key', 'enable', 'waning');
  await encrypt();
  await server.claviger('key', 'schedule-destruction', 'waning', '--days', '7');
  for (const use of [encrypt, decrypt]) await refused(use(), 400, /pending deletion/);
  await refused(vault.write('transit/keys/waning/rotate', {}), 400, /pending deletion/);
  assert.equal((await vault.read('transit/keys/waning')).data.name, 'waning');
});

test('says that it is sealed, and nothing else', async () => {
  await server.claviger('seal');
  const health = await vault.health();
  assert.deepEqual([health.initialized, health.sealed], [true, true]);
  assert.equal((await send('GET', '/v1/sys/health', '')).status, 503);
  assert.equal((await send('GET', '/v1/sys/health?sealedcode=200', '')).status, 200);
  assert.equal((await vault.status()).sealed, true);
  for (const token of [env.VAULT_TOKEN!, 'clv.forged']) {
    const client = clientFrom(env, token);
    await refused(client.write('transit/encrypt/k', { plaintext: message }), 503, /^Vault is sealed/);
    await refused(client.write('transit/encrypt/k', { plaintext: '!' }), 503, /^Vault is sealed/);
    await refused(client.read('auth/token/lookup-self'), 503, /^Vault is sealed/);
  }
});
