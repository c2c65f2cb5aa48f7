import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { toUtf8 } from '#encoding/encoding.ts';
import { Doors } from './testing/doors.ts';
import { House, textOf } from './testing/house.ts';

const pair = await generateKeyPair('ES256', { extractable: true });
const pem = await exportSPKI(pair.publicKey);

let house: House;
let doors: Doors;
let counted = 0;
const fresh = (word: string) => `${word}-${++counted}`;

before(async () => {
  house = await House.open();
  doors = new Doors(house);
});

const as = <T>(json: object) => json as T;
const issued = (json: object) => as<{ auth: { client_token: string } }>(json).auth.client_token;

function signed(claims: object = {}): Promise<string> {
  const now = Math.floor(house.now / 1000);
  const all = { sub: 'alice', aud: 'vault', iat: now, exp: now + 3600, ...claims };
  return new SignJWT(all).setProtectedHeader({ alg: 'ES256' }).sign(pair.privateKey);
}

/** A mount that knows the key, with a role. */
async function mounted(path: string, name = 'ci'): Promise<string> {
  await doors.vault('POST', `sys/auth/${path}`, { type: 'jwt' });
  await doors.vault('POST', `auth/${path}/config`, { jwt_validation_pubkeys: [pem] });
  const role = { role_type: 'jwt', user_claim: 'sub', bound_audiences: 'vault' };
  assert.equal((await doors.vault('POST', `auth/${path}/role/${name}`, role)).status, 204);
  return path;
}

const login = async (path: string, token = '', role = 'ci') =>
  doors.vault('POST', `auth/${path}/login`, { role, jwt: await signed() }, token);

const lookup = (token: string) => doors.vault('GET', 'auth/token/lookup-self', undefined, token);

test('of logins that race with the end of their mount none leaves a token that works', async () => {
  for (let round = 0; round < 5; round++) {
    const path = await mounted(fresh('racing'));
    const logins = Array.from({ length: 12 }, () => login(path));
    const ending = doors.vault('DELETE', `sys/auth/${path}`);
    const answers = await Promise.all(logins);
    assert.equal((await ending).status, 204);
    for (const { status, json } of answers) {
      if (status === 200) assert.equal((await lookup(issued(json))).status, 403);
      else assert.ok(status === 400 || status === 403 || status === 404, String(status));
    }
    assert.notEqual((await login(path)).status, 200);
    await mounted(path);
    for (const { status, json } of answers) if (status === 200) assert.equal((await lookup(issued(json))).status, 403);
  }
});

test('policies judge the path that the client wrote', async () => {
  const [mine, other] = [await mounted(fresh('mine')), await mounted(fresh('other'))];
  const policy = `path "auth/${mine}/role/*" { capabilities = ["read", "update", "create"] }`;
  await doors.vault('POST', 'sys/policies/acl/roles', { policy });
  const narrow = issued((await doors.vault('POST', 'auth/token/create', { policies: ['roles'] })).json);
  const read = (path: string) => doors.vault('GET', path, undefined, narrow);
  assert.equal((await read(`auth/${mine}/role/ci`)).status, 200);
  for (const path of [`auth/${other}/role/ci`, 'auth/jwt/role/ci', `auth/${mine}/config`, `sys/auth/${mine}`]) {
    assert.equal((await read(path)).status, 403, path);
  }
  // However it is spelled, it is the same path.
  const twisted = [`auth/${mine}/../${other}/role/ci`, `auth/${mine}%2F..%2F${other}/role/ci`, `auth/${mine}//role/ci`];
  for (const path of twisted) assert.notEqual((await read(path)).status, 200, path);
});

test('a wrong token beside a login changes nothing, and a path that leads nowhere tells nobody anything', async () => {
  const path = await mounted(fresh('open'));
  assert.equal((await login(path, 'nonsense')).status, 200);
  const absent = await doors.vault('POST', 'auth/absent/login', { role: 'ci', jwt: 'x' }, 'nonsense');
  const present = await doors.vault('GET', `auth/${path}/config`, undefined, 'nonsense');
  assert.deepEqual([absent.status, absent.text], [present.status, present.text]);
});

