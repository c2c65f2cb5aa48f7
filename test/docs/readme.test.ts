import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { type RunningServer, startServer } from '../harness.ts';
import { type Block, blocksOf, root } from './markdown.ts';

/** The README's first steps, run as they stand there. */

const folder = mkdtempSync(join(tmpdir(), 'claviger-readme-'));
const blocks = blocksOf('README.md').filter(({ triedWith }) => triedWith !== undefined);
let server: RunningServer;
let env: Record<string, string | undefined>;

before(async () => {
  server = await startServer();
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  // Stands for `npx claviger` in the folder where the server was started.
  const npx = `#!/bin/sh\nshift\nexec '${process.execPath}' '${root}bin/claviger.js' "$@" --data '${server.data}'\n`;
  writeFileSync(join(bin, 'npx'), npx);
  chmodSync(join(bin, 'npx'), 0o755);
  env = { ...process.env, ...(await server.env()), PATH: `${bin}${delimiter}${process.env.PATH}` };
  writeFileSync(join(folder, 'hello.txt'), 'hello');
});

after(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

const needs: Readonly<Record<string, readonly [program: string, args: readonly string[], wanted: RegExp]>> = {
  aws: ['aws', ['--version'], /aws-cli\/(1\.(29|[3-9]\d)|2\.(1[3-9]|[2-9]\d))\./],
  curl: ['curl', ['--version'], /curl/],
  python3: ['python3', ['-c', 'import hvac; print("hvac")'], /hvac/],
};

function missing(name: string): string | false {
  const need = needs[name];
  if (need === undefined) return false;
  const [program, args, wanted] = need;
  const { stdout } = spawnSync(program, args, { encoding: 'utf8' });
  return wanted.test(stdout ?? '') ? false : `skipped: ${program} is not there, or too old; tools/setup installs it`;
}

async function run({ language, text }: Block): Promise<string> {
  const command: readonly [string, readonly string[]] =
    language === 'js'
      ? [process.execPath, ['--input-type=module', '-e', text]]
      : language === 'python'
        ? ['python3', ['-c', text]]
        : ['bash', ['-euo', 'pipefail', '-c', text]];
  // The SDK is found from the project, everything else works in a folder of its own.
  const cwd = language === 'js' ? root : folder;
  return (await promisify(execFile)(...command, { cwd, env: env as NodeJS.ProcessEnv })).stdout;
}

for (const [i, block] of blocks.entries()) {
  const name = block.triedWith!;
  test(`step ${i + 1} of the README works, with ${name}`, { skip: missing(name), timeout: 60_000 }, async () => {
    const out = await run(block);
    if (block.text.includes('audit verify')) assert.match(out, /The ledger verifies: \d+ lines/);
    else if (block.text.includes('claviger decrypt'))
      assert.deepEqual(readFileSync(join(folder, 'hello.again'), 'utf8'), 'hello');
    else if (name === 'curl') assert.match(JSON.parse(out).data.ciphertext, /^vault:v1:/);
    else assert.equal(out.trim(), 'hello');
  });
}

test('the README has first steps', () => {
  assert.ok(blocks.length >= 6);
});
