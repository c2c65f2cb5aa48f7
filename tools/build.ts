import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Emits `dist/`, which the published package runs: Node doesn't strip types below `node_modules`. A checkout runs `src/` as it is
 * and needs none of this.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const src = join(root, 'src');
const dist = join(root, 'dist');

/** What only tests import. */
const testSupport =
  /\.test\.ts$|^crypto\/vectors\/|^audit\/sample-log\.ts$|^store\/(contract|crash-writer)\.ts$|\/testing\//;

/** `./x.ts` and `#room/x.ts` become `.js`: package.json maps the latter to this folder. */
function withJsSpecifiers(code: string): string {
  return code.replace(/((?:from|import)\s*\(?\s*['"][.#][^'"]*)\.ts(['"])/g, '$1.js$2');
}

rmSync(dist, { recursive: true, force: true });
const sources = globSync('**/*.ts', { cwd: src }).filter((path) => !testSupport.test(path));
for (const path of sources) {
  const target = join(dist, path.replace(/\.ts$/, '.js'));
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, withJsSpecifiers(stripTypeScriptTypes(readFileSync(join(src, path), 'utf8'))));
}

execFileSync(join(root, 'node_modules/.bin/tsc'), ['--project', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
for (const path of globSync('**/*.d.ts', { cwd: dist })) {
  const file = join(dist, path);
  writeFileSync(file, withJsSpecifiers(readFileSync(file, 'utf8')));
}
process.stdout.write(`dist: ${sources.length} files\n`);
