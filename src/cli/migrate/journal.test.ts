import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CliError } from '../command.ts';
import { Journal, type Step } from './journal.ts';

const folder = mkdtempSync(join(tmpdir(), 'claviger-journal-'));
after(() => rmSync(folder, { recursive: true }));

const journey = { source: 'cluster', namespace: '', target: 'realm' };
const step = (from: string, mark = 'a'.repeat(64)): Step => ({ step: 'moved', kind: 'key', from, mark });
const steps = ['transit/one', 'transit/two "quoted"', 'transit/three'].map((from) => step(from));

function written(path: string): Buffer {
  const journal = Journal.open(path, journey);
  for (const one of steps) journal.add(one);
  journal.close();
  return readFileSync(path);
}

test('what is in it is known when it is opened again, by what it was done on', () => {
  const path = join(folder, 'again');
  written(path);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const journal = Journal.open(path, journey);
  assert.ok(steps.every((one) => journal.has(one)));
  assert.equal(journal.has(step('transit/one', 'b'.repeat(64))), false);
  assert.equal(journal.knows(step('transit/one')), true);
  assert.equal(journal.has({ ...step('transit/one'), step: 'verified' }), false);
  assert.equal(journal.knows({ ...step('transit/one'), kind: 'secret' }), false);
  journal.close();
});

test('cut off at any byte, it knows every whole line and goes on', () => {
  const whole = written(join(folder, 'whole'));
  const path = join(folder, 'cut');
  for (let length = 0; length < whole.length; length++) {
    const cut = whole.subarray(0, length);
    writeFileSync(path, cut);
    const lines = cut.toString().split('\n').length - 1;
    const journal = Journal.open(path, journey);
    const known = steps.map((one) => journal.has(one));
    assert.deepEqual(
      known,
      [0, 1, 2].map((i) => lines > i + 1),
      `${length} bytes`,
    );
    journal.add(step('transit/later'));
    journal.close();
    const again = Journal.open(path, journey, { readOnly: true });
    assert.ok(again.has(step('transit/later')), `${length} bytes`);
    // A line of which only the end was cut off was done, too.
    assert.ok(steps.every((one, j) => again.has(one) || !known[j]));
    rmSync(path);
  }
});

test('the journal of another migration is refused, and so is any other file', () => {
  const path = join(folder, 'other');
  const before = written(path);
  for (const other of [{ source: 'x' }, { namespace: 'x' }, { target: 'x' }]) {
    assert.throws(() => Journal.open(path, { ...journey, ...other }), CliError);
  }
  assert.deepEqual(readFileSync(path), before);
  for (const text of ['{"some":"json"}\n', 's.atoken', 's.atoken\n', 'null\n', '\n', '{"journal":1,"source":"x']) {
    writeFileSync(path, text);
    for (const readOnly of [true, false])
      assert.throws(() => Journal.open(path, journey, { readOnly }), CliError, text);
    assert.equal(readFileSync(path, 'utf8'), text);
  }
});

test('reading it leaves no file behind', () => {
  const path = join(folder, 'absent');
  Journal.open(path, journey, { readOnly: true }).close();
  assert.throws(() => statSync(path));
});
