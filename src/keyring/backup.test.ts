import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { Command, Key } from '#domain/domain.ts';
import { byId, byName, plain, Ring, realm, refused } from './testing/ring.ts';

let ring: Ring;
beforeEach(async () => {
  ring = await Ring.open();
});

const leaving = { exportable: true, backupAllowed: true } as const;
const kept = (more: Parameters<Ring['key']>[0] = {}) => ring.key({ name: 'kept', ...leaving, ...more });
const backup = async (key: Key) => (await ring.do(ring.keyring.backupKey(key))).backup;
const restore = async (bytes: Uint8Array, more: Partial<Command<'restore-key'>> = {}, of = realm) => {
  const command = { kind: 'restore-key', backup: bytes, ...more } as const;
  const judged = await ring.keyring.touchedByRestore(of, command);
  return (await ring.do(ring.keyring.restoreKey(of, judged, command, ring.now))).key;
};
const touched = async (bytes: Uint8Array, more: Partial<Command<'restore-key'>> = {}) =>
  (await ring.keyring.touchedByRestore(realm, { kind: 'restore-key', backup: bytes, ...more })).map(({ id }) => id);
const destroyed = async (key: Key) => {
  const ended = await ring.update(key, { deletionAllowed: true });
  await ring.do(ring.keyring.destroyKey(ended, ring.now));
};
const found = async (name: string) => (await ring.keyring.find(realm, byName(name)))!;

describe('a backup', () => {
  test('is made of keys only that allow both to leave and to be kept so', async () => {
    await refused('unsupported', backup(await ring.key()));
    await refused('unsupported', backup(await ring.key({ exportable: true })));
    await refused('unsupported', backup(await ring.key({ backupAllowed: true })));
    await refused('unsupported', backup(await kept({ multiRegion: true, name: 'spread' })));
    const key = await kept();
    const { key: off } = await ring.do(Promise.try(() => ring.keyring.disableKey(key)));
    await refused('disabled', backup(off));
  });

  test('opens in its realm only, and whole', async () => {
    const bytes = await backup(await kept());
    await ring.key({}, '444455556666');
    await refused('invalid-parameter', restore(bytes, { name: 'n' }, '444455556666'));
    await refused('invalid-parameter', restore(bytes, { name: 'n' }, '777788889999'));
    for (const length of [0, 2, 66, 67, 82, 83, bytes.length - 1]) {
      await refused('invalid-parameter', restore(bytes.subarray(0, length), { name: 'n' }), `${length} bytes`);
    }
    for (const at of [0, 2, 3, 40, 67, 200, bytes.length - 1]) {
      const changed = Uint8Array.from(bytes);
      changed[at]! ^= 1;
      await refused('invalid-parameter', restore(changed, { name: 'n' }), `byte ${at}`);
      assert.deepEqual(await touched(changed, { name: 'kept' }), []);
    }
  });
});

describe('a key that was destroyed', () => {
  test('comes back as it was, with all its versions, for what it encrypted', async () => {
    let key = await kept();
    const ciphertexts = [(await ring.encrypt(key, 'by 1')).ciphertext];
    for (const version of [2, 3]) {
      key = await ring.rotate(key);
      ciphertexts.push((await ring.encrypt(key, `by ${version}`)).ciphertext);
    }
    key = await ring.update(key, { minDecryptionVersion: 2, description: 'the old one' });
    const bytes = await backup(key);
    await destroyed(key);
    assert.equal(await ring.keyring.find(realm, byName('kept')), undefined);
    assert.deepEqual(await touched(bytes), []);
    const back = await restore(bytes);
    assert.deepEqual([back.id, back.names, back.description], [key.id, ['kept'], 'the old one']);
    await ring.restart();
    const again = await found('kept');
    assert.equal(await ring.decrypt(again, ciphertexts[1]!), 'by 2');
    assert.equal(await ring.decrypt(again, ciphertexts[2]!), 'by 3');
    await refused('version-too-old', ring.decrypt(again, ciphertexts[0]!));
    const lowered = await ring.update(again, { minDecryptionVersion: 1 });
    assert.equal(await ring.decrypt(lowered, ciphertexts[0]!), 'by 1');
    assert.equal((await ring.rotate(lowered)).current.version, 4);
  });

  test('comes back under another name too', async () => {
    const key = await kept();
    const bytes = await backup(key);
    await destroyed(key);
    const back = await restore(bytes, { name: 'other' });
    assert.deepEqual([back.id, back.names], [key.id, ['other']]);
    assert.equal(await ring.keyring.find(realm, byName('kept')), undefined);
  });
});

