import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command, CredentialSet, TokenRolePatch } from '#domain/domain.ts';
import { Doors } from './testing/doors.ts';
import { byToken, House, refused, textOf } from './testing/house.ts';

const hour = 3_600_000;

async function withRole(settings: TokenRolePatch, mode: 'production' | 'development' = 'production') {
  const house = await House.open({ mode });
  await house.perform({ kind: 'write-token-role', name: 'ci', settings });
  return house;
}

const make = (house: House, set: Pick<CredentialSet, 'token'>, more: Partial<Command<'create-role-token'>> = {}) =>
  house.perform({ kind: 'create-role-token', role: 'ci', names: [], ...more }, byToken(set));

test('a token of a role carries what the role allows, at the path of the role', async () => {
  const house = await withRole({ allowed: ['deploy'], pathSuffix: 'one-1', period: hour, uses: 3, renewable: false });
  const user = await house.hire('user', 'key-user');
  const { credential, policies, warnings } = await make(house, user, { uses: 9, period: 2 * hour });
  assert.deepEqual(policies, ['default', 'deploy']);
  assert.equal(credential.path, 'auth/token/create/ci/one-1');
  assert.equal(credential.role, 'ci');
  assert.equal(credential.identity, 'user');
  assert.equal(credential.uses, 3);
  assert.equal(credential.renewable, false);
  assert.equal(credential.period, hour);
  assert.equal(credential.expiresAt, house.now + hour);
  assert.deepEqual(warnings, [
    'Period specified both during creation call and in role; using the lesser value of 3600 seconds',
    'Policy "deploy" does not exist',
  ]);
  await refused('invalid-parameter', make(house, user, { names: ['root'] }));
  await refused('invalid-parameter', make(house, user, { role: 'nowhere' }));
});

test('what a request may not have meant is warned of', async () => {
  const house = await withRole({ maxTtl: 1.5 * hour });
  const { warnings, credential } = await make(house, house.first, { ttl: 3 * hour + 1000 });
  assert.deepEqual(warnings, [
    'TTL of "3h1s" exceeded the effective max_ttl of "1h30m"; TTL value is capped accordingly',
  ]);
  assert.equal(credential.expiresAt, house.now + 1.5 * hour);
  const plain = await house.perform({ kind: 'create-token', policies: ['default', 'nowhere', 'root'] });
  assert.deepEqual(plain.warnings, ['Policy "nowhere" does not exist']);
});

test('a role gives policies beyond the asking token, never actions or addresses beyond it', async () => {
  const house = await withRole({ allowed: ['deploy'] });
  const doors = new Doors(house);
  const user = await house.hire('user', 'key-user');
  const text = 'path "auth/token/create/ci" { capabilities = ["update"] }';
  await house.perform({ kind: 'write-acl-policy', name: 'ci', text });
  const held = await house.perform({ kind: 'create-token', policies: ['ci'] }, byToken(user));
  const answer = await doors.vault('POST', 'auth/token/create/ci', {}, textOf(held.token));
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual((answer.json as unknown as { auth: { policies: string[] } }).auth.policies, ['default', 'deploy']);
  const elsewhere = await doors.vault('POST', 'auth/token/create', { policies: ['deploy'] }, textOf(held.token));
  assert.equal(elsewhere.status, 403);

  const narrow = await house.perform({ kind: 'create-token', actions: ['encrypt'] }, byToken(user));
  const child = await make(house, narrow);
  assert.deepEqual(child.credential.actions, ['encrypt']);
  await house.perform({ kind: 'write-token-role', name: 'ci', settings: { cidrs: ['10.0.0.0/8'] } });
  const bound = await house.perform({ kind: 'create-token', cidrs: ['127.0.0.0/8'] }, byToken(user));
  await refused('denied', make(house, bound));
});

test('no role gives root to a token that does not carry it', async () => {
  const text = 'path "auth/token/create/ci" { capabilities = ["update"] }';
  for (const settings of [{ disallowed: ['admin'] }, { allowedGlobs: ['*'] }, { allowed: ['root'] }]) {
    const house = await withRole(settings);
    await house.perform({ kind: 'write-acl-policy', name: 'ci', text });
    const user = await house.hire('user', 'key-user');
    const held = await house.perform({ kind: 'create-token', policies: ['ci'] }, byToken(user));
    const ask = (token: string) =>
      new Doors(house).vault('POST', 'auth/token/create/ci', { policies: ['root'] }, token);
    const { status, json } = await ask(textOf(held.token));
    assert.equal(status, 400);
    assert.deepEqual(json.errors, ['root tokens may not be created without parent token being root']);
    const rooted = await house.perform({ kind: 'create-token', policies: ['root'] }, byToken(user));
    assert.equal((await ask(textOf(rooted.token))).status, 200);
  }
});

