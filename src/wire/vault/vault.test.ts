import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Command,
  type Gate,
  KmsError,
  type Mount,
  type Origin,
  Plaintext,
  type Proof,
  type Status,
} from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import type { Response } from '#wire/wire.ts';
import { vaultDoor } from './vault.ts';

const status: Status = {
  initialized: true,
  sealed: false,
  sealKind: 'passphrase',
  seals: [{ name: 'main', kind: 'passphrase', asks: 'passphrase' }],
  version: '9.9.9',
  mode: 'development',
  time: 1_700_000_000_123,
  ledgerSize: 0,
  ready: true,
};

interface Asked {
  readonly proof: Proof;
  readonly kind: string;
  readonly command?: Command;
  readonly error?: KmsError;
  readonly origin: Origin;
}

const mountOf = (path: string, engine: Mount['engine'], version?: 1 | 2): [string, Mount] => [
  path,
  {
    ...{ realm: '000000000000', path, engine, revision: 1, id: 'i', accessor: 'a', description: '', maxTtl: 0 },
    ...{ defaultTtl: 3_600_000, sealWrap: false, ...(version !== undefined && { version }) },
  },
];

const mounts = new Map([mountOf('team/', 'transit'), mountOf('a/versions/', 'kv', 2), mountOf('a/single/', 'kv', 1)]);

/** The domain's contract, kept by a script: it writes down what it is asked, and `reply` decides. */
function scripted(reply: (command: Command) => object, now: Status = status) {
  const asked: Asked[] = [];
  async function perform(proof: Proof, command: Command, origin: Origin) {
    asked.push({ proof, kind: command.kind, command, origin });
    return reply(command);
  }
  const gate = {
    perform,
    performAll(proof: Proof, _: number, read: () => readonly Command[], origin: Origin) {
      return Promise.allSettled(read().map((command) => perform(proof, command, origin)));
    },
    async refuse(proof: Proof, action: string, error: KmsError, origin: Origin) {
      asked.push({ proof, kind: action, error, origin });
      if (proof.kind === 'none' && proof.unread !== true) throw new KmsError('unauthenticated', 'Who is asking?');
      throw error;
    },
    async paths({ kind }: Proof) {
      if (kind === 'none') throw new KmsError('unauthenticated', 'Who is asking?');
      return { name: 'acme', mounts };
    },
    async authMountAt(_: Proof, realm: string | undefined, path: string) {
      return path.startsWith('certs/') ? { realm: realm ?? '000000000000', path: 'certs', type: 'cert' } : undefined;
    },
    status: () => now,
  } as unknown as Gate;
  let requests = 0;
  const door = vaultDoor(gate, { newRequestId: () => `r${++requests}`, clock: () => now.time, version: '1.2.3' });
  const token = ['x-vault-token', 'clv.t'];
  async function send(method: string, target: string, body: unknown = undefined, headers: readonly string[] = token) {
    const [path = '', query = ''] = target.split('?');
    const head = { method, path, query, headers, peer: '127.0.0.1:5' };
    const route = door.match(head);
    assert.ok(route, target);
    const bytes =
      body === undefined ? new Uint8Array() : toUtf8(typeof body === 'string' ? body : JSON.stringify(body));
    return answerOf(await route.handle({ ...head, body: bytes }));
  }
  return { asked, door, send };
}

function answerOf({ status, body, headers, contentType }: Response) {
  const text = String(body);
  return { status, text, json: text === '' ? undefined : JSON.parse(text), headers, contentType };
}

const used = { realm: '000000000000', keyId: 'id', version: 1 };
const plaintext = Buffer.from('hi').toString('base64');
const fail = (code: ConstructorParameters<typeof KmsError>[0]) => {
  throw new KmsError(code, `it was ${code}`);
};

