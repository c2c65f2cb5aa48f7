import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorCodes, type Gate, KmsError, Plaintext, type Proof } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import type { Request } from '#wire/wire.ts';
import { awsStsDoor } from './aws-sts.ts';
import { answerXml, errorXml } from './encode.ts';
import { stsError } from './errors.ts';
import { readForm } from './form.ts';
import { operations } from './operations.ts';

/** What the door asked of the gate. */
interface Asked {
  readonly proof: Proof;
  readonly command?: object;
  readonly error?: KmsError;
}

const credentials = {
  accessKeyId: 'CLASAAAAAAAAAAAAAAAA',
  secretAccessKey: new Plaintext(toUtf8('s+/s')),
  sessionToken: new Plaintext(toUtf8('clvs.t')),
  expiresAt: Date.UTC(2026, 10, 24, 12, 0, 0, 999),
};
const realm = '111122223333';
const results: Record<string, object> = {
  'assume-role': { credentials, realm, role: 'r', roleId: 'CLROA', sessionName: 's' },
  'assume-role-with-web-identity': {
    ...{ credentials, realm, role: 'r', roleId: 'CLROA', sessionName: 's' },
    ...{ subject: 'a<b>&"c"', issuer: 'https://i', audience: 'a' },
  },
  'create-session': { credentials },
  'get-caller-identity': { realm: `${realm}.eu-west-1`, name: 'r', session: { name: 's', roleId: 'CLROA' } },
};

function doorWith(asked: Asked[]) {
  const gate: Gate = {
    async perform(proof, command) {
      asked.push({ proof, command });
      return results[command.kind] as never;
    },
    async refuse(proof, _action, error) {
      asked.push({ proof, error });
      throw error;
    },
    performAll() {
      throw new Error('not asked for');
    },
    async authMountAt() {
      throw new Error('not asked for');
    },
    paths() {
      throw new Error('not asked for');
    },
    status() {
      throw new Error('not asked for');
    },
  };
  return awsStsDoor(gate, { newRequestId: () => 'request-1' });
}

const post = (body: string, more: Partial<Request> = {}): Request => ({
  ...{ method: 'POST', path: '/', query: '', peer: '127.0.0.1:1' },
  headers: ['content-type', 'application/x-www-form-urlencoded; charset=utf-8', 'authorization', 'AWS4-HMAC-SHA256 x'],
  body: toUtf8(body),
  ...more,
});

async function ask(request: Request) {
  const asked: Asked[] = [];
  const route = doorWith(asked).match(request);
  assert.ok(route !== undefined);
  const { status, body, contentType, headers } = await route.handle(request);
  assert.equal(contentType, 'text/xml');
  assert.deepEqual(headers, ['x-amzn-requestid', 'request-1']);
  assert.equal(asked.length, 1);
  return { status, text: String(body), ...asked[0]! };
}

const arn = `RoleArn=arn:aws:iam::${realm}:role/r&RoleSessionName=se`;

test('takes forms, and links that name an action, and leaves everything else to other doors', () => {
  const door = doorWith([]);
  assert.ok(door.match(post('')));
  assert.ok(door.match(post('', { method: 'GET', headers: [], query: 'Action=GetCallerIdentity' })));
  assert.ok(door.match(post('', { headers: [], query: 'Version=1&Action=' })));
  for (const other of [
    { path: '/x' },
    { method: 'PUT' },
    { method: 'GET' },
    { headers: ['content-type', 'application/x-amz-json-1.1'] },
    { headers: [] },
    { headers: [], query: 'NotAction=a' },
  ]) {
    assert.equal(door.match(post('', other)), undefined, JSON.stringify(other));
  }
});

