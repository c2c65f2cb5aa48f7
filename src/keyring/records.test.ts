import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SecretBytes } from '#domain/domain.ts';
import { memoryStore } from '#store/store.ts';
import { type ProtectedChange, Records } from './records.ts';
import { StateDigest } from './state-digest.ts';

const keyOf = (byte: number) => new SecretBytes(new Uint8Array(32).fill(byte));
const row = { kind: 'setting', id: 'a row' } as const;

/** Records on their way from one root to another, of which one row is still under the former. */
async function renewing() {
  const store = memoryStore();
  const digest = new StateDigest(keyOf(1));
  const former = keyOf(2);
  let kept = new Uint8Array(32);
  const commit = async (records: Records, change: ProtectedChange) => {
    await store.commit({ changes: [change.writes], block: undefined, head: new Uint8Array(1), anchor: undefined });
    kept = kept.map((byte, i) => byte ^ change.digestDelta[i]!);
    records.written([change]);
  };
  const before = new Records(store, former, digest);
  await commit(before, await before.protect([{ ...row, expect: 0, value: { says: 'once' } }]));
  const records = new Records(store, keyOf(3), digest, former);
  return {
    records,
    commit: (change: ProtectedChange) => commit(records, change),
    renew: async () => {
      const [found] = await records.scan(0, 1);
      const { revision: expect, value, outdated } = records.judge(found!);
      assert.ok(outdated);
      await commit(records, await records.protect([{ ...row, expect, value: value as object, renewed: true }]));
    },
    assertKept: async () => assert.deepEqual(kept, (await digest.over(store.macs())).digest),
  };
}

test('a row that was read before it was renewed changes as it lies then', async () => {
  const { records, commit, renew, assertKept } = await renewing();
  const { revision: expect } = (await records.read(row.kind, row.id))!;
  await renew();
  await assertKept();
  const change = await records.protect([{ ...row, expect, value: { says: 'twice' } }]);
  assert.ok(records.fits(change));
  await commit(change);
  await assertKept();
});

test('a change that was protected before its row was renewed does not fit any more', async () => {
  const { records, renew, assertKept } = await renewing();
  const change = await records.protect([{ ...row, expect: 1, value: { says: 'twice' } }]);
  const other = await records.protect([{ ...row, id: 'another', expect: 0, value: {} }]);
  assert.ok(records.fits(change));
  await renew();
  assert.equal(records.fits(change), false);
  assert.ok(records.fits(other));
  await assertKept();
});
