import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { KmsError, type RecordKind, type RecordWrite, type StoredRecord } from '#domain/domain.ts';
import { compareBytes, toUtf8 } from '#encoding/encoding.ts';
import { type Batch, CommitConflict, type LeafBlock, type Store } from './store.ts';

/** A new, empty store, and how to clean up after it. */
export interface Fixture {
  readonly store: Store;
  /** Closes the store and opens what it left; absent where nothing survives. */
  readonly reopen?: () => Promise<Store>;
  readonly remove?: () => void;
}

export function recordOf(id: string, revision: number, kind: RecordKind = 'key'): StoredRecord {
  const body = toUtf8(JSON.stringify({ id, revision }));
  return { kind, id, revision, body, mac: macOf(`${kind} ${id} ${revision}`) };
}

export function put(id: string, expect: number, kind: RecordKind = 'key'): RecordWrite {
  return { kind, id, expect, next: recordOf(id, expect + 1, kind) };
}

export function blockOf(first: number, count: number): LeafBlock {
  return { first, count, bytes: toUtf8(`leaves ${first} to ${first + count}`) };
}

export function batchOf(parts: Partial<Batch> = {}): Batch {
  return { changes: [], block: undefined, head: toUtf8('head'), anchor: undefined, ...parts };
}

/** Any 32 bytes that differ with the text. */
function macOf(text: string): Uint8Array {
  const mac = new Uint8Array(32);
  for (const [i, byte] of toUtf8(text).entries()) mac[i % 32] = (mac[i % 32]! * 31 + byte + i) & 0xff;
  return mac;
}

/** Blobs of one backend are Buffers and of another plain arrays; what counts is the bytes. */
function plain(record: StoredRecord | undefined): unknown {
  return record && { ...record, body: [...record.body], mac: [...record.mac] };
}

async function idsOf(store: Store, prefix: string, after: string, limit: number): Promise<readonly string[]> {
  return (await store.list('key', prefix, after, limit)).map(({ id }) => id);
}

async function macsOf(store: Store): Promise<readonly string[]> {
  const macs: string[] = [];
  for await (const chunk of store.macs()) {
    assert.equal(chunk.length % 32, 0);
    for (let i = 0; i < chunk.length; i += 32) macs.push(Buffer.from(chunk.subarray(i, i + 32)).toString('hex'));
  }
  return macs.sort();
}

const refusedAs = (code: string) => (error: unknown) => error instanceof KmsError && error.code === code;
const conflictIn = (change: number) => (error: unknown) => error instanceof CommitConflict && error.change === change;

/** What every backend promises. */
export function storeContract(name: string, open: () => Promise<Fixture>): void {
  describe(name, () => {
    let fixture: Fixture;
    let store: Store;
    beforeEach(async () => {
      fixture = await open();
      store = fixture.store;
    });
    afterEach(async () => {
      await store.close();
      fixture.remove?.();
    });

    const reopen = async () => {
      store = await fixture.reopen!();
      return store;
    };

    recordPromises(() => store);
    listPromises(() => store);
    ledgerPromises(() => store);
    lifePromises(() => store);
    test('finds everything again after it was opened anew', async (t) => {
      if (fixture.reopen === undefined) return t.skip('nothing survives this store');
      const checkpoint = { size: 3, note: 'signed' };
      await store.commit(batchOf({ changes: [[put('a', 0)]], block: blockOf(0, 3), head: toUtf8('one'), checkpoint }));
      await store.commit(batchOf({ block: blockOf(3, 2), head: toUtf8('two'), anchor: toUtf8('anchor') }));
      const again = await reopen();
      assert.deepEqual(plain(await again.read('key', 'a')), plain(recordOf('a', 1)));
      assert.deepEqual(Buffer.from((await again.head())!).toString(), 'two');
      assert.deepEqual(
        (await again.anchors()).map((bytes) => Buffer.from(bytes).toString()),
        ['anchor'],
      );
      const { blocks, checkpoints } = await again.ledger(0, 10);
      assert.deepEqual(
        blocks.map(({ first, count }) => [first, count]),
        [
          [0, 3],
          [3, 2],
        ],
      );
      assert.deepEqual(
        checkpoints.map((one) => ({ ...one })),
        [checkpoint],
      );
      await assert.rejects(again.commit(batchOf({ block: blockOf(0, 1) })), refusedAs('internal'));
      await again.commit(batchOf({ block: blockOf(5, 1) }));
    });
  });
}