test('is deaf to what is not Vault', () => {
  const { door } = scripted(() => ({}));
  for (const path of ['/', '/v1', '/v2/transit/encrypt/k', '/api/v1/transit', '/V1/sys/health']) {
    assert.equal(door.match({ method: 'POST', path, query: '', headers: [], peer: '' }), undefined, path);
  }
});

test('answers in the envelope of Vault', async () => {
  const { asked, send } = scripted(() => ({ ...used, ciphertext: Uint8Array.of(1) }));
  const answer = await send('PUT', '/v1/transit/encrypt/k', { plaintext });
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.headers, ['cache-control', 'no-store']);
  assert.deepEqual(answer.json, {
    request_id: 'r1',
    lease_id: '',
    renewable: false,
    lease_duration: 0,
    data: { ciphertext: 'vault:v1:AQ==', key_version: 1 },
    wrap_info: null,
    warnings: null,
    auth: null,
    mount_type: 'transit',
  });
  assert.deepEqual(asked[0]?.proof, { kind: 'token', token: 'clv.t' });
  assert.deepEqual(asked[0]?.origin, {
    protocol: 'vault',
    operation: 'transit/encrypt',
    peer: '127.0.0.1:5',
    requestId: 'r1',
    asked: { path: 'transit/encrypt/k', capability: 'update', fields: { plaintext }, mayCreate: true },
  });
});

test('tells the policies of tokens what was routed, with its words for it', async () => {
  const { asked, send } = scripted(() => ({}));
  await send('DELETE', '/v1/%74ransit/keys/%6b/');
  await send('POST', '/v1/transit/keys/a%2Fb%25/config', { deletion_allowed: true });
  await send('GET', '/v1/auth/token/lookup-self?a=b');
  assert.deepEqual(
    asked.map(({ origin }) => origin.asked),
    [
      { path: 'transit/keys/k', capability: 'delete', fields: {} },
      { path: 'transit/keys/a%2Fb%25/config', capability: 'update', fields: { deletion_allowed: true } },
      { path: 'auth/token/lookup-self', capability: 'read', fields: { a: 'b' } },
    ],
  );
});

test('answers 204 to writes without data', async () => {
  const { send } = scripted(() => ({}));
  const answer = await send('DELETE', '/v1/transit/keys/k');
  assert.deepEqual([answer.status, answer.text, answer.contentType], [204, '', '']);
});

test('takes the token from either header', async () => {
  const { asked, send } = scripted(() => ({}));
  await send('DELETE', '/v1/transit/keys/k', undefined, ['authorization', 'Bearer clv.b']);
  await send('DELETE', '/v1/transit/keys/k', undefined, ['authorization', 'Bearer clv.b', 'x-vault-token', 'clv.a']);
  await send('DELETE', '/v1/transit/keys/k', undefined, ['authorization', 'Basic Zm9v']);
  assert.deepEqual(
    asked.map(({ proof }) => proof),
    [{ kind: 'token', token: 'clv.b' }, { kind: 'token', token: 'clv.a' }, { kind: 'none' }],
  );
});

test('has the gate record what it can not decode', async () => {
  const { asked, send } = scripted(() => ({}));
  for (const [method, target, body, status, kind] of [
    ['POST', '/v1/transit/encrypt/k', '{', 400, 'encrypt'],
    ['POST', '/v1/transit/encrypt/k', 'plaintext=aGk%3D', 400, 'encrypt'],
    ['POST', '/v1/transit/encrypt/k', { plaintext: '!' }, 400, 'encrypt'],
    ['POST', '/v1/transit/encrypt/%2e%2e', { plaintext }, 400, ''],
    ['POST', '/v1/transit/encrypt/%ff', { plaintext }, 400, ''],
    ['POST', '/v1/transit/encrypt/k', { batch_input: [] }, 400, 'encrypt'],
    ['POST', '/v1/transit/encrypt/k', { batch_input: [1] }, 400, 'encrypt'],
    ['POST', '/v1/transit/encrypt/k', { batch_input: {} }, 400, 'encrypt'],
    ['POST', '/v1/kv2/data/x', {}, 404, ''],
    ['GET', '/v1/transit/encrypt/k', undefined, 405, ''],
    ['POST', '/v1/transit/cache-config', { size: 'all' }, 400, 'set-key-cache'],
  ] as const) {
    const before = asked.length;
    const answer = await send(method, target, body);
    assert.equal(answer.status, status, `${method} ${target} ${answer.text}`);
    assert.equal(answer.json.errors.length, 1);
    assert.equal(asked.length, before + 1);
    assert.equal(asked.at(-1)?.kind, kind);
    assert.ok(asked.at(-1)?.error instanceof KmsError);
  }
});

