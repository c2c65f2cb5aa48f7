import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const script = `
  const { giveMemoryBackAtRest } = await import(${JSON.stringify(import.meta.resolve('./rest.ts'))});
  const rounds = () => Array.from({ length: 1e6 }, (_, i) => ({ i }));
  const busy = rounds().length && process.memoryUsage().heapTotal;
  giveMemoryBackAtRest();
  const timer = setInterval(() => {
    const { heapTotal } = process.memoryUsage();
    if (heapTotal > busy / 2) return;
    console.log('gave back');
    clearInterval(timer);
  }, 100);
`;

test('what a burst of work left behind is given back within seconds of rest', async () => {
  const args = ['--input-type=module', '--eval', script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 20_000 });
  assert.equal(stdout, 'gave back\n');
});
