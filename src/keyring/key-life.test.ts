import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { Command, Key, Result } from '#domain/domain.ts';
import { byId, byName, day, Ring, realm, refused, startTime } from './testing/ring.ts';

let ring: Ring;
beforeEach(async () => {
  ring = await Ring.open();
});

const alias = (kind: 'create-alias' | 'update-alias', key: Key, name: string) => {
  const command = { kind, key: byId(key), name } as never;
  const verb = kind === 'create-alias' ? ring.keyring.createAlias : ring.keyring.updateAlias;
  return ring.do(verb(key, command, ring.now));
};
const unname = (name: string) => ring.do(ring.keyring.deleteAlias(realm, { kind: 'delete-alias', name }));
const schedule = async (key: Key, days = 7) =>
  (
    await ring.do(
      Promise.try(() =>
        ring.keyring.scheduleDestruction(key, { kind: 'schedule-destruction', key: byId(key), days }, ring.now),
      ),
    )
  ).key;
const cancel = async (key: Key) => (await ring.do(Promise.try(() => ring.keyring.cancelDestruction(key)))).key;
const disable = async (key: Key) => (await ring.do(Promise.try(() => ring.keyring.disableKey(key)))).key;
const enable = async (key: Key) => (await ring.do(Promise.try(() => ring.keyring.enableKey(key)))).key;
const trim = async (key: Key, minAvailableVersion: number) =>
  (await ring.do(ring.keyring.trimKey(key, { kind: 'trim-key', key: byId(key), minAvailableVersion }))).key;
const named = async (name: string) => (await ring.keyring.find(realm, byName(name)))?.id;

test('what was encrypted before any number of rotations opens after them, also after a restart', async () => {
  let key = await ring.key();
  const made: Uint8Array[] = [];
  for (let version = 1; version <= 6; version++) {
    const { ciphertext, version: by } = await ring.encrypt(key, `by version ${version}`);
    assert.equal(by, version);
    made.push(ciphertext);
    key = await ring.rotate(key);
  }
  for (const restart of [false, true]) {
    if (restart) await ring.restart();
    key = await ring.fresh(key);
    for (const [i, ciphertext] of made.entries())
      assert.equal(await ring.decrypt(key, ciphertext), `by version ${i + 1}`);
  }
});

test('only the newest version protects, unless a minimum lets a range of them', async () => {
  let key = await ring.rotate(await ring.rotate(await ring.key()));
  for (const version of [1, 2]) await refused('version-too-old', ring.encrypt(key, 'x', { version }));
  for (const version of [0, -1, 4, 1.5, Number.NaN]) {
    await refused('version-not-found', ring.encrypt(key, 'x', { version }));
  }
  key = await ring.update(key, { minEncryptionVersion: 2 });
  for (const version of [2, 3]) assert.equal((await ring.encrypt(key, 'x', { version })).version, version);
  assert.equal((await ring.encrypt(key, 'x')).version, 3);
  await refused('version-too-old', ring.encrypt(key, 'x', { version: 1 }));
});

test('a version below the minimum opens nothing, and opens again when the minimum is lowered', async () => {
  let key = await ring.key();
  const { ciphertext } = await ring.encrypt(key, 'old');
  key = await ring.update(await ring.rotate(key), { minDecryptionVersion: 2 });
  await refused('version-too-old', ring.decrypt(key, ciphertext));
  key = await ring.update(key, { minDecryptionVersion: 1 });
  assert.equal(await ring.decrypt(key, ciphertext), 'old');
});

test('minima stay within what there is, and in their order', async () => {
  let key = await ring.rotate(await ring.rotate(await ring.key()));
  const wrong: ReadonlyArray<Command<'update-key'>['patch']> = [
    ...[0, -1, 4].map((minDecryptionVersion) => ({ minDecryptionVersion })),
    ...[-1, 4].map((minEncryptionVersion) => ({ minEncryptionVersion })),
    { minDecryptionVersion: 3, minEncryptionVersion: 2 },
    ...[1.5, Number.NaN].flatMap((half) => [{ minDecryptionVersion: half }, { minEncryptionVersion: half }]),
  ];
  for (const patch of wrong) await refused('invalid-parameter', ring.update(key, patch), JSON.stringify(patch));
  key = await ring.update(key, { minDecryptionVersion: 2, minEncryptionVersion: 3 });
  await refused('invalid-parameter', ring.update(key, { minEncryptionVersion: 1 }));
  assert.deepEqual([(await ring.fresh(key)).minDecryptionVersion, key.minEncryptionVersion], [2, 3]);
});

