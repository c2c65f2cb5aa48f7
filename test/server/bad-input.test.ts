import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { digestHex, hmac } from '#crypto/crypto.ts';
import { SecretBytes } from '#domain/domain.ts';
import { run, type Started, start } from '../process.ts';
import { type Answer, base64, type Caller, caller, identityOf } from './place.ts';

const data = mkdtempSync(join(tmpdir(), 'claviger-bad-input-'));
let server: Started;
let calls: Caller;
let identity: ReturnType<typeof identityOf>;

before(async () => {
  server = await start(['dev', '--data', data, '--listen', '127.0.0.1:0']);
  calls = caller(server.url, data);
  identity = identityOf(data);
  assert.equal((await send.vault('POST', 'transit/keys/k', '{}')).status, 200);
});
after(async () => {
  calls.close();
  await server.stop();
  assert.equal((await run(['audit', 'verify', '--data', data])).code, 0);
  rmSync(data, { recursive: true });
});

const json = 'application/json';
const json11 = 'application/x-amz-json-1.1';

/** Signs what no SDK would send. */
function awsHeaders(
  operation: string,
  body: string | Buffer,
  contentType = json11,
  at = Date.now(),
): Record<string, string> {
  const time = new Date(at).toISOString().replace(/[-:]|\.[0-9]{3}/g, '');
  const host = new URL(server.url).host;
  const headers: Record<string, string> = {
    'content-type': contentType,
    host,
    'x-amz-date': time,
    'x-amz-target': `TrentService.${operation}`,
  };
  const names = Object.keys(headers).join(';');
  const lines = Object.entries(headers)
    .map(([name, value]) => `${name}:${value}\n`)
    .join('');
  const canonical = `POST\n/\n\n${lines}\n${names}\n${digestHex('sha256', body)}`;
  const scope = `${time.slice(0, 8)}/us-east-1/kms/aws4_request`;
  let key: Uint8Array = Buffer.from(`AWS4${identity.secretAccessKey}`);
  for (const part of scope.split('/')) key = hmac('sha256', new SecretBytes(key), part);
  const toSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${digestHex('sha256', canonical)}`;
  const signature = hmac('sha256', new SecretBytes(key), toSign).toString('hex');
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${identity.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  return headers;
}

const send = {
  aws: (operation: string, body: string | Buffer, type?: string) =>
    calls.send('POST', '/', body, awsHeaders(operation, body, type)),
  vault: (method: string, path: string, body?: string | Buffer, type = json) =>
    calls.send(method, `/v1/${path}`, body, { 'x-vault-token': identity.token, 'content-type': type }),
  native: (method: string, path: string, body?: string | Buffer, type = json) =>
    calls.send(method, `/claviger/v1${path}`, body, {
      authorization: `Bearer ${identity.token}`,
      ...(body !== undefined && { 'content-type': type }),
    }),
};

interface Line {
  readonly outcome: string;
  readonly protocol: string;
}

/** The ledger's end, through the server: asking is itself a line. */
async function ledger(from?: number): Promise<{ size: number; entries: readonly Line[] }> {
  const { body } = await send.native('GET', `/audit/entries?from=${from ?? 1e9}&limit=1000`);
  const { entries, size } = JSON.parse(body) as { size: number; entries: Array<{ entry?: Line } & Line> };
  return { size, entries: entries.map((one) => one.entry ?? one) };
}

const keysAndNames = async () => [
  (await send.native('GET', '/keys?limit=1000')).body,
  (await send.native('GET', '/aliases?limit=1000')).body,
  (await send.native('GET', '/identities')).body,
];

/** Each in the protocol's own form. */
const forms: Readonly<Record<string, (answer: Answer) => string>> = {
  aws: ({ body }) => {
    const { __type, message } = JSON.parse(body) as Record<string, string>;
    assert.ok(__type && message, body);
    return __type;
  },
  vault: ({ body }) => {
    const { errors } = JSON.parse(body) as { errors: string[] };
    assert.equal(errors.length, 1, body);
    return errors[0]!;
  },
  native: ({ body }) => {
    const { error } = JSON.parse(body) as { error: Record<string, string> };
    assert.ok(error.code && error.message && error.requestId, body);
    return error.code;
  },
};

const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
const big = base64('x'.repeat(4097));
const notUtf8 = Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]);
const long = 'x'.repeat(300_000);

type Case = readonly [what: string, door: keyof typeof forms, act: () => Promise<Answer>, status: number, says: RegExp];

const cases = (): readonly Case[] => {
  const aws = (what: string, operation: string, body: string | Buffer, says: RegExp, type?: string): Case =>
    [...[what, 'aws', () => send.aws(operation, body, type), 400, says]] as unknown as Case;
  const vault = (what: string, path: string, body: string | Buffer, says: RegExp, status = 400): Case =>
    [what, 'vault', () => send.vault('POST', path, body), status, says] as const;
  const native = (what: string, path: string, body: string | Buffer, says: RegExp, status = 400): Case =>
    [what, 'native', () => send.native('POST', path, body), status, says] as const;
  return [
    aws('malformed JSON', 'Encrypt', '{"KeyId":', /^SerializationException$/),
    aws('no object', 'Encrypt', '[]', /^SerializationException$/),
    aws('not UTF-8', 'Encrypt', notUtf8, /^SerializationException$/),
    aws('10,000 levels', 'Encrypt', deep(10_000), /^SerializationException$/),
    aws('another content type', 'ListKeys', '{}', /^SerializationException$/, json),
    aws('bad base64', 'Encrypt', '{"KeyId":"alias/k","Plaintext":"a*=="}', /^SerializationException$/),
    aws('an unknown key', 'Encrypt', `{"KeyId":"alias/none","Plaintext":"${base64('x')}"}`, /^NotFoundException$/),
    aws('over 4096 bytes', 'Encrypt', `{"KeyId":"alias/k","Plaintext":"${big}"}`, /^ValidationException$/),
    aws(
      'an alias of an alias',
      'CreateAlias',
      '{"AliasName":"alias/z","TargetKeyId":"alias/k"}',
      /^ValidationException$/,
    ),
    aws('no ciphertext', 'Decrypt', `{"CiphertextBlob":"${base64('nonsense')}"}`, /^InvalidCiphertextException$/),
    aws('no such operation', 'Explode', '{}', /^UnknownOperationException$/),
    aws('a wrong type', 'Encrypt', '{"KeyId":7}', /^SerializationException$/),
    aws(
      'a lone surrogate in the context',
      'Encrypt',
      `{"KeyId":"alias/k","Plaintext":"YQ==","EncryptionContext":{"a":"\\ud800"}}`,
      /^ValidationException$/,
    ),
    vault('malformed JSON', 'transit/encrypt/k', '{"plaintext":', /JSON/i),
    vault('no object', 'transit/encrypt/k', '[]', /object/),
    vault('not UTF-8', 'transit/encrypt/k', notUtf8, /JSON/i),
    vault('10,000 levels', 'transit/encrypt/k', deep(10_000), /nested/),
    vault('a form', 'transit/encrypt/k', 'plaintext=YQ%3D%3D', /JSON/i),
    vault('bad base64', 'transit/encrypt/k', '{"plaintext":"a*=="}', /base64/),
    vault('an unknown key', 'transit/decrypt/none', '{"ciphertext":"vault:v1:AAAA"}', /not found/),
    vault('no ciphertext', 'transit/decrypt/k', '{"ciphertext":"vault:v1:AAAA"}', /invalid ciphertext/),
    vault('no such path', 'ssh/data/x', '{}', /./, 404),
    vault('a wrong type', 'transit/encrypt/k', '{"plaintext":7}', /string/),
    vault('a name that climbs', 'transit/keys/..%2f..%2fk', '{}', /name/),
    native('malformed JSON', '/keys', '{"name":', /^malformed$/),
    native('no object', '/keys', '[]', /^malformed$/),
    native('not UTF-8', '/keys', notUtf8, /^malformed$/),
    native('10,000 levels', '/keys', deep(10_000), /^malformed$/),
    ['another content type', 'native', () => send.native('POST', '/keys', '{}', 'text/plain'), 400, /^malformed$/],
    native('bad base64', '/keys/k/encrypt', '{"plaintext":"a*=="}', /^malformed$/),
    native('an unknown key', '/keys/none/encrypt', `{"plaintext":"${base64('x')}"}`, /not-found$/, 404),
    native('no ciphertext', '/decrypt', `{"ciphertext":"${base64('nonsense')}"}`, /^invalid-ciphertext$/),
    native('an unknown field', '/keys', '{"nam":"x"}', /^invalid-parameter$/),
    ['an unknown operation', 'native', () => send.native('GET', '/explode'), 404, /^unknown-operation$/],
    native('a name like an id', '/keys', '{"name":"00000000-0000-4000-8000-000000000000"}', /^invalid-parameter$/),
    ['a body over the limit', 'aws', () => send.aws('ListKeys', `{"Marker":"${long}"}`), 413, /TooLarge/],
    [
      'a body over the limit',
      'vault',
      () => send.vault('POST', 'transit/keys/k/config', `{"a":"${long}"}`),
      413,
      /large/,
    ],
    [
      'a body over the limit',
      'native',
      () => send.native('POST', '/keys', `{"description":"${long}"}`),
      413,
      /^too-large$/,
    ],
  ];
};

test('whatever is wrong with a request is answered in its protocol, with a line, and changes nothing', async () => {
  const before = await keysAndNames();
  for (const [what, door, act, status, says] of cases()) {
    const { size } = await ledger();
    const answer = await act();
    assert.equal(answer.status, status, `${door}, ${what}: ${answer.body}`);
    assert.match(forms[door]!(answer), says, `${door}, ${what}`);
    const { entries } = await ledger(size + 1);
    assert.equal(entries.length, 1, `${door}, ${what}: one line`);
    assert.notEqual(entries[0]!.outcome, 'ok', `${door}, ${what}`);
  }
  assert.deepEqual(await keysAndNames(), before);
});

/** Says that it will send 100 MB, and sends as much as is taken. */
function hugeUpload(path: string, headers: Record<string, string>): Promise<Answer & { sent: number }> {
  return new Promise((resolve, reject) => {
    let sent = 0;
    const asking = request(`${server.url}${path}`, {
      method: 'POST',
      ca: readFileSync(`${data}/tls/ca.pem`),
      headers: { ...headers, 'content-length': '100000000' },
    });
    const block = Buffer.alloc(65536, 0x20);
    const more = () => {
      while (sent < 100_000_000 && asking.writable && asking.write(block)) sent += block.length;
    };
    asking.on('drain', more);
    asking.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => {
        body += text;
      });
      response.on('end', () => {
        resolve({ status: response.statusCode!, body, sent });
        asking.destroy();
      });
    });
    asking.on('error', reject);
    asking.flushHeaders();
    setTimeout(more, 50);
  });
}

test('100 MB are refused by their length, long before they are sent', async () => {
  const places = [
    ['aws', '/', awsHeaders('Encrypt', '')],
    ['vault', '/v1/transit/encrypt/k', { 'x-vault-token': identity.token }],
    ['native', '/claviger/v1/keys', { authorization: `Bearer ${identity.token}`, 'content-type': json }],
  ] as const;
  for (const [door, path, headers] of places) {
    const { size } = await ledger();
    const answer = await hugeUpload(path, headers);
    assert.equal(answer.status, 413, door);
    forms[door]!(answer);
    assert.ok(answer.sent < 20_000_000, `${door}: ${answer.sent} bytes were taken`);
    const { entries } = await ledger(size + 1);
    assert.deepEqual([entries.length, entries[0]!.outcome === 'ok'], [1, false], door);
  }
});

test('the server is none the worse for it', async () => {
  assert.equal((await send.vault('POST', 'transit/encrypt/k', `{"plaintext":"${base64('x')}"}`)).status, 200);
  assert.equal((await send.aws('DescribeKey', '{"KeyId":"alias/k"}')).status, 200);
  assert.doesNotMatch(server.output(), /failed inside|Error/);
});
