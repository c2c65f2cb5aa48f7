import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { KmsError } from '#domain/domain.ts';
import { FileShelf } from './shelf.ts';

let folder: string;
let path: string;
const shelves: FileShelf[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'claviger-shelf-'));
  path = join(folder, 'shelf');
});
afterEach(() => {
  for (const shelf of shelves.splice(0)) shelf.close();
  rmSync(folder, { recursive: true });
});

function open(id = 1, at = path): FileShelf {
  const shelf = new FileShelf(at, new Uint8Array(16).fill(id));
  shelves.push(shelf);
  return shelf;
}

const secret = (fill: number) => new Uint8Array(32).fill(fill);
const owner = 'realm/key';
const has = (shelf: FileShelf, slot: number) => shelf.read({ slot, owner })?.[0];
const put = (shelf: FileShelf, fill: number) => shelf.put(secret(fill), owner);
const erase = (shelf: FileShelf, slot: number) => shelf.erase([{ slot, owner }]);
const behind = (shelf: FileShelf) => shelf.behind().map(({ path }) => path);

test('gives back what was put there, after a restart too, and no slot twice', async () => {
  const shelf = open();
  const slots = await Promise.all([put(shelf, 1), put(shelf, 2), put(shelf, 3)]);
  assert.deepEqual(slots, [1, 2, 3]);
  await erase(shelf, 2);
  const again = open(9);
  assert.deepEqual(
    [1, 2, 3, 4].map((slot) => has(again, slot)),
    [1, undefined, 3, undefined],
  );
  assert.equal(await put(again, 4), 4);
});

test('what is erased is nowhere in the file, nor in its mirrors', async () => {
  const shelf = open();
  shelf.mirror(mirrorAt('a'));
  const slot = await put(shelf, 0xab);
  const found = (at: string) => readFileSync(at).includes(Buffer.from(secret(0xab)));
  assert.ok(found(path) && found(join(folder, 'a', 'shelf')));
  await erase(shelf, slot);
  assert.deepEqual(behind(shelf), []);
  assert.ok(!found(path) && !found(join(folder, 'a', 'shelf')));
});

function mirrorAt(name: string): string {
  mkdirSync(join(folder, name), { recursive: true });
  return join(folder, name);
}

test('a mirror that is away is named, and is brought to the same when it is back', async () => {
  const shelf = open();
  const away = join(folder, 'away');
  shelf.mirror(away);
  const slots = [await put(shelf, 1), await put(shelf, 2)];
  await erase(shelf, slots[0]!);
  assert.deepEqual(behind(shelf), [join(away, 'shelf')]);
  mirrorAt('away');
  shelf.catchUp();
  assert.deepEqual(behind(shelf), []);
  assert.ok(readFileSync(join(away, 'shelf')).equals(readFileSync(path)));
  await put(shelf, 3);
  assert.ok(readFileSync(join(away, 'shelf')).equals(readFileSync(path)), 'and goes along from then on');
});

test('the shelf of another server is not written over, and a damaged one not opened', async () => {
  const other = mirrorAt('other');
  await open(7, join(other, 'shelf')).put(secret(5), owner);
  const before = readFileSync(join(other, 'shelf'));
  const shelf = open(1);
  shelf.mirror(other);
  assert.deepEqual(behind(shelf), [join(other, 'shelf')]);
  assert.ok(readFileSync(join(other, 'shelf')).equals(before));
  writeFileSync(join(folder, 'damaged'), 'something else');
  assert.throws(
    () => open(1, join(folder, 'damaged')),
    (error) => error instanceof KmsError && error.code === 'tampered',
  );
});

test('a slot that was altered, or moved from another place, holds nothing', async () => {
  const shelf = open();
  await put(shelf, 1);
  await put(shelf, 2);
  const bytes = readFileSync(path);
  bytes.copy(bytes, 64, 128, 192);
  writeFileSync(path, bytes);
  assert.equal(has(shelf, 1), undefined);
  assert.equal(has(shelf, 2), 2);
  bytes[128 + 20]! ^= 1;
  writeFileSync(path, bytes);
  assert.equal(has(shelf, 2), undefined);
  for (const slot of [0, 3, 1_000_000]) assert.equal(has(shelf, slot), undefined);
});

test('an older copy in its place takes nothing from the copies that live, and says so', async () => {
  const living = open();
  living.mirror(mirrorAt('a'));
  await put(living, 1);
  const old = readFileSync(path);
  const gone = await put(living, 2);
  for (const change of [async () => undefined, () => erase(living, 1)]) {
    await change();
    const mirrored = readFileSync(join(folder, 'a', 'shelf'));
    writeFileSync(join(folder, 'old'), old);
    const stale = open(1, join(folder, 'old'));
    stale.mirror(join(folder, 'a'));
    assert.match(stale.behind()[0]!.why, /not the living one/);
    // Given again, it is another's.
    const again = await stale.put(secret(3), 'realm/other');
    assert.equal(again, gone);
    await erase(stale, gone);
    assert.equal(stale.read({ slot: again, owner: 'realm/other' })?.[0], 3);
    assert.equal(has(stale, gone), undefined);
    stale.catchUp();
    assert.equal(stale.behind().length, 1);
    assert.ok(readFileSync(join(folder, 'a', 'shelf')).equals(mirrored));
  }
});

test('what was erased beyond its end is not given to anybody', async () => {
  const shelf = open();
  await erase(shelf, 5);
  assert.equal(await put(shelf, 1), 6);
});

test('a mirror of many slots is brought along piece by piece, and what is damaged in it put right', async () => {
  const shelf = open(1, path);
  await Promise.all(Array.from({ length: 2100 }, (_, i) => put(shelf, i % 250)));
  shelf.mirror(mirrorAt('a'));
  const copy = join(folder, 'a', 'shelf');
  assert.ok(readFileSync(copy).equals(readFileSync(path)));
  const bytes = readFileSync(copy);
  bytes[64 * 1500 + 9]! ^= 1;
  writeFileSync(copy, Buffer.concat([bytes, Buffer.alloc(10)]));
  const again = open(1, path);
  again.mirror(join(folder, 'a'));
  assert.deepEqual(behind(again), []);
  assert.ok(readFileSync(copy).equals(readFileSync(path)));
});
