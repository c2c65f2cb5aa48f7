import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { type Ended, run, start } from '../process.ts';
import { base64, caller, identityOf } from './place.ts';

const home = mkdtempSync(join(tmpdir(), 'claviger-tampered-'));
const original = join(home, 'original');
const older = join(home, 'older');
let copies = 0;

const serving = (data: string) => ['dev', '--data', data, '--listen', '127.0.0.1:0'];

async function life(data: string, act: (send: (path: string, body?: object) => Promise<number>) => Promise<void>) {
  const server = await start(serving(data));
  const calls = caller(server.url, data);
  const headers = { 'x-vault-token': identityOf(data).token };
  await act(async (path, body = {}) => (await calls.send('POST', `/v1/${path}`, JSON.stringify(body), headers)).status);
  calls.close();
  assert.equal((await server.stop()).code, 0);
}

before(async () => {
  await life(original, async (send) => {
    assert.equal(await send('transit/keys/payments'), 200);
    assert.equal(await send('transit/keys/payments/config', { deletion_allowed: true }), 200);
  });
  cpSync(original, older, { recursive: true });
  await life(original, async (send) => {
    assert.equal(await send('transit/keys/payments/config', { deletion_allowed: false }), 200);
    assert.equal(await send('transit/encrypt/payments', { plaintext: base64('x') }), 200);
  });
});
after(() => rmSync(home, { recursive: true }));

/** The original's folder with something done to it, and how the server takes it. */
async function startAfter(change: (data: string) => void): Promise<Ended> {
  const data = join(home, `copy-${++copies}`);
  cpSync(original, data, { recursive: true });
  change(data);
  return run(serving(data), { limit: 10_000 });
}

function assertRefused({ code, output }: Ended, message: RegExp): void {
  assert.equal(code, 1, output);
  assert.match(output, message);
  assert.doesNotMatch(output, /^\s+at |^ready/m, 'a sentence, no stack');
  assert.equal(output.trim().split('\n').length, 1, output);
}

function alter(data: string, sql: string): void {
  const db = new DatabaseSync(join(data, 'claviger.db'));
  const { changes } = db.prepare(sql).run();
  db.close();
  assert.ok(Number(changes) > 0, sql);
}

test('the untouched folder starts', async () => {
  await life(original, async (send) => {
    assert.equal(await send('transit/encrypt/payments', { plaintext: base64('x') }), 200);
  });
});

test('an older database put back in place is refused', async () => {
  const ended = await startAfter((data) => {
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(data, `claviger.db${suffix}`), { force: true });
    cpSync(join(older, 'claviger.db'), join(data, 'claviger.db'));
  });
  assertRefused(ended, /older/);
});

test('a row put back to its older state in the newest database is refused', async () => {
  const ended = await startAfter((data) => {
    const db = new DatabaseSync(join(data, 'claviger.db'));
    db.exec(`attach '${join(older, 'claviger.db')}' as old`);
    const { changes } = db
      .prepare(
        `update record set (revision, mac, body) =
           (select revision, mac, body from old.record o where o.kind = record.kind and o.id = record.id)
         where kind = 'key' and exists (select 1 from old.record o where o.kind = 'key' and o.id = record.id and o.mac <> record.mac)`,
      )
      .run();
    db.close();
    assert.equal(Number(changes), 1);
  });
  assertRefused(ended, /put back|changed/);
});

for (const [what, sql] of [
  ['a row taken away', `delete from record where kind = 'name'`],
  ['a MAC that was altered', `update record set mac = zeroblob(32) where kind = 'grant'`],
  ['the head altered', `update head set body = zeroblob(length(body))`],
  ['the head taken away', 'delete from head'],
] as const) {
  test(`${what} is refused`, async () => {
    assertRefused(await startAfter((data) => alter(data, sql)), /changed|backup|contradicts|taken away/i);
  });
}

test('keys whose rows were altered are not believed', async () => {
  const ended = await startAfter((data) =>
    alter(
      data,
      `update record set body = cast(replace(cast(body as text), '"enabled":true', '"enabled":false') as blob)
       where kind = 'key'`,
    ),
  );
  // A development server looks for its first key.
  assertRefused(ended, /stored key .* was changed outside Claviger/);
});

test('a grant that was widened in the database is not believed', async () => {
  const data = join(home, 'grant');
  cpSync(original, data, { recursive: true });
  alter(
    data,
    `update record set body = cast(replace(cast(body as text), 'developer', 'deweloper') as blob) where kind = 'grant'`,
  );
  await life(data, async (send) => {
    assert.equal(await send('transit/encrypt/first', { plaintext: base64('x') }), 500);
  });
});

test('without its anchor, or with a torn one, the database is refused', async () => {
  assertRefused(await startAfter((data) => unlinkSync(join(data, 'anchor'))), /anchor .*missing or damaged/);
  assertRefused(await startAfter((data) => truncateSync(join(data, 'anchor'), 100)), /anchor .*missing or damaged/);
  assertRefused(await startAfter((data) => writeFileSync(join(data, 'anchor'), Buffer.alloc(8192, 1))), /anchor/);
});

test('with the anchor of another server the database is refused', async () => {
  const other = join(home, 'other');
  await life(other, async () => {});
  assertRefused(await startAfter((data) => cpSync(join(other, 'anchor'), join(data, 'anchor'))), /anchor/);
});

test('without its database, or with what is no database, the folder is refused', async () => {
  const gone = (data: string) => {
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(data, `claviger.db${suffix}`), { force: true });
  };
  assertRefused(await startAfter(gone), /taken away|backup/);
  const noise = await startAfter((data) => {
    gone(data);
    writeFileSync(join(data, 'claviger.db'), Buffer.alloc(16384, 7));
  });
  assertRefused(noise, /claviger\.db/);
});

test('a damaged seal file is refused', async () => {
  assertRefused(
    await startAfter((data) => writeFileSync(join(data, 'seal.json'), '{')),
    /seal file is not as Claviger wrote it/,
  );
  const wrong = JSON.stringify({ format: 1, kind: 'passphrase', wrapped: 'AAAA' });
  assertRefused(await startAfter((data) => writeFileSync(join(data, 'seal.json'), wrong)), /seal/);
});

test('a trigger left in the database is found before it can run', async () => {
  const ended = await startAfter((data) => {
    const db = new DatabaseSync(join(data, 'claviger.db'));
    db.exec('create trigger evil after insert on ledger begin delete from ledger; end');
    db.close();
  });
  assertRefused(ended, /schema/);
});

test('a second server on the same folder is refused, and the first goes on', async () => {
  const server = await start(serving(original));
  const second = await run(serving(original));
  assertRefused(second, /in use by another Claviger server/);
  const calls = caller(server.url, original);
  const headers = { 'x-vault-token': identityOf(original).token };
  assert.equal((await calls.send('GET', '/v1/transit/keys/first', undefined, headers)).status, 200);
  calls.close();
  await server.stop();
});
