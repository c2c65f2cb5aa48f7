import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { Doors } from './testing/doors.ts';
import { House } from './testing/house.ts';

/** A provider that is asked by nothing but the house's outbound call. */
const pair = await generateKeyPair('RS256', { extractable: true });
const published = JSON.stringify({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'one', use: 'sig' }] });
const issuer = 'https://provider.test';
const redirect = 'https://client.test/back';
const tenMinutes = 10 * 60 * 1000;

let house: House;
let doors: Doors;
/** Codes that were traded so far. */
let traded: string[];
let idToken: () => Promise<string>;
let says: object;

beforeEach(async () => {
  house = await House.open();
  doors = new Doors(house);
  traded = [];
  says = {};
  house.outbound = async ({ url, post }) => ({ status: 200, text: await answer(url, post?.body) });
  await doors.vault('POST', 'sys/auth/sso', { type: 'oidc' });
  await configure();
  await doors.vault('POST', 'auth/sso/role/staff', { user_claim: 'sub', allowed_redirect_uris: redirect, max_age: 60 });
});

async function configure(): Promise<void> {
  const client = { oidc_client_id: 'claviger', oidc_client_secret: 'secret' };
  const { status } = await doors.vault('POST', 'auth/sso/config', { oidc_discovery_url: issuer, ...client });
  assert.equal(status, 204);
}

async function answer(url: string, body: string | undefined): Promise<string> {
  if (url.endsWith('/keys')) return published;
  if (url.endsWith('/token')) {
    traded.push(new URLSearchParams(body).get('code')!);
    return JSON.stringify({ id_token: await idToken() });
  }
  const at = (path: string) => `${issuer}/${path}`;
  const said = { issuer, jwks_uri: at('keys'), authorization_endpoint: at('go?x=y'), token_endpoint: at('token') };
  return JSON.stringify({ ...said, ...says });
}

interface Visit {
  readonly url: URL;
  back(code?: string): ReturnType<Doors['send']>;
}

async function visit(claims: object = {}): Promise<Visit> {
  const asked = { role: 'staff', redirect_uri: redirect };
  const { json } = await doors.vault('POST', 'auth/sso/oidc/auth_url', asked, '');
  const url = new URL((json.data as unknown as { auth_url: string }).auth_url);
  const [state, nonce] = [url.searchParams.get('state')!, url.searchParams.get('nonce')];
  idToken = () => {
    const now = Math.floor(house.now / 1000);
    const all = {
      iss: issuer,
      sub: 'alice',
      aud: 'claviger',
      iat: now,
      exp: now + 60,
      auth_time: now,
      nonce,
      ...claims,
    };
    return new SignJWT(all).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(pair.privateKey);
  };
  const back = (code = 'code') => {
    const query = new URLSearchParams({ state, code }).toString();
    const path = '/v1/auth/sso/oidc/callback';
    return doors.send({ method: 'GET', path, query, headers: [], body: new Uint8Array(0) });
  };
  return { url, back };
}

test('asks the provider for a code with PKCE, a nonce and an age, beside what its page has of its own', async () => {
  const { url } = await visit();
  const asked = Object.fromEntries(url.searchParams);
  assert.deepEqual([asked.x, asked.response_type, asked.scope, asked.max_age], ['y', 'code', 'openid', '60']);
  assert.equal(asked.code_challenge_method, 'S256');
  const other = (await visit()).url.searchParams;
  for (const name of ['state', 'nonce', 'code_challenge']) {
    assert.equal(asked[name]!.length, 43);
    assert.notEqual(other.get(name), asked[name]);
  }
});

test('a code is traded once, also where the login is decided on again', async () => {
  const { back } = await visit();
  const asked = house.outbound;
  house.outbound = async (request) => {
    const told = await asked(request);
    // Rights change while the provider is asked.
    if (request.url.endsWith('/token')) await house.hire('new');
    return told;
  };
  assert.equal((await back()).status, 200);
  assert.deepEqual(traded, ['code']);
});

test('a state leads back once, in ten minutes, and not to another mount', async () => {
  const late = await visit();
  house.now += tenMinutes;
  assert.match((await late.back()).text, /Expired or missing/);
  const once = await visit();
  const both = await Promise.all([once.back(), once.back()]);
  assert.deepEqual(both.map(({ status }) => status).sort(), [200, 400]);
  const moved = await visit();
  await doors.vault('DELETE', 'sys/auth/sso');
  await doors.vault('POST', 'sys/auth/sso', { type: 'oidc' });
  await configure();
  assert.match((await moved.back()).text, /Expired or missing/);
  assert.equal(traded.length, 1);
});

test('who was sent to a provider comes back to no other', async () => {
  const sent = await visit();
  await configure();
  assert.match((await sent.back()).text, /Expired or missing/);
  assert.deepEqual(traded, []);
  const asked = house.outbound;
  const under = await visit();
  house.outbound = async (request) => {
    const told = await asked(request);
    if (request.url.endsWith('/token')) await configure();
    return told;
  };
  assert.match((await under.back()).text, /Expired or missing/);
  assert.deepEqual(traded, ['code']);
});

test('who proved himself too long ago, or does not say when, is not let in', async () => {
  const ago = (seconds: number) => ({ auth_time: Math.floor(house.now / 1000) - seconds });
  assert.equal((await (await visit(ago(30))).back()).status, 200);
  for (const claims of [ago(200), { auth_time: undefined }, { auth_time: 'now' }]) {
    assert.match((await (await visit(claims)).back()).text, /too long ago/);
  }
});

test('a provider elsewhere points the server at nothing on its own machine', async () => {
  for (const more of [
    { token_endpoint: 'http://127.0.0.1:8200/v1/sys/seal' },
    { jwks_uri: 'http://localhost/keys' },
    { issuer: 'https://other.test' },
    { jwks_uri: 'file:///etc/passwd' },
    { jwks_uri: undefined },
  ]) {
    says = more;
    const asked: string[] = [];
    house.outbound = async ({ url, post }) => {
      asked.push(url);
      return { status: 200, text: await answer(url, post?.body) };
    };
    const config = { oidc_discovery_url: issuer, oidc_client_id: 'claviger', oidc_client_secret: 'secret' };
    const { status } = await doors.vault('POST', 'auth/sso/config', config);
    if ('token_endpoint' in more) {
      assert.equal(status, 204);
      assert.match((await (await visit()).back()).text, /Error exchanging/);
    } else assert.equal(status, 400, JSON.stringify(more));
    assert.ok(
      asked.every((url) => url.startsWith(issuer)),
      asked.join(' '),
    );
  }
});
