import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { serverOfThisFile } from '../../harness.ts';
import { bao } from '../../openbao.ts';
import { clientFrom, refused } from './client.ts';
import { holds, noHvac } from './hvac.ts';
import { client, IdentityProvider, signed } from './identity-provider.ts';

const provider = await IdentityProvider.start();
const { server, env: first } = await serverOfThisFile();
let env = first;
let vault = clientFrom(env);
let nobody = clientFrom(env, '');
const home = mkdtempSync(join(tmpdir(), 'claviger-jwt-'));
after(() => rmSync(home, { recursive: true }));

const redirect = 'http://localhost:8250/oidc/callback';

await vault.write('sys/auth/jwt', { type: 'jwt' });
await vault.write('auth/jwt/config', { oidc_discovery_url: provider.url, default_role: 'demo' });
await vault.write('auth/jwt/role/demo', {
  role_type: 'jwt',
  user_claim: 'sub',
  bound_audiences: 'vault',
  token_policies: 'demo',
  token_ttl: '10m',
});
await vault.write('sys/auth/sso', { type: 'oidc' });
await vault.write('auth/sso/config', {
  oidc_discovery_url: provider.url,
  oidc_client_id: client.id,
  oidc_client_secret: client.secret,
  default_role: 'staff',
});
await vault.write('auth/sso/role/staff', {
  user_claim: 'sub',
  allowed_redirect_uris: [redirect, 'https://app.example/back'],
  claim_mappings: { mail: 'mail' },
});

const login = (jwt: string, role = 'demo') => nobody.write('auth/jwt/login', { role, jwt });
const valid = (claims: object = {}, header: object = {}) =>
  provider.token({ sub: 'alice', aud: 'vault', ...claims }, header);

test('hvac enables, configures and logs in as to Vault', { skip: noHvac, timeout: 120_000 }, () =>
  holds(
    'hvac_jwt.py',
    { ...env, PROVIDER: provider.url, JWT: valid(), CLIENT_ID: client.id, CLIENT_SECRET: client.secret },
    12,
  ),
);

test('a token of the provider makes one of an identity, called after whom it names', async () => {
  const { auth } = await login(valid());
  assert.deepEqual(auth.policies, ['default', 'demo']);
  assert.equal(auth.lease_duration, 600);
  const { data } = await clientFrom(env, auth.client_token).tokenLookupSelf();
  assert.deepEqual([data.display_name, data.path, data.meta.role], ['jwt-alice', 'auth/jwt/login', 'demo']);
});

test('keys that the provider exchanges are found, and one that nobody published is not asked for again and again', async () => {
  const former = valid();
  await login(former);
  await provider.exchangeKey();
  await login(valid());
  await refused(login(former), 400, /no known key/);
  const asked = provider.keysAsked;
  for (let i = 0; i < 20; i++) await refused(login(former), 400, /no known key/);
  assert.ok(provider.keysAsked <= asked + 5, 'a wrong token makes the server ask without end');
});

