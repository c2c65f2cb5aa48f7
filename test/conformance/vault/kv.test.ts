import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startServer } from '../../harness.ts';

const run = promisify(execFile);
const script = fileURLToPath(new URL('hvac_kv.py', import.meta.url));
const installed = spawnSync('python3', ['-c', 'import hvac']).status === 0;
const skip = installed ? false : 'skipped: the Python package hvac is not installed';

test('hvac keeps secrets with the server as with Vault', { skip, timeout: 120_000 }, async (t) => {
  const server = await startServer();
  t.after(() => server.stop());
  const env = { ...process.env, ...(await server.env()) };
  const { stdout } = await run('python3', [script], { env });
  const lines = stdout.trim().split('\n');
  assert.equal(lines.pop(), 'end');
  for (const line of lines) assert.match(line, /^ok /);
  assert.ok(lines.length > 45, `only ${lines.length} things were seen to hold`);
  await server.claviger('audit', 'verify');
});
