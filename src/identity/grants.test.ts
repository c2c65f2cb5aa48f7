import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command, Grant, Principal, Role } from '#domain/domain.ts';
import { type Member, Rig, rejectsWith } from './rig.test.ts';

async function give(by: Member, role: Role, to: string, more: Partial<Command<'create-grant'>> = {}): Promise<Grant> {
  const [kind, name] = to.split(' ') as ['principal' | 'group', string];
  const command: Command<'create-grant'> = {
    kind: 'create-grant',
    grantee: { kind, name },
    role,
    scope: { kind: 'realm' },
    ...more,
  };
  return (await by.rig.commit(by.rig.room.verbs['create-grant'](await by.byToken(), command))).grant;
}

async function take(by: Member, id: string): Promise<void> {
  await by.rig.commit(by.rig.room.verbs['revoke-grant'](await by.byToken(), { kind: 'revoke-grant', id }));
}

const idsOf = (grants: readonly Grant[]) => grants.map(({ id }) => id).sort();
const held = async (member: Member) => member.rig.room.grantsOf(await member.byToken());

test('a grant reaches its principal, or every member of its group, and nobody else', async () => {
  const { rig, officer } = await Rig.withOfficer();
  const ann = await officer.hire('ann', { groups: ['team', 'night'] });
  const bob = await officer.hire('bob', { groups: ['team'] });
  const cid = await officer.hire('cid', { groups: ['ann'] });
  const direct = await give(officer, 'auditor', 'principal ann');
  const byTeam = await give(officer, 'key-user', 'group team');
  const byNight = await give(officer, 'key-user', 'group night', { ttl: 1000, actions: ['encrypt'] });
  assert.deepEqual(idsOf(await held(ann)), idsOf([direct, byTeam, byNight]));
  assert.deepEqual(idsOf(await held(bob)), idsOf([byTeam]));
  assert.deepEqual(await held(cid), []);
  assert.deepEqual(
    (await held(ann)).find(({ id }) => id === byNight.id),
    byNight,
  );
  assert.equal(byNight.expiresAt, rig.now + 1000);
  // As signed, and after a restart.
  rig.open();
  assert.deepEqual(idsOf(await rig.room.grantsOf(await ann.bySignature())), idsOf([direct, byTeam, byNight]));
});

test('the list of grants is the same object until a grant of the realm changes', async () => {
  const { rig, officer } = await Rig.withOfficer();
  const ann = await officer.hire('ann', { groups: ['team'] });
  const guest = await officer.hire('gus', { realm: 'tenant', role: 'security-officer' });
  const first = await held(ann);
  assert.equal(rig.room.grantsOf(await ann.byToken()), first);
  // The same by another credential, and for those who ask at the same time.
  assert.equal(rig.room.grantsOf(await ann.bySignature()), first);
  rig.open();
  const principal = await ann.byToken();
  const [one, other] = await Promise.all([rig.room.grantsOf(principal), rig.room.grantsOf({ ...principal })]);
  assert.equal(one, other);

  await guest.hire('hal', { role: 'auditor' });
  assert.equal(await held(ann), one);
  const grant = await give(officer, 'key-user', 'group team');
  const second = await held(ann);
  assert.notEqual(second, one);
  assert.deepEqual(idsOf(second), [grant.id]);
  await take(officer, grant.id);
  assert.deepEqual(await held(ann), []);
  const third = await held(ann);
  await officer.hire('bob', { role: 'auditor' });
  assert.notEqual(await held(ann), third);
});

test('a grant that is revoked while grants are being read is not kept', async () => {
  const { rig, officer } = await Rig.withOfficer();
  const ann = await officer.hire('ann');
  const grant = await give(officer, 'key-user', 'principal ann');
  const [principal, officerPrincipal] = [await ann.byToken(), await officer.byToken()];
  let once = true;
  rig.afterList = async () => {
    if (!once) return;
    once = false;
    await rig.commit(rig.room.verbs['revoke-grant'](officerPrincipal, { kind: 'revoke-grant', id: grant.id }));
  };
  await rig.room.grantsOf(principal);
  assert.deepEqual(await rig.room.grantsOf(principal), []);
});

