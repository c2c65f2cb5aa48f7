/** The Python client of Vault, by scripts beside this file that print `ok ...` for each thing that holds, and `end` at last. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import type { Env } from '../../harness.ts';
import { program, run } from '../../programs.ts';

const asked = 'import hvac, importlib.metadata as m; print("hvac", m.version("hvac"))';

/** False, or why it can't be used here. */
export const noHvac = program('python3', ['-c', asked], /^hvac (\S+)/).missing;

export async function holds(script: string, env: Env, atLeast: number): Promise<void> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const lines = (await run('python3', ['-B', '-W', 'error::ResourceWarning', path], env)).trim().split('\n');
  assert.equal(lines.pop(), 'end');
  for (const line of lines) assert.match(line, /^ok /);
  assert.ok(lines.length >= atLeast, `only ${lines.length} things were seen to hold`);
}
