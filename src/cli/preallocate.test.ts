import assert from 'node:assert/strict';
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { preallocate } from './preallocate.ts';

const folder = mkdtempSync(join(tmpdir(), 'claviger-cli-'));
after(() => rmSync(folder, { recursive: true }));

test('a file gets its room before anything is written', { skip: process.platform !== 'linux' }, async () => {
  const fd = openSync(join(folder, 'new'), 'w');
  await preallocate(fd, 5_000_001);
  const { size, blocks } = fstatSync(fd);
  closeSync(fd);
  assert.equal(size, 5_000_001);
  assert.ok(blocks * 512 >= size);
});

test('where there is no room to be had, nothing is said', async () => {
  const fd = openSync('/dev/null', 'w');
  await assert.doesNotReject(preallocate(fd, 5_000_001));
  closeSync(fd);
});
