import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { KmsError } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import { type Member, Rig, rejectsWith, type Signed, sign } from './rig.test.ts';
import { parseSigV4 } from './sigv4.ts';

// --- Every part that is signed --------------------------------------------------------------------------------------------------

let member: Member;
let rig: Rig;
before(async () => {
  ({ rig, officer: member } = await Rig.withOfficer());
});

const uniqueId = ['amz-sdk-invocation-id', '5b1c9f0e-6f3a-4f6e-9d0f-0a1b2c3d4e5f'] as const;
const identify = (proof: Signed) => rig.room.identify(proof, true);
const replaceHeader = (proof: Signed, name: string, change: (value: string) => string): Signed => ({
  ...proof,
  headers: proof.headers.map((value, i) => (i % 2 === 1 && proof.headers[i - 1] === name ? change(value) : value)),
});
const withoutHeader = (proof: Signed, name: string): Signed => ({
  ...proof,
  headers: proof.headers.filter((_, i) => proof.headers[i - (i % 2)] !== name),
});

test('identifies who signed a request, from the first time on', async () => {
  const principal = await member.bySignature();
  assert.deepEqual(
    { ...principal },
    { realm: member.set.account, name: 'olga', kind: 'person', groups: [], credential: member.set.accessKeyId },
  );
  assert.ok(!(rig.room.identify(sign(member.set, {}), false) instanceof Promise));
});

test('a request altered in any signed part is refused', async () => {
  const proof = sign(member.set, { headers: [...uniqueId, 'x-amz-meta', 'a b'], query: 'a=1&b=2' });
  await identify(proof);
  const altered: Record<string, Signed> = {
    method: { ...proof, method: 'PUT' },
    path: { ...proof, path: '/x' },
    'query value': { ...proof, query: 'a=1&b=3' },
    'query name': { ...proof, query: 'a=1&B=2' },
    'query left out': { ...proof, query: '' },
    'body flipped': { ...proof, body: toUtf8('{"KeyId":"alias/secnd"}') },
    'body cut': { ...proof, body: proof.body.subarray(1) },
    region: replaceHeader(proof, 'authorization', (value) => value.replace('eu-central-1', 'eu-central-2')),
    'access key': replaceHeader(proof, 'authorization', (value) => value.replace('CLAV', 'CLAW')),
  };
  const names = ['host', 'content-type', 'x-amz-target', 'content-length', 'amz-sdk-invocation-id', 'x-amz-meta'];
  for (const name of names) {
    altered[`${name} changed`] = replaceHeader(proof, name, (value) => `${value}0`);
    altered[`${name} removed`] = withoutHeader(proof, name);
    altered[`${name} no longer signed`] = replaceHeader(proof, 'authorization', (value) =>
      value.replace(new RegExp(`(?<==)${name};|;${name}(?=[;,])`), ''),
    );
  }
  for (let bit = 0; bit < 256; bit++) {
    altered[`signature bit ${bit}`] = replaceHeader(proof, 'authorization', (value) => {
      const at = value.length - 64 + (bit >> 2);
      const digit = (Number.parseInt(value[at]!, 16) ^ (1 << (bit & 3))).toString(16);
      return value.slice(0, at) + digit + value.slice(at + 1);
    });
  }
  for (const [what, request] of Object.entries(altered)) {
    assert.notDeepEqual(request, proof, what);
    await rejectsWith('invalid-proof', () => identify(request), what);
  }
});

test('the order of a query is not signed, its content is', async () => {
  const proof = sign(member.set, { query: 'a=1&b=2' });
  await identify({ ...proof, query: 'b=2&a=1' });
  await rejectsWith('invalid-proof', () => identify({ ...proof, query: 'a=2&b=1' }));
});

test('host, every x-amz header and the time must be signed, and sent once', async () => {
  const proof = sign(member.set, {});
  const more = (...headers: string[]): Signed => ({ ...proof, headers: [...headers, ...proof.headers] });
  await identify(more('x-custom', 'not signed, and that is fine'));
  await rejectsWith('invalid-proof', () => identify(more('x-amz-extra', '1')));
  await rejectsWith('invalid-proof', () => identify(more('x-amz-target', 'TrentService.Decrypt')));
  await rejectsWith('invalid-proof', () => identify(more('x-amz-security-token', 'session')));
  await rejectsWith('invalid-proof', () => identify(more('host', 'elsewhere')));
  await rejectsWith('invalid-proof', () => identify(more('authorization', proof.headers.at(-1)!)));
  await rejectsWith('incomplete-proof', () => identify(withoutHeader(proof, 'x-amz-date')));
  await rejectsWith('unauthenticated', () => identify(withoutHeader(proof, 'authorization')));
});