test('refuses what is signed by nobody, by a shared secret, or by a key that the token brings along', async () => {
  const refuses = (token: string, words: RegExp) => refused(login(token), 400, words);
  const [header, claims, signature] = valid().split('.') as [string, string, string];
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const pem = createPublicKey(provider.key.privateKey).export({ type: 'spki', format: 'pem' });
  await refuses(`${encode({ alg: 'none' })}.${claims}.`, /malformed/);
  for (const alg of ['none', 'None', 'HS256', 'hs256', '']) {
    const text = `${encode({ alg, kid: provider.key.kid })}.${claims}`;
    await refuses(`${text}.${createHmac('sha256', pem).update(text).digest('base64url')}`, /unexpected algorithm/);
  }
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const said = JSON.parse(Buffer.from(claims, 'base64url').toString());
  const own = publicKey.export({ format: 'jwk' });
  const kids = [provider.key.kid, '../../../dev/null', "' OR 1=1", '', '__proto__', 'x'.repeat(5000)];
  for (const kid of kids) {
    const brought = { alg: 'RS256', kid, jwk: own, jku: `${provider.url}/keys`, x5u: 'https://x.example' };
    await refuses(signed(brought, said, privateKey), /no known key/);
  }
  await refuses(signed({ alg: 'RS256', kid: 7 }, said, provider.key.privateKey), /malformed/);
  await refuses(signed({ alg: 'RS256', crit: ['exp'] }, said, provider.key.privateKey), /malformed/);
  await refuses(signed({ alg: 'RS256', b64: false, crit: ['b64'] }, said, provider.key.privateKey), /malformed/);
  for (const token of [
    '',
    'a.b.c',
    `${header}.${claims}`,
    `${header}.${claims}.`,
    `${header}.${claims}.${signature}.`,
  ]) {
    await refused(login(token), 400, /missing token|malformed|no known key/);
  }
  await refuses(`${header}.${claims}=.${signature}`, /malformed/);
  await refuses(`${header}.${claims}.${signature.slice(0, -4)}AAAA`, /no known key/);
  await refuses(valid({ pad: 'x'.repeat(20_000) }), /malformed/);
});

test('refuses a token that says one thing twice', async () => {
  const { kid, privateKey } = provider.key;
  const said = (more: string) =>
    `{"iss":"${provider.url}","aud":"vault","iat":${Math.floor(Date.now() / 1000)},${more}}`;
  const header = { alg: 'RS256', kid };
  await login(signed(header, said('"sub":"alice"'), privateKey));
  await refused(login(signed(header, said('"sub":"alice","sub":"root"'), privateKey)), 400, /malformed/);
  await refused(login(signed(header, said('"sub":"alice","\\u0073ub":"root"'), privateKey)), 400, /malformed/);
  await refused(login(signed(header, said('"sub":"a","x":{"y":1,"y":2}'), privateKey)), 400, /malformed/);
  await refused(
    login(signed(`{"alg":"none","alg":"RS256","kid":"${kid}"}`, said('"sub":"a"'), privateKey)),
    400,
    /malformed/,
  );
});

test('refuses a wrong time, issuer, audience or subject', async () => {
  const now = Math.floor(Date.now() / 1000);
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ exp: now - 100 }, /expired/],
    [{ nbf: now + 1000 }, /not yet valid/],
    [{ iat: now + 1000, nbf: now }, /issued in the future/],
    [{ exp: undefined, iat: undefined }, /no issued at/],
    [{ exp: 'soon' }, /no number/],
    [{ exp: -1 }, /no number/],
    [{ iss: 'https://other.example' }, /invalid issuer/],
    [{ iss: undefined }, /invalid issuer/],
    [{ iss: [provider.url] }, /invalid issuer/],
    [{ aud: 'other' }, /invalid audience/],
    [{ aud: undefined }, /invalid audience/],
    [{ aud: { vault: true } }, /invalid audience/],
    [{ aud: ['vaul', 'ault'] }, /invalid audience/],
    [{ sub: undefined }, /claim "sub" not found/],
    [{ sub: 7 }, /could not be converted/],
  ];
  for (const [claims, words] of wrong) await refused(login(valid(claims)), 400, words);
  await login(valid({ aud: ['x', 'vault'], exp: now - 30 }));
  await vault.write('auth/jwt/role/any', { role_type: 'jwt', user_claim: 'sub', bound_subject: 'alice' });
  await refused(login(valid(), 'any'), 400, /audience claim found in JWT but no audiences bound/);
  await login(valid({ aud: undefined }), 'any');
  await refused(login(valid({ aud: undefined, sub: 'Alice' }), 'any'), 400, /invalid subject/);
  await refused(login(valid(), 'absent'), 400, /could not be found/);
  await refused(login(valid(), 'toString'), 400, /could not be found/);
});