test('asks for a token before it says what is wrong', async () => {
  const { send } = scripted(() => ({}));
  for (const target of ['/v1/transit/encrypt/k', '/v1/no/such/path']) {
    const answer = await send('POST', target, '{', []);
    assert.deepEqual([answer.status, answer.text], [400, '{"errors":["missing client token"]}']);
  }
});

test('refuses to wrap for no time that it understands', async () => {
  const { asked, send } = scripted(() => ({ ...used, ciphertext: Uint8Array.of(1) }));
  const ask = (...headers: string[]) =>
    send('POST', '/v1/transit/encrypt/k', { plaintext }, ['x-vault-token', 'clv.t', ...headers]);
  assert.equal((await ask('x-vault-wrap-ttl', 'soon')).status, 400);
  assert.deepEqual(
    asked.map(({ kind, error }) => [kind, error?.code]),
    [['encrypt', 'malformed']],
  );
  assert.equal((await ask('x-vault-namespace', 'root', 'x-vault-wrap-ttl', '0')).status, 200);
});

test('hands the namespace on as the realm that a token must be of, and that a login is looked up in', async () => {
  const { asked, send } = scripted(({ kind }) => {
    return kind === 'login'
      ? { credential: { id: 'i', createdAt: 0 }, policies: [], token: new Plaintext(toUtf8('clv.new')) }
      : { ...used, ciphertext: Uint8Array.of(1) };
  });
  const login = { password: 'p' };
  const named = async (target: string, headers: readonly string[]) => {
    asked.length = 0;
    const body = target.includes('login') ? login : { plaintext };
    const { status } = await send('POST', target, body, headers);
    const { proof, origin } = asked.at(-1)!;
    return [status, proof.kind, 'realm' in proof ? proof.realm : undefined, origin.asked?.path];
  };
  const token = ['x-vault-token', 'clv.t'];
  const encrypt = 'transit/encrypt/k';
  const user = 'auth/userpass/login/u';
  for (const [target, headers, ...expected] of [
    [encrypt, token, 200, 'token', undefined, encrypt],
    [encrypt, [...token, 'x-vault-namespace', '/'], 200, 'token', undefined, encrypt],
    [encrypt, [...token, 'x-vault-namespace', 'acme/'], 200, 'token', 'acme', encrypt],
    [encrypt, [...token, 'x-vault-namespace', 'acme', 'x-vault-namespace', 'b'], 200, 'token', 'acme', encrypt],
    [encrypt, [...token, 'x-vault-namespace', 'a/b'], 200, 'token', 'a/b', encrypt],
    [user, [], 200, 'password', undefined, user],
    [user, ['x-vault-namespace', 'acme/'], 200, 'password', 'acme', user],
    [`acme/${user}`, [], 200, 'password', 'acme', user],
    [`other/${user}`, [], 200, 'password', 'other', user],
    [`other/${user}`, token, 200, 'password', 'other', user],
    [`acme/${encrypt}`, token, 200, 'token', undefined, encrypt],
    ['acme/team/encrypt/k', token, 200, 'token', undefined, 'team/encrypt/k'],
  ] as const) {
    assert.deepEqual(await named(`/v1/${target}`, headers), expected, target);
  }
  for (const target of [`other/${encrypt}`, `acme/acme/${encrypt}`, 'acme', 'acme/other/encrypt/k']) {
    const { status } = await send('POST', `/v1/${target}`, login, token);
    assert.equal(status, 404, target);
  }
  for (const target of [`acme/${encrypt}`, 'acme/sys/health', 'acme/transit/keys/k']) {
    const { status, text } = await send('GET', `/v1/${target}`, undefined, []);
    assert.deepEqual([status, text], [400, '{"errors":["missing client token"]}'], target);
  }
});