test('a token whose role was deleted is not renewed', async () => {
  const house = await withRole({ period: hour });
  const { credential } = await make(house, house.first);
  const renew = { kind: 'renew-token', accessor: credential.id } as const;
  await house.perform(renew);
  await house.perform({ kind: 'delete-token-role', name: 'ci' });
  await refused('invalid-parameter', house.perform(renew));
});

test('orphans by a role are for those whom policies let reach it, and for who may make orphans anyhow', async () => {
  const house = await withRole({ orphan: true });
  const doors = new Doors(house);
  const user = await house.hire('user', 'key-user');
  await refused('denied', make(house, user));
  const { credential } = await make(house, house.first);
  assert.equal(credential.parent, undefined);

  const text = 'path "auth/token/create/ci" { capabilities = ["update"] }';
  await house.perform({ kind: 'write-acl-policy', name: 'reach', text });
  const held = await house.perform({ kind: 'create-token', policies: ['reach'] }, byToken(user));
  const answer = await doors.vault('POST', 'auth/token/create/ci', {}, textOf(held.token));
  assert.equal(answer.status, 200, answer.text);
  const { auth } = answer.json as unknown as { auth: { orphan: boolean; client_token: string; policies: string[] } };
  assert.equal(auth.orphan, true);
  assert.deepEqual(auth.policies, ['reach']);
  await house.perform({ kind: 'revoke-token', accessor: held.credential.id }, byToken(user));
  assert.equal((await doors.vault('GET', 'auth/token/lookup-self', undefined, auth.client_token)).status, 403);
  const rooted = await house.perform({ kind: 'create-token', policies: ['root'] }, byToken(user));
  assert.equal((await doors.vault('POST', 'auth/token/create/ci', {}, textOf(rooted.token))).status, 403);
});

test('by accessor officers manage every token of their realm, auditors see them, others only their own', async () => {
  const house = await House.open({ mode: 'production' });
  const user = await house.hire('user', 'key-user');
  const other = await house.hire('other', 'key-user');
  const auditor = await house.hire('auditor', 'auditor');
  const stranger = await house.hire('stranger', 'security-officer', { realm: 'elsewhere' });
  const { credential } = await house.perform({ kind: 'create-token', ttl: hour }, byToken(user));
  const accessor = credential.id;
  assert.equal((await house.perform({ kind: 'lookup-token', accessor }, byToken(auditor))).credential.id, accessor);
  assert.equal((await house.perform({ kind: 'lookup-token', accessor })).credential.id, accessor);
  for (const who of [other, stranger]) {
    await refused('not-found', house.perform({ kind: 'lookup-token', accessor }, byToken(who)));
    await refused('not-found', house.perform({ kind: 'revoke-token', accessor }, byToken(who)));
  }
  // Who can't see whether it is there is not told that it isn't; who could sees that his realm has none.
  const ifThere = { kind: 'revoke-token', accessor, ifThere: true } as const;
  await refused('not-found', house.perform(ifThere, byToken(other)));
  assert.deepEqual(await house.perform(ifThere, byToken(stranger)), { absent: true });
  await refused('not-found', house.perform({ kind: 'renew-token', accessor }, byToken(auditor)));
  await refused('not-found', house.perform({ kind: 'revoke-token', accessor }, byToken(auditor)));
  house.now += 1000;
  const renewed = await house.perform({ kind: 'renew-token', accessor });
  assert.equal(renewed.credential.renewedAt, house.now);
  await house.perform({ kind: 'revoke-token', accessor, ifThere: true });
  assert.deepEqual(await house.perform({ kind: 'revoke-token', accessor, ifThere: true }), { absent: true });
});

