import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusedIn, wordsOf } from './node-options.ts';

test('refuses what opens a debugger, writes memory to files or runs code first, and names it with its value', () => {
  for (const words of [
    ['--inspect'],
    ['--inspect=0.0.0.0:9229'],
    ['--inspect-brk'],
    ['--inspect-wait'],
    ['--inspect_brk'],
    ['--heapsnapshot-signal=SIGUSR2'],
    ['--heapsnapshot-near-heap-limit=3'],
    ['--report-on-signal'],
    ['--report-uncaught-exception'],
    ['--report-on-fatalerror'],
    ['--heap-prof'],
    ['--cpu-prof'],
    ['--abort-on-uncaught-exception'],
    ['--tls-keylog=/tmp/keys'],
    ['--import=./x.js'],
    ['--experimental-loader=./x.js'],
    ['--what-is-not-known'],
  ]) {
    assert.deepEqual(refusedIn(words), words);
  }
  assert.deepEqual(refusedIn(['--require', './spy.js', '--no-warnings', '-r', 'spy']), [
    '--require ./spy.js',
    '-r spy',
  ]);
});

test('reads what NODE_OPTIONS quotes and escapes as Node does', () => {
  for (const text of [
    '"--inspect"',
    '"\\--inspect"',
    '"-\\-inspect"',
    '"--ins\\pect"',
    '--no-warnings "\\-\\-inspect"',
  ])
    assert.deepEqual(refusedIn(wordsOf(text)), ['--inspect'], text);
  assert.deepEqual(refusedIn(wordsOf('"--title=a \\"server\\"" --no-warnings')), []);
});

test('lets limits of memory, trust and the OpenSSL configuration pass', () => {
  const words = ['--max-old-space-size=512', '--max_semi_space_size', '16', '--use-system-ca', '--no-warnings', ''];
  assert.deepEqual(refusedIn(words), []);
});