test('trimming needs both minima, only goes up, and destroys what is below for good', async () => {
  let key = await ring.key();
  const { ciphertext } = await ring.encrypt(key, 'first');
  key = await ring.rotate(await ring.rotate(key));
  await refused('invalid-parameter', trim(key, 2));
  key = await ring.update(key, { minEncryptionVersion: 3, minDecryptionVersion: 2 });
  await refused('invalid-parameter', trim(key, 3));
  key = await trim(key, 2);
  await refused('invalid-parameter', trim(key, 1));
  await refused('invalid-parameter', ring.update(key, { minDecryptionVersion: 1 }));
  await refused('version-too-old', ring.decrypt(key, ciphertext));
  const { versions } = await ring.do(
    ring.keyring.describeKey(key, { kind: 'describe-key', key: byId(key), withVersions: true }),
  );
  assert.deepEqual(
    versions.map(({ version, state, wrapped }) => [version, state, wrapped !== undefined]),
    [
      [1, 'destroyed', false],
      [2, 'deactivated', true],
      [3, 'active', true],
    ],
  );
});

test('a disabled key refuses every use and opens everything again once enabled', async () => {
  let key = await ring.rotate(await ring.key());
  const { ciphertext } = await ring.encrypt(key, 'x');
  key = await disable(key);
  await refused('disabled', ring.encrypt(key, 'x'));
  await refused('disabled', ring.decrypt(key, ciphertext));
  await refused('disabled', ring.rotate(key));
  assert.equal((await disable(key)).revision, key.revision, 'disabling twice changes nothing');
  key = await enable(key);
  assert.equal(await ring.decrypt(key, ciphertext), 'x');
});

test('a key that waits for its end refuses everything but its rescue, and comes back disabled', async () => {
  let key = await ring.key({ name: 'ending', tags: { a: 'b' } });
  const { ciphertext } = await ring.encrypt(key, 'x');
  for (const days of [6, 121, 7.5, 0, -7, Number.NaN]) await refused('invalid-parameter', schedule(key, days));
  key = await schedule(key, 7);
  assert.equal(key.destruction!.at, startTime + 7 * day);
  const refusals: ReadonlyArray<() => Promise<unknown>> = [
    () => ring.encrypt(key, 'x'),
    () => ring.decrypt(key, ciphertext),
    () => ring.rotate(key),
    () => enable(key),
    () => disable(key),
    () => schedule(key),
    () => ring.update(key, { description: 'x' }),
    () => trim(key, 1),
    () => alias('create-alias', key, 'more'),
    () => Promise.try(() => ring.do(ring.keyring.tagKey(key, { kind: 'tag-key', key: byId(key), tags: {} }))),
    () => Promise.try(() => ring.do(ring.keyring.untagKey(key, { kind: 'untag-key', key: byId(key), names: ['a'] }))),
  ];
  for (const refusal of refusals) await refused('pending-destruction', refusal());
  key = await cancel(key);
  assert.equal(key.enabled, false);
  await refused('not-pending-destruction', cancel(key));
  await refused('disabled', ring.decrypt(key, ciphertext));
  key = await enable(key);
  assert.equal(await ring.decrypt(key, ciphertext), 'x');
});

test('destroying needs the waiting period over, or the setting of the key', async () => {
  const key = await schedule(await ring.key());
  const destroy = (one: Key) => ring.do(ring.keyring.destroyKey(one, ring.now));
  await refused('destruction-not-allowed', destroy(key));
  ring.now += 7 * day - 1;
  await refused('destruction-not-allowed', destroy(key));
  ring.now++;
  await destroy(key);
  await refused('destruction-not-allowed', destroy(await ring.key()));
  await destroy(await ring.key({ deletionAllowed: true }));
});

test('a destroyed key leaves a tombstone without material, its names free, and opens nothing', async () => {
  let key = await ring.key({ name: 'mortal', deletionAllowed: true });
  await alias('create-alias', key, 'second-name');
  key = await ring.rotate(await ring.fresh(key));
  await ring.do(ring.keyring.destroyKey(key, ring.now));
  for (const restart of [false, true]) {
    if (restart) await ring.restart();
    assert.equal(await ring.keyring.find(realm, byId(key)), undefined);
    assert.equal(await named('mortal'), undefined);
    assert.equal(await named('second-name'), undefined);
  }
  const rows = [...(await ring.store.list('key', '', '', 9)), ...(await ring.store.list('version', '', '', 9))];
  assert.equal(rows.length, 2);
  for (const { body } of rows) {
    const text = Buffer.from(body).toString();
    assert.match(text, /"destroyed"/);
    assert.doesNotMatch(text, /wrapped/);
  }
  const heir = await ring.key({ name: 'mortal' });
  assert.equal(await named('mortal'), heir.id);
  assert.equal(
    (await ring.do(ring.keyring.listKeys(realm, { kind: 'list-keys', after: '', limit: 9 }))).keys.length,
    1,
  );
});

