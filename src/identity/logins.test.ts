import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Command, Plaintext, type Proof } from '#domain/domain.ts';
import { fromUtf8, toUtf8 } from '#encoding/encoding.ts';
import { fails, Rig, rejectsWith, works } from './rig.test.ts';

const peer = '127.0.0.1:7';
const hidden = (text: string) => new Plaintext(toUtf8(text));
const textOf = (secret: Plaintext) => fromUtf8(secret.release())!;

type Officer = Awaited<ReturnType<typeof Rig.withOfficer>>['officer'];

/** Everything that an officer does here, committed. */
class Office {
  readonly rig: Rig;
  readonly officer: Officer;

  constructor(rig: Rig, officer: Officer) {
    this.rig = rig;
    this.officer = officer;
  }

  static async open(): Promise<Office> {
    const { rig, officer } = await Rig.withOfficer();
    return new Office(rig, officer);
  }

  async write(command: Omit<Command<'write-login'>, 'kind'>) {
    const asking = await this.officer.byToken();
    return (await this.rig.commit(this.rig.room.verbs['write-login'](asking, { kind: 'write-login', ...command })))
      .login;
  }

  async secretId(role: string, more: Partial<Command<'create-secret-id'>> = {}) {
    const asking = await this.officer.byToken();
    const command = { kind: 'create-secret-id', role, ...more } as const;
    return this.rig.commit(this.rig.room.verbs['create-secret-id'](asking, command));
  }

  async login(proof: Proof) {
    const who = await this.rig.room.identify(proof, true);
    const { token, ...info } = await this.rig.commit(this.rig.room.verbs.login(who, { kind: 'login' }));
    return { ...info, proof: { kind: 'token', token: textOf(token) } satisfies Proof };
  }
}

const approle = (roleId: string, secretId?: Plaintext, from = peer): Proof => ({
  kind: 'approle',
  roleId,
  peer: from,
  ...(secretId !== undefined && { secretId }),
});
const password = (name: string, text: string): Proof => ({ kind: 'password', name, password: hidden(text), peer });

test('a role id and a secret id make a token of an identity that is listed and can be disabled', async () => {
  const office = await Office.open();
  const { rig, officer } = office;
  const role = await office.write({ method: 'approle', name: 'CI', token: { policies: ['deploy'], ttl: 60_000 } });
  const { secretId } = await office.secretId('ci', { meta: { host: 'a' } });
  const { credential, policies, proof } = await office.login(approle(role.roleId!, secretId));
  assert.deepEqual(policies, ['default', 'deploy']);
  assert.deepEqual(credential.meta, { host: 'a', role_name: 'ci' });
  assert.equal(credential.identity, 'ci');
  assert.equal(credential.expiresAt, rig.now + 60_000);
  await works(rig, proof);
  const asking = await officer.byToken();
  const { result } = await rig.room.verbs['list-identities'](asking, { kind: 'list-identities', after: '', limit: 10 });
  assert.ok(result.identities.some(({ name }) => name === 'ci'));
  await rig.commit(rig.room.verbs['disable-identity'](asking, { kind: 'disable-identity', name: 'ci' }));
  await fails(rig, proof);
  await fails(rig, approle(role.roleId!, secretId));
});

test('a secret id logs in as often as it says, until it ends or is destroyed, and only to its own role', async () => {
  const office = await Office.open();
  const { rig } = office;
  const role = await office.write({ method: 'approle', name: 'one' });
  const other = await office.write({ method: 'approle', name: 'other' });
  const twice = (await office.secretId('one', { uses: 2 })).secretId;
  await fails(rig, approle(other.roleId!, twice));
  await office.login(approle(role.roleId!, twice));
  await office.login(approle(role.roleId!, twice));
  await fails(rig, approle(role.roleId!, twice));

  const short = (await office.secretId('one', { ttl: 1000 })).secretId;
  rig.now += 1000;
  await fails(rig, approle(role.roleId!, short));

  const { secretId, shown } = await office.secretId('one');
  const asking = await office.officer.byToken();
  const destroy = { kind: 'destroy-secret-id', role: 'one', accessor: shown.accessor } as const;
  await rig.commit(rig.room.verbs['destroy-secret-id'](asking, destroy));
  await fails(rig, approle(role.roleId!, secretId));
  await fails(rig, approle(role.roleId!));
  await fails(rig, approle('no-such-role', secretId));
});