test('the accessors of a realm are listed for who may see them, without those that are over', async () => {
  const house = await House.open();
  const kept = await house.perform({ kind: 'create-token', ttl: hour });
  const child = await house.perform({ kind: 'create-token' }, byToken(kept));
  const gone = await house.perform({ kind: 'create-token' });
  await house.perform({ kind: 'revoke-token', accessor: gone.credential.id });
  await house.hire('abroad', 'auditor', { realm: 'elsewhere' });
  const list = async () =>
    (await house.perform({ kind: 'list-tokens', after: '', limit: 1000 })).tokens.map(({ accessor }) => accessor);
  const found = await list();
  for (const { id } of [kept.credential, child.credential]) assert.ok(found.includes(id));
  assert.ok(!found.includes(gone.credential.id));
  assert.equal(found.length, 3);
  house.now += hour;
  assert.equal((await list()).length, 1);
});

test('no accessor is listed of a token whose mount or identity is gone, or that is used up', async () => {
  const house = await House.open();
  const doors = new Doors(house);
  for (const name of ['one', 'other']) {
    await doors.vault('POST', `auth/userpass/users/${name}`, { password: 'right' });
    await doors.vault('POST', `auth/userpass/login/${name}`, { password: 'right' }, '');
  }
  const once = await house.perform({ kind: 'create-token', uses: 1 });
  const count = async () => (await house.perform({ kind: 'list-tokens', after: '', limit: 1000 })).tokens.length;
  assert.equal(await count(), 4);
  await house.perform({ kind: 'lookup-token' }, byToken(once));
  assert.equal(await count(), 3);
  await house.perform({ kind: 'disable-identity', name: 'other' });
  assert.equal(await count(), 2);
  await doors.vault('DELETE', 'sys/auth/userpass');
  assert.equal(await count(), 1);
});

test('revoking a token alone leaves its children, as orphans', async () => {
  const house = await House.open();
  const parent = await house.perform({ kind: 'create-token', ttl: hour });
  const child = await house.perform({ kind: 'create-token' }, byToken(parent));
  const grandchild = await house.perform({ kind: 'create-token' }, byToken(child));
  await house.perform({ kind: 'lookup-token' }, byToken(grandchild));
  await house.perform({ kind: 'revoke-token-alone', token: textOf(parent.token) });
  await refused('invalid-proof', house.perform({ kind: 'lookup-token' }, byToken(parent)));
  assert.equal((await house.perform({ kind: 'lookup-token' }, byToken(child))).credential.parent, undefined);
  await house.perform({ kind: 'lookup-token' }, byToken(grandchild));
  await house.perform({ kind: 'run-schedule' }, { kind: 'system', name: 'schedule' });
  await house.perform({ kind: 'lookup-token' }, byToken(child));
});

test('tokens are revoked by the path that they were made at, and no others', async () => {
  const house = await withRole({}, 'development');
  await house.perform({ kind: 'write-token-role', name: 'ci2', settings: {} });
  const [a, b] = [await make(house, house.first), await make(house, house.first)];
  const other = await make(house, house.first, { role: 'ci2' });
  const plain = await house.perform({ kind: 'create-token' });
  const { revoked } = await house.perform({ kind: 'revoke-tokens', prefix: `auth/token/create/ci/${a.credential.id}` });
  assert.equal(revoked, 1);
  await house.perform({ kind: 'lookup-token' }, byToken(b));
  assert.equal((await house.perform({ kind: 'revoke-tokens', prefix: 'auth/token/create/ci' })).revoked, 1);
  for (const gone of [a, b]) await refused('invalid-proof', house.perform({ kind: 'lookup-token' }, byToken(gone)));
  for (const left of [other, plain]) await house.perform({ kind: 'lookup-token' }, byToken(left));
  assert.equal((await house.perform({ kind: 'revoke-tokens', prefix: 'auth/token/create/ci' })).revoked, 0);
  assert.deepEqual(await house.perform({ kind: 'revoke-tokens', prefix: 'auth/token/create/' }), {
    revoked: 3,
    more: false,
  });
  await refused('invalid-proof', house.perform({ kind: 'lookup-token' }));
});

test('a role that is changed or deleted while a token is made by it is looked at again', async () => {
  const house = await withRole({ allowed: ['a'] }, 'development');
  const [made] = await Promise.allSettled([
    make(house, house.first),
    house.perform({ kind: 'delete-token-role', name: 'ci' }),
  ]);
  const lines = (await house.entries()).filter(({ action }) => /role/.test(action)).map(({ action }) => action);
  // Whichever came first, the ledger tells one story.
  if (made.status === 'fulfilled') assert.equal(lines.at(-1), 'delete-token-role');
  await refused('invalid-parameter', make(house, house.first));
});