test('reads each operation, and writes it as XML', async () => {
  const version = 'Version=2011-06-15';
  const assumed = await ask(post(`Action=AssumeRole&${version}&${arn}&DurationSeconds=900&ExternalId=a%3Ab`));
  assert.deepEqual(assumed.command, {
    ...{ kind: 'assume-role', realm, role: 'r', sessionName: 'se', duration: 900_000, externalId: 'a:b' },
  });
  assert.equal(assumed.proof.kind, 'sigv4');
  assert.equal(
    assumed.text,
    '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>' +
      '<AccessKeyId>CLASAAAAAAAAAAAAAAAA</AccessKeyId><SecretAccessKey>s+/s</SecretAccessKey><SessionToken>clvs.t</SessionToken>' +
      '<Expiration>2026-11-24T12:00:00Z</Expiration></Credentials><AssumedRoleUser><AssumedRoleId>CLROA:s</AssumedRoleId>' +
      `<Arn>arn:aws:sts::${realm}:assumed-role/r/s</Arn></AssumedRoleUser></AssumeRoleResult>` +
      '<ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata></AssumeRoleResponse>',
  );
  const web = await ask(post(`Action=AssumeRoleWithWebIdentity&${version}&${arn}&WebIdentityToken=a.b.c`));
  assert.deepEqual(web.proof, { kind: 'web-identity', realm, token: 'a.b.c' });
  assert.match(web.text, /<SubjectFromWebIdentityToken>a&lt;b&gt;&amp;&quot;c&quot;<\/SubjectFromWebIdentityToken>/);
  assert.deepEqual((await ask(post(`Action=GetSessionToken&${version}`))).command, { kind: 'create-session' });
  const caller = await ask(post('', { method: 'GET', query: `Action=GetCallerIdentity&${version}&X-Amz-Date=x` }));
  assert.match(caller.text, /<Account>111122223333<\/Account>/);
  assert.match(caller.text, /<UserId>CLROA:s<\/UserId>/);
});

test('says what is wrong with a form, and never guesses', async () => {
  for (const [body, code, status] of [
    ['', 'InvalidAction', 400],
    ['Action=GetCallerIdentity', 'InvalidAction', 400],
    ['Action=GetCallerIdentity&Version=2010-05-08', 'InvalidAction', 400],
    ['Action=toString&Version=2011-06-15', 'InvalidAction', 400],
    ['Action=AssumeRoleWithSAML&Version=2011-06-15', 'InvalidAction', 400],
    ['Action=GetCallerIdentity&Action=AssumeRole&Version=2011-06-15', 'MalformedQueryString', 400],
    ['Action=GetCallerIdentity&Version=2011-06-15&%zz=1', 'MalformedQueryString', 400],
    ['Action=GetCallerIdentity&Version=2011-06-15&Other=1', 'ValidationError', 400],
    ['Action=AssumeRole&Version=2011-06-15', 'ValidationError', 400],
    [`Action=AssumeRole&Version=2011-06-15&${arn}&Tags.member.1.Key=a`, 'ValidationError', 400],
    [`Action=AssumeRole&Version=2011-06-15&${arn}&DurationSeconds=1e3`, 'MalformedQueryString', 400],
    [`Action=AssumeRole&Version=2011-06-15&${arn}&DurationSeconds=899`, 'ValidationError', 400],
    [`Action=AssumeRole&Version=2011-06-15&${arn}&ExternalId=%E2%82%AC%E2%82%AC`, 'ValidationError', 400],
    [`Action=AssumeRoleWithWebIdentity&Version=2011-06-15&${arn}`, 'ValidationError', 400],
    [
      `Action=AssumeRoleWithWebIdentity&Version=2011-06-15&${arn}&WebIdentityToken=a.b.c&Policy=x`,
      'ValidationError',
      400,
    ],
    ['Action=GetSessionToken&Version=2011-06-15&DurationSeconds=129601', 'ValidationError', 400],
  ] as const) {
    const answer = await ask(post(body));
    assert.equal(answer.status, status, body);
    assert.match(answer.text, new RegExp(`<Code>${code}</Code>`), body);
    assert.ok(answer.error !== undefined && answer.command === undefined, body);
  }
});