test('tells the carrier how much to read and answers what it gave up on', async () => {
  const { asked, door } = scripted(() => ({}));
  const head = {
    method: 'POST',
    path: '/v1/transit/encrypt/k',
    query: '',
    headers: ['x-vault-token', 'clv.t'],
    peer: '',
  };
  const route = door.match(head);
  assert.equal(route?.maxBody, 4 * 1024 * 1024);
  assert.equal(door.match({ ...head, path: '/v1/transit/keys/k' })?.maxBody, 64 * 1024);
  assert.equal(door.match({ ...head, path: '/v1/transit/nothing' })?.maxBody, 64 * 1024);
  // Whatever is there or not, as much as the most that may be there takes.
  for (const path of ['/v1/team/keys/k', '/v1/nothing']) {
    assert.equal(door.match({ ...head, path })?.maxBody, 4 * 1024 * 1024);
    assert.equal(door.match({ ...head, path, method: 'GET' })?.maxBody, 64 * 1024);
  }
  for (const [fault, status] of [
    ['too-large', 413],
    ['timeout', 408],
    ['malformed', 400],
  ] as const) {
    const answer = answerOf(await route!.refuse(head, fault));
    assert.equal(answer.status, status);
    assert.equal(asked.at(-1)?.kind, 'encrypt');
    assert.deepEqual(asked.at(-1)?.proof, { kind: 'token', token: 'clv.t' });
    assert.equal(answerOf(await route!.refuse({ ...head, headers: [] }, fault)).status, status);
    assert.deepEqual(asked.at(-1)?.proof, { kind: 'none', unread: true });
  }
});

test('reads one message of at most 1 MiB, and more only in a batch', async () => {
  const { send } = scripted(() => ({ ...used, ciphertext: Uint8Array.of(1) }));
  const half = Buffer.alloc(600 * 1024).toString('base64');
  const large = Buffer.alloc(800 * 1024).toString('base64');
  assert.equal((await send('POST', '/v1/transit/encrypt/k', { plaintext: half })).status, 200);
  assert.equal((await send('POST', '/v1/transit/encrypt/k', { plaintext: large })).status, 413);
  assert.equal((await send('POST', '/v1/transit/encrypt/k', { batch_input: [{ plaintext: large }] })).status, 200);
  const many = Array.from({ length: 10_001 }, () => ({ plaintext: '' }));
  assert.equal((await send('POST', '/v1/transit/encrypt/k', { batch_input: many })).status, 413);
});

test('creates the key that is not there, once for a batch, and encrypts then', async () => {
  let there = false;
  const { asked, send } = scripted((command) => {
    if (command.kind === 'create-key') {
      there = true;
      return {};
    }
    return there ? { ...used, ciphertext: Uint8Array.of(1) } : fail('alias-not-found');
  });
  const items = [
    { plaintext, context: plaintext, reference: 'one' },
    { plaintext, context: plaintext },
  ];
  const answer = await send('POST', '/v1/transit/encrypt/k', { batch_input: items, type: 'aes128-gcm96' });
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json.data.batch_results, [
    { ciphertext: 'vault:v1:AQ==', key_version: 1, reference: 'one' },
    { ciphertext: 'vault:v1:AQ==', key_version: 1, reference: '' },
  ]);
  const creations = asked.filter(({ kind }) => kind === 'create-key');
  assert.deepEqual(
    creations.map(({ command }) => command),
    [
      {
        kind: 'create-key',
        spec: 'aes-128',
        usages: ['encrypt', 'mac'],
        class: 'enveloped',
        name: 'k',
        derived: true,
        ifAbsent: true,
        onTheWay: '',
      },
    ],
  );
});

