import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command, CredentialSet } from '#domain/domain.ts';
import { fails, Member, makeToken, Rig, rejectsWith, sign, start, textOf, works } from './rig.test.ts';

const hour = 3600_000;
const page = (after = '', limit = 1000) => ({ after, limit });

test('the first identity proves itself by token and by signature, from memory the second time', async () => {
  const { rig, officer } = await Rig.withOfficer();
  assert.match(officer.set.account, /^[1-9][0-9]{11}$/);
  assert.match(officer.set.accessKeyId, /^CLAV[A-Z2-7]{16}$/);
  assert.match(textOf(officer.set.secretAccessKey), /^[A-Za-z0-9+/]{40}$/);
  assert.match(textOf(officer.set.token), /^clv\.[A-Za-z0-9_-]{43}$/);
  const principal = await officer.byToken();
  assert.equal(principal.name, 'olga');
  assert.equal(principal.credential, officer.set.tokenAccessor);
  assert.equal(principal.token, officer.set.tokenAccessor);
  const reads = rig.reads;
  assert.equal(rig.room.identify(officer.token, false), principal);
  assert.equal(rig.reads, reads);
  assert.equal((await officer.bySignature()).credential, officer.set.accessKeyId);
  // A restart changes nothing.
  rig.open();
  assert.deepEqual(await officer.byToken(), principal);
  await officer.bySignature();
});

test('an empty store takes one first realm only', async () => {
  const { rig } = await Rig.withOfficer();
  await rejectsWith('conflict', () => rig.commit(rig.room.bootstrap('other', 'eve', 'security-officer')));
});

test('no secret is stored', async () => {
  const { rig, officer } = await Rig.withOfficer();
  const member = await officer.hire('ann', { role: 'key-user' });
  let stored = '';
  for (const kind of ['credential', 'identity', 'grant', 'realm', 'setting', 'replay'] as const) {
    for (const { id, body } of await rig.store.list(kind, '', '', 1000))
      stored += id + Buffer.from(body).toString('latin1');
  }
  assert.ok(stored.includes(member.set.accessKeyId));
  for (const { token, secretAccessKey } of [officer.set, member.set]) {
    assert.ok(!stored.includes(textOf(token).slice(4)));
    assert.ok(!stored.includes(textOf(secretAccessKey)));
  }
});

test('what is no known token is refused', async () => {
  const { rig, officer } = await Rig.withOfficer();
  const token = textOf(officer.set.token);
  const last = token.endsWith('A') ? 'E' : 'A';
  for (const wrong of [
    '',
    'clv.',
    token.slice(0, -1),
    token.slice(0, -1) + last,
    `${token} `,
    ` ${token}`,
    token.toLowerCase(),
    'x'.repeat(1e6),
  ]) {
    if (wrong !== token) await fails(rig, { kind: 'token', token: wrong });
  }
  await fails(rig, { kind: 'token', token: officer.set.tokenAccessor });
  await rejectsWith('unauthenticated', () => rig.room.identify({ kind: 'none' }, false));
  const job = await rig.room.identify({ kind: 'system', name: 'schedule' }, true);
  assert.deepEqual(job, { realm: '', name: 'schedule', kind: 'system', groups: [], credential: '' });
});

test('a token that leads to a record of another token is refused', async () => {
  const { rig, officer } = await Rig.withOfficer();
  const id = officer.set.tokenAccessor;
  const { revision, value } = (await rig.records.read('credential', id))!;
  const digest = (value as { digest: string }).digest;
  // The same 80 bits that make the accessor, and other ones after.
  const collision = {
    ...(value as object),
    digest: digest.slice(0, 20) + digest.slice(20).replaceAll('a', 'b').replaceAll('0', '1'),
  };
  await rig.commit({
    result: undefined,
    change: { records: [{ kind: 'credential', id, expect: revision, value: collision }], summary: '' },
  });
  rig.open();
  await fails(rig, officer.token);
});

test('credentials end at their time, to the millisecond', async () => {
  const { rig, officer } = await Rig.withOfficer();
  const member = await officer.hire('ann', { ttl: hour });
  rig.now = start + hour - 1;
  await works(rig, member.token);
  await member.bySignature();
  rig.now = start + hour;
  await fails(rig, member.token, 'expired-proof');
  await rejectsWith('expired-proof', () => member.bySignature());
});

test('disabling an identity stops all its credentials at once', async () => {
  const { rig, officer } = await Rig.withOfficer();
  const member = await officer.hire('ann');
  const second = new Member(
    rig,
    await rig.commit(
      rig.room.verbs['create-credentials'](await officer.byToken(), { kind: 'create-credentials', name: 'ann' }),
    ),
  );
  const child = await makeToken(rig, member.token);
  const proofs = [member.token, second.token, child.proof, sign(member.set, {}), sign(second.set, {})];
  for (const proof of proofs) await works(rig, proof);
  const disable = { kind: 'disable-identity', name: 'ann' } as const;
  await rig.commit(rig.room.verbs['disable-identity'](await officer.byToken(), disable));
  for (const proof of proofs) await fails(rig, proof);
  await works(rig, officer.token);
  assert.equal((await rig.room.verbs['disable-identity'](await officer.byToken(), disable)).change, undefined);
  await rejectsWith('invalid-state', async () =>
    rig.room.verbs['create-credentials'](await officer.byToken(), { kind: 'create-credentials', name: 'ann' }),
  );
});

