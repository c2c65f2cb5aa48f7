import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { Key } from '#domain/domain.ts';
import { FileShelf, memoryStore } from '#store/store.ts';
import { Ring, realm, refused } from './testing/ring.ts';

const capacity = 100;
let folder: string;
let shelf: FileShelf;
let ring: Ring;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'claviger-shelf-'));
  shelf = new FileShelf(join(folder, 'shelf'), new Uint8Array(16));
  ring = await Ring.open(memoryStore(), { capacity, shelf });
});
afterEach(() => {
  shelf.close();
  rmSync(folder, { recursive: true });
});

const doomed = () => ring.key({ deletionAllowed: true });
const destroying = (key: Key) => ring.keyring.destroyKey(key, ring.now);
const finishErasures = async () => {
  const { change, behind } = await ring.keyring.finishErasures();
  if (change !== undefined) await ring.commit(change);
  return behind;
};
const erasures = () => ring.keyring.records.list('setting', 'erasure/', '', 10);

test('a destruction that stops between its row and its slot is finished by the schedule', async () => {
  const key = await doomed();
  const { change } = await destroying(key);
  const { finish: _, ...row } = change!;
  await ring.commit(row);
  await ring.restart({ capacity, shelf });
  assert.equal(await ring.keyring.find(realm, { by: 'id', id: key.id }), undefined);
  assert.equal(ring.keyring.shelved(key), 'here');
  assert.deepEqual(await finishErasures(), []);
  assert.equal(ring.keyring.shelved(key), 'destroyed');
  assert.deepEqual(await erasures(), []);
});

test('a destruction that loses to another change takes nothing from the key', async () => {
  const key = await doomed();
  const { change } = await destroying(key);
  const { ciphertext } = await ring.encrypt(await ring.update(key, { description: 'changed' }), 'still');
  await refused('conflict', ring.commit(change!));
  assert.equal(await ring.decrypt(await ring.fresh(key), ciphertext), 'still');
});

test('a key whose making stops before its row leaves a slot that is of nobody else', async () => {
  await ring.keyring.createKey(
    realm,
    { kind: 'create-key', spec: 'aes-256', usages: ['encrypt'], class: 'enveloped' },
    0,
  );
  const key = await ring.key();
  assert.equal(key.slot, 2);
});

test('a destruction names the mirrors that still have the secret, until they are in reach', async () => {
  const away = join(folder, 'away');
  const mirrored = join(away, 'shelf');
  shelf.mirror(away);
  const { result, change } = await destroying(await doomed());
  assert.match(change!.summary, /destroyed 1 versions, pending in .*away\/shelf$/);
  await ring.commit(change!);
  assert.deepEqual(result, { key: result.key, pending: [mirrored] });
  assert.deepEqual(
    (await finishErasures()).map(({ path }) => path),
    [mirrored],
  );
  assert.equal((await erasures()).length, 1);
  mkdirSync(away);
  assert.deepEqual(await finishErasures(), []);
  assert.deepEqual(await erasures(), []);
});

test('a mirror is brought along though nothing was destroyed', async () => {
  const away = join(folder, 'away');
  shelf.mirror(away);
  await ring.key();
  assert.equal((await finishErasures()).length, 1);
  mkdirSync(away);
  assert.deepEqual(await finishErasures(), []);
});

test('a key that is restored over itself keeps its one secret, so that none outlives it', async () => {
  const made = await ring.key({ name: 'kept', exportable: true, backupAllowed: true, deletionAllowed: true });
  const { ciphertext } = await ring.encrypt(made, 'before');
  const { backup } = await ring.do(ring.keyring.backupKey(made));
  const rotated = await ring.rotate(made);
  const command = { kind: 'restore-key', backup, force: true } as const;
  const { key } = await ring.do(ring.keyring.restoreKey(realm, [rotated], command, ring.now));
  assert.equal(key.slot, made.slot);
  assert.equal(await ring.decrypt(key, ciphertext), 'before');
  await ring.do(destroying(key));
  assert.equal(ring.keyring.shelved(made), 'destroyed');
});

test('a backup of one key opens what it encrypted after its destruction, under a new secret', async () => {
  const made = await ring.key({ name: 'kept', exportable: true, backupAllowed: true, deletionAllowed: true });
  const { ciphertext } = await ring.encrypt(made, 'before');
  const { backup } = await ring.do(ring.keyring.backupKey(await ring.rotate(made)));
  await ring.do(destroying(await ring.fresh(made)));
  await ring.restart({ capacity, shelf });
  const command = { kind: 'restore-key', backup } as const;
  const { key } = await ring.do(ring.keyring.restoreKey(realm, [], command, ring.now));
  assert.notEqual(key.slot, made.slot);
  await ring.restart({ capacity, shelf });
  assert.equal(await ring.decrypt(await ring.fresh(key), ciphertext), 'before');
});

test('a copy that is restored beside its key has a secret of its own', async () => {
  const made = await ring.key({ name: 'kept', exportable: true, backupAllowed: true, deletionAllowed: true });
  const { backup } = await ring.do(ring.keyring.backupKey(made));
  const command = { kind: 'restore-key', backup, name: 'copy' } as const;
  const { key } = await ring.do(ring.keyring.restoreKey(realm, [], command, ring.now));
  assert.notEqual(key.slot, made.slot);
  await ring.do(destroying(made));
  const { ciphertext } = await ring.encrypt(key, 'goes on');
  await ring.restart({ capacity, shelf });
  assert.equal(await ring.decrypt(await ring.fresh(key), ciphertext), 'goes on');
});
