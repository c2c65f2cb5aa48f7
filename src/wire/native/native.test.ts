import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Command,
  errorCodes,
  type Gate,
  type Grant,
  type Key,
  KmsError,
  type Origin,
  Plaintext,
  type Proof,
  type Status,
} from '#domain/domain.ts';
import { toBase64, toUtf8 } from '#encoding/encoding.ts';
import type { Response } from '#wire/wire.ts';
import { nativeDoor } from './native.ts';
import { operations } from './operations.ts';
import { router } from './router.ts';

const status: Status = {
  initialized: true,
  sealed: false,
  sealKind: 'passphrase',
  seals: [{ name: 'main', kind: 'passphrase', asks: 'passphrase' }],
  version: '9.9.9',
  mode: 'development',
  time: 1_700_000_000_123,
  ledgerSize: 4,
  ready: true,
};

const key: Key = {
  realm: '123456789012',
  id: '0b5e3c1a-9d2f-4e6b-8a7c-1f2e3d4c5b6a',
  revision: 3,
  spec: 'aes-256',
  usages: ['encrypt'],
  class: 'enveloped',
  description: '',
  tags: { team: 'a' },
  names: ['payments/eu'],
  enabled: true,
  createdAt: 1_700_000_000_000,
  current: { version: 2, state: 'active', createdAt: 1_700_000_000_000 },
  minDecryptionVersion: 1,
  minEncryptionVersion: 0,
  minAvailableVersion: 1,
  derived: false,
  exportable: false,
  deletionAllowed: false,
  onDemandRotations: 0,
};

const used = { realm: key.realm, keyId: key.id, version: 2 };

interface Asked {
  readonly proof: Proof;
  readonly kind: string;
  readonly command?: Command;
  readonly error?: KmsError;
  readonly origin: Origin;
}

/** The domain's contract, kept by a script: it writes down what it is asked, and `reply` decides. */
function scripted(reply: (command: Command) => object = () => ({})) {
  const asked: Asked[] = [];
  const gate = {
    async perform(proof: Proof, command: Command, origin: Origin) {
      asked.push({ proof, kind: command.kind, command, origin });
      return reply(command);
    },
    async refuse(proof: Proof, action: string, error: KmsError, origin: Origin) {
      asked.push({ proof, kind: action, error, origin });
      throw error;
    },
    status: () => status,
  } as unknown as Gate;
  let requests = 0;
  const door = nativeDoor(gate, { newRequestId: () => `r${++requests}`, version: '1.2.3' });
  const usual = ['authorization', 'Bearer clv.t', 'content-type', 'application/json; charset=utf-8'];
  async function send(operation: string, body?: unknown, headers: readonly string[] = usual) {
    const [method = '', target = ''] = operation.split(' ');
    const [path = '', query = ''] = target.split('?');
    const head = { method, path: path === '/metrics' ? path : `/claviger/v1${path}`, query, headers, peer: '[::1]:5' };
    const route = door.match(head);
    assert.ok(route, operation);
    const bytes =
      body === undefined ? new Uint8Array() : toUtf8(typeof body === 'string' ? body : JSON.stringify(body));
    return answerOf(await route.handle({ ...head, body: bytes }));
  }
  return { asked, door, send };
}

function answerOf({ status: code, body, headers, contentType }: Response) {
  const text = String(body);
  const json = contentType === 'application/json' ? JSON.parse(text) : undefined;
  return { status: code, text, json, headers, contentType };
}

test('leaves other paths to other doors', () => {
  const { door } = scripted();
  for (const path of ['/', '/v1/sys/health', '/claviger', '/claviger/v1', '/claviger/v2/keys', '/metricsx']) {
    assert.equal(door.match({ method: 'GET', path, query: '', headers: [], peer: '' }), undefined, path);
  }
});

test('says status without asking the gate, so that looking leaves no line', async () => {
  const { asked, send } = scripted();
  const answer = await send('GET /status', undefined, []);
  assert.equal(answer.status, 200);
  assert.equal(answer.json.time, '2023-11-14T22:13:20.123Z');
  assert.equal(asked.length, 0);
});

