import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { Command, CredentialSet, Role, RoleTrust } from '#domain/domain.ts';
import { Doors } from './testing/doors.ts';
import { byToken, House, refused, textOf } from './testing/house.ts';
import { Issuer, roleArn, sts, stsUnsigned } from './testing/role-cases.ts';

let house: House;
let second: CredentialSet;
let counted = 0;
const fresh = (word: string) => `${word}-${++counted}`;
const trusting = (more: Partial<RoleTrust>): RoleTrust => ({ identities: [], groups: [], providers: [], ...more });

before(async () => {
  house = await House.open({ mode: 'production' });
  second = await house.hire('second-officer', 'security-officer');
});

const create = (trust: Partial<RoleTrust>, role?: Role, name = fresh('role')) =>
  house.perform({ kind: 'create-role', name, trust: trusting(trust), ...(role && { role }) }).then(() => name);
const grant = (name: string, role: Role, more: Partial<Command<'create-grant'>> = {}, by = house.proof) =>
  house.perform(
    { kind: 'create-grant', grantee: { kind: 'principal', name }, role, scope: { kind: 'realm' }, ...more },
    by,
  );

test('a role’s grants count for who may take it on: nobody gets both duties by way of roles', async () => {
  const user = (await house.hire(fresh('user'), 'key-user')).identity;
  await refused('separation-of-duties', create({ identities: [user] }, 'key-administrator'));
  const free = (await house.hire(fresh('free'))).identity;
  await create({ identities: [free] }, 'key-user');
  await refused('separation-of-duties', create({ identities: [free] }, 'key-administrator'));
  await refused('separation-of-duties', grant(free, 'key-administrator'));
  const empty = await create({ identities: [free] });
  await refused('separation-of-duties', grant(empty, 'key-administrator'));
  await grant(empty, 'auditor');
});

test('so it is by way of a group, of a role that takes on another, and of a role that joins two of them', async () => {
  const group = fresh('group');
  const member = (await house.hire(fresh('member'), undefined, { groups: [group] })).identity;
  await create({ groups: [group] }, 'key-user');
  await refused('separation-of-duties', grant(member, 'key-administrator'));
  const toGroup = { grantee: { kind: 'group', name: group } } as const;
  await refused('separation-of-duties', grant('', 'key-administrator', toGroup));
  await refused('separation-of-duties', house.hire(fresh('late'), 'key-administrator', { groups: [group] }));

  const climber = (await house.hire(fresh('climber'))).identity;
  const middle = await create({ identities: [climber] });
  const top = await create({ identities: [middle] });
  await grant(top, 'key-administrator');
  await refused('separation-of-duties', grant(climber, 'key-user'));
  await refused('separation-of-duties', create({ identities: [climber] }, 'key-user'));
  await refused('separation-of-duties', create({ identities: [top] }, 'key-user'));
});

test('so it is for whom an identity provider vouches, unless the subjects can’t be the same', async () => {
  const issuer = await Issuer.make();
  await issuer.register(house);
  const of = (...sub: string[]) => ({ providers: [{ issuer: issuer.issuer, claims: { sub } }] });
  await create(of('repo:me/one'), 'key-user');
  await create(of('repo:me/two'), 'key-administrator');
  await refused('separation-of-duties', create(of('repo:me/one'), 'key-administrator'));
  await refused('separation-of-duties', create(of('repo:me/*'), 'key-administrator'));
  await refused('separation-of-duties', create(of('repo:you/one', 'repo:me/two'), 'key-user'));
  await create(of('repo:you/*'), 'key-user');
});

test('on different keys both duties may be held, by roles too', async () => {
  const person = (await house.hire(fresh('person'))).identity;
  const role = await create({ identities: [person] });
  await grant(role, 'key-user', { scope: { kind: 'names', pattern: 'payments/*' } });
  await grant(person, 'key-administrator', { scope: { kind: 'names', pattern: 'archive/*' } });
  await refused(
    'separation-of-duties',
    grant(person, 'key-administrator', { scope: { kind: 'names', pattern: 'payments/new' } }),
  );
});

