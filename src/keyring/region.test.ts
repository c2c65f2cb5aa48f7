import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Command, Key } from '#domain/domain.ts';
import { byId, byName, day, plain, Ring, realm, refused, startTime } from './testing/ring.ts';

const abroad = `${realm}.eu-west-1`;
const further = `${realm}.ap-south-1`;

const replicate = async (ring: Ring, key: Key, to = abroad, more: Partial<Command<'replicate-key'>> = {}) => {
  const command = { kind: 'replicate-key', key: byId(key), region: to.slice(realm.length + 1), ...more } as const;
  return (await ring.do(ring.keyring.replicateKey(await ring.fresh(key), to, command, ring.now))).key;
};

async function promote(ring: Ring, key: Key, replica: Key): Promise<void> {
  const command = { kind: 'update-primary-region', key: byId(key), region: 'x' } as const;
  await ring.do(ring.keyring.updatePrimaryRegion(await ring.fresh(key), await ring.fresh(replica), command));
}

const schedule = async (ring: Ring, key: Key, days = 7): Promise<Key> => {
  const command = { kind: 'schedule-destruction', key: byId(key), days } as const;
  const made = ring.keyring.scheduleDestruction(await ring.fresh(key), command, ring.now);
  return (await ring.do(Promise.resolve(made))).key;
};

async function pair(more: Partial<Command<'create-key'>> = {}) {
  const ring = await Ring.open();
  const primary = await ring.key({ multiRegion: true, ...more });
  const replica = await replicate(ring, primary);
  return { ring, primary, replica };
}

/** What the clock does to keys by now. */
async function runClock(ring: Ring): Promise<string[]> {
  const done: string[] = [];
  for (const { what, realm: at, keyId } of await ring.keyring.due(ring.now, 100)) {
    const key = (await ring.keyring.find(at, { by: 'id', id: keyId }))!;
    if (what === 'rotation') await ring.rotate(key);
    else await ring.do(ring.keyring.destroyKey(key, ring.now));
    done.push(`${what} in ${at}`);
  }
  return done;
}

describe('a multi-Region key', () => {
  test('has the same id everywhere, in a form of its own', async () => {
    const { primary, replica } = await pair();
    assert.match(primary.id, /^mrk-[0-9a-f]{32}$/);
    assert.equal(replica.id, primary.id);
    assert.equal(replica.realm, abroad);
  });

  test('opens in one region what it sealed in the other, also after a restart', async () => {
    const { ring, primary, replica } = await pair();
    const home = (await ring.encrypt(await ring.fresh(primary), 'made at home')).ciphertext;
    const away = (await ring.encrypt(replica, 'made abroad')).ciphertext;
    assert.equal(ring.keyring.keyNamedBy(abroad, home), primary.id);
    await ring.restart();
    assert.equal(await ring.decrypt(await ring.fresh(replica), home), 'made at home');
    assert.equal(await ring.decrypt(await ring.fresh(primary), away), 'made abroad');
  });

  test('is wrapped by each realm for itself', async () => {
    const { ring, primary, replica } = await pair();
    assert.notDeepEqual(replica.current.wrapped, (await ring.fresh(primary)).current.wrapped);
    const stolen: Key = { ...replica, current: (await ring.fresh(primary)).current };
    await refused('tampered', () => ring.encrypt(stolen, 'x'));
  });

  test('is told apart from an ordinary key with the same 16 bytes', async () => {
    const { ring, primary } = await pair();
    const { ciphertext } = await ring.encrypt(await ring.fresh(primary), 'x');
    const flagless = Uint8Array.from(ciphertext);
    flagless[29] = 0;
    assert.notEqual(ring.keyring.keyNamedBy(realm, flagless), primary.id);
    await refused('wrong-key', () => ring.decrypt(primary, flagless));
    flagless[29] = 3;
    await refused('invalid-ciphertext', () => ring.decrypt(primary, flagless));
    flagless[29] = 4;
    await refused('invalid-ciphertext', () => ring.decrypt(primary, flagless));
  });

  test('carries every older version along', async () => {
    const ring = await Ring.open();
    let key = await ring.key({ multiRegion: true });
    const made: Uint8Array[] = [];
    for (let version = 1; version <= 3; version++) {
      made.push((await ring.encrypt(key, `v${version}`)).ciphertext);
      key = await ring.rotate(key);
    }
    const replica = await replicate(ring, key);
    for (const [index, ciphertext] of made.entries()) {
      assert.equal(await ring.decrypt(replica, ciphertext), `v${index + 1}`);
    }
  });

  test('knows all its regions, in each of them', async () => {
    const { ring, primary } = await pair();
    const third = await replicate(ring, primary, further);
    const expected = { primary: realm, replicas: [abroad, further] };
    for (const at of [realm, abroad, further]) {
      assert.deepEqual((await ring.fresh({ ...primary, realm: at })).multiRegion, expected);
    }
    assert.deepEqual(third.multiRegion, expected);
  });

  test('has names, tags, switch and description of its own in each', async () => {
    const { ring, primary, replica } = await pair({ name: 'orders', tags: { a: '1' }, description: 'at home' });
    assert.deepEqual([replica.names, replica.tags, replica.description], [[], {}, '']);
    await ring.do(Promise.resolve(ring.keyring.disableKey(replica)));
    assert.equal((await ring.fresh(primary)).enabled, true);
    const alias = { kind: 'create-alias', key: byId(replica), name: 'orders' } as const;
    await ring.do(ring.keyring.createAlias(await ring.fresh(replica), alias, ring.now));
    assert.equal((await ring.keyring.find(abroad, byName('orders')))?.realm, abroad);
    assert.equal((await ring.keyring.find(realm, byName('orders')))?.realm, realm);
    const page = await ring.keyring.listKeys(realm, { kind: 'list-keys', after: '', limit: 10 });
    assert.equal(page.result.keys.length, 1);
  });

  test('of a pair signs in one region what the other verifies', async () => {
    const { ring, primary, replica } = await pair({ spec: 'ec-p256', usages: ['sign'] });
    assert.deepEqual(replica.current.publicKey, primary.current.publicKey);
    const scheme = { family: 'ecdsa', hash: 'sha256' } as const;
    const message = plain('message');
    const asked = { message, messageType: 'raw', scheme, context: {} } as const;
    const { signature } = await ring.do(
      Promise.try(() => ring.keyring.sign(replica, { kind: 'sign', key: byId(replica), ...asked })),
    );
    const check = { kind: 'verify', key: byId(primary), signature, ...asked } as const;
    const home = await ring.fresh(primary);
    assert.equal((await ring.do(Promise.try(() => ring.keyring.verify(home, check)))).valid, true);
  });
});