test('jobs and those without a credential hold nothing', async () => {
  const { rig } = await Rig.withOfficer();
  const nobody: Principal = { realm: '', name: 'olga', kind: 'system', groups: [], credential: '' };
  assert.deepEqual(rig.room.grantsOf(nobody), []);
});

test('tells whom a grant would reach and what each of them holds', async () => {
  const { rig, officer } = await Rig.withOfficer();
  const ann = await officer.hire('ann', { groups: ['team'], role: 'key-administrator' });
  await officer.hire('bob', { groups: ['team', 'night'] });
  await officer.hire('cid', { groups: ['night'] });
  await officer.hire('ann', { groups: ['team'], realm: 'tenant' });
  const { account } = officer.set;
  const onTeam = await give(officer, 'auditor', 'group team');
  const shown = async (grantee: Grant['grantee']) =>
    (await rig.room.holdersOf(account, grantee)).map(({ name, grants }) => [
      name,
      grants.map(({ role }) => role).sort(),
    ]);
  assert.deepEqual(await shown({ kind: 'group', name: 'team' }), [
    ['ann', ['auditor', 'key-administrator']],
    ['bob', ['auditor']],
  ]);
  assert.deepEqual(await shown({ kind: 'principal', name: 'bob' }), [['bob', ['auditor']]]);
  assert.deepEqual(await shown({ kind: 'principal', name: 'nobody' }), []);
  assert.deepEqual(await shown({ kind: 'group', name: 'nobody' }), []);

  const command = { kind: 'create-identity', name: 'dan', role: 'key-user', groups: ['team'] } as const;
  const prospect = await rig.room.prospect(await officer.byToken(), command);
  assert.equal(prospect.name, 'dan');
  assert.deepEqual(prospect.grants.map(({ role }) => role).sort(), ['auditor', 'key-user']);
  assert.ok(prospect.grants.some(({ id }) => id === onTeam.id));
  const elsewhere = await rig.room.prospect(await officer.byToken(), { ...command, realm: 'new' });
  assert.deepEqual(
    elsewhere.grants.map(({ role }) => role),
    ['key-user'],
  );
  assert.equal((await ann.byToken()).name, 'ann');
});

test('grants go to who exists, in one’s own realm, and are found there only', async () => {
  const { rig, officer } = await Rig.withOfficer();
  const ann = await officer.hire('ann');
  const guest = await officer.hire('gus', { realm: 'tenant', role: 'security-officer' });
  await rejectsWith('not-found', () => give(officer, 'auditor', 'principal nobody'));
  await rejectsWith('not-found', () => give(officer, 'auditor', 'principal Ann'));
  await rejectsWith('not-found', () => give(guest, 'auditor', 'principal ann'));
  await rejectsWith('invalid-parameter', () => give(officer, 'auditor', 'group a/b'));
  await rejectsWith('invalid-parameter', () => give(officer, 'auditor', 'principal ann', { ttl: -1 }));
  await give(officer, 'auditor', 'group team');
  await rejectsWith('already-exists', () => give(officer, 'auditor', 'group Team'));
  const grant = await give(officer, 'auditor', 'principal ann');
  await rejectsWith('not-found', () => take(guest, grant.id));
  await rejectsWith('not-found', () => take(officer, `${guest.set.account}/x`));
  await take(officer, grant.id);
  await rejectsWith('not-found', () => take(officer, grant.id));
  assert.deepEqual(await held(ann), []);

  const principal = await officer.byToken();
  const listed: string[] = [];
  for (let after: string | undefined = ''; after !== undefined; ) {
    const command: Command<'list-grants'> = { kind: 'list-grants', after, limit: 1 };
    const { result } = await rig.room.verbs['list-grants'](principal, command);
    listed.push(...result.grants.map(({ grantee, role }) => `${grantee.name} ${role}`));
    after = result.next;
  }
  assert.deepEqual(listed.sort(), ['olga security-officer', 'team auditor']);
});
