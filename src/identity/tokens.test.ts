import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Proof } from '#domain/domain.ts';
import { fails, makeToken, Rig, rejectsWith, sign, start, works } from './rig.test.ts';

const hour = 3600_000;

test('a token makes children that have no more rights and no longer life', async () => {
  const { rig, officer } = await Rig.withOfficer();
  const member = await officer.hire('ann', { ttl: 10 * hour });
  const wide = await makeToken(rig, member.token, { label: 'ci', ttl: 99 * hour });
  assert.equal(wide.credential.expiresAt, start + 10 * hour);
  assert.equal(wide.credential.parent, member.set.tokenAccessor);
  assert.equal(wide.credential.label, 'ci');
  assert.ok(!('digest' in wide.credential));
  const narrow = await makeToken(rig, wide.proof, { actions: ['encrypt', 'decrypt'] });
  const principal = await rig.room.identify(narrow.proof, false);
  assert.deepEqual(principal.limitedTo, ['encrypt', 'decrypt']);
  const heir = await makeToken(rig, narrow.proof);
  assert.deepEqual((await rig.room.identify(heir.proof, false)).limitedTo, ['encrypt', 'decrypt']);
  await rejectsWith('denied', () => makeToken(rig, narrow.proof, { actions: ['encrypt', 'sign'] }));
  await rejectsWith('invalid-parameter', () => makeToken(rig, wide.proof, { ttl: 0 }));
  await rejectsWith('invalid-parameter', () => makeToken(rig, wide.proof, { label: 'a\nb' }));
});

test('tokens nest eight deep and no deeper', async () => {
  const { rig, officer } = await Rig.withOfficer();
  let proof: Proof = officer.token;
  for (let depth = 2; depth <= 8; depth++) {
    ({ proof } = await makeToken(rig, proof));
    await works(rig, proof);
  }
  await rejectsWith('limit-exceeded', () => makeToken(rig, proof));
});

test('a token ends with any of its parents', async () => {
  const { rig, officer } = await Rig.withOfficer();
  const parent = await makeToken(rig, officer.token, { ttl: hour });
  const child = await makeToken(rig, parent.proof);
  const grandchild = await makeToken(rig, child.proof);
  const sibling = await makeToken(rig, officer.token);
  const all = [parent, child, grandchild, sibling];
  for (const { proof } of all) await works(rig, proof);
  const asking = await rig.room.identify(parent.proof, true);
  await rig.commit(rig.room.verbs['revoke-token'](asking, { kind: 'revoke-token' }));
  for (const { proof } of [parent, child, grandchild]) await fails(rig, proof);
  await works(rig, sibling.proof);

  const short = await makeToken(rig, officer.token, { ttl: hour });
  const below = await makeToken(rig, short.proof);
  await works(rig, below.proof);
  rig.now += hour;
  await fails(rig, below.proof, 'expired-proof');
});

test('a renewal moves the end to at most the token’s own ttl from now, and to no later than its parents’', async () => {
  const { rig, officer } = await Rig.withOfficer();
  const parent = await makeToken(rig, officer.token, { ttl: 3 * hour });
  const child = await makeToken(rig, parent.proof, { ttl: 2 * hour });
  const renew = async ({ proof }: { proof: Proof }, increment?: number) => {
    const asking = await rig.room.identify(proof, true);
    const command = { kind: 'renew-token', ...(increment === undefined ? {} : { increment }) } as const;
    return (await rig.commit(rig.room.verbs['renew-token'](asking, command))).credential.expiresAt;
  };
  rig.now = start + hour;
  await works(rig, child.proof);
  assert.equal(await renew(child), start + 3 * hour);
  assert.equal(await renew(child, 99 * hour), start + 3 * hour);
  rig.now = start + 2.5 * hour;
  assert.equal(await renew(child), start + 3 * hour);
  assert.equal(await renew(parent), start + 5.5 * hour);
  assert.equal(await renew(child), start + 4.5 * hour);
  rig.now = start + 4 * hour;
  await works(rig, child.proof);
  // Less than was left: it ends sooner, for what memory holds too.
  assert.equal(await renew(parent, 1000), rig.now + 1000);
  rig.now += 1000;
  await fails(rig, parent.proof, 'expired-proof');
  await fails(rig, child.proof, 'expired-proof');

  const fixed = await makeToken(rig, officer.token, { ttl: hour, renewable: false });
  await rejectsWith('invalid-parameter', () => renew(fixed));
  await rejectsWith('invalid-parameter', () => renew({ proof: officer.token }));
});

test('a credential sees and manages itself and its descendants, nothing else', async () => {
  const { rig, officer } = await Rig.withOfficer();
  const member = await officer.hire('ann', { role: 'key-user', groups: ['team'] });
  const child = await makeToken(rig, member.token, { label: 'ci' });
  const ofKey = await makeToken(rig, sign(member.set, {}));
  const lookup = async (proof: Proof, accessor?: string) => {
    const asking = await rig.room.identify(proof, false);
    const command = { kind: 'lookup-token', ...(accessor === undefined ? {} : { accessor }) } as const;
    return (await rig.room.verbs['lookup-token'](asking, command)).result;
  };
  const self = await lookup(member.token);
  assert.equal(self.credential.id, member.set.tokenAccessor);
  assert.deepEqual(self.policies, ['key-user']);
  assert.ok(!('digest' in self.credential));
  assert.equal((await lookup(member.token, child.credential.id)).credential.label, 'ci');
  assert.equal((await lookup(sign(member.set, {}), ofKey.credential.id)).credential.id, ofKey.credential.id);
  for (const [proof, accessor] of [
    [child.proof, member.set.tokenAccessor],
    [member.token, ofKey.credential.id],
    [member.token, member.set.accessKeyId],
    [member.token, officer.set.tokenAccessor],
    [officer.token, member.set.tokenAccessor],
    [member.token, 'CLTAAAAAAAAAAAAAAAAA'],
    [member.token, '../x'],
  ] as const) {
    await rejectsWith('not-found', () => lookup(proof, accessor), accessor);
  }
  await rejectsWith('invalid-parameter', () => lookup(sign(member.set, {})));

  const asking = await member.byToken();
  await rig.commit(rig.room.verbs['revoke-token'](asking, { kind: 'revoke-token', accessor: child.credential.id }));
  await fails(rig, child.proof);
  await works(rig, member.token);
  await rejectsWith('not-found', () => lookup(member.token, child.credential.id));
});

test('an ended token can’t be renewed back to life', async () => {
  const { rig, officer } = await Rig.withOfficer();
  const child = await makeToken(rig, officer.token, { ttl: hour });
  rig.now += hour;
  const renew = { kind: 'renew-token', accessor: child.credential.id } as const;
  await rejectsWith('not-found', async () => rig.room.verbs['renew-token'](await officer.byToken(), renew));
});