function recordPromises(store: () => Store): void {
  test('a new store is empty', async () => {
    assert.equal(await store().head(), undefined);
    assert.deepEqual(await store().anchors(), []);
    assert.equal(await store().read('key', 'a'), undefined);
    assert.deepEqual(await store().list('key', '', '', 10), []);
    assert.deepEqual(await store().ledger(0, 10), { blocks: [], checkpoints: [] });
    assert.deepEqual(await macsOf(store()), []);
  });

  test('reads what was written, and tells kinds apart', async () => {
    await store().commit(batchOf({ changes: [[put('a', 0), put('a', 0, 'name')]] }));
    assert.deepEqual(plain(await store().read('key', 'a')), plain(recordOf('a', 1)));
    assert.deepEqual(plain(await store().read('name', 'a')), plain(recordOf('a', 1, 'name')));
    assert.equal(await store().read('grant', 'a'), undefined);
  });

  test('keeps what it was given, whatever the caller does to the bytes afterwards', async () => {
    const scratch = new Uint8Array(1024).fill(7);
    const record = { ...recordOf('a', 1), body: scratch.subarray(100, 110), mac: scratch.subarray(200, 232) };
    const block = { first: 0, count: 1, bytes: scratch.subarray(300, 310) };
    const changes = [[{ kind: 'key', id: 'a', expect: 0, next: record }]] as const;
    const done = store().commit({ changes, block, head: scratch.subarray(0, 5), anchor: scratch.subarray(5, 9) });
    scratch.fill(9);
    await done;
    const read = (await store().read('key', 'a'))!;
    assert.deepEqual([...read.body], Array(10).fill(7));
    assert.deepEqual([...read.mac], Array(32).fill(7));
    assert.deepEqual([...(await store().head())!], Array(5).fill(7));
    assert.deepEqual([...(await store().anchors())[0]!], Array(4).fill(7));
    assert.deepEqual([...(await store().ledger(0, 1)).blocks[0]!.bytes], Array(10).fill(7));
    read.body.fill(1);
    assert.deepEqual([...(await store().read('key', 'a'))!.body], Array(10).fill(7));
  });

  test('refuses a write whose row is at another revision, and names the change', async () => {
    await store().commit(batchOf({ changes: [[put('a', 0)]] }));
    await assert.rejects(store().commit(batchOf({ changes: [[put('b', 0)], [put('a', 0)]] })), conflictIn(1));
    await assert.rejects(store().commit(batchOf({ changes: [[put('a', 2)]] })), conflictIn(0));
    await assert.rejects(store().commit(batchOf({ changes: [[put('c', 1)]] })), conflictIn(0));
    await assert.rejects(
      store().commit(batchOf({ changes: [[], [{ kind: 'key', id: 'a', expect: 2, next: undefined }]] })),
      conflictIn(1),
    );
    await assert.rejects(
      store().commit(batchOf({ changes: [[{ kind: 'key', id: 'a', expect: 0, next: undefined }]] })),
      conflictIn(0),
    );
    assert.equal((await store().read('key', 'a'))!.revision, 1);
  });

  test('writes nothing of a batch that is refused', async () => {
    await store().commit(batchOf({ block: blockOf(0, 2), head: toUtf8('old'), anchor: toUtf8('old') }));
    const refused = batchOf({
      changes: [[put('a', 0)], [put('b', 3)]],
      block: blockOf(2, 1),
      head: toUtf8('new'),
      anchor: toUtf8('new'),
      checkpoint: { size: 3, note: 'new' },
    });
    await assert.rejects(store().commit(refused), conflictIn(1));
    assert.equal(await store().read('key', 'a'), undefined);
    assert.equal(Buffer.from((await store().head())!).toString(), 'old');
    assert.deepEqual(
      (await store().anchors()).map((bytes) => Buffer.from(bytes).toString()),
      ['old'],
    );
    const { blocks, checkpoints } = await store().ledger(0, 10);
    assert.deepEqual([blocks.length, checkpoints.length], [1, 0]);
    await store().commit(batchOf({ changes: [[put('a', 0)]], block: blockOf(2, 1) }));
  });

  test('lets a later change of a batch rest on an earlier one', async () => {
    await store().commit(batchOf({ changes: [[put('a', 0)], [put('a', 1), put('b', 0)], [put('a', 2)]] }));
    assert.equal((await store().read('key', 'a'))!.revision, 3);
  });

  test('deletes a row, which then may be made again', async () => {
    const gone = { kind: 'key', id: 'a', expect: 1, next: undefined } as const;
    await store().commit(batchOf({ changes: [[put('a', 0)]] }));
    await store().commit(batchOf({ changes: [[gone]] }));
    assert.equal(await store().read('key', 'a'), undefined);
    assert.deepEqual(await macsOf(store()), []);
    await store().commit(batchOf({ changes: [[{ ...gone, expect: 0 }, put('a', 0)]] }));
    assert.equal((await store().read('key', 'a'))!.revision, 1);
  });

  test('goes through all rows, where each lies at the same place whatever is written there', async () => {
    const ids = Array.from({ length: 50 }, (_, i) => `row ${(i * 7) % 50}`);
    await store().commit(batchOf({ changes: [ids.map((id) => put(id, 0))] }));
    const gone = { kind: 'key', id: ids[10]!, expect: 1, next: undefined } as const;
    const first = await store().scan(0, 20);
    assert.equal(first.length, 20);
    await store().commit(batchOf({ changes: [[put(ids[3]!, 1), put(ids[30]!, 1), gone, put('new', 0)]] }));
    const rest = await store().scan(first.at(-1)!.place, 1000);
    assert.deepEqual(
      [...first, ...rest].map(({ id }) => id),
      [...ids, 'new'],
    );
    assert.deepEqual(plain(rest.find(({ id }) => id === ids[30])!), {
      ...(plain(recordOf(ids[30]!, 2)) as object),
      place: rest.find(({ id }) => id === ids[30])!.place,
    });
    assert.deepEqual(await store().scan(rest.at(-1)!.place, 10), []);
    assert.equal((await store().scan(0, 1000)).length, 50);
  });

  test('answers the MAC of every row once', async () => {
    const ids = Array.from({ length: 20_000 }, (_, i) => `row ${i}`);
    await store().commit(batchOf({ changes: [ids.map((id) => put(id, 0))] }));
    const removed = { kind: 'key', id: 'row 77', expect: 1, next: undefined } as const;
    await store().commit(batchOf({ changes: [[removed, put('row 5', 1), put('row 5', 0, 'grant')]] }));
    const expected = ids
      .filter((id) => id !== 'row 77')
      .map((id) => recordOf(id, id === 'row 5' ? 2 : 1).mac)
      .concat(recordOf('row 5', 1, 'grant').mac)
      .map((mac) => Buffer.from(mac).toString('hex'));
    assert.deepEqual(await macsOf(store()), expected.sort());
  });
}