describe('a key that is there', () => {
  test('gives way only to force, and then loses what came after the backup', async () => {
    let key = await ring.rotate(await kept());
    const bytes = await backup(key);
    const { ciphertext } = await ring.encrypt(key, 'by 2');
    for (let i = 0; i < 3; i++) key = await ring.rotate(key);
    const { ciphertext: later } = await ring.encrypt(key, 'by 5');
    await refused('already-exists', restore(bytes));
    assert.deepEqual(await touched(bytes), [key.id]);
    const back = await restore(bytes, { force: true });
    assert.deepEqual([back.id, back.current.version], [key.id, 2]);
    await ring.restart();
    assert.equal(await ring.decrypt(await found('kept'), ciphertext), 'by 2');
    await refused('invalid-ciphertext', ring.decrypt(await found('kept'), later));
    const next = await ring.rotate(await found('kept'));
    assert.equal(next.current.version, 3);
    await refused('invalid-ciphertext', ring.decrypt(next, later));
  });

  test('keeps the rights and names that it has now', async () => {
    const key = await kept();
    const bytes = await backup(key);
    const { key: ruled } = await ring.do(Promise.try(() => ring.keyring.setPolicy(key, '{"Statement":[]}')));
    const { key: granted } = await ring.do(Promise.try(() => ring.keyring.raiseGrants(ruled)));
    const alias = { kind: 'create-alias', key: byId(key), name: 'second' } as const;
    await ring.do(ring.keyring.createAlias(granted, alias, ring.now));
    const back = await restore(bytes, { force: true });
    assert.deepEqual([back.policy, back.grantsRevision, back.names], ['{"Statement":[]}', 1, ['kept', 'second']]);
    assert.equal((await found('second')).id, key.id);
  });

  test('has a copy beside it under another name, which opens what it encrypted', async () => {
    const key = await kept();
    const bytes = await backup(key);
    const { ciphertext } = await ring.encrypt(key, 'secret');
    const copy = await restore(bytes, { name: 'copy' });
    assert.notEqual(copy.id, key.id);
    await ring.restart();
    assert.equal(await ring.decrypt(await found('copy'), ciphertext), 'secret');
    const made = await ring.encrypt(await found('copy'), 'by the copy');
    await refused('wrong-key', ring.decrypt(key, made.ciphertext));
    const second = await restore(await backup(await found('copy')), { name: 'copy-of-copy' });
    assert.equal(await ring.decrypt(second, ciphertext), 'secret');
    assert.equal(await ring.decrypt(second, made.ciphertext), 'by the copy');
  });

  test('loses its name to another one that is restored with force, and lives on', async () => {
    const key = await kept();
    const bytes = await backup(key);
    const other = await ring.key({ name: 'taken' });
    await refused('already-exists', restore(bytes, { name: 'taken' }));
    assert.deepEqual(await touched(bytes, { name: 'taken' }), [other.id]);
    const command = { kind: 'restore-key', backup: bytes, name: 'taken', force: true } as const;
    const { result, change } = await ring.keyring.restoreKey(realm, [other], command, ring.now);
    const { key: copy } = await ring.do({ result, change: change! });
    assert.equal(change!.summary, `restored a copy of ${key.id} as ${copy.id} in place of ${other.id}`);
    await ring.restart();
    assert.equal((await found('taken')).id, copy.id);
    assert.deepEqual((await ring.fresh(other)).names, []);
    await destroyed(await found('taken'));
    assert.equal(await ring.keyring.find(realm, byName('taken')), undefined);
  });
});