test('a request that is properly signed in an improper way is refused', async () => {
  const header = (name: string, value: string) => ({ headers: [name, value] });
  await member.bySignature({ ...header('x-custom', 'a,b'), signed: (names) => names });
  const improper: Record<string, Parameters<typeof sign>[1]> = {
    'the day before': { day: '20261123' },
    'host not signed': { signed: (names) => names.filter((name) => name !== 'host') },
    'not sorted': { signed: (names) => [...names].reverse() },
    'one name twice': { signed: (names) => [names[0]!, ...names] },
    'x-amz-target not signed': { signed: (names) => names.filter((name) => name !== 'x-amz-target') },
    'a name that is not sent': { signed: (names) => ['a', ...names] },
  };
  for (const [what, request] of Object.entries(improper)) {
    await rejectsWith('invalid-proof', () => member.bySignature({ at: rig.now, ...request }), what);
  }
});

test('a header that decides something can’t be split in two under one signature', async () => {
  const split = (proof: Signed, name: string, value: string): Signed => {
    const [first, second] = value.split(',') as [string, string];
    return {
      ...replaceHeader(proof, name, () => first),
      headers: [...replaceHeader(proof, name, () => first).headers, name, second],
    };
  };
  const custom = sign(member.set, { headers: ['x-custom', 'a,b'] });
  await identify(split(custom, 'x-custom', 'a,b'));
  for (const name of ['host', 'content-type', 'x-amz-target']) {
    const proof = sign(member.set, { replace: [name, 'a,b'] });
    await identify(proof);
    await rejectsWith('invalid-proof', () => identify(split(proof, name, 'a,b')), name);
  }
});

test('a signature has one spelling, so that a replay can’t have another', async () => {
  const upper = replaceHeader(
    sign(member.set, {}),
    'authorization',
    (value) => value.slice(0, -64) + value.slice(-64).toUpperCase(),
  );
  await rejectsWith('invalid-proof', () => identify(upper));
});

