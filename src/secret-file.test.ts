import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readSecret } from './secret-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'claviger-secret-'));
after(() => rmSync(folder, { recursive: true }));

const file = (text: string) => {
  const path = join(folder, 'secret');
  writeFileSync(path, text);
  return path;
};

test('reads a file without the newline at its end, and nothing else less', () => {
  for (const [text, secret] of [
    ['correct horse', 'correct horse'],
    ['correct horse\n', 'correct horse'],
    ['correct horse\r\n', 'correct horse'],
    [' two\nlines \n\n', ' two\nlines \n'],
    ['', ''],
    ['\n', ''],
    ['x'.repeat(65_536), 'x'.repeat(65_536)],
  ] as const) {
    assert.equal(Buffer.from(readSecret(file(text))).toString(), secret);
  }
});

test('refuses more than 64 KiB', () => {
  assert.throws(() => readSecret(file('x'.repeat(65_537))), { code: 'invalid-parameter' });
});

test('reads a pipe to its end', () => {
  const program = `
    import { readSecret } from ${JSON.stringify(fileURLToPath(new URL('secret-file.ts', import.meta.url)))};
    process.stdout.write(readSecret(0));
  `;
  const input = 'a passphrase that came by a pipe'.repeat(100);
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { input: `${input}\n` });
  assert.equal(stdout.toString(), input);
});