test('of two logins that bring the last use of a secret id at once, one is a conflict', async () => {
  const office = await Office.open();
  const { rig } = office;
  const role = await office.write({ method: 'approle', name: 'one' });
  const proof = approle(role.roleId!, (await office.secretId('one', { uses: 1 })).secretId);
  const [a, b] = await Promise.all([rig.room.identify(proof, true), rig.room.identify(proof, true)]);
  await rig.commit(rig.room.verbs.login(a, { kind: 'login' }));
  await assert.rejects(rig.commit(rig.room.verbs.login(b, { kind: 'login' })));
});

test('a role that is made again knows nothing of the secret ids of the one before', async () => {
  const office = await Office.open();
  const { rig } = office;
  await office.write({ method: 'approle', name: 'one', roleId: 'mine' });
  const { secretId } = await office.secretId('one', { secretId: hidden('custom') });
  const asking = await office.officer.byToken();
  await rig.commit(rig.room.verbs['delete-login'](asking, { kind: 'delete-login', method: 'approle', name: 'one' }));
  await fails(rig, approle('mine', secretId));
  rig.now += 1;
  await office.write({ method: 'approle', name: 'one', roleId: 'mine' });
  await fails(rig, approle('mine', secretId));
});

test('where somebody may log in from is held, and what a secret id may widen is nothing', async () => {
  const office = await Office.open();
  const { rig } = office;
  const cidrs = ['10.0.0.0/8'];
  const role = await office.write({ method: 'approle', name: 'one', secretId: { cidrs }, token: { cidrs } });
  const { secretId } = await office.secretId('one', { cidrs: ['10.1.0.0/16'], tokenCidrs: ['10.1.0.0/16'] });
  await fails(rig, approle(role.roleId!, secretId));
  await fails(rig, approle(role.roleId!, secretId, '10.2.0.1:7'));
  const { credential } = await office.login(approle(role.roleId!, secretId, '10.1.0.1:7'));
  assert.deepEqual(credential.cidrs, ['10.1.0.0/16']);
  for (const wide of ['0.0.0.0/0', '11.0.0.0/8', '::/0']) {
    await rejectsWith('invalid-parameter', () => office.secretId('one', { cidrs: [wide] }), wide);
    await rejectsWith('invalid-parameter', () => office.secretId('one', { tokenCidrs: [wide] }), wide);
  }
  const open = { method: 'approle', name: 'open', secretId: { bound: false } } as const;
  await rejectsWith('invalid-parameter', () => office.write(open));
});

test('a password logs in, and neither a wrong one nor an unknown name says which it is', async () => {
  const office = await Office.open();
  const { rig } = office;
  await office.write({ method: 'userpass', name: 'Ann', password: hidden('first') });
  const { proof, credential } = await office.login(password('ann', 'first'));
  assert.equal(credential.label, 'userpass-ann');
  await works(rig, proof);
  await fails(rig, password('ann', 'wrong'));
  await fails(rig, password('nobody', 'first'));
  await office.write({ method: 'userpass', name: 'ann', password: hidden('second') });
  await fails(rig, password('ann', 'first'));
  await office.login(password('ANN', 'second'));
  const rows = await rig.store.list('login', '', '', 10);
  for (const { body } of rows) assert.ok(!fromUtf8(body)!.includes('second'));
});