test('lists every operation with its fields', async () => {
  const { json } = await scripted().send('GET /', undefined, []);
  assert.equal(json.version, '1.2.3');
  assert.equal(json.operations.length, Object.keys(operations).length);
  const create = json.operations.find(({ operation }: { operation: string }) => operation === 'POST /claviger/v1/keys');
  assert.equal(create.action, 'create-key');
  assert.ok(create.body.includes('spec'));
  assert.ok(json.operations.some(({ operation }: { operation: string }) => operation === 'GET /metrics'));
});

test('turns a request into proof, command and origin', async () => {
  const { asked, send } = scripted(() => ({ key }));
  const body = { name: 'payments/eu', tags: { team: 'a' }, rotationPeriodDays: 90 };
  const { json, headers } = await send('POST /keys', body);
  assert.deepEqual(asked, [
    {
      proof: { kind: 'token', token: 'clv.t' },
      kind: 'create-key',
      command: {
        kind: 'create-key',
        spec: 'aes-256',
        usages: ['encrypt'],
        class: 'enveloped',
        name: 'payments/eu',
        tags: { team: 'a' },
        rotationPeriodDays: 90,
      },
      origin: { protocol: 'native', operation: 'POST /keys', peer: '[::1]:5', requestId: 'r1' },
    },
  ]);
  assert.equal(json.key.state, 'active');
  assert.equal(json.key.createdAt, '2023-11-14T22:13:20.000Z');
  assert.deepEqual(headers, ['cache-control', 'no-store']);
});

test('reaches a key by id, by name, by alias/name and by a name with an encoded slash', async () => {
  for (const [segment, ref] of [
    [key.id, { by: 'id', id: key.id }],
    ['first', { by: 'name', name: 'first' }],
    ['alias%2Ffirst', { by: 'name', name: 'first' }],
    ['payments%2Feu', { by: 'name', name: 'payments/eu' }],
    [key.id.toUpperCase(), { by: 'name', name: key.id.toUpperCase() }],
  ] as const) {
    const { asked, send } = scripted(() => ({ key, versions: [key.current] }));
    const { status: code } = await send(`GET /keys/${segment}`);
    assert.equal(code, 200);
    assert.deepEqual(asked[0]?.command, { kind: 'describe-key', key: ref, withVersions: true });
  }
});

test('says in one word what may be done with a key', async () => {
  const destruction = { at: 1_800_000_000_000, requestedAt: 0, wasEnabled: true };
  for (const [change, state] of [
    [{}, 'active'],
    [{ enabled: false }, 'suspended'],
    [{ enabled: false, destruction }, 'destroy-scheduled'],
  ] as const) {
    const { json } = await scripted(() => ({ key: { ...key, ...change } })).send('POST /keys/first/enable');
    assert.equal(json.key.state, state);
  }
});

test('carries bytes as base64 both ways', async () => {
  const plaintext = new Plaintext(toUtf8('secret'));
  const { asked, send } = scripted((command) =>
    command.kind === 'encrypt' ? { ...used, ciphertext: Uint8Array.of(1, 2, 3) } : { ...used, plaintext },
  );
  const context = { b: '2', a: '1' };
  const sealed = await send('POST /keys/first/encrypt', { plaintext: toBase64(toUtf8('secret')), context });
  assert.deepEqual(sealed.json, { ...used, ciphertext: 'AQID' });
  const opened = await send('POST /decrypt', { ciphertext: 'AQID', context, key: 'first' });
  assert.deepEqual(opened.json, { ...used, plaintext: toBase64(toUtf8('secret')) });
  const [first, second] = asked.map(({ command }) => command);
  assert.ok(first?.kind === 'encrypt' && second?.kind === 'decrypt');
  assert.equal(Buffer.from(first.plaintext.release()).toString(), 'secret');
  assert.deepEqual(first.context.pairs, [
    ['b', '2'],
    ['a', '1'],
  ]);
  assert.deepEqual(second.key, { by: 'name', name: 'first' });
});