test('what makes a form unreadable is nobody’s, and what its signature covers is asked for first', async () => {
  const unread = await ask(post(`Action=AssumeRoleWithWebIdentity&Version=2011-06-15&${arn}`));
  assert.deepEqual(unread.proof, { kind: 'none', unread: true });
  assert.equal((await ask(post('Action=AssumeRole&Version=2011-06-15'))).proof.kind, 'sigv4');
});

test('every code of the domain has its answer, and none tells of the inside', () => {
  for (const code of errorCodes) {
    const { code: name, status, message } = stsError(new KmsError(code, 'why'), { kind: 'none' });
    assert.match(name, /^[A-Z][A-Za-z]+$/, code);
    assert.ok([400, 403, 500, 503].includes(status), code);
    assert.ok(message.length > 0);
  }
  const inside = stsError(new Error('a secret of the inside'), { kind: 'none' });
  assert.equal(inside.status, 500);
  assert.ok(!inside.message.includes('secret'));
});

test('tells the ways in which proofs fail apart, as the SDKs know them', () => {
  const of = (code: 'invalid-proof' | 'expired-proof' | 'invalid-assertion' | 'unavailable', subject?: string) => {
    const { code: name, status } = stsError(new KmsError(code, 'why', subject), { kind: 'none' });
    return `${name} ${status}`;
  };
  assert.equal(of('invalid-proof', 'credential'), 'InvalidClientTokenId 403');
  assert.equal(of('invalid-proof', 'signature'), 'SignatureDoesNotMatch 403');
  assert.equal(of('expired-proof', 'credential'), 'ExpiredToken 403');
  assert.equal(of('expired-proof', 'clock'), 'SignatureDoesNotMatch 403');
  assert.equal(of('expired-proof', 'assertion'), 'ExpiredTokenException 400');
  assert.equal(of('invalid-assertion'), 'InvalidIdentityToken 400');
  assert.equal(of('invalid-assertion', 'claim'), 'IDPRejectedClaim 403');
  assert.equal(of('unavailable', 'provider'), 'IDPCommunicationError 400');
  assert.equal(of('unavailable'), 'ServiceUnavailable 503');
});

test('whatever is sent, the answer is sound XML and one of the codes', async () => {
  let state = 11;
  const random = (n: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const pieces = [
    '&',
    '=',
    '%',
    '%00',
    '%F0',
    '+',
    'Action',
    'Version=2011-06-15',
    'AssumeRole',
    '<',
    ']]>',
    '\u0000',
    '\ud800',
    'é',
  ];
  const seeds = Object.keys(operations).map(
    (name) => `Action=${name}&Version=2011-06-15&${arn}&WebIdentityToken=a.b.c`,
  );
  for (let i = 0; i < 20_000; i++) {
    let body = seeds[random(seeds.length)]!;
    for (let n = 0; n <= random(3); n++) {
      const at = random(body.length + 1);
      body = body.slice(0, at) + pieces[random(pieces.length)]! + body.slice(at + random(5));
    }
    const { status, text } = await ask(post(body, random(2) === 0 ? {} : { query: body.replaceAll(/[^!-~]/g, '') }));
    assert.ok([200, 400].includes(status) && !text.includes('\0'), text);
    assert.match(text, /^<[A-Za-z]+Response xmlns="[^"<>]+">(?:<\/?[A-Za-z]+>|[^<>&]|&(?:lt|gt|amp|quot);)*$/);
  }
});

test('writes what XML can’t hold as what it can', () => {
  const text = errorXml({ code: 'A', status: 400, message: '\u0000\u001b]]>\ud800\uffff&' }, '<id>');
  assert.match(text, /<Message>��\]\]&gt;��&amp;<\/Message><\/Error><RequestId>&lt;id&gt;<\/RequestId>/);
  assert.match(answerXml('X', { A: { B: 'c' } }, 'r'), /<XResult><A><B>c<\/B><\/A><\/XResult>/);
});

test('a plus is a space in a body and a plus in a query', () => {
  assert.equal(readForm('', toUtf8('a=b+c%2B')).get('a'), 'b c+');
  assert.equal(readForm('a=b+c%2B', new Uint8Array(0)).get('a'), 'b+c+');
});