test('tells who may not create a key that there is none', async () => {
  const { send } = scripted((command) => fail(command.kind === 'create-key' ? 'denied' : 'alias-not-found'));
  const answer = await send('POST', '/v1/transit/encrypt/k', { plaintext });
  assert.deepEqual([answer.status, answer.json], [400, { errors: ['encryption key not found'] }]);
});

test('creates no key in place of an id', async () => {
  const { asked, send } = scripted(() => fail('not-found'));
  const answer = await send('POST', '/v1/transit/encrypt/0f8fad5b-d9cb-469f-a165-70867728950e', { plaintext });
  assert.equal(answer.status, 400);
  assert.deepEqual(
    asked.map(({ kind }) => kind),
    ['encrypt'],
  );
});

test('warns that a key was there before', async () => {
  const key = { spec: 'aes-256', usages: ['encrypt'], names: ['k'], current: { version: 1, createdAt: 0 } };
  for (const [result, warnings] of [
    [{ key }, null],
    [{ key, existed: true }, ['key k already existed']],
  ] as const) {
    const answer = await scripted(() => result).send('POST', '/v1/transit/keys/k', {});
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json.warnings, warnings);
  }
});

test('asks once to sign, to verify and to check a hmac', async () => {
  const { asked, send } = scripted((command) =>
    command.kind === 'sign' ? { ...used, signature: Uint8Array.of(1) } : { ...used, valid: true },
  );
  await send('POST', '/v1/transit/sign/k', { input: plaintext });
  await send('POST', '/v1/transit/verify/k', { input: plaintext, signature: 'vault:v1:AQ==' });
  await send('POST', '/v1/transit/verify/k', { input: plaintext, hmac: 'vault:v1:AQ==' });
  assert.deepEqual(
    asked.map(({ kind }) => kind),
    ['sign', 'verify', 'verify-mac'],
  );
});

/** Opens 'AQ==', and nothing else. */
const opener = (command: Command) =>
  command.kind === 'decrypt' && command.ciphertext[0] === 1
    ? { ...used, plaintext: new Plaintext(toUtf8('hi')) }
    : fail('invalid-ciphertext');
const mixed = [{ ciphertext: 'vault:v1:AQ==', reference: 'a' }, { ciphertext: 'vault:v1:Ag==' }, { ciphertext: 'x' }];

test('answers a batch item by item, with 400 where one failed', async () => {
  const { asked, send } = scripted(opener);
  const answer = await send('POST', '/v1/transit/decrypt/k', { batch_input: mixed });
  assert.equal(answer.status, 400);
  const error = 'invalid ciphertext: unable to decrypt';
  assert.deepEqual(answer.json.data.batch_results, [
    { plaintext, reference: 'a' },
    { plaintext: '', error, reference: '' },
    { plaintext: '', error, reference: '' },
  ]);
  assert.equal(asked.length, 3);
});

test('lets a request choose the status of a partial failure, and only of that', async () => {
  const { send } = scripted(opener);
  const ask = (batch_input: readonly object[], code: unknown) =>
    send('POST', '/v1/transit/decrypt/k', { batch_input, partial_failure_response_code: code });
  assert.equal((await ask(mixed, 207)).status, 207);
  assert.equal((await ask(mixed, '206')).status, 206);
  for (const nonsense of [99, 100, 600, 'x', -1]) assert.equal((await ask(mixed, nonsense)).status, 400);
  assert.equal((await ask(mixed.slice(1), 207)).status, 400);
  assert.equal((await ask(mixed.slice(0, 1), 207)).status, 200);
});

