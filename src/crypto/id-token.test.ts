import assert from 'node:assert/strict';
import { createSign, KeyObject, type webcrypto } from 'node:crypto';
import { test } from 'node:test';
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { toUtf8 } from '#encoding/encoding.ts';
import { issuerNamedBy, type KeySet, readKeySet, verifyIdToken } from './id-token.ts';

const now = Date.UTC(2026, 10, 24, 12);
const seconds = now / 1000;
const issuer = 'https://issuer.example';
const usual = { iss: issuer, sub: 'subject', aud: 'me', iat: seconds, exp: seconds + 300 };
const audiences = ['me', 'too'];
const check = (token: string, keys: KeySet) => verifyIdToken(token, { keys, issuer, audiences, now });

async function pairOf(alg: string, kid = 'one') {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const keys = readKeySet(JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }] }))!;
  const sign = (claims: JWTPayload = usual, header: object = {}) =>
    new SignJWT(claims).setProtectedHeader({ alg, kid, ...header }).sign(privateKey);
  return { publicKey, keys, sign };
}

test('believes signatures of every key pair that providers use', async () => {
  for (const alg of ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']) {
    const { keys, sign } = await pairOf(alg);
    const claims = await check(await sign(), keys);
    assert.ok(typeof claims === 'object' && claims.sub === 'subject', `${alg}: ${JSON.stringify(claims)}`);
  }
});

test('believes no token without a signature, nor one that is signed with what everybody knows', async () => {
  const { keys, publicKey } = await pairOf('RS256');
  assert.equal(await check(new UnsecuredJWT(usual).encode(), keys), 'malformed');
  for (const secret of [await exportSPKI(publicKey), JSON.stringify(keys.keys[0]), 'x'.repeat(32)]) {
    for (const alg of ['HS256', 'HS384', 'HS512']) {
      const token = await new SignJWT(usual).setProtectedHeader({ alg, kid: 'one' }).sign(toUtf8(secret));
      assert.equal(typeof (await check(token, keys)), 'string', alg);
    }
  }
});

test('a key is for its own algorithm and its own name', async () => {
  const { keys, sign } = await pairOf('ES256');
  assert.equal(await check(await sign(usual, { kid: 'two' }), keys), 'unknown-key');
  assert.equal(await check(await (await pairOf('ES256')).sign(), keys), 'malformed');
  assert.equal(await check(await (await pairOf('RS256')).sign(), keys), 'unknown-key');
});

test('says which claim does not hold', async () => {
  const { keys, sign } = await pairOf('ES256');
  const of = async (claims: Record<string, unknown>) => {
    const verdict = await check(await sign(JSON.parse(JSON.stringify({ ...usual, ...claims }))), keys);
    return typeof verdict === 'string' ? verdict : 'believed';
  };
  assert.equal(await of({ aud: ['other', 'too'] }), 'believed');
  assert.equal(await of({ exp: seconds - 59 }), 'believed');
  assert.equal(await of({ iat: seconds + 60, nbf: seconds + 60 }), 'believed');
  assert.equal(await of({ exp: seconds - 61 }), 'expired');
  assert.equal(await of({ aud: 'other' }), 'audience');
  assert.equal(await of({ aud: undefined }), 'audience');
  for (const claims of [
    { iss: `${issuer}/` },
    { iss: 'https://ISSUER.example' },
    { iss: undefined },
    { sub: undefined },
    { sub: '' },
    { sub: 7 },
    { exp: undefined },
    { exp: 'never' },
    { iat: undefined },
    { iat: seconds + 61 },
    { nbf: seconds + 61 },
  ]) {
    assert.equal(await of(claims), 'claim', JSON.stringify(claims));
  }
});

test('no change of any character of a token is believed', async () => {
  const { keys, sign } = await pairOf('ES256');
  const token = await sign();
  for (let at = 0; at < token.length; at++) {
    for (const other of ['A', 'x', '.', '-']) {
      const altered = token.slice(0, at) + other + token.slice(at + 1);
      if (altered === token) continue;
      assert.equal(typeof (await check(altered, keys)), 'string', altered);
    }
  }
  for (const text of ['', '.', '..', 'a.b', `${token}.`, `${token}x`, token.slice(0, -1)]) {
    assert.equal(typeof (await check(text, keys)), 'string', text);
  }
});

test('believes no token of which readers could take one member or the other', async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const keys = readKeySet(JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' }] }))!;
  const signed = async (header: string, claims: string) => {
    const input = [header, claims].map((part) => Buffer.from(part).toString('base64url')).join('.');
    const key = { key: KeyObject.from(privateKey as webcrypto.CryptoKey), dsaEncoding: 'ieee-p1363' } as const;
    return `${input}.${createSign('sha256').update(input).sign(key, 'base64url')}`;
  };
  const [header, claims] = ['{"alg":"ES256","kid":"one"}', JSON.stringify(usual)];
  assert.equal(typeof (await check(await signed(header, claims), keys)), 'object');
  for (const twins of ['"sub":"root",', '"aud":"me",', '"iss":"https://other.example",']) {
    assert.equal(await check(await signed(header, `{${twins}${claims.slice(1)}`), keys), 'malformed', twins);
  }
  assert.equal(await check(await signed('{"alg":"none","alg":"ES256","kid":"one"}', claims), keys), 'malformed');
});

test('reads the issuer of anything that names one, and of nothing else', async () => {
  const { sign } = await pairOf('ES256');
  assert.equal(issuerNamedBy(await sign()), issuer);
  const of = (payload: string) => issuerNamedBy(`x.${toUtf8(payload).toBase64({ alphabet: 'base64url' })}.x`);
  for (const payload of ['', 'null', '[]', '"a"', '{"iss":1}', '{"iss":null}', '{', '{"__proto__":{"iss":"a"}}']) {
    assert.equal(of(payload), undefined, payload);
  }
  for (const token of ['', 'x', '..', 'x.*.x']) assert.equal(issuerNamedBy(token), undefined);
});
