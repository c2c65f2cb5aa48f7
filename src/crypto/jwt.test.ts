import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { test } from 'node:test';
import { jwtAlgorithms, keyOfPem, readKeySet, verifyJwt } from './crypto.ts';

interface Pair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const curves = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' } as const;

function pairFor(alg: string): Pair {
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519');
  if (alg.startsWith('ES')) return generateKeyPairSync('ec', { namedCurve: curves[alg as 'ES256'] });
  return rsa;
}

const encode = (part: object | string) =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');

/** By node's own functions, apart from the library that verifies. */
function signed(
  alg: string,
  key: KeyObject,
  claims: object | string = { sub: 'a' },
  header: object | string = { alg },
) {
  const text = `${encode(header)}.${encode(claims)}`;
  const hash = alg === 'EdDSA' ? null : `sha${alg.slice(2)}`;
  const how = alg.startsWith('PS') ? { padding: 6, saltLength: -1 } : {};
  const signature = sign(hash, Buffer.from(text), { key, dsaEncoding: 'ieee-p1363', ...how });
  return `${text}.${signature.toString('base64url')}`;
}

const setOf = (...keys: readonly object[]) => ({ keys: keys as never });
const jwk = ({ publicKey }: Pair, more: object = {}) => ({ ...publicKey.export({ format: 'jwk' }), ...more });

test('verifies every algorithm that it names, and each key as its own type alone', async () => {
  const pairs = jwtAlgorithms.map((alg) => ({ alg, pair: pairFor(alg) }));
  for (const { alg, pair } of pairs) {
    const token = signed(alg, pair.privateKey);
    assert.deepEqual(await verifyJwt(token, setOf(jwk(pair)), jwtAlgorithms), { sub: 'a' }, alg);
    assert.equal(
      await verifyJwt(token, setOf(jwk(pairFor(alg === 'EdDSA' ? 'ES256' : 'EdDSA'))), jwtAlgorithms),
      'unknown-key',
    );
    assert.equal(await verifyJwt(token, setOf(jwk(pair, { alg: 'RS1' })), jwtAlgorithms), 'unknown-key');
    const others = jwtAlgorithms.filter((one) => one !== alg);
    assert.equal(await verifyJwt(token, setOf(jwk(pair)), others), 'algorithm');
    const bent = token.slice(0, -6) + (token.at(-6) === 'A' ? 'B' : 'A') + token.slice(-5);
    assert.equal(await verifyJwt(bent, setOf(jwk(pair)), jwtAlgorithms), 'signature');
  }
});

test('takes no signature of a shared secret, whatever the key set and the list of algorithms say', async () => {
  const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' });
  for (const alg of ['HS256', 'none', 'NONE', '', 'RS256 ', '__proto__', 'constructor']) {
    const text = `${encode({ alg })}.${encode({ sub: 'a' })}`;
    const token = `${text}.${createHmac('sha256', pem).update(text).digest('base64url')}`;
    assert.equal(await verifyJwt(token, setOf(jwk(rsa)), [...jwtAlgorithms, alg]), 'algorithm', alg);
  }
  const secret = { kty: 'oct', k: encode('secret'), alg: 'HS256' };
  assert.equal(readKeySet(JSON.stringify({ keys: [jwk(rsa), secret] })), undefined);
});

test('tries each key of a name, and any where none is named', async () => {
  const [one, other] = [pairFor('ES256'), pairFor('ES256')];
  const set = setOf(jwk(one, { kid: 'a' }), jwk(other, { kid: 'a' }), jwk(rsa, { kid: 'b' }));
  const named = (kid: unknown) => signed('ES256', other.privateKey, { sub: 'a' }, { alg: 'ES256', kid } as object);
  assert.deepEqual(await verifyJwt(named('a'), set, jwtAlgorithms), { sub: 'a' });
  assert.deepEqual(await verifyJwt(named(undefined), set, jwtAlgorithms), { sub: 'a' });
  assert.equal(await verifyJwt(named('c'), set, jwtAlgorithms), 'unknown-key');
  // A key of the right name and another type.
  assert.equal(await verifyJwt(named('b'), set, jwtAlgorithms), 'unknown-key');
  for (const kid of [null, 1, ['a'], {}]) assert.equal(await verifyJwt(named(kid), set, jwtAlgorithms), 'malformed');
});

test('reads a token in one way or not at all', async () => {
  const keys = setOf(jwk(rsa));
  const verdict = (token: string) => verifyJwt(token, keys, jwtAlgorithms);
  const good = signed('RS256', rsa.privateKey);
  assert.deepEqual(await verdict(good), { sub: 'a' });
  const [header, claims, signature] = good.split('.') as [string, string, string];
  const bad = [
    '',
    '..',
    'a.b.c',
    `${header}.${claims}`,
    `${header}.${claims}.`,
    `${good}.`,
    `${good}.${signature}`,
    `${header}=.${claims}.${signature}`,
    ` ${good}`,
    `${good}\n`,
    signed('RS256', rsa.privateKey, '{"sub":"a","sub":"b"}'),
    signed('RS256', rsa.privateKey, '{"sub":"a","s\\u0075b":"b"}'),
    signed('RS256', rsa.privateKey, '{"x":[{"y":1,"y":1}]}'),
    signed('RS256', rsa.privateKey, '[]'),
    signed('RS256', rsa.privateKey, 'null'),
    signed('RS256', rsa.privateKey, '"a"'),
    signed('RS256', rsa.privateKey, '{"a":1}x'),
    signed('RS256', rsa.privateKey, `${'['.repeat(50)}${']'.repeat(50)}`),
    signed('RS256', rsa.privateKey, { a: 1 }, '{"alg":"none","alg":"RS256"}'),
    signed('RS256', rsa.privateKey, { a: 1 }, { alg: 'RS256', crit: ['x'], x: 1 }),
    signed('RS256', rsa.privateKey, { a: 1 }, { alg: 'RS256', b64: false, crit: ['b64'] }),
  ];
  for (const token of bad) assert.equal(await verdict(token), 'malformed', token.slice(0, 80));
  // Two members of one name in different objects are no twins, nor is a name inside of a text.
  const apart = { a: { b: 1 }, c: { b: 2 }, d: [{ b: 3 }, { b: 4 }], e: '"a":1,"a":2' };
  assert.deepEqual(await verdict(signed('RS256', rsa.privateKey, apart)), apart);
});

test('takes no key that is too weak, and no private key for a public one', async () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
  assert.equal(await verifyJwt(signed('RS256', weak.privateKey), setOf(jwk(weak)), jwtAlgorithms), 'signature');
  const spki = rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string;
  const pkcs1 = rsa.publicKey.export({ type: 'pkcs1', format: 'pem' }) as string;
  assert.deepEqual(keyOfPem(spki), keyOfPem(pkcs1));
  for (const type of ['pkcs1', 'pkcs8'] as const) {
    assert.equal(keyOfPem(rsa.privateKey.export({ type, format: 'pem' }) as string), undefined);
  }
  for (const text of ['', 'x', spki.slice(0, 100)]) assert.equal(keyOfPem(text), undefined);
});
