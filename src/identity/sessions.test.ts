import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { Command, Proof, RoleTrust, SessionCredentials } from '#domain/domain.ts';
import { fails, type Member, makeToken, Rig, rejectsWith, sign, textOf } from './rig.test.ts';

const minute = 60_000;
const hour = 60 * minute;

let rig: Rig;
let officer: Member;
let alice: Member;
beforeEach(async () => {
  ({ rig, officer } = await Rig.withOfficer());
  alice = await officer.hire('alice');
});

const trusting = (...identities: string[]): RoleTrust => ({ identities, groups: [], providers: [] });

async function makeRole(name: string, trust: RoleTrust = trusting('alice'), maxSession?: number, again?: boolean) {
  const command = {
    kind: 'create-role',
    name,
    trust,
    ...(maxSession && { maxSession }),
    ...(again && { again }),
  } as const;
  return (await rig.commit(rig.room.verbs['create-role'](await officer.byToken(), command))).role;
}

async function assume(proof: Proof, role: string, more: Partial<Command<'assume-role'>> = {}) {
  const principal = await rig.room.identify(proof, true);
  const command = { kind: 'assume-role', role, sessionName: 'work', ...more } as const;
  return (await rig.commit(rig.room.verbs['assume-role'](principal, command))).credentials;
}

/** A request signed by a session. */
function by({ accessKeyId, secretAccessKey, sessionToken }: SessionCredentials, token = textOf(sessionToken)): Proof {
  const set = { ...alice.set, accessKeyId, secretAccessKey };
  return sign(set, { at: rig.now, headers: ['x-amz-security-token', token] });
}

test('a session is the role, under the name it was given, with the groups and narrowing of nobody else', async () => {
  await makeRole('role');
  const session = await assume(alice.token, 'role');
  const principal = await rig.room.identify(by(session), false);
  assert.deepEqual(
    { ...principal },
    {
      ...{ realm: alice.set.account, name: 'role', kind: 'person', groups: [], session: 'work' },
      credential: session.accessKeyId,
    },
  );
  assert.match(session.accessKeyId, /^CLAS[A-Z2-7]{16}$/);
});

test('the second request of a session reads nothing', async () => {
  await makeRole('role');
  const session = await assume(alice.token, 'role');
  await rig.room.identify(by(session), false);
  const { reads } = rig;
  assert.ok(!(rig.room.identify(by(session), false) instanceof Promise));
  assert.equal(rig.reads, reads);
});

test('a session expires, and says so', async () => {
  await makeRole('role');
  const session = await assume(alice.token, 'role', { duration: 15 * minute });
  assert.equal(session.expiresAt, rig.now + 15 * minute);
  rig.now += 15 * minute - 1;
  await rig.room.identify(by(session), false);
  rig.now += 1;
  await fails(rig, by(session), 'expired-proof');
});

test('a session ends no later than the credential that it was asked for with', async () => {
  await makeRole('role');
  const { proof } = await makeToken(rig, alice.token, { ttl: 20 * minute });
  const session = await assume(proof, 'role', { duration: hour });
  assert.equal(session.expiresAt, rig.now + 20 * minute);
  rig.now += 20 * minute;
  await fails(rig, by(session), 'expired-proof');
});

test('a session is no wider than the token that it was asked for with', async () => {
  await makeRole('role');
  const { proof } = await makeToken(rig, alice.token, { actions: ['encrypt'] });
  const session = await assume(proof, 'role');
  assert.deepEqual((await rig.room.identify(by(session), false)).limitedTo, ['encrypt']);
});

test('a session ends with its credential, its asker, its role, and everything above it', async () => {
  const ends: Record<string, (session: SessionCredentials, tokenId: string) => Promise<unknown>> = {
    'the session revoked': ({ accessKeyId: id }) => revoke(id),
    'the token revoked': (_, id) => revoke(id),
    'the token above revoked': () => revoke(alice.set.tokenAccessor),
    'the asker disabled': () => verb('disable-identity', { name: 'alice' }),
    'the role disabled': () => verb('disable-identity', { name: 'role' }),
    'the role deleted': () => verb('delete-role', { name: 'role' }),
    'the role made anew': async () => {
      await verb('delete-role', { name: 'role' });
      await rejectsWith('already-exists', () => makeRole('role'));
      await makeRole('role', trusting('alice'), undefined, true);
    },
  };
  const revoke = (id: string) => verb('revoke-credential', { id });
  async function verb<A extends 'revoke-credential' | 'disable-identity' | 'delete-role'>(kind: A, more: object) {
    const command = { kind, ...more } as Command<A>;
    const act = rig.room.verbs[kind] as unknown as (principal: never, command: Command<A>) => Promise<never>;
    await rig.commit(act((await officer.byToken()) as never, command));
  }
  for (const [what, end] of Object.entries(ends)) {
    ({ rig, officer } = await Rig.withOfficer());
    alice = await officer.hire('alice');
    await makeRole('role');
    const { proof, credential } = await makeToken(rig, alice.token);
    const session = await assume(proof, 'role');
    await rig.room.identify(by(session), false);
    await end(session, credential.id);
    await rejectsWith('invalid-proof', () => rig.room.identify(by(session), false), what);
    rig.open();
    await rejectsWith('invalid-proof', () => rig.room.identify(by(session), false), `${what}, after a restart`);
  }
});

test('sessions of sessions last an hour at most and nest so deep and no deeper', async () => {
  const names = Array.from({ length: 9 }, (_, i) => `role${i}`);
  await makeRole('role0', trusting('alice'), 12 * hour);
  for (const [i, name] of names.slice(1).entries()) await makeRole(name, trusting(`role${i}`), 12 * hour);
  let session = await assume(alice.token, 'role0', { duration: 12 * hour });
  await rejectsWith('invalid-parameter', () => assume(by(session), 'role1', { duration: hour + 1000 }));
  for (const name of names.slice(1, 7)) session = await assume(by(session), name);
  assert.equal((await rig.room.identify(by(session), false)).name, 'role6');
  await rejectsWith('limit-exceeded', () => assume(by(session), 'role7'));
});

test('a session makes no token and no session of its own', async () => {
  await makeRole('role');
  const session = await assume(alice.token, 'role');
  const principal = await rig.room.identify(by(session), true);
  await rejectsWith('denied', () => rig.room.verbs['create-token'](principal, { kind: 'create-token' }));
  await rejectsWith('denied', () => rig.room.verbs['create-session'](principal, { kind: 'create-session' }));
});

test('a session token belongs to one access key, and what is no session has none', async () => {
  await makeRole('role');
  const [one, two] = [await assume(alice.token, 'role'), await assume(alice.token, 'role')];
  await rig.room.identify(by(one), false);
  await rig.room.identify(by(two), false);
  for (const token of [
    textOf(two.sessionToken),
    '',
    'clvs.',
    `${textOf(one.sessionToken)} x`,
    textOf(alice.set.token),
  ]) {
    await fails(rig, by(one, token));
  }
  await fails(rig, sign({ ...alice.set, ...one }, { at: rig.now }));
  await fails(rig, sign(alice.set, { at: rig.now, headers: ['x-amz-security-token', textOf(one.sessionToken)] }));
  // Nor is it a token for any other door.
  await fails(rig, { kind: 'token', token: textOf(one.sessionToken) });
});

test('the sweep takes ended sessions away', async () => {
  await makeRole('role');
  await assume(alice.token, 'role', { duration: 15 * minute });
  rig.now += 15 * minute;
  assert.equal(await rig.commit(rig.room.sweep()), 1);
});