test('names point at keys, move between keys of one kind, and are free again once deleted', async () => {
  const [one, two] = [await ring.key({ name: 'first' }), await ring.key()];
  await alias('create-alias', one, 'app/main');
  assert.equal(await named('app/main'), one.id);
  await refused('already-exists', alias('create-alias', two, 'app/main'));
  await alias('update-alias', two, 'app/main');
  assert.equal(await named('app/main'), two.id);
  assert.deepEqual((await ring.fresh(one)).names, ['first']);
  assert.deepEqual((await ring.fresh(two)).names, ['app/main']);
  await refused(
    'wrong-usage',
    alias('update-alias', await ring.key({ spec: 'hmac-sha256', usages: ['mac'] }), 'first'),
  );
  await refused('alias-not-found', alias('update-alias', two, 'nowhere'));
  await unname('app/main');
  await refused('alias-not-found', unname('app/main'));
  assert.equal(await named('app/main'), undefined);
  await alias('create-alias', await ring.fresh(one), 'app/main');
  assert.equal(await named('app/main'), one.id);
  await ring.restart();
  assert.equal(await named('app/main'), one.id);
});

test('a name has the grammar of both protocols and never that of an id', async () => {
  const key = await ring.key();
  const wrong = [
    '',
    '/',
    '/a',
    'a/',
    'a//b',
    '.',
    '..',
    'a/../b',
    'a/./b',
    'a b',
    'a*',
    '\u00e9',
    'a\n',
    '.a',
    'x'.repeat(251),
  ];
  for (const name of [...wrong, key.id, key.id.toUpperCase(), '00000000-0000-0000-0000-000000000000']) {
    await refused('invalid-parameter', alias('create-alias', key, name), JSON.stringify(name));
    await refused('invalid-parameter', ring.key({ name }), JSON.stringify(name));
  }
  for (const name of ['a', 'A-b_c.d/e', '0', '-', '_x', 'x'.repeat(250)]) {
    assert.equal((await ring.key({ name })).names[0], name);
  }
});

