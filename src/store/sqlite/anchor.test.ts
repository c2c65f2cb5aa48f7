import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { toUtf8 } from '#encoding/encoding.ts';
import { AnchorFile, maxAnchorSize, readAnchors } from './anchor.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'claviger-store-'));
  path = join(folder, 'anchor');
});
afterEach(() => rmSync(folder, { recursive: true }));

const read = () => readAnchors(path).map((bytes) => Buffer.from(bytes).toString());

function write(...anchors: ReadonlyArray<readonly [text: string, flush: boolean]>): void {
  const file = new AnchorFile(path);
  for (const [text, flush] of anchors) file.write(toUtf8(text), flush);
  file.close();
}

/** The file as a write leaves it that is cut short after `kept` bytes of what changed. */
function tear(before: Buffer, after: Buffer, kept: number): Buffer {
  const changed = [...after.keys()].filter((i) => before[i] !== after[i]);
  const torn = Buffer.from(before);
  for (const i of changed.slice(0, kept)) torn[i] = after[i]!;
  return torn;
}

test('a file that is absent, new or filled with anything holds no anchor', () => {
  assert.deepEqual(read(), []);
  write();
  assert.deepEqual(read(), []);
  for (const noise of [Buffer.alloc(8192, 0xff), Buffer.from('short'), Buffer.alloc(0)]) {
    writeFileSync(path, noise);
    assert.deepEqual(read(), []);
  }
  write(['a', false]);
  assert.deepEqual(read(), ['a']);
});

test('answers the newest first, across openings', () => {
  write(['one', true], ['two', true]);
  assert.deepEqual(read(), ['two', 'one']);
  write(['three', true]);
  write(['four', false]);
  assert.deepEqual(read(), ['four', 'three']);
});

test('never overwrites the only anchor that is surely on disk', () => {
  write(['flushed', true], ['two', false], ['three', false], ['four', false]);
  assert.deepEqual(read(), ['four', 'flushed']);
});

test('a write cut short anywhere leaves the former anchor readable', () => {
  write(['the first of them', true], ['the second', true]);
  const before = readFileSync(path);
  write(['the third, which is longer', true]);
  const after = readFileSync(path);
  assert.deepEqual(read(), ['the third, which is longer', 'the second']);
  const changes = [...after.keys()].filter((i) => before[i] !== after[i]).length;
  assert.ok(changes > 20);
  for (let kept = 1; kept < changes; kept++) {
    writeFileSync(path, tear(before, after, kept));
    assert.deepEqual(read(), ['the second'], `${kept} bytes written`);
    // And the next anchor goes where the torn one was.
    write(['the fourth', true]);
    assert.deepEqual(read(), ['the fourth', 'the second']);
  }
});

test('finds every flipped bit of an anchor', () => {
  write(['anchor', true]);
  const whole = readFileSync(path);
  for (let bit = 0; bit < (16 + 6) * 8; bit++) {
    const altered = Buffer.from(whole);
    altered[bit >> 3]! ^= 1 << (bit & 7);
    writeFileSync(path, altered);
    assert.deepEqual(read(), []);
  }
});

test('holds the longest anchor', () => {
  const longest = 'x'.repeat(maxAnchorSize);
  write([longest, true], ['y'.repeat(maxAnchorSize), true]);
  assert.deepEqual(read(), ['y'.repeat(maxAnchorSize), longest]);
});