test('fails a batch whole where no item could succeed', async () => {
  for (const [code, status] of [
    ['invalid-proof', 403],
    ['denied', 403],
    ['not-found', 400],
    ['sealed', 503],
  ] as const) {
    const { send } = scripted(() => fail(code));
    const answer = await send('POST', '/v1/transit/decrypt/k', { batch_input: mixed.slice(0, 2) });
    assert.equal(answer.status, status);
    assert.equal(answer.json.errors.length, 1);
  }
});

test('follows a list to its last page', async () => {
  const { asked, send } = scripted((command) =>
    command.kind === 'list-keys' && command.after === ''
      ? { keys: [{ id: 'i', names: ['b'] }], next: 'i' }
      : { keys: [{ id: 'j', names: ['a'] }] },
  );
  const answer = await send('GET', '/v1/transit/keys?list=true');
  assert.deepEqual(answer.json.data, { keys: ['a', 'b'] });
  assert.equal(asked.length, 2);
});

test('answers 404 without a word for an empty list and an unknown key', async () => {
  const { send } = scripted((command) => (command.kind === 'list-keys' ? { keys: [] } : fail('not-found')));
  for (const [method, path] of [
    ['LIST', 'keys'],
    ['GET', 'keys/k'],
  ] as const) {
    const answer = await send(method, `/v1/transit/${path}`);
    assert.deepEqual([answer.status, answer.text], [404, '{"errors":[]}']);
  }
});

test('reaches keys and secrets through mounts of the realm, by whole names and under the path that was asked for', async () => {
  const { asked, send } = scripted((command) => {
    return command.kind === 'list-keys'
      ? {
          realm: 'r',
          keys: [
            { id: 'i1', names: [] },
            { id: 'i2', names: ['team/b', 'other/c', 'team/a'] },
          ],
        }
      : { ...used, ciphertext: Uint8Array.of(1) };
  });
  const batch = { batch_input: [{ plaintext }, { plaintext }] };
  assert.equal((await send('POST', '/v1/team/encrypt/pay', batch)).json.data.batch_results.length, 2);
  assert.equal((await send('DELETE', '/v1/a/versions/data/x/y')).status, 204);
  assert.equal((await send('PUT', '/v1/a/single/data/x', { v: 1 })).status, 204);
  assert.deepEqual((await send('LIST', '/v1/team/keys')).json.data, { keys: ['a', 'b'] });
  assert.deepEqual((await send('GET', '/v1/team/keys/?list=true&after=a')).json.data, { keys: ['b'] });
  const named = (command: object = {}) => [
    'key' in command ? command.key : undefined,
    'secret' in command ? command.secret : undefined,
  ];
  assert.deepEqual(
    asked.map(({ kind, command, origin }) => [kind, ...named(command), origin.operation, origin.asked?.path]),
    [
      ['encrypt', { by: 'name', name: 'team/pay' }, undefined, 'transit/encrypt', 'team/encrypt/pay'],
      ['encrypt', { by: 'name', name: 'team/pay' }, undefined, 'transit/encrypt', 'team/encrypt/pay'],
      ['change-secret-versions', undefined, { name: 'a/versions/x/y' }, 'secret/data:delete', 'a/versions/data/x/y'],
      ['write-secret', undefined, { name: 'a/single/data/x' }, 'kv:write', 'a/single/data/x'],
      ['list-keys', undefined, undefined, 'transit/keys:list', 'team/keys'],
      ['list-keys', undefined, undefined, 'transit/keys:list', 'team/keys'],
    ],
  );
});