test('a key has at most 50 names and 50 tags, of bounded length', async () => {
  let key = await ring.key();
  for (let i = 0; i < 50; i++) {
    await alias('create-alias', key, `n${i}`);
    key = await ring.fresh(key);
  }
  await refused('limit-exceeded', alias('create-alias', key, 'n50'));
  const tag = (tags: Record<string, string>) =>
    Promise.try(() => ring.do(ring.keyring.tagKey(key, { kind: 'tag-key', key: byId(key), tags })));
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${i}`, 'v']));
  await refused('limit-exceeded', tag(many(51)));
  await refused('invalid-parameter', tag({ '': 'v' }));
  await refused('invalid-parameter', tag({ ['n'.repeat(129)]: 'v' }));
  await refused('invalid-parameter', tag({ n: 'v'.repeat(257) }));
  key = (await tag(many(50))).key;
  key = (await tag({ t0: 'other' })).key;
  assert.equal(key.tags.t0, 'other');
  await refused('limit-exceeded', tag({ more: 'v' }));
  const untagged = await ring.do(
    Promise.try(() => ring.keyring.untagKey(key, { kind: 'untag-key', key: byId(key), names: ['t0', 'unknown'] })),
  );
  assert.equal(Object.keys(untagged.key.tags).length, 49);
  await refused('invalid-parameter', ring.update(untagged.key, { description: 'd'.repeat(8193) }));
});

test('a key rotates on demand at most 25 times, and by the clock without end', async () => {
  let key = await ring.key();
  const onDemand = async () =>
    (await ring.do(ring.keyring.rotateKey(key, { kind: 'rotate-key', key: byId(key), onDemand: true }, ring.now))).key;
  for (let i = 0; i < 25; i++) key = await onDemand();
  await refused('limit-exceeded', onDemand());
  key = await ring.rotate(key);
  assert.deepEqual([key.current.version, key.onDemandRotations], [27, 25]);
});

test('what is due is told soonest first, and changes with the key', async () => {
  const rotating = await ring.key({ rotationPeriodDays: 10 });
  const ending = await schedule(await ring.key({ rotationPeriodDays: 1 }), 9);
  const due = async (days: number) =>
    (await ring.keyring.due(startTime + days * day, 10)).map(({ what, keyId }) => [what, keyId]);
  assert.deepEqual(await due(8.9), [], 'a key that ends does not rotate any more');
  assert.deepEqual(await due(9), [['destruction', ending.id]]);
  assert.deepEqual(await due(10), [
    ['destruction', ending.id],
    ['rotation', rotating.id],
  ]);
  const disabled = await disable(rotating);
  assert.deepEqual(await due(100), [['destruction', ending.id]]);
  await enable(disabled);
  await cancel(ending);
  assert.deepEqual(await due(100), [['rotation', rotating.id]]);
  ring.now += 10 * day;
  await ring.rotate(await ring.fresh(rotating));
  assert.deepEqual(await due(19.9), []);
  assert.deepEqual(await due(20), [['rotation', rotating.id]]);
  await ring.update(await ring.fresh(rotating), { rotationPeriodDays: null });
  assert.deepEqual(await due(1000), []);
  await ring.restart();
});

test('a rotation period is an hour and up in whole seconds, and key pairs have one only where they may', async () => {
  for (const rotationPeriodDays of [0, 0.04, 1 / 3 + 1e-7, -1, 36_501, Number.NaN, Number.POSITIVE_INFINITY]) {
    const made = ring.key({ rotationPeriodDays });
    await refused('invalid-parameter', made, `${rotationPeriodDays}`);
  }
  await refused('unsupported', ring.key({ spec: 'ed25519', usages: ['sign'], rotationPeriodDays: 30 }));
  const pair = await ring.key({ spec: 'ed25519', usages: ['sign'] });
  await refused('unsupported', ring.update(pair, { rotationPeriodDays: 30 }));
  const often = 5400 / 86_400;
  const rotating = await ring.key({ spec: 'ed25519', usages: ['sign'], rotationPeriodDays: often, pairsRotate: true });
  assert.deepEqual(rotating.rotation, { periodDays: often, nextAt: ring.now + 5_400_000 });
  const command = { kind: 'rotate-key', key: byId(rotating), scheduled: true } as const;
  const { key } = await ring.do(ring.keyring.rotateKey(rotating, command, ring.now));
  assert.deepEqual([key.current.version, key.current.rotatedBy], [2, 'schedule']);
});

test('lists keys and names page by page, each once', async () => {
  const made: Key[] = [];
  for (let i = 0; i < 12; i++)
    made.push(await ring.key({ name: `n${String(i).padStart(2, '0')}`, deletionAllowed: true }));
  for (const i of [0, 5, 11]) await ring.do(ring.keyring.destroyKey(made[i]!, ring.now));
  await ring.key({ name: 'elsewhere' }, '444455556666');
  const alive = made.filter((_, i) => ![0, 5, 11].includes(i));
  for (const limit of [1, 2, 4, 9, 100]) {
    const ids: string[] = [];
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page: Result<'list-keys'> = await ring.do(
        ring.keyring.listKeys(realm, { kind: 'list-keys', after, limit }),
      );
      ids.push(...page.keys.map(({ id }) => id));
      assert.ok(page.keys.length <= limit);
      after = page.next;
    }
    assert.deepEqual(ids, alive.map(({ id }) => id).sort(), `pages of ${limit}`);
    const names: string[] = [];
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page: Result<'list-aliases'> = await ring.do(
        ring.keyring.listAliases(realm, { kind: 'list-aliases', after, limit }, undefined),
      );
      names.push(...page.aliases.map(({ name }) => name));
      after = page.next;
    }
    assert.deepEqual(names, alive.flatMap(({ names: own }) => own).sort(), `pages of ${limit}`);
  }
});

test('a key of another realm is not found, by id or name, whatever the reference says', async () => {
  const key = await ring.key({ name: 'mine' });
  for (const ref of [byId(key), byName('mine'), { ...byId(key), realm }, byName(key.id)]) {
    assert.equal(await ring.keyring.find('444455556666', ref), undefined);
  }
  assert.equal((await ring.keyring.find(realm, { ...byId(key), realm: '444455556666' })) ?? undefined, undefined);
  assert.equal((await ring.keyring.find(realm, byName(key.id)))?.id, key.id, 'an id where a name may stand');
});
