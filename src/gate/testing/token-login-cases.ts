/** Requests of Vault's about mounts for logins, and about logins by token and by provider, one for each row. */
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { type Case, type Cases, canaries, fresh } from './cases.ts';
import type { Doors } from './doors.ts';

const pair = await generateKeyPair('RS256', { extractable: true });
const pem = await exportSPKI(pair.publicKey);
const published = JSON.stringify({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'one', use: 'sig' }] });

const issuer = 'https://provider.test';
const redirect = 'https://client.test/back';
const client = 'claviger';

function token({ house }: Doors, claims: object): Promise<string> {
  const now = Math.floor(house.now / 1000);
  const all = { iss: issuer, sub: 'alice', iat: now, exp: now + 300, ...claims };
  return new SignJWT(all).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(pair.privateKey);
}

const tune = { description: 'told', default_lease_ttl: '1h' };

/** At a mount of its own. */
function onMount(method: string, path: string, body?: object): Case {
  return async (doors) => {
    const mount = fresh('mount');
    await doors.house.perform({ kind: 'enable-auth-mount', path: mount, type: 'approle' });
    return () => doors.vault(method, path.replace(':mount', mount), body);
  };
}

const keys = () => ({ jwt_validation_pubkeys: [pem], bound_issuer: issuer });
const role = () => ({ role_type: 'jwt', user_claim: 'sub', bound_subject: 'alice' });

/** At a mount of its own that knows a key, with a role. */
function onTokens(method: string, path: string, body?: (doors: Doors, name: string) => object | Promise<object>): Case {
  return async (doors) => {
    const [mount, name] = [fresh('jwt'), fresh('login')];
    await doors.house.perform({ kind: 'enable-auth-mount', path: mount, type: 'jwt' });
    await doors.vault('POST', `auth/${mount}/config`, keys());
    await doors.vault('POST', `auth/${mount}/role/${name}`, role());
    const fields = await body?.(doors, name);
    return () => doors.vault(method, `auth/${mount}/${path.replace(':name', name)}`, fields);
  };
}

const discovery = JSON.stringify({
  issuer,
  jwks_uri: `${issuer}/keys`,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
});

/** Somebody who is sent to a provider's page, and comes back from it. */
async function onProvider(doors: Doors) {
  const [mount, name] = [fresh('oidc'), fresh('login')];
  /** By the code that each is given for. */
  const idTokens = new Map<string, string>();
  doors.house.outbound = async ({ url, post }) => {
    const code = new URLSearchParams(post?.body).get('code') ?? '';
    const given = () => JSON.stringify({ id_token: idTokens.get(code) });
    return { status: 200, text: url.endsWith('/keys') ? published : url.endsWith('/token') ? given() : discovery };
  };
  await doors.house.perform({ kind: 'enable-auth-mount', path: mount, type: 'oidc' });
  const config = { oidc_discovery_url: issuer, oidc_client_id: client, oidc_client_secret: canaries.material };
  await doors.vault('POST', `auth/${mount}/config`, config);
  await doors.vault('POST', `auth/${mount}/role/${name}`, { user_claim: 'sub', allowed_redirect_uris: redirect });
  const begin = () => doors.vault('POST', `auth/${mount}/oidc/auth_url`, { role: name, redirect_uri: redirect }, '');
  /** As often as it is called, in the way of somebody else each time: a state leads back once. */
  const comeBack = async () => {
    const queries: string[] = [];
    for (const code of ['one', 'two', 'three', 'four']) {
      const { auth_url } = (await begin()).json.data as unknown as { auth_url: string };
      const asked = new URL(auth_url).searchParams;
      idTokens.set(code, await token(doors, { aud: client, nonce: asked.get('nonce') }));
      queries.push(new URLSearchParams({ state: asked.get('state') ?? '', code }).toString());
    }
    const path = `/v1/auth/${mount}/oidc/callback`;
    return () => doors.send({ method: 'GET', path, query: queries.pop()!, headers: [], body: new Uint8Array(0) });
  };
  return { begin, comeBack };
}

export const tokenLoginCases: Cases = {
  'GET sys/auth': async (doors) => () => doors.vault('GET', 'sys/auth'),
  'GET sys/auth/*': onMount('GET', 'sys/auth/:mount'),
  'POST sys/auth/*': async (doors) => () => doors.vault('POST', `sys/auth/${fresh('mount')}`, { type: 'jwt' }),
  'DELETE sys/auth/*': onMount('DELETE', 'sys/auth/:mount'),
  'GET sys/auth/*/tune': onMount('GET', 'sys/auth/:mount/tune'),
  'POST sys/auth/*/tune': onMount('POST', 'sys/auth/:mount/tune', tune),
  'GET auth/jwt/config': onTokens('GET', 'config'),
  'POST auth/jwt/config': onTokens('POST', 'config', keys),
  'LIST auth/jwt/role': onTokens('LIST', 'role'),
  'GET auth/jwt/role/:name': onTokens('GET', 'role/:name'),
  'POST auth/jwt/role/:name': onTokens('POST', 'role/:name', role),
  'DELETE auth/jwt/role/:name': onTokens('DELETE', 'role/:name'),
  'POST auth/jwt/login': onTokens('POST', 'login', async (doors, name) => ({
    role: name,
    jwt: await token(doors, {}),
  })),
  'POST auth/jwt/oidc/auth_url': async (doors) => (await onProvider(doors)).begin,
  'GET auth/jwt/oidc/callback': async (doors) => (await onProvider(doors)).comeBack(),
};