test('nobody gives himself a right by way of a role', async () => {
  await refused('grant-to-self', create({ identities: ['founder'] }, 'auditor'));
  const role = await create({ identities: ['founder'] });
  await refused('grant-to-self', grant(role, 'auditor'));
  await grant(role, 'auditor', {}, byToken(second));
});

test('two changes at once that together give both duties are not both made', async () => {
  for (let round = 0; round < 8; round++) {
    const person = (await house.hire(fresh('racer'))).identity;
    const outcomes = await Promise.allSettled([
      create({ identities: [person] }, 'key-user'),
      create({ identities: [person] }, 'key-administrator'),
      grant(person, 'key-administrator'),
    ]);
    const done = outcomes.map(({ status }) => status === 'fulfilled');
    assert.ok(!(done[0] && (done[1] || done[2])), `${done}`);
    assert.ok(done.includes(true));
  }
});

test('a role has no credentials, keeps its name to itself, and leaves no right behind', async () => {
  const name = await create({ identities: ['founder'] }, undefined);
  await refused('invalid-state', house.perform({ kind: 'create-credentials', name }));
  await refused('already-exists', house.hire(name));
  await refused('already-exists', house.hire(name.toUpperCase()));
  await refused('already-exists', create({ identities: ['founder'] }, undefined, name));
  await grant(name, 'key-user', {}, byToken(second));
  const above = await create({ identities: [name] });
  await refused('invalid-state', house.perform({ kind: 'delete-role', name }));
  await house.perform({ kind: 'delete-role', name: above });
  await house.perform({ kind: 'delete-role', name });
  const { grants } = await house.perform({ kind: 'list-grants', after: '', limit: 1000 });
  assert.ok(!grants.some(({ grantee }) => grantee.name === name));
  await refused('not-found', house.perform({ kind: 'delete-role', name }));
});

test('a role that trusts nobody, somebody unknown or everybody of a provider is not made', async () => {
  const issuer = await Issuer.make();
  await refused('invalid-parameter', create({}));
  await refused('not-found', create({ identities: ['nobody-there'] }));
  const of = (claims: Record<string, string[]>) => ({ providers: [{ issuer: issuer.issuer, claims }] });
  await refused('not-found', create(of({ sub: ['a'] })));
  await issuer.register(house);
  for (const claims of [{}, { sub: ['*'] }, { aud: ['claviger'] }, { sub: [] }, { sub: [''] }, { sub: ['a', '**'] }]) {
    await refused('invalid-parameter', create(of(claims as Record<string, string[]>)));
  }
  await create(of({ repository: ['me/it'] }));
});

