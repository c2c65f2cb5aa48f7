import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { randomBytes } from '#crypto/crypto.ts';
import { KmsError, Plaintext } from '#domain/domain.ts';
import { type BackupHeader, backupsIn, folderSink, nameOfBackup, prune, readBackup, writeBackup } from './backup.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'claviger-backup-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const header: BackupHeader = {
  ...{
    id: '0f3c2a11-0000-4000-8000-000000000000',
    takenAt: Date.UTC(2026, 10, 25, 8, 15),
    version: '1',
    server: 's+1+k',
  },
  ...{ sequence: 7, ledger: 9, seals: '{}', key: Uint8Array.of(1, 2, 3) },
};
const key = new Plaintext(randomBytes(32));
const database = randomBytes(100_000);

function parts() {
  writeFileSync(join(folder, 'db'), database);
  return [
    { name: 'claviger.db', content: { path: join(folder, 'db') } },
    { name: 'ledger.pub', content: { bytes: Buffer.from('line\n') } },
    { name: 'tls/ca.pem', content: { bytes: new Uint8Array() } },
  ];
}

const refusedAs = (code: string) => (error: unknown) => error instanceof KmsError && error.code === code;

async function restored(path: string, by = key): Promise<string> {
  const target = mkdtempSync(join(folder, 'restored-'));
  await readBackup(path, async () => by, folderSink(target));
  return target;
}

test('gives back every file as it was, and its header', async () => {
  const path = join(folder, nameOfBackup(header));
  assert.match(path, /claviger-20261125T081500Z-0f3c2a11\.backup$/);
  const { bytes, digest } = await writeBackup(path, header, key, parts());
  assert.equal(readFileSync(path).length, bytes);
  assert.match(digest, /^[0-9a-f]{64}$/);
  const target = await restored(path);
  assert.deepEqual(readFileSync(join(target, 'claviger.db')), Buffer.from(database));
  assert.equal(readFileSync(join(target, 'ledger.pub'), 'utf8'), 'line\n');
  assert.equal(readFileSync(join(target, 'tls/ca.pem')).length, 0);
  const [kept] = await backupsIn(folder);
  assert.deepEqual(kept!.header, { ...header, key: Buffer.from(header.key) });
});

test('is opened by no other key', async () => {
  const path = join(folder, 'b');
  await writeBackup(path, header, key, parts());
  await assert.rejects(restored(path, new Plaintext(randomBytes(32))), refusedAs('tampered'));
});

test('a changed, missing or added byte anywhere is found', async () => {
  const path = join(folder, 'b');
  await writeBackup(path, header, key, parts());
  const whole = readFileSync(path);
  const altered = (at: number) =>
    Buffer.concat([whole.subarray(0, at), Buffer.of(whole[at]! ^ 1), whole.subarray(at + 1)]);
  const places = [0, 9, 15, 17, 40, 120, 300, 350, 20_000, whole.length - 20, whole.length - 1];
  const wrong = [
    ...places.map(altered),
    whole.subarray(0, -1),
    whole.subarray(0, 20_000),
    Buffer.concat([whole, Buffer.of(0)]),
  ];
  // Cut between two chunks.
  const prefix = whole.indexOf('}', whole.lastIndexOf('"version"')) + 1 + 56;
  wrong.push(whole.subarray(0, prefix + 2 * (16 * 1024 + 16)));
  for (const [i, bytes] of wrong.entries()) {
    writeFileSync(path, bytes);
    await assert.rejects(restored(path), (error: unknown) => error instanceof KmsError, `case ${i}`);
  }
  writeFileSync(path, whole);
  await restored(path);
});

test('writes over nothing, and leaves nothing half done behind', async () => {
  const path = join(folder, 'b');
  await writeBackup(path, header, key, parts());
  await assert.rejects(writeBackup(path, header, key, parts()), refusedAs('already-exists'));
  await assert.rejects(writeBackup(join(folder, 'nowhere', 'b'), header, key, parts()), refusedAs('unavailable'));
  const missing = [{ name: 'claviger.db', content: { path: join(folder, 'absent') } }];
  await assert.rejects(writeBackup(join(folder, 'c'), header, key, missing), refusedAs('unavailable'));
  assert.deepEqual(readdirSync(folder).sort(), ['b', 'db']);
});

test('holds no file that could land elsewhere', async () => {
  for (const name of ['../x', '/etc/x', 'tls/../../x', 'seal.json', '', 'tls/', 'x']) {
    const bad = [{ name, content: { bytes: Uint8Array.of(1) } }];
    await assert.rejects(writeBackup(join(folder, 'b'), header, key, bad), refusedAs('internal'), name);
  }
});

test('retention keeps the newest, the last good one and what is not its own', async () => {
  const at = (i: number) => ({
    ...header,
    id: `${i}f3c2a11-0000-4000-8000-000000000000`,
    takenAt: header.takenAt + i * 1000,
  });
  for (const i of [0, 1, 2, 3]) await writeBackup(join(folder, nameOfBackup(at(i))), at(i), key, parts());
  const other = { ...at(4), server: 'another' };
  await writeBackup(join(folder, nameOfBackup(other)), other, key, parts());
  writeFileSync(join(folder, 'claviger-20201125T081500Z-0f3c2a11.backup'), 'no backup');
  assert.equal(await prune(folder, header.server, 2, at(0).id), 1);
  const ids = (await backupsIn(folder, header.server)).map(({ header: { id } }) => id[0]);
  assert.deepEqual(ids, ['3', '2', '0']);
  assert.equal(await prune(folder, header.server, 0, at(3).id), 2);
  assert.ok(existsSync(join(folder, 'claviger-20201125T081500Z-0f3c2a11.backup')));
  assert.equal((await backupsIn(folder)).length, 2);
});