test('asks who it is before it says whether there is a mount, and reads no more than the row takes', async () => {
  const { asked, send } = scripted(() => ({}));
  for (const target of ['/v1/team/encrypt/k', '/v1/theirs/encrypt/k', '/v1/team/nothing', '/v1/team']) {
    const { status, text } = await send('POST', target, { plaintext }, []);
    assert.deepEqual([status, text], [400, '{"errors":["missing client token"]}'], target);
  }
  asked.length = 0;
  const statuses = [];
  for (const [method, target] of [
    ['POST', '/v1/theirs/encrypt/k'],
    ['POST', '/v1/team/data/k'],
    ['GET', '/v1/team/encrypt/k'],
    ['GET', '/v1/a/versions/data/x%2Fy'],
    ['POST', '/v1/team/encrypt/..%2Fk'],
    ['POST', '/v1/team/keys/k'],
  ] as const) {
    const long = target.endsWith('keys/k') ? { description: 'x'.repeat(65 * 1024) } : { plaintext };
    statuses.push((await send(method, target, method === 'GET' ? undefined : long)).status);
  }
  assert.deepEqual(statuses, [404, 404, 405, 400, 400, 413]);
  assert.ok(asked.every(({ error, command }) => error !== undefined && command === undefined));
});

test('reads below auth mounts as much as any login takes, and no more than the one that is meant', async () => {
  const { asked, door, send } = scripted(() => ({}));
  const crl = `-----BEGIN X509 CRL-----\n${'AAAA'.repeat(50_000)}\n-----END X509 CRL-----\n`;
  const long = { crl, password: 'x'.repeat(200_000) };
  const head = { method: 'POST', path: '/v1/auth/certs/crls/all', query: '', headers: [], peer: '127.0.0.1:5' };
  assert.ok(door.match(head)!.maxBody > JSON.stringify({ crl }).length);
  assert.equal((await send('POST', '/v1/auth/certs/crls/all', { crl })).status, 204);
  assert.equal(asked.pop()?.kind, 'write-revocation-list');
  assert.equal((await send('POST', '/v1/auth/certs/certs/one', long)).status, 413);
  assert.equal((await send('POST', '/v1/auth/certs/login', long, [])).status, 413);
  assert.deepEqual(asked.pop()?.proof, { kind: 'none', unread: true });
  assert.equal((await send('POST', '/v1/auth/theirs/login', long, [])).status, 400);
});

test('warns of what was done without data', async () => {
  let warned = {};
  const { send } = scripted(() => warned);
  assert.equal((await send('POST', '/v1/auth/certs/config', {})).status, 204);
  warned = { warnings: ['not so'] };
  const { status, json } = await send('POST', '/v1/auth/certs/config', {});
  assert.deepEqual([status, json.data, json.warnings], [200, null, ['not so']]);
});

test('what a value of version 1 is leased for is a matter of its mount', async () => {
  const value = () => ({ form: 'text', bytes: new Plaintext(toUtf8('{"a":"b"}')) });
  const { send } = scripted(() => ({ secret: {}, found: {}, value: value() }));
  assert.equal((await send('GET', '/v1/a/single/x')).json.lease_duration, 3600);
  assert.equal((await send('GET', '/v1/kv/x')).json.lease_duration, 2_764_800);
});

test('shows mounts as tables, and one by what is below it', async () => {
  const [team, versions] = [...mounts.values()];
  const { asked, send } = scripted(({ kind }) =>
    kind === 'list-mounts' ? { mounts: [team, versions] } : { mount: versions },
  );
  const answer = await send('GET', '/v1/sys/mounts');
  assert.deepEqual([answer.json['team/'].type, answer.json['team/'].options], ['transit', {}]);
  assert.deepEqual(answer.json.data['team/'], answer.json['team/']);
  assert.deepEqual((await send('GET', '/v1/sys/mounts/a/versions/tune')).json.data, {
    default_lease_ttl: 3600,
    description: '',
    force_no_cache: false,
    max_lease_ttl: 2_764_800,
    options: { version: '2' },
  });
  assert.equal((await send('GET', '/v1/sys/internal/ui/mounts/a/versions/data/k')).json.data.path, 'a/versions/');
  assert.deepEqual(
    asked.map(({ command }) => command),
    [
      { kind: 'list-mounts' },
      { kind: 'read-mount', path: 'a/versions' },
      { kind: 'read-mount', path: 'a/versions/data/k', reached: true },
    ],
  );
});

