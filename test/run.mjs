// Runs every test. Node's own runner, on the Node that comes with the package.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bundled = `${root}node_modules/node/bin/node`;
const node = existsSync(bundled) ? bundled : process.execPath;
const patterns = process.argv.length > 2 ? process.argv.slice(2) : ['src/**/*.test.ts', 'test/**/*.test.ts'];

const { status } = spawnSync(node, ['--test', '--test-reporter=spec', ...patterns], { cwd: root, stdio: 'inherit' });
process.exit(status ?? 1);