test('who is vouched for has one line in the ledger for what it asks, with the provider’s name, and may do nothing else', async () => {
  const doors = new Doors(house);
  const issuer = await Issuer.make();
  await issuer.register(house);
  const role = await create({ providers: [{ issuer: issuer.issuer, claims: { sub: ['repo:me/*'] } }] }, 'key-user');
  const asking = async (token: string, RoleArn = roleArn(house, role)) => {
    const size = house.ledgerSize;
    const fields = { Action: 'AssumeRoleWithWebIdentity', RoleArn, RoleSessionName: 'it', WebIdentityToken: token };
    const { status, text } = await stsUnsigned(doors, fields);
    const lines = await house.entries(size);
    assert.equal(lines.length, 1, text);
    return { status, text, line: lines[0]! };
  };
  const good = await issuer.token(house.now);
  const taken = await asking(good);
  assert.equal(taken.status, 200, taken.text);
  assert.deepEqual(
    [taken.line.principal, taken.line.action, taken.line.outcome],
    [`repo:me/it (${issuer.issuer})`, 'assume-role-with-web-identity', 'ok'],
  );
  assert.ok(!JSON.stringify(await house.entries()).includes(good));
  for (const [token, arn, status, outcome] of [
    [await issuer.token(house.now, { sub: 'repo:you/it' }), roleArn(house, role), 403, 'denied'],
    [good, roleArn(house, 'no-such-role'), 403, 'denied'],
    [good, `arn:aws:iam::111122223333:role/${role}`, 400, 'invalid-assertion'],
    [await issuer.token(house.now, { aud: 'other' }), roleArn(house, role), 400, 'invalid-assertion'],
    [await issuer.token(house.now - 3_600_000), roleArn(house, role), 400, 'expired-proof'],
    ['no.token', roleArn(house, role), 400, 'invalid-assertion'],
    [good, 'arn:aws:iam::not-an-account:role/x', 400, 'invalid-parameter'],
  ] as const) {
    const refusal = await asking(token, arn);
    assert.deepEqual([refusal.status, refusal.line.outcome], [status, outcome], refusal.text);
  }
  const proof = { kind: 'web-identity', realm: house.realm, token: good } as const;
  for (const kind of ['create-token', 'create-session', 'get-caller-identity', 'read-checkpoint'] as const) {
    await refused('denied', house.perform({ kind } as Command, proof));
  }
  await refused('denied', house.perform({ kind: 'list-keys', after: '', limit: 10 }, proof));
  await refused('denied', house.perform({ kind: 'assume-role', role, sessionName: 'it' }, proof));
});

test('only the first realm has keys read from a URL; a tenant gives them', async () => {
  await house.perform({ kind: 'create-realm', name: 'tenant' });
  const tenant = await house.hire('tenant-officer', 'security-officer', { realm: 'tenant' });
  const issuer = await Issuer.make();
  const registering = { kind: 'register-provider', issuer: issuer.issuer, audiences: ['a'] } as const;
  const url = { url: 'https://169.254.169.254/keys' };
  await refused('denied', house.perform({ ...registering, keys: url }, byToken(tenant)));
  await house.perform({ ...registering, keys: { jwks: issuer.jwks } }, byToken(tenant));
  await house.perform({ ...registering, keys: url });
});

test('a session that is over is told so at every AWS door, in its words', async () => {
  const doors = new Doors(house);
  const officer = await house.hire(fresh('officer'), 'security-officer');
  const role = await create({ identities: [officer.identity] }, 'key-user');
  const { credentials } = await house.perform({ kind: 'assume-role', role, sessionName: 'it' }, byToken(officer));
  const caller = { Action: 'GetCallerIdentity' };
  const token = ['x-amz-security-token', textOf(credentials.sessionToken)];
  const listing = () => doors.aws('ListKeys', {}, { ...officer, ...credentials }, token);
  assert.equal((await sts(doors, caller, credentials)).status, 200);
  assert.equal((await listing()).status, 200);
  house.now = credentials.expiresAt;
  const [atSts, atKms] = [await sts(doors, caller, credentials), await listing()];
  assert.deepEqual([atSts.status, /<Code>(.*)<\/Code>/.exec(atSts.text)![1]], [403, 'ExpiredToken']);
  assert.deepEqual([atKms.status, atKms.json.__type], [400, 'ExpiredTokenException']);
});

test('the secrets of a session are in no line and in no row', async () => {
  const doors = new Doors(house);
  const officer = await house.hire(fresh('officer'), 'security-officer');
  const role = await create({ identities: [officer.identity] });
  const { text } = await sts(
    doors,
    { Action: 'AssumeRole', RoleArn: roleArn(house, role), RoleSessionName: 'quiet' },
    officer,
  );
  const secrets = ['SecretAccessKey', 'SessionToken'].map((name) => new RegExp(`<${name}>([^<]+)<`).exec(text)![1]!);
  const kept =
    JSON.stringify(await house.entries()) + Buffer.concat((await house.list('credential')).map(({ body }) => body));
  assert.match(kept, /quiet/);
  for (const secret of secrets) assert.ok(!kept.includes(secret));
  assert.ok(!text.includes(textOf(officer.secretAccessKey)));
});
