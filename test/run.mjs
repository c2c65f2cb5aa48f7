// Runs every test. Node's own runner, on the Node that comes with the package.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bundled = `${root}node_modules/node/bin/node`;
const node = existsSync(bundled) ? bundled : process.execPath;
const patterns = process.argv.length > 2 ? process.argv.slice(2) : ['src/**/*.test.ts', 'test/**/*.test.ts'];

// A test that hangs, such as one whose server outlived its failure, must not hold up the rest for good.
const timeLimit = '--test-timeout=480000';

// Much of it waits for disks, clocks and other programs: two at once also on a machine of two cores.
const abreast = `--test-concurrency=${Math.max(2, availableParallelism() - 1)}`;

const { status } = spawnSync(node, ['--test', timeLimit, abreast, '--test-reporter=spec', ...patterns], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(status ?? 1);