test('a data key is 32 bytes with its plaintext unless something else is asked', async () => {
  const { asked, send } = scripted(() => ({ ...used, ciphertext: Uint8Array.of(1) }));
  await send('POST /keys/first/data-key', {});
  await send('POST /keys/first/data-key', { bytes: 16, withPlaintext: false });
  const asks = asked.map(({ command }) => command as Command<'generate-data-key'>);
  assert.deepEqual(
    asks.map(({ bytes, withPlaintext }) => [bytes, withPlaintext]),
    [
      [32, true],
      [16, false],
    ],
  );
});

test('a grant comes back in the words in which it was asked for', async () => {
  const { asked, send } = scripted((command) => {
    assert.ok(command.kind === 'create-grant');
    const { grantee, role, scope, actions, condition } = command;
    const grant = { id: 'g', realm: 'r', revision: 1, grantee, role, scope, actions, condition, createdAt: 0 };
    return { grant: grant as Grant };
  });
  const body = {
    grantee: 'ops',
    granteeKind: 'group',
    role: 'key-user',
    names: 'pay/*',
    actions: ['encrypt'],
    condition: { kind: 'context-includes', pairs: { a: 'b' } },
  };
  const { json } = await send('POST /grants', { ...body, ttlSeconds: 60 });
  assert.deepEqual(json.grant, { id: 'g', realm: 'r', ...body, createdAt: '1970-01-01T00:00:00.000Z' });
  assert.equal((asked[0]!.command as Command<'create-grant'>).ttl, 60_000);
});

test('refuses what it does not understand in one form, and the gate hears of every refusal', async () => {
  const cases: ReadonlyArray<readonly [operation: string, body: unknown, code: string, headers?: string[]]> = [
    ['POST /keys', '{"name":', 'malformed'],
    ['POST /keys', '[]', 'malformed'],
    ['POST /keys', { name: 7 }, 'malformed'],
    ['POST /keys', { nmae: 'x' }, 'invalid-parameter'],
    ['POST /keys', { __proto__: null, constructor: 'x' }, 'invalid-parameter'],
    ['POST /keys', { spec: 'des' }, 'invalid-parameter'],
    ['POST /keys', { spec: 'constructor' }, 'invalid-parameter'],
    ['POST /keys', { usages: ['sign'] }, 'invalid-parameter'],
    ['POST /keys', { name: 'x' }, 'malformed', ['content-type', 'text/plain']],
    ['POST /keys', `${'['.repeat(10_000)}${']'.repeat(10_000)}`, 'malformed'],
    ['GET /keys?limit=0', undefined, 'invalid-parameter'],
    ['GET /keys?limit=1001', undefined, 'invalid-parameter'],
    ['GET /keys?limit=ten', undefined, 'malformed'],
    ['GET /keys?limit=1&limit=2', undefined, 'malformed'],
    ['GET /keys?whatever=1', undefined, 'invalid-parameter'],
    ['POST /keys/first/encrypt', {}, 'invalid-parameter'],
    ['POST /keys/first/encrypt', { plaintext: 'not base64' }, 'malformed'],
    ['POST /keys/first/encrypt', { plaintext: 'AAAA', context: { a: 1 } }, 'malformed'],
    ['PATCH /keys/first', { exportable: false }, 'invalid-parameter'],
    ['POST /grants', { grantee: 'a', role: 'king' }, 'invalid-parameter'],
    ['POST /grants', { grantee: 'a', role: 'auditor', keyId: key.id, names: 'x' }, 'invalid-parameter'],
    ['POST /grants', { grantee: 'a', role: 'auditor', keyId: 'first' }, 'invalid-parameter'],
    ['POST /identities', { name: 'a', ttlSeconds: 0 }, 'invalid-parameter'],
    ['POST /identities', { name: 'a', groups: 'g' }, 'malformed'],
    ['PUT /keys/first/aliases/0b5e3c1a-9d2f-4e6b-8a7c-1f2e3d4c5b6a', undefined, 'invalid-parameter'],
    ['GET /audit/proofs/x', undefined, 'malformed'],
    ['GET /audit/entries?from=-1', undefined, 'malformed'],
    ['GET /nothing', undefined, 'unknown-operation'],
    ['DELETE /keys', undefined, 'unknown-operation'],
    ['GET /keys/%ff', undefined, 'unknown-operation'],
    ['GET /keys/', undefined, 'unknown-operation'],
    ['POST /schedule', undefined, 'unknown-operation'],
  ];
  for (const [operation, body, code, headers] of cases) {
    const { asked, send } = scripted();
    const { json, status: http } = await send(operation, body, headers);
    assert.equal(json.error.code, code, `${operation} ${JSON.stringify(body)}`);
    assert.equal(json.error.requestId, 'r1');
    assert.ok(http >= 400 && http < 500);
    assert.deepEqual(
      asked.map(({ error }) => error?.code),
      [code],
    );
  }
});

