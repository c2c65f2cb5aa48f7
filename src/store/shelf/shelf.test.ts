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
const has = (shelf: FileShelf, slot: number) => shelf.read(slot)?.[0];

test('gives back what was put there, after a restart too, and no slot twice', async () => {
  const shelf = open();
  const slots = await Promise.all([shelf.put(secret(1)), shelf.put(secret(2)), shelf.put(secret(3))]);
  assert.deepEqual(slots, [1, 2, 3]);
  await shelf.erase([2]);
  const again = open(9);
  assert.deepEqual(
    [1, 2, 3, 4].map((slot) => has(again, slot)),
    [1, undefined, 3, undefined],
  );
  assert.equal(await again.put(secret(4)), 4);
});

test('what is erased is nowhere in the file, nor in its mirrors', async () => {
  const shelf = open();
  shelf.mirror(mirrorAt('a'));
  const slot = await shelf.put(secret(0xab));
  const found = (at: string) => readFileSync(at).includes(Buffer.from(secret(0xab)));
  assert.ok(found(path) && found(join(folder, 'a', 'shelf')));
  assert.deepEqual(await shelf.erase([slot]), []);
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
  const slots = [await shelf.put(secret(1)), await shelf.put(secret(2))];
  assert.deepEqual(await shelf.erase([slots[0]!]), [join(away, 'shelf')]);
  mirrorAt('away');
  shelf.catchUp();
  assert.deepEqual(shelf.behind(), []);
  assert.ok(readFileSync(join(away, 'shelf')).equals(readFileSync(path)));
  await shelf.put(secret(3));
  assert.ok(readFileSync(join(away, 'shelf')).equals(readFileSync(path)), 'and goes along from then on');
});

test('the shelf of another server is not written over, and a damaged one not opened', async () => {
  const other = mirrorAt('other');
  await open(7, join(other, 'shelf')).put(secret(5));
  const before = readFileSync(join(other, 'shelf'));
  const shelf = open(1);
  shelf.mirror(other);
  assert.deepEqual(shelf.behind(), [join(other, 'shelf')]);
  assert.ok(readFileSync(join(other, 'shelf')).equals(before));
  writeFileSync(join(folder, 'damaged'), 'something else');
  assert.throws(
    () => open(1, join(folder, 'damaged')),
    (error) => error instanceof KmsError && error.code === 'tampered',
  );
});

test('a slot that was altered, or moved from another place, holds nothing', async () => {
  const shelf = open();
  await shelf.put(secret(1));
  await shelf.put(secret(2));
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