test('guessing a password gets slow, for names that there are and for others', async () => {
  const office = await Office.open();
  const { rig } = office;
  await office.write({ method: 'userpass', name: 'ann', password: hidden('right') });
  for (const name of ['ann', 'nobody']) {
    for (let i = 0; i < 5; i++) await fails(rig, password(name, 'wrong'));
    await rejectsWith('throttled', async () => rig.room.identify(password(name, 'right'), true), name);
  }
  rig.now += 1000;
  await office.login(password('ann', 'right'));
});

test('an identity that was made by hand is not logged in to', async () => {
  const office = await Office.open();
  await office.officer.hire('bob');
  await rejectsWith('already-exists', () => office.write({ method: 'approle', name: 'BOB' }));
  await rejectsWith('already-exists', () => office.write({ method: 'userpass', name: 'bob', password: hidden('a') }));
});

test('a proven login may do nothing but log in, and nobody else may do that', async () => {
  const office = await Office.open();
  const { rig } = office;
  await office.write({ method: 'userpass', name: 'ann', password: hidden('right') });
  const who = await rig.room.identify(password('ann', 'right'), true);
  assert.equal(who.kind, 'anonymous');
  const asking = await office.officer.byToken();
  await rejectsWith('denied', () => rig.room.verbs.login(asking, { kind: 'login' }));
});

test('a token is used as often as it says, whatever memory holds, and makes no others', async () => {
  const office = await Office.open();
  const { rig, officer } = office;
  const asking = await officer.byToken();
  const made = await rig.commit(rig.room.verbs['create-token'](asking, { kind: 'create-token', uses: 2 }));
  const proof: Proof = { kind: 'token', token: textOf(made.token) };
  const spend = async () => {
    const who = await rig.room.identify(proof, false);
    assert.equal(who.counted, true);
    await rig.commit(rig.room.spend(who).then((change) => ({ result: undefined, change })));
    return who;
  };
  const who = await spend();
  await rejectsWith('invalid-parameter', () => rig.room.verbs['create-token'](who, { kind: 'create-token' }));
  await rejectsWith('denied', () => rig.room.verbs['create-session'](who, { kind: 'create-session' }));
  rig.open();
  await spend();
  await fails(rig, proof);
  rig.open();
  await fails(rig, proof);
});

test('an orphan stays when its maker goes, and never has more than its maker had', async () => {
  const office = await Office.open();
  const { rig, officer } = office;
  const narrow = await rig.commit(
    rig.room.verbs['create-token'](await officer.byToken(), { kind: 'create-token', actions: ['create-orphan-token'] }),
  );
  const maker = await rig.room.identify({ kind: 'token', token: textOf(narrow.token) }, true);
  const more = { kind: 'create-orphan-token', actions: ['create-grant'] } as const;
  await rejectsWith('denied', () => rig.room.verbs['create-orphan-token'](maker, more));
  const orphan = await rig.commit(rig.room.verbs['create-orphan-token'](maker, { kind: 'create-orphan-token' }));
  await rig.commit(rig.room.verbs['revoke-token'](maker, { kind: 'revoke-token' }));
  const left = await rig.room.identify({ kind: 'token', token: textOf(orphan.token) }, false);
  assert.deepEqual(left.limitedTo, ['create-orphan-token']);
});

test('a token whose role was deleted stands to its end and is not renewed', async () => {
  const office = await Office.open();
  const { rig } = office;
  const role = await office.write({ method: 'approle', name: 'one', token: { period: 10_000 } });
  const { proof } = await office.login(approle(role.roleId!, (await office.secretId('one')).secretId));
  const renew = async () => {
    const asking = await rig.room.identify(proof, true);
    return rig.commit(rig.room.verbs['renew-token'](asking, { kind: 'renew-token' }));
  };
  await renew();
  const asking = await office.officer.byToken();
  await rig.commit(rig.room.verbs['delete-login'](asking, { kind: 'delete-login', method: 'approle', name: 'one' }));
  await works(rig, proof);
  await rejectsWith('invalid-parameter', renew);
});