function listPromises(store: () => Store): void {
  // Bytewise order is not JavaScript's: U+FFFD sorts behind U+10000 in UTF-16 and before it in UTF-8.
  const ids = [
    '',
    'a',
    'a\u0000',
    'a/',
    'a/1',
    'a/10',
    'a/2',
    'a/\u{10ffff}',
    'a0',
    'b',
    'z\u00e9',
    'z\ufffd',
    'z\u{10000}',
    'z\u{10ffff}',
    'z\u{10ffff}!',
  ];
  const ordered = [...ids].sort((a, b) => compareBytes(toUtf8(a), toUtf8(b)));

  test('lists in bytewise order of ids, page by page', async () => {
    await store().commit(batchOf({ changes: [[...ids].reverse().map((id) => put(id, 0)), [put('a/3', 0, 'name')]] }));
    // '' is after nothing, so a row with that id is never listed.
    const all = ordered.slice(1);
    assert.deepEqual(await idsOf(store(), '', '', 100), all);
    const paged: string[] = [];
    for (let after = ''; ; after = paged.at(-1)!) {
      const page = await idsOf(store(), '', after, 3);
      paged.push(...page);
      if (page.length < 3) break;
    }
    assert.deepEqual(paged, all);
    assert.deepEqual(plain((await store().list('key', 'a/1', '', 1))[0]), plain(recordOf('a/1', 1)));
  });

  test('lists what begins with a prefix, the prefix itself included', async () => {
    await store().commit(batchOf({ changes: [ids.map((id) => put(id, 0))] }));
    assert.deepEqual(await idsOf(store(), 'a/', '', 100), ['a/', 'a/1', 'a/10', 'a/2', 'a/\u{10ffff}']);
    assert.deepEqual(await idsOf(store(), 'a/', 'a/1', 100), ['a/10', 'a/2', 'a/\u{10ffff}']);
    assert.deepEqual(await idsOf(store(), 'a/', 'a', 100), ['a/', 'a/1', 'a/10', 'a/2', 'a/\u{10ffff}']);
    assert.deepEqual(await idsOf(store(), 'a/', 'b', 100), []);
    assert.deepEqual(await idsOf(store(), 'z\u{10ffff}', '', 100), ['z\u{10ffff}', 'z\u{10ffff}!']);
    assert.deepEqual(await idsOf(store(), 'nothing', '', 100), []);
  });
}