test('a revoked credential is refused at once, and so is what it made', async () => {
  const { rig, officer } = await Rig.withOfficer();
  const member = await officer.hire('ann');
  const ofKey = await makeToken(rig, sign(member.set, {}));
  await works(rig, ofKey.proof);
  const revoke = async (id: string) =>
    rig.commit(rig.room.verbs['revoke-credential'](await officer.byToken(), { kind: 'revoke-credential', id }));
  await revoke(member.set.accessKeyId);
  await fails(rig, sign(member.set, {}));
  await fails(rig, ofKey.proof);
  await works(rig, member.token);
  await revoke(member.set.tokenAccessor);
  await fails(rig, member.token);
  await rejectsWith('not-found', () => revoke('CLAVAAAAAAAAAAAAAAAA'));
  await rejectsWith('not-found', () => revoke('nonsense'));
});

test('a revocation that becomes durable while a credential is being read is not missed', async () => {
  const { rig, officer } = await Rig.withOfficer();
  const member = await officer.hire('ann');
  const principal = await officer.byToken();
  let once = true;
  rig.afterRead = async () => {
    if (!once) return;
    once = false;
    const id = member.set.tokenAccessor;
    await rig.commit(rig.room.verbs['revoke-credential'](principal, { kind: 'revoke-credential', id }));
  };
  await fails(rig, member.token);
  rig.afterRead = undefined;
  await fails(rig, member.token);
});

test('names are of few characters, not reserved, and differ by more than case', async () => {
  const { officer } = await Rig.withOfficer();
  for (const name of ['', 'a b', 'a/b', 'ä', 'anonymous', 'System', 'x'.repeat(65), '*', 'a\n']) {
    await rejectsWith('invalid-parameter', () => officer.hire(name), name);
    await rejectsWith('invalid-parameter', () => officer.hire('fine', { groups: [name] }), name);
    await rejectsWith('invalid-parameter', () => officer.hire('fine', { realm: name }), name);
  }
  await officer.hire('Ann', { groups: ['Team'] });
  await rejectsWith('already-exists', () => officer.hire('Ann'));
  await rejectsWith('already-exists', () => officer.hire('aNN'));
  await rejectsWith('already-exists', () => officer.hire('bob', { groups: ['team'] }));
  await rejectsWith('invalid-parameter', () => officer.hire('bob', { groups: ['Team', 'Team'] }));
  await officer.hire('bob', { groups: ['Team'] });
  await officer.hire('ann', { realm: 'tenant' });
  await rejectsWith('already-exists', () => officer.hire('cid', { realm: 'Tenant' }));
});

test('two names that differ by case only can’t both be made at the same time', async () => {
  const { rig, officer } = await Rig.withOfficer();
  const principal = await officer.byToken();
  const make = (name: string) =>
    rig.room.verbs['create-identity'](principal, { kind: 'create-identity', name, groups: [`G${name}`] });
  const [one, other] = [await make('Ann'), await make('ann')];
  await rig.commit(one);
  await rejectsWith('conflict', () => rig.commit(other));
});

test('only the first realm names, makes and lists others', async () => {
  const { rig, officer } = await Rig.withOfficer();
  const guest = await officer.hire('gus', { realm: 'tenant', role: 'security-officer' });
  assert.equal(guest.set.realm, 'tenant');
  assert.notEqual(guest.set.account, officer.set.account);
  const helper = await guest.hire('hal');
  assert.equal(helper.set.account, guest.set.account);
  assert.equal((await guest.hire('ida', { realm: 'tenant' })).set.account, guest.set.account);
  assert.equal((await officer.hire('jan', { realm: guest.set.account })).set.account, guest.set.account);
  for (const realm of ['main', 'nowhere', officer.set.account]) {
    await rejectsWith('denied', () => guest.hire('kim', { realm }), realm);
    await rejectsWith('denied', async () =>
      rig.room.verbs['disable-identity'](await guest.byToken(), { kind: 'disable-identity', name: 'olga', realm }),
    );
    await rejectsWith('denied', async () =>
      rig.room.verbs['create-credentials'](await guest.byToken(), { kind: 'create-credentials', name: 'olga', realm }),
    );
  }
  const makeRealm = async (by: Member, name: string) =>
    rig.commit(rig.room.verbs['create-realm'](await by.byToken(), { kind: 'create-realm', name }));
  await rejectsWith('denied', () => makeRealm(guest, 'mine'));
  await makeRealm(officer, 'third');
  await rejectsWith('already-exists', () => makeRealm(officer, 'Third'));
  const list = async (by: Member, after = '', limit = 1000) =>
    (await rig.room.verbs['list-realms'](await by.byToken(), { kind: 'list-realms', after, limit })).result;
  assert.deepEqual((await list(guest)).realms, [
    { name: 'tenant', account: guest.set.account, region: 'eu-central-1' },
  ]);
  assert.deepEqual((await list(officer)).realms.map(({ name }) => name).sort(), ['main', 'tenant', 'third']);
  assert.equal((await list(officer)).next, undefined);
  const paged: string[] = [];
  for (let next: string | undefined = ''; next !== undefined; ) {
    const answer: { realms: readonly { account: string }[]; next?: string } = await list(officer, next, 1);
    paged.push(...answer.realms.map(({ account }) => account));
    next = answer.next;
  }
  assert.deepEqual(
    paged,
    (await list(officer)).realms.map(({ account }) => account),
  );
  assert.equal(await rig.room.isFirstRealm(officer.set.account), true);
  assert.equal(rig.room.isFirstRealm(officer.set.account), true);
  assert.equal(await rig.room.isFirstRealm(guest.set.account), false);
  assert.equal(await rig.room.isFirstRealm('first'), false);
});