describe('replication', () => {
  test('is refused for keys of one region, replicas, disabled keys and keys that end', async () => {
    const { ring, primary, replica } = await pair();
    await refused('unsupported', replicate(ring, await ring.key(), further));
    await refused('unsupported', replicate(ring, replica, further));
    await ring.do(Promise.resolve(ring.keyring.disableKey(await ring.fresh(primary))));
    await refused('disabled', replicate(ring, primary, further));
    await ring.do(Promise.resolve(ring.keyring.enableKey(await ring.fresh(primary))));
    await schedule(ring, primary);
    await refused('pending-destruction', replicate(ring, primary, further));
  });

  test('is refused to where the key is, and to other accounts', async () => {
    const { ring, primary } = await pair();
    await refused('already-exists', replicate(ring, primary, abroad));
    await refused('already-exists', replicate(ring, primary, realm));
    await refused('denied', replicate(ring, primary, '999922223333.eu-west-1'));
  });

  test('of raw keys is not offered: what one region counts the other does not know', async () => {
    const ring = await Ring.open();
    await refused('unsupported', ring.key({ multiRegion: true, class: 'raw' }));
  });

  test('meets a conflict where the key changed meanwhile', async () => {
    const { ring, primary } = await pair();
    const seen = await ring.fresh(primary);
    const command = { kind: 'replicate-key', key: byId(primary), region: 'ap-south-1' } as const;
    const proposed = await ring.keyring.replicateKey(seen, further, command, ring.now);
    await ring.rotate(seen);
    await assert.rejects(ring.do(Promise.resolve(proposed)));
    assert.equal(await ring.keyring.find(further, byId(primary)), undefined);
  });

  test('works again where a replica was destroyed, with all its versions', async () => {
    const { ring, primary, replica } = await pair();
    const { ciphertext } = await ring.encrypt(await ring.fresh(primary), 'first');
    await ring.rotate(await ring.fresh(primary));
    await schedule(ring, replica);
    ring.now += 7 * day;
    assert.deepEqual(await runClock(ring), [`destruction in ${abroad}`]);
    assert.equal(await ring.keyring.find(abroad, byId(primary)), undefined);
    assert.deepEqual((await ring.fresh(primary)).multiRegion?.replicas, []);
    const again = await replicate(ring, primary);
    assert.equal(await ring.decrypt(again, ciphertext), 'first');
    await ring.rotate(await ring.fresh(primary));
    await ring.restart();
    assert.equal((await ring.fresh(again)).current.version, 3);
    assert.equal(await ring.decrypt(await ring.fresh(again), ciphertext), 'first');
  });
});