test('in another realm there are other mounts, whose keys are given and not asked for', async () => {
  const realm = fresh('branch');
  const officer = await house.hire('otto', 'developer', { realm });
  const token = textOf(officer.token);
  const path = await mounted(fresh('twice'));
  assert.equal((await doors.vault('GET', `auth/${path}/config`, undefined, token)).status, 404);
  assert.equal((await doors.vault('POST', `sys/auth/${path}`, { type: 'jwt' }, token)).status, 204);
  const config = (body: object) => doors.vault('POST', `auth/${path}/config`, body, token);
  house.outbound = async () => ({ status: 200, text: '{"keys":[]}' });
  for (const body of [{ jwks_url: 'https://inner.example/keys' }, { oidc_discovery_url: 'http://127.0.0.1:9200' }]) {
    assert.equal((await config({ ...body, skip_jwks_validation: true })).status, 403);
  }
  assert.equal((await config({ jwt_validation_pubkeys: [pem] })).status, 204);
  const role = { role_type: 'jwt', user_claim: 'sub', bound_audiences: 'vault' };
  assert.equal((await doors.vault('POST', `auth/${path}/role/ci`, role, token)).status, 204);
  const here = issued((await login(path)).json);
  const there = issued((await login(path, token)).json);
  const realmOf = async (one: string) =>
    as<{ data: { meta: { realm: string } } }>((await lookup(one)).json).data.meta.realm;
  assert.notEqual(await realmOf(here), await realmOf(there));
  // Whose token comes along doesn't matter where the realm is named.
  const named = await doors.send({
    ...{ method: 'POST', path: `/v1/auth/${path}/login`, query: '' },
    headers: ['x-vault-token', textOf(house.first.token), 'x-vault-namespace', realm],
    body: toUtf8(JSON.stringify({ role: 'ci', jwt: await signed() })),
  });
  assert.equal(await realmOf(issued(named.json)), await realmOf(there));
  await doors.vault('DELETE', `sys/auth/${path}`);
  assert.deepEqual([(await lookup(here)).status, (await lookup(there)).status], [403, 200]);
});

test('who does not govern makes no mount, and sees none of their settings', async () => {
  const production = await House.open({ mode: 'production' });
  const other = new Doors(production);
  await other.vault('POST', 'sys/auth/ci', { type: 'jwt' });
  assert.equal((await other.vault('POST', 'auth/ci/config', { jwt_validation_pubkeys: [pem] })).status, 204);
  const user = textOf((await production.hire('ulla', 'key-user')).token);
  assert.equal((await other.vault('GET', 'sys/auth', undefined, user)).status, 200);
  for (const [method, path] of [
    ['POST', 'sys/auth/mine'],
    ['DELETE', 'sys/auth/ci'],
    ['POST', 'sys/auth/ci/tune'],
    ['GET', 'auth/ci/config'],
    ['POST', 'auth/ci/config'],
    ['POST', 'auth/ci/role/me'],
  ] as const) {
    const body = {
      type: 'jwt',
      jwt_validation_pubkeys: [pem],
      role_type: 'jwt',
      user_claim: 'sub',
      bound_subject: 'me',
    };
    const given = method === 'POST' ? onlyKnown(path, body) : undefined;
    assert.equal((await other.vault(method, path, given, user)).status, 403, `${method} ${path}`);
  }
});

/** What belongs to the path. */
function onlyKnown(path: string, { type, jwt_validation_pubkeys, ...role }: Record<string, unknown>): object {
  if (path.endsWith('config')) return { jwt_validation_pubkeys };
  if (path.includes('role')) return role;
  return path.endsWith('tune') ? { description: 'mine' } : { type };
}

test('an identity that is disabled logs in by none of its roles', async () => {
  const path = await mounted(fresh('disabled'), 'gone');
  const token = issued((await login(path, '', 'gone')).json);
  await house.perform({ kind: 'disable-identity', name: 'gone' });
  assert.equal((await lookup(token)).status, 403);
  assert.equal((await login(path, '', 'gone')).status, 400);
});

// The last one: another server has the data afterwards.
test('a token that was read just before its mount ended is not believed after', async () => {
  const path = await mounted(fresh('known'));
  const token = issued((await login(path)).json);
  assert.equal((await lookup(token)).status, 200);
  await doors.vault('DELETE', `sys/auth/${path}`);
  assert.equal((await lookup(token)).status, 403);
  // Nor by a server that never knew the mount otherwise.
  const next = await house.reopen();
  await next.unseal();
  assert.equal((await new Doors(next).vault('GET', 'auth/token/lookup-self', undefined, token)).status, 403);
});