test('a payload hash that is sent must be that of the body', async () => {
  const hash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  await identify(sign(member.set, { body: '', headers: ['x-amz-content-sha256', hash] }));
  for (const value of ['UNSIGNED-PAYLOAD', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD', hash, hash.toUpperCase(), '']) {
    await rejectsWith('invalid-proof', () => identify(sign(member.set, { headers: ['x-amz-content-sha256', value] })));
  }
});

test('a signature holds for five minutes around its time, for any region, for one service', async () => {
  const minutes = (n: number) => rig.now + n * 60_000;
  await member.bySignature({ at: minutes(5) });
  await member.bySignature({ at: minutes(-5) });
  await rejectsWith('expired-proof', () => member.bySignature({ at: minutes(5) + 1000 }));
  await rejectsWith('expired-proof', () => member.bySignature({ at: minutes(-5) - 1000 }));
  await member.bySignature({ region: 'us-east-1' });
  await rejectsWith('invalid-proof', () => member.bySignature({ service: 's3' }));
  const date = replaceHeader(sign(member.set, {}), 'authorization', (value) =>
    value.replace('/20261124/', '/20261123/'),
  );
  await rejectsWith('invalid-proof', () => identify(date));
});

test('a stranger learns nothing: unknown keys, wrong secrets and altered requests look the same', async () => {
  const other = await member.hire('stranger');
  const messages = new Set<string>();
  for (const set of [
    { ...member.set, secretAccessKey: other.set.secretAccessKey },
    { ...member.set, accessKeyId: 'CLAVAAAAAAAAAAAAAAAA' },
  ]) {
    try {
      await identify(sign(set, {}));
      assert.fail('was identified');
    } catch (error) {
      assert.ok(error instanceof KmsError && error.code === 'invalid-proof');
      messages.add(error.message);
    }
  }
  assert.equal(messages.size, 1);
});

test('marks a mutating call that signs an id of its own, so that a replay is recognised', async () => {
  const proof = sign(member.set, { at: rig.now, headers: uniqueId });
  const first = await rig.room.identify(proof, true);
  const again = await rig.room.identify(proof, true);
  assert.match(first.replayDigest ?? '', /^[0-9a-f]{32}$/);
  assert.equal(first.replayDigest, again.replayDigest);
  assert.equal(first.replayUntil, rig.now + 5 * 60_000);
  assert.equal((await rig.room.identify(proof, false)).replayDigest, undefined);
  // boto3 signs no such id: two equal calls within a second are two calls.
  const plain = sign(member.set, { at: rig.now });
  assert.equal((await rig.room.identify(plain, true)).replayDigest, undefined);
  // An id that is sent but not signed says nothing.
  const unsigned = { ...plain, headers: [...uniqueId, ...plain.headers] };
  assert.equal((await rig.room.identify(unsigned, true)).replayDigest, undefined);
  const other = sign(member.set, { at: rig.now, headers: ['amz-sdk-invocation-id', 'another'] });
  assert.notEqual((await rig.room.identify(other, true)).replayDigest, first.replayDigest);

  const record = rig.room.replayRecord(first)!;
  assert.equal(rig.room.replayRecord(await rig.room.identify(plain, true)), undefined);
  assert.equal(await rig.room.seenBefore(first.replayDigest!), false);
  const change = { records: [record], summary: '' };
  await rig.commit({ result: undefined, change });
  assert.equal(await rig.room.seenBefore(first.replayDigest!), true);
  await rejectsWith('conflict', () => rig.commit({ result: undefined, change }));
});

// --- Hostile input --------------------------------------------------------------------------------------------------------------

test('the parser answers or throws one of its three errors, whatever it is given', () => {
  let state = 42;
  const random = (n: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % n;
  };
  const proof = sign(member.set, { headers: uniqueId, query: 'a=1' });
  const pieces = [
    '',
    ' ',
    ';',
    ',',
    '=',
    '/',
    '%',
    '%zz',
    '%C3',
    'a',
    '\u0000',
    '\ud800',
    'é',
    '..',
    '//',
    'host',
    'x-amz-date',
    '1'.repeat(5000),
  ];
  const mangle = (text: string) => {
    const at = random(text.length + 1);
    return text.slice(0, at) + pieces[random(pieces.length)]! + text.slice(at + random(4));
  };
  const outcomes: Record<string, number> = {};
  for (let i = 0; i < 60_000; i++) {
    const headers = [...proof.headers];
    const part = random(4);
    for (let n = 0; n <= random(3); n++) {
      const at = random(headers.length);
      if (part === 0) headers[at] = mangle(headers[at]!);
      // The Authorization value comes last.
      if (part === 1) headers[headers.length - 1] = mangle(headers.at(-1)!);
    }
    const mangled = {
      ...proof,
      headers,
      path: part === 2 ? `/${mangle('/a/b%20c/../d')}` : proof.path,
      query: part === 3 ? mangle('a=1&b=%C3%A9&c') : proof.query,
    };
    let outcome = 'parsed';
    try {
      assert.equal(parseSigV4(mangled).stringToSign.split('\n').length, 4);
    } catch (error) {
      if (!(error instanceof KmsError)) throw error;
      outcome = error.code;
    }
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  assert.deepEqual(Object.keys(outcomes).sort(), ['incomplete-proof', 'invalid-proof', 'parsed', 'unauthenticated']);
});

test('long and hostile Authorization headers are refused in no time', () => {
  const proof = sign(member.set, {});
  const hostile = [
    `AWS4-HMAC-SHA256${' '.repeat(4000)}`,
    `AWS4-HMAC-SHA256 Credential=a/20261124/${'-'.repeat(32)}/kms/aws4_request, SignedHeaders=${';'.repeat(2000)}`,
    `AWS4-HMAC-SHA256 Credential=a/20261124/r/kms/aws4_request${' '.repeat(1000)},${' '.repeat(1000)}x`,
    'A'.repeat(1_000_000),
  ];
  const before = performance.now();
  for (const value of hostile) {
    for (let i = 0; i < 100; i++) {
      assert.throws(() => parseSigV4(replaceHeader(proof, 'authorization', () => value)), {
        code: /^(?:invalid|incomplete)-proof$/,
      });
    }
  }
  assert.ok(performance.now() - before < 1000);
});
