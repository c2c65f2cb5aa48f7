import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DataDirectory } from './data-directory.ts';

const path = mkdtempSync(join(tmpdir(), 'claviger-data-'));
after(() => rmSync(path, { recursive: true, force: true }));
const data = new DataDirectory(path);

test('a file is the owner’s alone, and takes the place of the one before', () => {
  data.write('a', 'one');
  data.write('a', 'two');
  assert.equal(data.read('a'), 'two');
  assert.equal(statSync(join(path, 'a')).mode & 0o777, 0o600);
  data.write('b', 'for all', 0o644);
  assert.equal(statSync(join(path, 'b')).mode & 0o777, 0o644);
});

test('a file of which the disk takes a part only leaves the one before in place', () => {
  data.seals.write('one');
  const before = readFileSync(join(path, 'seal.json'), 'utf8');
  // The system writes as much as fits, and says so in a number, before it says that no more does.
  const script = `
    const { DataDirectory } = await import(${JSON.stringify(import.meta.resolve('./data-directory.ts'))});
    try {
      new DataDirectory(${JSON.stringify(path)}).write('seal.json', 'x'.repeat(9000));
    } catch (error) {
      process.stdout.write(error.code);
    }`;
  const limited = ['-c', 'ulimit -f 8 && exec "$0" "$@"', process.execPath, '--input-type=module', '--eval', script];
  assert.equal(execFileSync('/bin/sh', limited, { encoding: 'utf8' }), 'EFBIG');
  assert.equal(readFileSync(join(path, 'seal.json'), 'utf8'), before);
  assert.equal(data.seals.read(), 'one');
});

test('a seal file that is gone is told apart from one that never was', () => {
  const empty = new DataDirectory(join(path, 'nowhere'));
  assert.equal(empty.hasSeal, false);
  assert.throws(() => empty.seals.read(), { code: 'tampered' });
  assert.throws(() => empty.seals.write('x'), { code: 'unavailable' });
  assert.equal(data.hasSeal, true);
});