test('answers every code of the domain with a status and its own name', async () => {
  for (const code of errorCodes) {
    const { send } = scripted(() => {
      throw new KmsError(code, 'as said');
    });
    const { json, status: http, headers } = await send('GET /keys/first');
    assert.deepEqual(json, { error: { code, message: 'as said', requestId: 'r1' } });
    assert.ok(http >= 400 && http < 600);
    assert.equal(headers.includes('www-authenticate'), http === 401);
  }
});

test('keeps to itself what went wrong inside', async () => {
  const { send } = scripted(() => {
    throw new Error('path /etc/secret');
  });
  const { json, text } = await send('GET /keys/first');
  assert.equal(json.error.code, 'internal');
  assert.doesNotMatch(text, /secret/);
});

test('takes a proof from a Bearer header only', async () => {
  for (const [value, proof] of [
    ['Bearer clv.x', { kind: 'token', token: 'clv.x' }],
    ['bearer  clv.x', { kind: 'token', token: 'clv.x' }],
    ['Basic clv.x', { kind: 'none' }],
    ['Bearer', { kind: 'none' }],
    ['Bearer a b', { kind: 'none' }],
  ] as const) {
    const { asked, send } = scripted(() => ({ key, versions: [] }));
    await send('GET /keys/first', undefined, ['authorization', value]);
    assert.deepEqual(asked[0]?.proof, proof, value);
  }
});

test('metrics are text and need a proof like everything else', async () => {
  const { asked, send } = scripted(() => ({ text: 'a 1\n' }));
  const answer = await send('GET /metrics');
  assert.equal(answer.text, 'a 1\n');
  assert.match(answer.contentType, /^text\/plain; version=0\.0\.4/);
  assert.equal(asked[0]?.kind, 'read-metrics');
});

test('what the carrier gave up on is refused on the record', async () => {
  const { asked, door } = scripted();
  const head = { method: 'POST', path: '/claviger/v1/keys', query: '', headers: [], peer: 'p' };
  const route = door.match(head)!;
  assert.equal(route.maxBody, 64 * 1024);
  for (const [fault, code, http] of [
    ['too-large', 'too-large', 413],
    ['timeout', 'malformed', 400],
    ['malformed', 'malformed', 400],
  ] as const) {
    const answer = answerOf(await route.refuse(head, fault));
    assert.equal(answer.status, http);
    assert.equal(answer.json.error.code, code);
    assert.equal(asked.at(-1)?.kind, 'create-key');
  }
});

test('a scheduled run can not be asked for from outside', () => {
  assert.ok(!Object.values(operations).some(({ action }: { action: string }) => action === 'run-schedule'));
});

test('a word wins over a placeholder, and no path reaches two templates', () => {
  const find = router(['GET /a/{x}', 'GET /a/b', 'POST /a/{x}/c']);
  assert.deepEqual(find('GET', '/a/b'), { template: 'GET /a/b', values: [] });
  assert.deepEqual(find('GET', '/a/b%2Fc'), { template: 'GET /a/{x}', values: ['b/c'] });
  assert.deepEqual(find('POST', '/a/%E2%82%AC/c'), { template: 'POST /a/{x}/c', values: ['€'] });
  for (const path of ['/a', '/a/', '/a/b/', '/a/b/c/d', '', '/', '//', '/a/%', '/a/b/c/'.repeat(1000)]) {
    assert.equal(find('GET', path), undefined, path.slice(0, 20));
  }
});