test('binds claims to lists of values, to patterns, and to what pointers lead to', async () => {
  const role = (bound_claims: object, bound_claims_type = 'string') =>
    vault.write('auth/jwt/role/bound', {
      ...{ role_type: 'jwt', user_claim: 'sub', bound_audiences: 'vault', bound_claims, bound_claims_type },
    });
  await role({ team: ['a', 'b'], level: 5, ok: true, '/nest/0/x~1y': 'z' });
  const fitting = { team: ['q', 'b'], level: 5, ok: true, nest: [{ 'x/y': 'z' }] };
  await login(valid(fitting), 'bound');
  const wrong = [
    { team: ['q'] },
    { team: 'ab' },
    { team: 'a,b' },
    { team: [] },
    { team: [['a']] },
    { team: null },
    { level: '5' },
    { level: 6 },
    { ok: 'true' },
    { ok: 1 },
    { nest: [] },
    { nest: { 0: { x: { y: 'z' } } } },
  ];
  for (const claims of wrong) await refused(login(valid({ ...fitting, ...claims }), 'bound'), 400, /claim/);
  await role({ ref: ['refs/heads/*', 'main'] }, 'glob');
  for (const ref of ['refs/heads/', 'refs/heads/a/b', 'main']) await login(valid({ ref }), 'bound');
  for (const ref of ['refs/tags/v1', 'main2', 'xrefs/heads/a', '*', 7]) {
    await refused(login(valid({ ref }), 'bound'), 400, /claim/);
  }
  await role({ ref: ['*'] });
  await refused(login(valid({ ref: 'x' }), 'bound'), 400, /claim/);
});

