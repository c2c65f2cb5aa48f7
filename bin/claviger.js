#!/usr/bin/env node
// Runs Claviger on the Node that comes with the package, whatever Node the machine has.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const wanted = 26;

if (Number(process.versions.node.split('.')[0]) >= wanted) {
  const module = await import('node:module');
  const { directory } = module.enableCompileCache?.() ?? {};
  // Threads don't inherit the cache, but they do inherit this.
  if (directory !== undefined) process.env.NODE_COMPILE_CACHE ??= directory;
  // A checkout runs its sources; the published package brings them without their types.
  const source = join(root, 'src/main.ts');
  await import(existsSync(source) ? source : join(root, 'dist/main.js'));
} else {
  let runtime;
  try {
    runtime = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node');
  } catch {
    console.error(`claviger needs Node ${wanted} or later, which its package "node" brings: run npm ci first.`);
    process.exit(1);
  }
  const args = process.argv.slice(2);
  const stdio = [0, 1, 2];
  // Passphrases, PINs and shares may come by descriptors of their own, which have to be handed on by their numbers.
  args.forEach((arg, i) => {
    if (!/^--[a-z-]+-fd(?:=|$)/.test(arg)) return;
    const descriptor = Number(arg.split('=')[1] ?? args[i + 1]);
    if (!(descriptor < 1024)) return;
    while (stdio.length <= descriptor) stdio.push('ignore');
    stdio[descriptor] = descriptor;
  });
  const child = spawn(runtime, [fileURLToPath(import.meta.url), ...args], { stdio });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    process.exitCode = signal ? 128 : (code ?? 1);
  });
}
