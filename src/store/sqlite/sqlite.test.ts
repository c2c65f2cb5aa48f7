import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { KmsError } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import { batchOf, blockOf, put } from '../contract.ts';
import type { LeafBlock, Store } from '../durable-state.ts';
import { AnchorFile } from './anchor.ts';
import { Courier } from './courier.ts';
import { Database } from './database.ts';
import { asKmsError, OutcomeUnknown } from './failure.ts';
import { migrate, migrations } from './migrations.ts';
import { connect } from './open.ts';
import { openSqliteStore as open, type SqliteOptions } from './sqlite.ts';

let folder: string;
let places: { readonly path: string; readonly anchorPath: string };
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'claviger-store-')), 'data');
  places = { path: join(folder, 'claviger.db'), anchorPath: join(folder, 'anchor') };
});
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  rmSync(join(folder, '..'), { recursive: true });
});

/** Closed after the test, however it ends: an open store keeps the process alive. */
const opened: Store[] = [];
async function openSqliteStore(options: SqliteOptions): Promise<Store> {
  const store = await open(options);
  opened.push(store);
  return store;
}

const refusedAs = (code: string, words: RegExp) => (error: unknown) =>
  error instanceof KmsError && error.code === code && words.test(error.message);

/** What a program of somebody else does to the file. */
function tamper(sql: string): void {
  const db = new DatabaseSync(places.path);
  db.exec(sql);
  db.close();
}

async function makeEmpty(): Promise<void> {
  await (await openSqliteStore(places)).close();
}

const textOf = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();

describe('the files', () => {
  test('are for their owner only', async () => {
    const store = await openSqliteStore(places);
    await store.commit(batchOf({ anchor: toUtf8('a') }));
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    for (const name of ['claviger.db', 'claviger.db-wal', 'claviger.db-shm', 'claviger.lock', 'anchor']) {
      assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
    }
    await store.close();
  });

  test('are refused to a second server, in this process and in another, until the first has ended', async () => {
    const store = await openSqliteStore(places);
    await assert.rejects(openSqliteStore(places), refusedAs('unavailable', /claviger\.db is in use/));
    const elsewhere = `
      import { openSqliteStore } from ${JSON.stringify(import.meta.resolve('./sqlite.ts'))};
      openSqliteStore(${JSON.stringify(places)}).then(() => process.exit(1), (error) => process.stdout.write(error.message));`;
    const said = () => execFileSync(process.execPath, ['--input-type=module', '-e', elsewhere]).toString();
    assert.match(said(), /claviger\.db is in use by another Claviger server/);
    // The refused attempts have not taken the lock from its holder.
    assert.match(said(), /is in use/);
    await store.commit(batchOf());
    await store.close();
    await (await openSqliteStore(places)).close();
  });

  test('can be read beside the server that writes them', async () => {
    const store = await openSqliteStore(places);
    await store.commit(batchOf({ changes: [[put('a', 0)]], block: blockOf(0, 1), anchor: toUtf8('one') }));
    const reader = await openSqliteStore({ ...places, readOnly: true });
    assert.equal((await reader.read('key', 'a'))!.revision, 1);
    assert.equal((await reader.ledger(0, 5)).blocks.length, 1);
    await store.commit(batchOf({ changes: [[put('a', 1)]], head: toUtf8('two'), anchor: toUtf8('two') }));
    assert.equal((await reader.read('key', 'a'))!.revision, 2);
    assert.equal(textOf(await reader.head()), 'two');
    assert.equal(textOf((await reader.anchors())[0]), 'two');
    await assert.rejects(reader.commit(batchOf()), refusedAs('unavailable', /for reading only/));
    await reader.close();
    await store.commit(batchOf({ changes: [[put('a', 2)]] }));
    await store.close();
  });

  test('are made by no reader', async () => {
    await assert.rejects(openSqliteStore({ ...places, readOnly: true }), refusedAs('unavailable', /claviger\.db/));
    assert.equal(existsSync(folder), false);
    await makeEmpty();
    rmSync(places.anchorPath);
    const reader = await openSqliteStore({ ...places, readOnly: true });
    assert.deepEqual(await reader.anchors(), []);
    await reader.close();
    assert.equal(existsSync(places.anchorPath), false);
  });
});