test('credentials and identities of another realm are not found', async () => {
  const { rig, officer } = await Rig.withOfficer();
  const guest = await officer.hire('gus', { realm: 'tenant', role: 'security-officer' });
  const principal = await guest.byToken();
  for (const id of [officer.set.accessKeyId, officer.set.tokenAccessor]) {
    await rejectsWith('not-found', () =>
      rig.room.verbs['revoke-credential'](principal, { kind: 'revoke-credential', id }),
    );
  }
  await rejectsWith('not-found', () =>
    rig.room.verbs['disable-identity'](principal, { kind: 'disable-identity', name: 'olga' }),
  );
  const { identities } = (await rig.room.verbs['list-identities'](principal, { kind: 'list-identities', ...page() }))
    .result;
  assert.deepEqual(
    identities.map(({ name }) => name),
    ['gus'],
  );
});

test('lists identities by pages', async () => {
  const { rig, officer } = await Rig.withOfficer();
  for (const name of ['d', 'B', 'a', 'C']) await officer.hire(name, { groups: ['g'] });
  const principal = await officer.byToken();
  const names: string[] = [];
  for (let after: string | undefined = ''; after !== undefined; ) {
    const command: Command<'list-identities'> = { kind: 'list-identities', ...page(after, 2) };
    const { result } = await rig.room.verbs['list-identities'](principal, command);
    names.push(...result.identities.map(({ name }) => name));
    after = result.next;
  }
  assert.deepEqual(names, ['a', 'B', 'C', 'd', 'olga']);
  await rejectsWith('invalid-parameter', () =>
    rig.room.verbs['list-identities'](principal, { kind: 'list-identities', ...page('', 0) }),
  );
});

test('the developer role is given in development mode only', async () => {
  const { rig, officer } = await Rig.withOfficer();
  await rejectsWith('denied', () => officer.hire('dev', { role: 'developer' }));
  assert.throws(() => rig.room.bootstrap('main', 'dev', 'developer'), { code: 'denied' });
  const playground = new Rig('development');
  const set: CredentialSet = await playground.commit(playground.room.bootstrap('main', 'dev', 'developer'));
  const developer = new Member(playground, set);
  const [grant] = await playground.room.grantsOf(await developer.byToken());
  assert.equal(grant?.role, 'developer');
});

test('forgets what is over, a page at a time', async () => {
  const { rig, officer } = await Rig.withOfficer();
  const member = await officer.hire('ann', { ttl: hour });
  const kept = await makeToken(rig, officer.token, { ttl: 9 * hour });
  const parent = await makeToken(rig, officer.token, { ttl: 9 * hour });
  await makeToken(rig, parent.proof);
  const principal = await officer.byToken();
  const give = {
    kind: 'create-grant',
    grantee: { kind: 'principal', name: 'ann' },
    role: 'auditor',
    scope: { kind: 'realm' },
    ttl: hour,
  } as const;
  await rig.commit(rig.room.verbs['create-grant'](principal, give));
  const call = sign(officer.set, { headers: ['amz-sdk-invocation-id', 'once'] });
  const replay = rig.room.replayRecord(await rig.room.identify(call, true))!;
  await rig.commit({ result: undefined, change: { records: [replay], summary: '' } });
  assert.equal(await rig.commit(rig.room.sweep()), 0);
  await rig.commit(rig.room.verbs['revoke-token'](principal, { kind: 'revoke-token', accessor: parent.credential.id }));
  rig.now += hour;
  // ann's two credentials, the revoked token, the grant, the signature; then the token that the revoked one had made.
  let forgotten = 0;
  for (let i = 0; i < 3; i++) forgotten += await rig.commit(rig.room.sweep());
  assert.equal(forgotten, 6);
  assert.equal(await rig.room.seenBefore(replay.id), false);
  await fails(rig, member.token);
  await works(rig, kept.proof);
  await works(rig, officer.token);
});