test('says at once that a provider is not there, and does not wait long for one that hangs', async () => {
  await refused(vault.write('auth/jwt/config', { jwks_url: 'http://127.0.0.1:9/' }), 400, /error checking jwks URL/);
  for (const url of [
    'http://10.0.0.1/keys',
    'http://localhost.example/keys',
    'file:///etc/passwd',
    'https://u:p@x.example/',
  ]) {
    await refused(vault.write('auth/jwt/config', { jwks_url: url }), 400, /over https/);
  }
  const slow = createServer();
  await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(slow.address() as AddressInfo).port}/keys`;
  try {
    await vault.write('sys/auth/slow', { type: 'jwt' });
    const begun = performance.now();
    await vault.write('auth/slow/config', { jwks_url: url, skip_jwks_validation: true });
    await vault.write('auth/slow/role/r', { role_type: 'jwt', user_claim: 'sub', bound_audiences: 'vault' });
    const logins = Array.from({ length: 20 }, () => nobody.write('auth/slow/login', { role: 'r', jwt: valid() }));
    // Everybody waits for one answer, and others are served meanwhile.
    await login(valid());
    for (const one of await Promise.allSettled(logins)) assert.equal(one.status, 'rejected');
    assert.ok(performance.now() - begun < 14_000);
  } finally {
    slow.closeAllConnections();
    slow.close();
  }
});

test('a mount at a path of its own keeps its roles apart, and what it gave ends with it', async () => {
  await vault.write('sys/auth/team/ci', { type: 'jwt', description: 'builds', config: { max_lease_ttl: '5m' } });
  await refused(vault.write('sys/auth/team', { type: 'jwt' }), 400, /already in use at team\/ci\//);
  await refused(vault.write('sys/auth/team/ci/x', { type: 'jwt' }), 400, /already in use at team\/ci\//);
  await vault.write('auth/team/ci/config', { oidc_discovery_url: provider.url });
  await refused(nobody.write('auth/team/ci/login', { role: 'demo', jwt: valid() }), 400, /could not be found/);
  await vault.write('auth/team/ci/role/demo', { role_type: 'jwt', user_claim: 'sub', bound_audiences: 'vault' });
  const { auth } = await nobody.write('auth/team/ci/login', { role: 'demo', jwt: valid() });
  assert.equal(auth.lease_duration, 300);
  const kept = (await login(valid())).auth;
  const child = await clientFrom(env, auth.client_token).tokenCreate({ ttl: '1m', policies: ['default'] });
  await vault.delete('sys/auth/team/ci');
  for (const { client_token } of [auth, child.auth]) {
    await refused(clientFrom(env, client_token).tokenLookupSelf(), 403, /permission denied/);
    await refused(vault.write('auth/token/lookup', { token: client_token }), 403, /bad token|permission denied/);
  }
  await clientFrom(env, kept.client_token).tokenLookupSelf();
  await vault.write('sys/auth/team/ci', { type: 'jwt' });
  await refused(clientFrom(env, auth.client_token).tokenLookupSelf(), 403, /permission denied/);
  await refused(vault.read('auth/team/ci/role/demo'), 404, /^$/);
});

test('AppRole at a path of its own is proven there only', async () => {
  await vault.write('sys/auth/machines', { type: 'approle' });
  await vault.write('auth/machines/role/m', { token_ttl: '1m' });
  const { role_id } = (await vault.read('auth/machines/role/m/role-id')).data;
  const { secret_id } = (await vault.write('auth/machines/role/m/secret-id', {})).data;
  await refused(nobody.write('auth/approle/login', { role_id, secret_id }), 400, /invalid role or secret/);
  const { auth } = await nobody.write('auth/machines/login', { role_id, secret_id });
  assert.equal((await clientFrom(env, auth.client_token).tokenLookupSelf()).data.path, 'auth/machines/login');
  await refused(vault.read('auth/approle/role/m'), 404, /^$/);
  await vault.delete('sys/auth/machines');
  await refused(nobody.write('auth/machines/login', { role_id, secret_id }), 400, /missing client token/);
});

interface Begun {
  readonly state: string;
  readonly url: URL;
}

async function begin(more: object = {}): Promise<Begun> {
  const { auth_url } = (await nobody.write('auth/sso/oidc/auth_url', { redirect_uri: redirect, ...more })).data;
  const url = new URL(auth_url);
  return { url, state: url.searchParams.get('state')! };
}

/** What the provider's page leads back with. */
async function visit({ url }: Begun): Promise<string> {
  const answer = await fetch(url, { redirect: 'manual' });
  return new URL(answer.headers.get('location')!).search.slice(1);
}

const back = (query: string) => nobody.read(`auth/sso/oidc/callback?${query}`);

test("a browser's way to the provider and back makes a token, once", async () => {
  provider.user = { sub: 'alice', mail: 'alice@example.org', aud: 'elsewhere' };
  const query = await visit(await begin());
  const { auth } = await back(query);
  assert.deepEqual(auth.metadata, { mail: 'alice@example.org', role: 'staff' });
  const { data } = await clientFrom(env, auth.client_token).tokenLookupSelf();
  assert.deepEqual([data.display_name, data.path], ['sso-alice', 'auth/sso/oidc/callback']);
  await refused(back(query), 400, /Expired or missing OAuth state/);
  provider.user = {};
});

test('only what the provider says to whom it was asked by counts', async () => {
  for (const says of [
    { nonce: 'other' },
    { nonce: undefined },
    { aud: 'other' },
    { aud: [client.id, 'other'] },
    { azp: 'other' },
    { iss: 'https://other.example' },
    { sub: undefined },
    { exp: 1 },
    { exp: undefined },
  ]) {
    provider.says = says;
    await refused(back(await visit(await begin())), 400, /Vault login failed/);
  }
  provider.says = { aud: [client.id, 'other'], azp: client.id };
  await back(await visit(await begin()));
  provider.says = {};
  const [one, other] = [await begin(), await begin({ client_nonce: 'n' })];
  const [code, otherCode] = [await visit(one), await visit(other)].map((query) =>
    new URLSearchParams(query).get('code'),
  );
  await refused(back(`state=${one.state}&code=${otherCode}`), 400, /Error exchanging/);
  await refused(back(`state=${one.state}&code=${code}`), 400, /Expired or missing/);
  await refused(back(`state=${other.state}&code=${code}`), 400, /invalid client_nonce/);
  await refused(back(`state=${other.state}&code=${otherCode}&client_nonce=n`), 400, /Expired or missing/);
  const denied = await begin();
  await refused(back(`state=${denied.state}&error=access_denied`), 400, /access_denied/);
  await refused(back('state=&code='), 400, /Expired or missing/);
  await refused(back('state=a&state=b&code=c'), 400, /more than once/);
});

test('leads back to allowed places only, on this machine at any port', async () => {
  const urlFor = async (redirect_uri: string) =>
    (await nobody.write('auth/sso/oidc/auth_url', { role: 'staff', redirect_uri })).data.auth_url;
  for (const uri of [redirect, 'http://localhost:9999/oidc/callback', 'https://app.example/back']) {
    assert.notEqual(await urlFor(uri), '', uri);
  }
  for (const uri of [
    'https://app.example/back/',
    'https://app.example/back?x=1',
    'https://app.example:8443/back',
    'https://APP.example/back',
    'https://app.example/back/../back',
    'http://app.example/back',
    'http://localhost:8250/oidc/callback/x',
    'http://localhost:8250/x/../oidc/callback',
    'http://localhost:8250@evil.example/oidc/callback',
    'http://user@localhost:8250/oidc/callback',
    'http://localhost.evil.example:8250/oidc/callback',
    'javascript:alert(1)',
    'x',
  ]) {
    assert.equal(await urlFor(uri), '', uri);
  }
  await refused(nobody.write('auth/sso/oidc/auth_url', {}), 400, /missing redirect_uri/);
  await refused(
    nobody.write('auth/jwt/oidc/auth_url', { redirect_uri: redirect }),
    400,
    /OIDC login is not configured/,
  );
  await refused(nobody.write('auth/sso/login', { role: 'staff', jwt: valid() }), 400, /oidc role_type is not allowed/);
});

/** `bao login` with a home of its own; the page that it would open is visited as soon as it names it. */
function baoLogin(args: readonly string[]): Promise<{ readonly code: number | null; readonly text: string }> {
  const { VAULT_TOKEN: _, ...rest } = env;
  const running = spawn(bao.path, ['login', ...args], { env: { PATH: process.env.PATH, HOME: home, ...rest } });
  let text = '';
  let visited = false;
  const hear = (part: Buffer) => {
    text += part.toString();
    const page = /\n\s+(http:\/\/127\.0\.0\.1:\d+\/authorize\S+)\s/.exec(text)?.[1];
    if (page === undefined || visited || !text.includes('Waiting for')) return;
    visited = true;
    fetch(page).catch((error) => {
      text += String(error);
    });
  };
  running.stdout.on('data', hear);
  running.stderr.on('data', hear);
  return new Promise((resolve) => running.on('close', (code) => resolve({ code, text })));
}

test("OpenBao's command line logs in with a token and through the provider's page", { skip: bao.missing }, async () => {
  const by = await baoLogin(['-method=oidc', '-path=sso', '-format=json', 'skip_browser=true', 'port=18250']);
  assert.equal(by.code, 0, by.text);
  assert.match(by.text, /"client_token": "clv\./);
  const written = await baoLogin(['-method=oidc', '-path=sso', 'role=absent', 'skip_browser=true', 'port=18250']);
  assert.notEqual(written.code, 0);
  assert.match(written.text, /could not be found/);
});

test('mounts, roles and what they gave outlive kill -9, and the end of a mount does too', async () => {
  const token = (await login(valid())).auth.client_token;
  await vault.write('sys/auth/passing', { type: 'jwt' });
  await vault.write('auth/passing/config', { oidc_discovery_url: provider.url });
  await vault.write('auth/passing/role/demo', { role_type: 'jwt', user_claim: 'sub', bound_audiences: 'vault' });
  const passing = (await nobody.write('auth/passing/login', { role: 'demo', jwt: valid() })).auth.client_token;
  await vault.delete('sys/auth/passing');
  await server.restart('SIGKILL');
  env = await server.env();
  vault = clientFrom(env);
  nobody = clientFrom(env, '');
  await clientFrom(env, token).tokenLookupSelf();
  await refused(clientFrom(env, passing).tokenLookupSelf(), 403, /permission denied/);
  await login(valid());
  // The client's secret opens again.
  await back(await visit(await begin()));
});
