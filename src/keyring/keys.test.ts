import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Key } from '#domain/domain.ts';
import { memoryStore, type Store } from '#store/store.ts';
import { byId, byName, Ring, realm, refused } from './testing/ring.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A store whose reads come back some turns after they were answered: old by then, if something was written meanwhile. */
function slowStore(lateness: () => number): Store {
  const store = memoryStore();
  const { read } = store;
  store.read = async (...args) => {
    const answer = await read.apply(store, args);
    for (let i = lateness(); i > 0; i--) await turn();
    return answer;
  };
  return store;
}

function seeded(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

test('whoever looks for a key after a change was answered finds the change, whatever is read and forgotten meanwhile', async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const random = seeded(seed);
    // Fewer places than keys, so that they come and go all the time.
    const ring = await Ring.open(
      slowStore(() => random(4)),
      { capacity: 3 },
    );
    const keys: Key[] = [];
    for (let i = 0; i < 6; i++) keys.push(await ring.key({ name: `n${i}` }));
    const newest = keys.map(({ revision }) => revision);
    let writing: Promise<unknown> = Promise.resolve();
    let ended = false;
    const changing = (async () => {
      for (let i = 0; i < 60; i++) {
        const n = random(keys.length);
        const key = await ring.fresh(keys[n]!);
        writing = ring.do(ring.keyring.tagKey(key, { kind: 'tag-key', key: byId(key), tags: { i: `${i}` } }));
        await writing;
        newest[n] = key.revision + 1;
      }
      ended = true;
    })();
    const reading = Array.from({ length: 8 }, async () => {
      while (!ended) {
        const n = random(keys.length);
        const atLeast = newest[n]!;
        const ref = random(2) === 0 ? byId(keys[n]!) : byName(`n${n}`);
        const found = await ring.keyring.find(realm, ref);
        assert.ok(found, 'the key is there');
        assert.equal(found.id, keys[n]!.id);
        assert.ok(found.revision >= atLeast, `revision ${found.revision} after ${atLeast} was answered, seed ${seed}`);
        await turn();
      }
    });
    await Promise.all([changing, ...reading]);
    for (const [n, key] of keys.entries()) assert.equal((await ring.fresh(key)).revision, newest[n]);
  }
});

test('a name that moves is never found where it was, once its move is answered', async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const random = seeded(seed);
    const ring = await Ring.open(
      slowStore(() => random(5)),
      { capacity: 2 },
    );
    const keys = [await ring.key({ name: 'moving' }), await ring.key(), await ring.key()];
    let at = keys[0]!.id;
    let moving = false;
    let ended = false;
    const mover = (async () => {
      for (let i = 1; i <= 25; i++) {
        const to = await ring.fresh(keys[i % 3]!);
        moving = true;
        const command = { kind: 'update-alias', key: byId(to), name: 'moving' } as const;
        await ring.do(ring.keyring.updateAlias(to, command, ring.now));
        at = to.id;
        moving = false;
        await turn();
      }
      ended = true;
    })();
    const readers = Array.from({ length: 6 }, async () => {
      while (!ended) {
        const [before, stood] = [at, !moving];
        const found = await ring.keyring.find(realm, byName('moving'));
        // Only where nothing moved from before the question to the answer is there one right answer.
        if (stood && !moving && at === before) assert.equal(found?.id, before, `seed ${seed}`);
        await turn();
      }
    });
    await Promise.all([mover, ...readers]);
    assert.equal((await ring.keyring.find(realm, byName('moving')))?.id, at);
  }
});

test('a destroyed key is found by nobody who asks after its destruction was answered', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const random = seeded(seed);
    const ring = await Ring.open(
      slowStore(() => random(6)),
      { capacity: 2 },
    );
    const key = await ring.key({ name: 'mortal', deletionAllowed: true });
    await ring.restart({ capacity: 2 });
    let destroyed = false;
    const readers = Array.from({ length: 10 }, async (_, i) => {
      for (let j = 0; j < 12; j++) {
        const after = destroyed;
        const found = await ring.keyring.find(realm, i % 2 === 0 ? byId(key) : byName('mortal'));
        if (after) assert.equal(found, undefined, `seed ${seed}`);
        await turn();
      }
    });
    await turn();
    await ring.do(ring.keyring.destroyKey(await ring.fresh(key), ring.now));
    destroyed = true;
    await Promise.all(readers);
    assert.equal(ring.keyring.isCurrent(key), false);
  }
});

test('a key that was found is current until it is changed, and its opened versions go with it', async () => {
  const ring = await Ring.open();
  const key = await ring.key();
  await ring.encrypt(key, 'x');
  assert.equal(ring.keyring.isCurrent(key), true);
  const disabled = (await ring.do(Promise.try(() => ring.keyring.disableKey(key)))).key;
  assert.equal(ring.keyring.isCurrent(key), false);
  assert.equal(ring.keyring.isCurrent(disabled), true);
  assert.equal(await ring.keyring.find(realm, byId(key)), disabled);
});

test('the size of the cache that is set is taken up at the next opening', async () => {
  const ring = await Ring.open();
  const read = async () => await ring.do(ring.keyring.readCache());
  assert.deepEqual(await read(), { size: 0, active: 100 });
  const set = (size: number) => ring.do(ring.keyring.setCache({ kind: 'set-key-cache', size }));
  assert.deepEqual(await set(10), { size: 10, active: 100 });
  for (const size of [1, 9, -1, 1.5, 1_000_001]) await refused('invalid-parameter', set(size));
  await ring.restart();
  assert.deepEqual(await read(), { size: 10, active: 10 });
  const keys: Key[] = [];
  for (let i = 0; i < 12; i++) keys.push(await ring.key({ name: `k${i}` }));
  const known = keys.filter((key) => !(ring.keyring.find(key.realm, byId(key)) instanceof Promise));
  assert.equal(known.length, 10);
  await set(0);
  await ring.restart();
  assert.deepEqual(await read(), { size: 0, active: 100 });
});