describe('the schema', () => {
  test('of a newer release is refused', async () => {
    await makeEmpty();
    tamper(`insert into schema_version (version) values (${migrations.length + 1})`);
    const newer = refusedAs('unavailable', /claviger\.db has schema version 2; this release knows versions up to 1/);
    await assert.rejects(openSqliteStore(places), newer);
    await assert.rejects(openSqliteStore({ ...places, readOnly: true }), newer);
  });

  test('of another program is refused, and so is a file that is no database', async () => {
    mkdirSync(folder);
    tamper('create table mine (a)');
    await assert.rejects(openSqliteStore(places), refusedAs('unavailable', /is not a data file of Claviger/));
    writeFileSync(places.path, 'something else altogether'.repeat(100));
    await assert.rejects(openSqliteStore(places), refusedAs('unavailable', /SQLite 26/));
    assert.match(readFileSync(places.path, 'utf8'), /^something else/);
  });

  test('may hold nothing that would run in our name', async () => {
    await makeEmpty();
    tamper('create trigger silence before insert on ledger begin select raise(ignore); end');
    await assert.rejects(openSqliteStore(places), refusedAs('tampered', /schema of the data file .*claviger\.db/));
    await assert.rejects(openSqliteStore({ ...places, readOnly: true }), refusedAs('tampered', /schema/));
  });

  test('is brought to the newest version one step at a time, and a step that fails leaves the last one whole', async () => {
    const store = await openSqliteStore(places);
    await store.commit(batchOf({ changes: [[put('a', 0)]], block: blockOf(0, 3) }));
    await store.close();
    const db = connect(places.path, {});
    const good = 'alter table checkpoint add column witness text';
    assert.throws(() =>
      migrate(db, places.path, [...migrations, good, 'create table extra (a) strict; insert into nothing values (1)']),
    );
    const versions = () =>
      db
        .prepare('select version from schema_version order by version')
        .all()
        .map((row) => row.version);
    assert.deepEqual(versions(), [1, 2]);
    assert.equal(db.prepare("select 1 from sqlite_schema where name = 'extra'").get(), undefined);
    // What is already there is not made again, and the rows have stayed.
    migrate(db, places.path, [...migrations, good]);
    assert.deepEqual(versions(), [1, 2]);
    assert.equal(db.prepare('select witness from checkpoint').get(), undefined);
    assert.equal(db.prepare('select count(*) as n from record').get()!.n, 1);
    db.close();
  });
});

