import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { run, start } from '../process.ts';
import { base64, caller, identityOf } from './place.ts';

const data = mkdtempSync(join(tmpdir(), 'claviger-secrets-'));
after(() => rmSync(data, { recursive: true }));

/** What belongs to the one who asks, on his own machine: `claviger env` reads it. */
const kept = /^(?:identities\/|dev-passphrase$)/;

test('no secret of a caller is in a file of the data folder or in what the server prints', async () => {
  const server = await start(['dev', '--data', data, '--listen', '127.0.0.1:0']);
  const { token, secretAccessKey } = identityOf(data);
  const calls = caller(server.url, data);
  const vault = async (path: string, body: object) => {
    const answer = await calls.send('POST', `/v1/${path}`, JSON.stringify(body), { 'x-vault-token': token });
    return (JSON.parse(answer.body || '{}').data ?? {}) as Record<string, string>;
  };
  const secrets = new Map([
    ['token', token],
    ['secret access key', secretAccessKey],
    ['plaintext', 'canary-of-a-plaintext'],
    ['context', 'canary-of-associated-data'],
    ['hashed input', 'canary-of-an-input'],
    ['malformed body', 'canary-of-a-broken-body'],
    ['unknown token', 'clv.canary-of-an-unknown-token'],
  ]);
  const text = (name: string) => base64(secrets.get(name)!);
  const made = await vault('transit/encrypt/first', { plaintext: text('plaintext'), associated_data: text('context') });
  await vault('transit/decrypt/first', { ciphertext: made.ciphertext, associated_data: text('context') });
  await vault('transit/decrypt/first', { ciphertext: made.ciphertext });
  await vault('transit/hmac/first', { input: text('hashed input') });
  secrets.set('data key', (await vault('transit/datakey/plaintext/first', {})).plaintext!);
  secrets.set('random bytes', (await vault('transit/random', { bytes: 32 })).random_bytes!);
  await calls.send('POST', '/v1/transit/encrypt/first', `{"plaintext":"${secrets.get('malformed body')}`, {
    'x-vault-token': token,
  });
  await calls.send('GET', '/v1/transit/keys/first', undefined, { 'x-vault-token': secrets.get('unknown token')! });
  await calls.send('GET', '/claviger/v1/keys', undefined, { authorization: `Bearer ${secrets.get('unknown token')}` });
  const metrics = await calls.send('GET', '/metrics', undefined, { authorization: `Bearer ${token}` });
  assert.match(metrics.body, /^claviger_answers_total/m);

  const search = (what: string, bytes: Buffer) => {
    for (const [name, secret] of secrets) {
      const raw = Buffer.from(secret);
      const decoded = Buffer.from(secret, 'base64');
      const forms = [raw, Buffer.from(base64(secret).replace(/=*$/, '')), Buffer.from(raw.toString('hex'))];
      if (decoded.toString('base64') === secret) forms.push(decoded);
      for (const form of forms) assert.ok(!bytes.includes(form), `${what} holds the ${name}`);
    }
  };
  const files = () =>
    readdirSync(data, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .filter((path) => !kept.test(path.slice(data.length + 1)));
  search('the metrics', Buffer.from(metrics.body));
  // While it runs, the newest rows are in the write-ahead log.
  assert.ok(files().length >= 6);
  for (const path of files()) search(path, readFileSync(path));
  const lines = await run(['audit', 'tail', '--data', data, '--json']);
  assert.match(lines.output, /invalid-ciphertext/);
  search('the ledger', Buffer.from(lines.output));
  calls.close();
  const { output } = await server.stop();
  search('the output', Buffer.from(output));
  for (const path of files()) search(path, readFileSync(path));
});