describe('who may do what with a key', () => {
  const governed = (key: Key, policy: string) => ring.do(Promise.try(() => ring.keyring.setPolicy(key, policy)));
  const tagged = (key: Key, team: string) =>
    ring.do(Promise.try(() => ring.keyring.tagKey(key, { kind: 'tag-key', key: byId(key), tags: { team } })));

  test('is what it is now, for a copy too', async () => {
    const { key } = await governed(await kept({ tags: { team: 'a' } }), '{"Statement":["loose"]}');
    const bytes = await backup(key);
    const { key: moved } = await tagged(key, 'b');
    await governed(moved, '{"Statement":["strict"]}');
    const copy = await restore(bytes, { name: 'copy' });
    assert.deepEqual(
      [copy.policy, copy.tags, copy.grantsRevision],
      ['{"Statement":["strict"]}', { team: 'b' }, undefined],
    );
  });

  test('is what it was when the key was destroyed', async () => {
    const { key } = await governed(await kept(), '{"Statement":["loose"]}');
    const bytes = await backup(key);
    const { key: strict } = await governed(key, '{"Statement":["strict"]}');
    await destroyed((await ring.do(Promise.try(() => ring.keyring.raiseGrants(strict)))).key);
    const back = await restore(bytes);
    assert.deepEqual([back.policy, back.grantsRevision], ['{"Statement":["strict"]}', 1]);
  });
});

describe('a name that somebody takes while a key is being restored', () => {
  test('is not taken from him unasked', async () => {
    const bytes = await backup(await kept());
    const command = { kind: 'restore-key', backup: bytes, name: 'free', force: true } as const;
    const judged = await ring.keyring.touchedByRestore(realm, command);
    const underWay = await ring.keyring.restoreKey(realm, judged, command, ring.now);
    const other = await ring.key({ name: 'free' });
    await refused('conflict', ring.keyring.restoreKey(realm, judged, command, ring.now));
    await assert.rejects(ring.do(Promise.resolve(underWay)));
    assert.equal((await found('free')).id, other.id);
  });
});

test('a key pair comes back with its public half, and a name of the server is given to none', async () => {
  const pair = await kept({ spec: 'ec-p256', usages: ['sign'] });
  const scheme = { family: 'ecdsa', hash: 'sha256' } as const;
  const asked = { key: byId(pair), message: plain('m'), messageType: 'raw', scheme, context: {} } as const;
  const bytes = await backup(pair);
  await refused('invalid-parameter', restore(bytes, { name: 'aws/x' }));
  await refused('invalid-parameter', restore(bytes, { name: 'not a name' }));
  const copy = await restore(bytes, { name: 'copy' });
  const { signature } = await ring.do(ring.keyring.sign(copy, { kind: 'sign', ...asked }));
  assert.equal((await ring.do(ring.keyring.verify(pair, { kind: 'verify', ...asked, signature }))).valid, true);
});

test('a raw key comes back as itself only, and has done what it had done', async () => {
  await ring.restart({ capacity: 100, uses: { limit: 4, block: 2 } });
  const key = await kept({ class: 'raw' });
  const bytes = await backup(key);
  const uses = async () => (await found('kept')).current.reservedUses;
  for (let i = 0; i < 3; i++) await ring.encrypt(await found('kept'), 'x');
  assert.equal(await uses(), 4);
  await restore(bytes, { force: true });
  assert.equal(await uses(), 4);
  await refused('unsupported', restore(bytes, { name: 'copy' }));
  await destroyed(await found('kept'));
  await restore(bytes);
  await ring.restart({ capacity: 100, uses: { limit: 4, block: 2 } });
  assert.equal(await uses(), 4);
  await refused('limit-exceeded', async () => ring.encrypt(await found('kept'), 'x'));
});

test('no count of uses is lost with a version that went and came again', async () => {
  const few = { capacity: 100, uses: { limit: 4, block: 2 } };
  await ring.restart(few);
  const first = await backup(await kept({ class: 'raw' }));
  const second = await backup(await ring.rotate(await found('kept')));
  for (let i = 0; i < 4; i++) await ring.encrypt(await found('kept'), 'x');
  await restore(first, { force: true });
  await ring.rotate(await found('kept'));
  await ring.encrypt(await found('kept'), 'counted anew');
  assert.equal((await found('kept')).current.reservedUses, 2);
  await restore(second, { force: true });
  await refused('limit-exceeded', async () => ring.encrypt(await found('kept'), 'x'));
});