test('takes what it understands of a mount, and refuses the rest', async () => {
  const { asked, send } = scripted(() => ({}));
  const config = { default_lease_ttl: '0s', max_lease_ttl: '2h', force_no_cache: false, options: null };
  const sent = { type: 'kv', description: 'd', config, options: { version: '2' }, local: false, seal_wrap: true };
  assert.equal((await send('POST', '/v1/sys/mounts/a/b/', sent)).status, 204);
  assert.deepEqual(asked.pop()?.command, {
    ...{ kind: 'enable-mount', path: 'a/b', engine: 'kv', version: 2, description: 'd', sealWrap: true },
    ...{ defaultTtl: 0, maxTtl: 7_200_000 },
  });
  for (const [body, words] of [
    [{}, /backend type must be specified/],
    [{ type: 'pki' }, /plugin not found in the catalog: pki/],
    [{ type: 'constructor' }, /plugin not found/],
    [{ type: 'kv', options: { version: '3' } }, /versions 1 and 2/],
    [{ type: 'kv-v2', options: { version: '1' } }, /version 2/],
    [{ type: 'transit', options: { version: '2' } }, /kv/],
    [{ type: 'kv', options: { other: 'x' } }, /other/],
    [{ type: 'kv', local: true }, /local/],
    [{ type: 'kv', config: { passthrough_request_headers: ['a'] } }, /passthrough/],
    [{ type: 'kv', config: { listing_visibility: 'unauth' } }, /nobody/],
    [{ type: 'kv', config: 7 }, /config/],
    [{ type: 'kv', mount_point: 'y' }, /another mount/],
  ] as const) {
    const { status, text } = await send('POST', '/v1/sys/mounts/x', body);
    assert.equal(status, 400, text);
    assert.match(text, words);
  }
  await send('POST', '/v1/sys/mounts/x/tune', { description: '', listing_visibility: '', max_lease_ttl: 'system' });
  assert.deepEqual(asked.pop()?.command, {
    ...{ kind: 'tune-mount', path: 'x', description: '', listing: null, maxTtl: 0 },
  });
  assert.match((await send('POST', '/v1/sys/remount', { from: 'a', to: 'b' })).text, /not moved/);
});

test('tells its health to anyone, in the status codes of Vault', async () => {
  const cases: ReadonlyArray<readonly [Partial<Status>, string, number]> = [
    [{}, '', 200],
    [{}, '?activecode=299&sealedcode=200', 299],
    [{ sealed: true }, '', 503],
    [{ sealed: true }, '?sealedcode=204&standbyok=true', 204],
    [{ sealed: true }, '?sealedcode=99', 503],
    [{ initialized: false, sealed: true }, '', 501],
    [{ initialized: false, sealed: true }, '?uninitcode=200', 200],
  ];
  for (const [now, query, code] of cases) {
    const { asked, send } = scripted(() => ({}), { ...status, ...now });
    const answer = await send('GET', `/v1/sys/health${query}`, undefined, []);
    assert.equal(answer.status, code);
    assert.equal(answer.json.sealed, now.sealed ?? false);
    assert.equal(answer.json.version, '1.2.3');
    assert.equal(answer.json.server_time_utc, 1_700_000_000);
    const short = await send('HEAD', `/v1/sys/health${query}`, undefined, []);
    assert.deepEqual([short.status, short.text], [code, '']);
    assert.equal(asked.length, 0);
  }
});

test('tells whether it is sealed and initialised', async () => {
  const { send } = scripted(() => ({}), { ...status, sealed: true });
  const seal = await send('GET', '/v1/sys/seal-status', undefined, []);
  assert.deepEqual([seal.status, seal.json.sealed, seal.json.type], [200, true, 'passphrase']);
  assert.deepEqual((await send('GET', '/v1/sys/init', undefined, [])).json, { initialized: true });
  assert.equal((await send('GET', '/v1/sys/leader', undefined, [])).json.ha_enabled, false);
});