describe('rotation', () => {
  test('reaches all replicas, with the same material and version', async () => {
    const { ring, primary, replica } = await pair();
    await ring.do(Promise.resolve(ring.keyring.disableKey(replica)));
    await ring.rotate(await ring.fresh(primary));
    const rotated = await ring.fresh(replica);
    assert.equal(rotated.current.version, 2);
    assert.equal(rotated.enabled, false);
    await ring.do(Promise.resolve(ring.keyring.enableKey(rotated)));
    const { ciphertext } = await ring.encrypt(await ring.fresh(replica), 'new');
    await ring.restart();
    assert.equal(await ring.decrypt(await ring.fresh(primary), ciphertext), 'new');
  });

  test("is the primary's alone, by hand and by plan", async () => {
    const { ring, primary, replica } = await pair();
    await refused('unsupported', ring.rotate(replica));
    await refused('unsupported', ring.update(replica, { rotationPeriodDays: 90 }));
    await ring.update(await ring.fresh(primary), { rotationPeriodDays: 90 });
    const plan = { periodDays: 90, nextAt: startTime + 90 * day };
    assert.deepEqual((await ring.fresh(replica)).rotation, plan);
    ring.now += 90 * day;
    assert.deepEqual(await runClock(ring), [`rotation in ${realm}`]);
    assert.equal((await ring.fresh(replica)).current.version, 2);
    assert.deepEqual((await ring.fresh(replica)).rotation, (await ring.fresh(primary)).rotation);
  });

  test('counts those by hand for all', async () => {
    const { ring, primary, replica } = await pair();
    const command = { kind: 'rotate-key', key: byId(primary), onDemand: true } as const;
    await ring.do(ring.keyring.rotateKey(await ring.fresh(primary), command, ring.now));
    assert.equal((await ring.fresh(replica)).onDemandRotations, 1);
  });
});

describe('the primary region', () => {
  test('moves: the former primary follows, and the clock asks the new one', async () => {
    const { ring, primary, replica } = await pair({ rotationPeriodDays: 90 });
    await replicate(ring, primary, further);
    await promote(ring, primary, replica);
    const expected = { primary: abroad, replicas: [further, realm] };
    for (const at of [realm, abroad, further]) {
      assert.deepEqual((await ring.fresh({ ...primary, realm: at })).multiRegion, expected);
    }
    await refused('unsupported', ring.rotate(await ring.fresh(primary)));
    ring.now += 90 * day;
    assert.deepEqual(await runClock(ring), [`rotation in ${abroad}`]);
    for (const at of [realm, abroad, further]) {
      assert.equal((await ring.fresh({ ...primary, realm: at })).current.version, 2);
    }
  });

  test('is moved by the primary only, and between enabled keys only', async () => {
    const { ring, primary, replica } = await pair();
    await refused('unsupported', promote(ring, replica, primary));
    await refused('unsupported', promote(ring, primary, primary));
    await ring.do(Promise.resolve(ring.keyring.disableKey(replica)));
    await refused('disabled', promote(ring, primary, replica));
  });
});

describe('the end', () => {
  test('of a primary waits for its replicas, and its days begin with the end of the last', async () => {
    const { ring, primary, replica } = await pair();
    const third = await replicate(ring, primary, further);
    const waiting = await schedule(ring, primary, 10);
    assert.deepEqual(waiting.destruction, { days: 10, requestedAt: startTime, wasEnabled: true });
    await refused('pending-destruction', () => ring.encrypt(waiting, 'x'));
    await schedule(ring, replica, 7);
    await schedule(ring, third, 8);
    ring.now += 7 * day;
    assert.deepEqual(await runClock(ring), [`destruction in ${abroad}`]);
    assert.equal((await ring.fresh(primary)).destruction?.at, undefined);
    ring.now += day;
    assert.deepEqual(await runClock(ring), [`destruction in ${further}`]);
    assert.equal((await ring.fresh(primary)).destruction?.at, ring.now + 10 * day);
    ring.now += 10 * day;
    assert.deepEqual(await runClock(ring), [`destruction in ${realm}`]);
    assert.equal(await ring.keyring.find(realm, byId(primary)), undefined);
  });

  test('of a waiting primary is called off like any other', async () => {
    const { ring, primary, replica } = await pair();
    await schedule(ring, primary);
    await ring.do(Promise.resolve(ring.keyring.cancelDestruction(await ring.fresh(primary))));
    await schedule(ring, replica);
    ring.now += 7 * day;
    await runClock(ring);
    const left = await ring.fresh(primary);
    assert.deepEqual([left.destruction, left.enabled], [undefined, false]);
  });

  test('of a primary at once is refused as long as there are replicas', async () => {
    const { ring, primary } = await pair({ deletionAllowed: true });
    await refused('invalid-state', ring.keyring.destroyKey(await ring.fresh(primary), ring.now));
  });

  test('of a replica takes nothing from the others', async () => {
    const { ring, primary, replica } = await pair();
    const { ciphertext } = await ring.encrypt(replica, 'kept');
    await schedule(ring, replica);
    ring.now += 7 * day;
    await runClock(ring);
    await ring.restart();
    assert.equal(await ring.decrypt(await ring.fresh(primary), ciphertext), 'kept');
    assert.equal(await ring.keyring.find(abroad, byId(replica)), undefined);
  });
});

test('a name never looks like the id of a multi-Region key', async () => {
  const ring = await Ring.open();
  await refused('invalid-parameter', ring.key({ name: `mrk-${'0a'.repeat(16)}` }));
  await ring.key({ name: 'mrk-orders' });
});
