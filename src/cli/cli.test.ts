import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { commands, find } from './cli.ts';
import { commonOptions, duration, pairs, parse, UsageError, wholeNumber } from './command.ts';
import { shellQuoted } from './env.ts';
import { painter, printable, size, tableLines } from './output.ts';
import { progressLine } from './progress.ts';

test('no command hides another, and none takes an option of every command for itself', () => {
  const names = commands.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const name of names) {
    assert.equal(find([...name.split(' '), 'more'])?.name, name);
    // Whoever misspells the second word of the longer one must not have the shorter one done.
    const longer = names.some((other) => other.startsWith(`${name} `));
    if (longer) assert.throws(() => parse(find(name.split(' '))!, ['misspelt']), UsageError);
  }
  for (const { name, options } of commands) {
    for (const option of Object.keys(options ?? {})) assert.ok(!(option in commonOptions), `${name} --${option}`);
  }
});

test('a value quoted for the shell is one word with nothing in it that the shell acts on', () => {
  for (const value of [
    '',
    'plain',
    "it's",
    '$(touch x)',
    '`x`',
    '"',
    '\\',
    'two\nlines',
    '!!',
    "'; rm -rf /; '",
    'é\u{1f511}',
  ]) {
    const seen = execFileSync('/bin/sh', ['-c', `printf %s ${shellQuoted(value)}`]).toString();
    assert.equal(seen, value);
  }
});

test('durations have a unit', () => {
  assert.equal(duration('90s'), 90);
  assert.equal(duration('30d'), 2_592_000);
  assert.equal(duration('2w'), 1_209_600);
  for (const wrong of ['', '30', 'd', '0d', '-1d', '1.5h', '1y', '9999999999d', '1d ']) {
    assert.throws(() => duration(wrong), UsageError, wrong);
  }
});

test('pairs are KEY=VALUE, each key once', () => {
  assert.deepEqual(pairs(['a=1', 'b=x=y', 'c=']), [
    ['a', '1'],
    ['b', 'x=y'],
    ['c', ''],
  ]);
  for (const wrong of [['a'], ['=1'], ['a=1', 'a=2']]) assert.throws(() => pairs(wrong), UsageError);
});

test('whole numbers are just that', () => {
  assert.equal(wholeNumber('N', '007'), 7);
  for (const wrong of ['', '-1', '1.5', '1e3', ' 1', '9'.repeat(16)])
    assert.throws(() => wholeNumber('N', wrong), UsageError);
});

test('unknown options, missing words and words too many are usage errors', () => {
  const show = commands.find(({ name }) => name === 'key show')!;
  assert.deepEqual(parse(show, ['first', '--json']).words, ['first']);
  for (const wrong of [[], ['a', 'b'], ['a', '--nope'], ['a', '--data']])
    assert.throws(() => parse(show, wrong), UsageError);
  assert.equal(parse(show, ['--help']).values.help, true);
});

test('a table is aligned, and names from elsewhere can not move the cursor', () => {
  assert.deepEqual(
    tableLines(
      ['A', 'LONG'],
      [
        ['abc', 'x'],
        ['', 'y'],
      ],
      painter(false),
    ),
    ['A    LONG', 'abc  x', '     y'],
  );
  assert.equal(printable('a\u001b[2Jb\nc\u202e'), 'a\ufffd[2Jb\ufffdc\ufffd');
  assert.equal(painter(false).red('x'), 'x');
  assert.equal(painter(true).red('x'), '\u001b[31mx\u001b[0m');
});

test('sizes and progress are for people', () => {
  assert.deepEqual([0, 1, 1023, 1024, 1536, 1 << 20, 2 ** 40].map(size), [
    '0 B',
    '1 B',
    '1023 B',
    '1.00 KiB',
    '1.50 KiB',
    '1.00 MiB',
    '1.00 TiB',
  ]);
  const half = progressLine(512 << 20, 1 << 30, 2);
  assert.equal(half, '[############............]  50%  512.0 MiB of 1.00 GiB  256.0 MiB/s  00:02 left');
  assert.equal(progressLine(2048, undefined, 1), '2.00 KiB  2.00 KiB/s');
});