test('a period is given again at each renewal, and a longest life is never passed', async () => {
  const { rig, officer } = await Office.open();
  const make = async (more: object) => {
    const asking = await officer.byToken();
    const made = await rig.commit(rig.room.verbs['create-token'](asking, { kind: 'create-token', ...more }));
    return { kind: 'token', token: textOf(made.token) } satisfies Proof;
  };
  const renew = async (proof: Proof, increment = 1) => {
    const asking = await rig.room.identify(proof, true);
    return (await rig.commit(rig.room.verbs['renew-token'](asking, { kind: 'renew-token', increment }))).credential;
  };
  const periodic = await make({ period: 10_000 });
  const capped = await make({ ttl: 10_000, maxTtl: 12_000 });
  const end = rig.now + 12_000;
  rig.now += 9000;
  assert.equal((await renew(periodic)).expiresAt, rig.now + 10_000);
  assert.equal((await renew(capped, 10_000)).expiresAt, end);
});

test('a wrapped answer opens once, with its own token, and the store can’t read it', async () => {
  const { rig, officer } = await Office.open();
  const asking = await officer.byToken();
  const wrap = { kind: 'wrap-answer', answer: hidden('{"a":"canary"}'), ttl: 60_000, path: 'a/b' } as const;
  const made = await rig.commit(rig.room.verbs['wrap-answer'](asking, wrap));
  const token = textOf(made.token);
  for (const { body } of await rig.store.list('wrapping', '', '', 10)) {
    const row = fromUtf8(body)!;
    assert.ok(
      !row.includes('canary') && !row.includes(token) && !row.includes(Buffer.from('canary').toString('base64')),
    );
  }
  const holder = await rig.room.identify({ kind: 'wrapping', token }, true);
  assert.equal(holder.kind, 'anonymous');
  // Neither is it a token for anything else.
  await fails(rig, { kind: 'token', token });
  const again = await rig.commit(rig.room.verbs['rewrap-answer'](holder, { kind: 'rewrap-answer', token }));
  await rejectsWith('invalid-proof', () => rig.room.verbs['unwrap-answer'](holder, { kind: 'unwrap-answer', token }));
  const second = { kind: 'unwrap-answer', token: textOf(again.token) } as const;
  const [a, b] = [rig.room.verbs['unwrap-answer'](holder, second), rig.room.verbs['unwrap-answer'](holder, second)];
  await Promise.all([a, b]);
  assert.equal(textOf((await rig.commit(a)).answer), '{"a":"canary"}');
  await assert.rejects(rig.commit(b));
  await rejectsWith('invalid-proof', () => rig.room.verbs['unwrap-answer'](holder, second));

  const short = await rig.commit(rig.room.verbs['wrap-answer'](asking, wrap));
  rig.now += 60_000;
  await fails(rig, { kind: 'wrapping', token: textOf(short.token) });
});

test("a role's tokens live no longer than it says aloud, carry what it says and no more, and stay where they were made", async () => {
  const office = await Office.open();
  const { rig } = office;
  const token = {
    explicitMaxTtl: 60_000,
    ttl: 600_000,
    withoutDefault: true,
    bindsAddress: true,
    policies: ['b', 'a'],
  };
  const { roleId } = await office.write({ method: 'approle', name: 'strict', token });
  const { secretId } = await office.secretId('strict');
  const { credential } = await office.login(approle(roleId!, secretId));
  assert.equal(credential.expiresAt, rig.now + 60_000);
  assert.equal(credential.explicitMaxTtl, 60_000);
  assert.deepEqual([credential.policies, credential.cidrs], [['a', 'b'], ['127.0.0.1']]);
  await office.write({ method: 'approle', name: 'strict', token: { policies: [] } });
  assert.deepEqual((await office.login(approle(roleId!, secretId))).credential.policies, []);
  await office.write({ method: 'approle', name: 'strict', token: { withoutDefault: false, bindsAddress: false } });
  const open = (await office.login(approle(roleId!, secretId))).credential;
  assert.deepEqual([open.policies, open.cidrs], [undefined, undefined]);
});