describe('a full disk', () => {
  /** Commits blocks of 20 kB until one is refused; how many were taken, and the refusal. */
  function fill(commit: (block: LeafBlock) => void): { taken: number; refusal: unknown } {
    for (let first = 0; first < 10_000; first++) {
      try {
        commit({ first, count: 1, bytes: new Uint8Array(20_000) });
      } catch (refusal) {
        return { taken: first, refusal };
      }
    }
    throw new Error('the disk never filled');
  }

  test('refuses the batch whole, and the store goes on once there is space', async () => {
    await makeEmpty();
    const connection = connect(places.path, {});
    const database = new Database(connection, places, new AnchorFile(places.anchorPath));
    connection.exec('pragma max_page_count = 100');
    const batch = (block: LeafBlock) => {
      const changes = block.first === 0 ? [[put('a', 0)]] : [];
      return batchOf({ changes, block, head: toUtf8(`${block.first}`), anchor: toUtf8(`${block.first}`) });
    };
    const { taken, refusal } = fill((block) => database.commit(batch(block)));
    assert.equal(asKmsError(refusal, places.path).code, 'storage-full');
    assert.ok(taken > 2);
    const wanted = batchOf({
      changes: [[put('a', 1)]],
      block: { first: taken, count: 1, bytes: new Uint8Array(20_000) },
    });
    assert.throws(() => database.commit(wanted));
    assert.equal(database.ledger(0, 1000).blocks.length, taken);
    assert.equal(textOf(database.head()), `${taken - 1}`);
    assert.equal(textOf(database.anchors()[0]), `${taken - 1}`);
    assert.equal(database.read('key', 'a')!.revision, 1);
    connection.exec('pragma max_page_count = 1000');
    database.commit(wanted);
    assert.equal(database.read('key', 'a')!.revision, 2);
    database.close();
  });

  test('is survived on a real file system too', async (t) => {
    mkdirSync(folder);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder], { stdio: 'pipe' });
    } catch (error) {
      return t.skip(`SKIPPED: mounting a small file system isn't allowed here (${(error as Error).message.trim()})`);
    }
    try {
      const ballast = join(folder, 'ballast');
      writeFileSync(ballast, new Uint8Array(512 * 1024));
      await fillTmpfs(ballast);
    } finally {
      for (const store of opened.splice(0)) await store.close();
      execFileSync('umount', [folder]);
    }
  });

  async function fillTmpfs(ballast: string): Promise<void> {
    let store = await openSqliteStore(places);
    let taken = 0;
    const one = (first: number) => {
      const block = { first, count: 1, bytes: new Uint8Array(20_000) };
      return batchOf({ changes: [[put('a', first)]], block, head: toUtf8(`${first}`), anchor: toUtf8(`${first}`) });
    };
    const full = refusedAs('storage-full', /disk is full/);
    await assert.rejects(async () => {
      for (; taken < 10_000; taken++) await store.commit(one(taken));
    }, full);
    assert.ok(taken > 2);
    // Small batches may still find room; this one doesn't, however often it is tried.
    for (let i = 0; i < 3; i++) await assert.rejects(store.commit(one(taken)), full);
    await assertEndsAt(store, taken);
    rmSync(ballast);
    await store.commit(one(taken));
    await assertEndsAt(store, taken + 1);
    await store.close();
    store = await openSqliteStore(places);
    await assertEndsAt(store, taken + 1);
    await store.close();
  }

  async function assertEndsAt(store: Store, batches: number): Promise<void> {
    assert.equal((await store.ledger(0, 10_000)).blocks.length, batches);
    assert.equal((await store.read('key', 'a'))!.revision, batches);
    assert.equal(textOf(await store.head()), `${batches - 1}`);
    assert.equal(textOf((await store.anchors())[0]), `${batches - 1}`);
  }
});

describe('when it is not known what is on disk', () => {
  test('nothing more is committed, and a restart finds the truth', async () => {
    await makeEmpty();
    const anchor = new AnchorFile(places.anchorPath);
    const database = new Database(connect(places.path, {}), places, anchor);
    anchor.close();
    const unknown = (error: unknown) => error instanceof OutcomeUnknown && error.code === 'unavailable';
    assert.throws(() => database.commit(batchOf({ block: blockOf(0, 2), anchor: toUtf8('a') })), unknown);
    assert.throws(() => database.commit(batchOf({ block: blockOf(0, 2) })), unknown);
    assert.throws(() => database.commit(batchOf({ block: blockOf(2, 2) })), unknown);
    const reader = await openSqliteStore({ ...places, readOnly: true });
    assert.deepEqual(
      (await reader.ledger(0, 10)).blocks.map(({ count }) => count),
      [2],
    );
    assert.deepEqual(await reader.anchors(), []);
    await reader.close();
  });
});

describe('a storage thread that fails', () => {
  const failing = `
    require('node:worker_threads').parentPort.once('message', () => { throw new TypeError('broken'); })
      .postMessage([{ value: undefined }]);`;

  test('takes everything pending with it, and everything later is refused', async () => {
    const courier = new Courier(new Worker(failing, { eval: true }), new Int32Array(new SharedArrayBuffer(4)));
    await courier.opened();
    const outcomes = await Promise.allSettled([
      courier.ask('head'),
      courier.ask('commit', batchOf()),
      courier.ask('anchors'),
    ]);
    for (const outcome of outcomes) {
      assert.ok(outcome.status === 'rejected' && refusedAs('unavailable', /failed \(TypeError\)/)(outcome.reason));
    }
    await assert.rejects(courier.ask('head'), refusedAs('unavailable', /failed/));
    await courier.close();
  });

  test('is told even if it ends without a word', async () => {
    const worker = new Worker('process.exit(0)', { eval: true });
    const courier = new Courier(worker, new Int32Array(new SharedArrayBuffer(4)));
    await assert.rejects(courier.opened(), refusedAs('unavailable', /has ended/));
    await courier.close();
  });
});
