import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JwtRole } from '#domain/domain.ts';
import { jwtRole } from './jwt-role.ts';
import { rejectsWith } from './rig.test.ts';

const token = { policies: [], cidrs: [] };
const sound: Partial<JwtRole> = { type: 'jwt', userClaim: 'sub', boundAudiences: ['vault'] };
const wrong = (more: Partial<JwtRole>) =>
  rejectsWith('invalid-parameter', () => jwtRole({ ...sound, ...more }, undefined, token));

test('what is left out stays as it is', () => {
  const role = jwtRole(sound, undefined, token);
  assert.equal(role.boundClaimsType, 'string');
  const changed = jwtRole({ type: 'jwt', groupsClaim: 'groups' }, role, token);
  assert.deepEqual(changed, { ...role, groupsClaim: 'groups' });
});

test('a role lets in nobody in particular only if it says who that may be', async () => {
  const { boundAudiences: _, ...open } = sound;
  for (const more of [{ boundSubject: 'a' }, { boundClaims: { a: 'b' } }, { boundAudiences: ['a'] }]) {
    assert.ok(jwtRole({ ...open, ...more }, undefined, token));
  }
  assert.ok(jwtRole(open, undefined, { policies: [], cidrs: ['10.0.0.0/8'] }));
  await rejectsWith('invalid-parameter', () => jwtRole(open, undefined, token));
  await wrong({ type: 'oidc' });
  assert.ok(jwtRole({ ...open, type: 'oidc', redirects: ['https://a.example/b'] }, undefined, token));
});

test('refuses what could not be held against a token', async () => {
  await wrong({ userClaim: '' });
  await wrong({ claimMappings: { a: 'role' } });
  await wrong({ claimMappings: { a: 'x', b: 'x' } });
  await wrong({ boundClaimsType: 'glob', boundClaims: { a: 5 } });
  await wrong({ boundClaims: { a: Array.from({ length: 101 }, (_, i) => i) } });
  await wrong({ boundClaims: { ['x'.repeat(2000)]: 'a' } });
  await wrong({ boundAudiences: Array.from({ length: 101 }, String) });
  for (const leeway of [-2, 1.5, 90_000, Number.NaN]) await wrong({ expirationLeeway: leeway });
  await wrong({ maxAge: -1 });
  await wrong({ scopes: ['open id'] });
  for (const uri of ['', 'x', '/back', 'https://a.example/#b', 'https://a.example/ b'])
    await wrong({ redirects: [uri] });
});