function ledgerPromises(store: () => Store): void {
  test('takes ledger blocks only where the last one ended', async () => {
    await assert.rejects(store().commit(batchOf({ block: blockOf(1, 1) })), refusedAs('internal'));
    await store().commit(batchOf({ block: blockOf(0, 4) }));
    for (const first of [0, 3, 5]) {
      const batch = batchOf({ changes: [[put('a', 0)]], block: blockOf(first, 1) });
      await assert.rejects(store().commit(batch), refusedAs('internal'));
    }
    await assert.rejects(store().commit(batchOf({ block: blockOf(4, 0) })), refusedAs('internal'));
    assert.equal(await store().read('key', 'a'), undefined);
    await store().commit(batchOf({ block: blockOf(4, 1) }));
  });

  test('answers the blocks that hold leaves from an index on, from its middle too', async () => {
    for (const [first, count] of [
      [0, 4],
      [4, 1],
      [5, 7],
    ] as const) {
      await store().commit(batchOf({ block: blockOf(first, count) }));
    }
    const firsts = async (from: number, limit: number) =>
      (await store().ledger(from, limit)).blocks.map(({ first }) => first);
    assert.deepEqual(await firsts(0, 10), [0, 4, 5]);
    assert.deepEqual(await firsts(3, 10), [0, 4, 5]);
    assert.deepEqual(await firsts(4, 10), [4, 5]);
    assert.deepEqual(await firsts(11, 10), [5]);
    assert.deepEqual(await firsts(12, 10), []);
    assert.deepEqual(await firsts(2, 2), [0, 4]);
    assert.deepEqual([...(await store().ledger(5, 1)).blocks[0]!.bytes], [...blockOf(5, 7).bytes]);
  });

  test('answers the checkpoints from an index on, the newest note of a size', async () => {
    const checkpoint = (size: number, note: string) => store().commit(batchOf({ checkpoint: { size, note } }));
    await store().commit(batchOf({ block: blockOf(0, 9), checkpoint: { size: 9, note: 'nine' } }));
    await checkpoint(4, 'four');
    await checkpoint(9, 'nine again');
    const notes = async (from: number) =>
      (await store().ledger(from, 1)).checkpoints.map((one) => [one.size, one.note]);
    assert.deepEqual(await notes(0), [
      [4, 'four'],
      [9, 'nine again'],
    ]);
    assert.deepEqual(await notes(5), [[9, 'nine again']]);
    assert.deepEqual(await notes(10), []);
    await checkpoint(2, 'two');
    assert.deepEqual(await notes(0), [
      [2, 'two'],
      [4, 'four'],
    ]);
  });
}

function lifePromises(store: () => Store): void {
  test('commits in the order of the calls, many at once', async () => {
    const order: number[] = [];
    const commits = Array.from({ length: 50 }, (_, i) =>
      store()
        .commit(batchOf({ changes: [[put('a', i)]], block: blockOf(2 * i, 2), head: toUtf8(`${i}`) }))
        .then(() => order.push(i)),
    );
    await Promise.all(commits);
    assert.deepEqual(
      order,
      Array.from({ length: 50 }, (_, i) => i),
    );
    assert.equal(Buffer.from((await store().head())!).toString(), '49');
    assert.equal((await store().read('key', 'a'))!.revision, 50);
  });

  test('answers a read that was asked behind a commit from what it wrote', async () => {
    const commit = store().commit(batchOf({ changes: [[put('a', 0)]] }));
    assert.equal((await store().read('key', 'a'))!.revision, 1);
    await commit;
  });

  test('goes on after a refusal in the midst of others', async () => {
    const outcomes = await Promise.allSettled([
      store().commit(batchOf({ changes: [[put('a', 0)]] })),
      store().commit(batchOf({ changes: [[put('a', 0)]] })),
      store().commit(batchOf({ changes: [[put('a', 1)]] })),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
  });

  test('answers the newest anchor first, and leaves it where a batch has none', async () => {
    for (const anchor of ['one', 'two', 'three']) {
      await store().commit(batchOf({ changes: anchor === 'two' ? [[put('a', 0)]] : [], anchor: toUtf8(anchor) }));
      assert.equal(Buffer.from((await store().anchors())[0]!).toString(), anchor);
    }
    await store().commit(batchOf());
    assert.equal(Buffer.from((await store().anchors())[0]!).toString(), 'three');
  });

  test('closes behind what is under way, and refuses what comes after', async () => {
    let done = 0;
    for (let i = 0; i < 20; i++)
      void store()
        .commit(batchOf({ block: blockOf(i, 1) }))
        .then(() => done++);
    await store().close();
    assert.equal(done, 20);
    await store().close();
    await assert.rejects(store().commit(batchOf()), refusedAs('unavailable'));
    await assert.rejects(store().read('key', 'a'), refusedAs('unavailable'));
    await assert.rejects(macsOf(store()), refusedAs('unavailable'));
  });
}
