import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Key } from '#domain/domain.ts';
import { byId, plain, Ring, realm, refused } from './testing/ring.ts';

const ring = await Ring.open();

const disable = (key: Key, version: number) =>
  ring.do(ring.keyring.disableVersion(key, { kind: 'disable-key-version', key: byId(key), version }));
const enable = (key: Key, version: number) =>
  ring.do(ring.keyring.enableVersion(key, { kind: 'enable-key-version', key: byId(key), version }));

/** A key of three versions and what each made. */
async function threeVersions(): Promise<{ key: Key; made: Uint8Array[] }> {
  let key = await ring.key({ usages: ['encrypt', 'mac'], deletionAllowed: true });
  const made: Uint8Array[] = [];
  for (let version = 1; version <= 3; version++) {
    made.push((await ring.encrypt(key, `v${version}`)).ciphertext);
    if (version < 3) key = await ring.rotate(key);
  }
  return { key, made };
}

test('one older version is disabled by itself: nothing uses it, and the others go on', async () => {
  const { key, made } = await threeVersions();
  assert.equal(await ring.decrypt(key, made[1]!), 'v2', 'it was open before');
  const { key: now, version } = await disable(key, 2);
  assert.deepEqual([version.version, version.state], [2, 'suspended']);
  for (const again of [false, true]) {
    if (again) await ring.restart();
    const fresh = await ring.fresh(now);
    await refused('disabled', ring.decrypt(fresh, made[1]!));
    await refused('disabled', ring.encrypt(fresh, 'x', { version: 2 }));
    const mac = { kind: 'generate-mac', key: byId(key), message: plain('x'), version: 2 } as const;
    await refused('disabled', ring.keyring.generateMac(fresh, mac));
    assert.equal(await ring.decrypt(fresh, made[0]!), 'v1');
    assert.equal(await ring.decrypt(fresh, made[2]!), 'v3');
  }
  const described = { kind: 'describe-key', key: byId(key), withVersions: true } as const;
  const { versions } = await ring.do(ring.keyring.describeKey(await ring.fresh(now), described));
  assert.deepEqual(
    versions.map(({ state }) => state),
    ['deactivated', 'suspended', 'active'],
  );
});

test('nor does a minimum that lets older versions protect bring it back, only enabling does', async () => {
  const { key, made } = await threeVersions();
  const { key: disabled } = await disable(key, 2);
  const ranged = await ring.update(disabled, { minEncryptionVersion: 1 });
  await refused('disabled', ring.encrypt(ranged, 'x', { version: 2 }));
  const { key: enabled, version } = await enable(ranged, 2);
  assert.equal(version.state, 'deactivated');
  assert.equal(await ring.decrypt(enabled, made[1]!), 'v2');
  assert.equal((await ring.encrypt(enabled, 'x', { version: 2 })).version, 2);
});

test('asked for twice it changes nothing, and a destroyed version can be disabled no more', async () => {
  const { key } = await threeVersions();
  const { key: once } = await disable(key, 1);
  const { key: twice } = await disable(once, 1);
  assert.equal(twice.revision, once.revision);
  const raised = await ring.update(twice, { minDecryptionVersion: 2, minEncryptionVersion: 2 });
  const trim = { kind: 'trim-key', key: byId(key), minAvailableVersion: 2 } as const;
  const { key: trimmed } = await ring.do(ring.keyring.trimKey(raised, trim));
  await refused('invalid-state', enable(trimmed, 1));
});

test('the newest version and one that never was are refused', async () => {
  const { key } = await threeVersions();
  await refused('invalid-state', disable(key, 3));
  await refused('version-not-found', disable(key, 4));
  await refused('version-not-found', disable(key, 0));
});

test('a multi-Region key loses the version in every region, and only its primary says so', async () => {
  let primary = await ring.key({ multiRegion: true });
  const { ciphertext } = await ring.encrypt(primary, 'x');
  primary = await ring.rotate(primary);
  const there = `${realm}.eu-west-1`;
  const ask = { kind: 'replicate-key', key: byId(primary), region: 'eu-west-1' } as const;
  const { key: replica } = await ring.do(ring.keyring.replicateKey(primary, there, ask, ring.now));
  await refused('unsupported', disable(replica, 1));
  await disable(await ring.fresh(primary), 1);
  await refused('disabled', ring.decrypt(await ring.fresh(primary), ciphertext));
  await refused('disabled', ring.decrypt(await ring.fresh(replica), ciphertext));
});
