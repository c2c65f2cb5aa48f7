import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runClaviger } from '../process.ts';

const bin = fileURLToPath(new URL('../../bin/claviger.js', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'claviger-production-'));
const data = join(home, 'data');
const passphrase = join(home, 'passphrase');
let officer: Record<string, string>;
let stop: () => Promise<unknown>;

before(async () => {
  writeFileSync(passphrase, 'correct horse battery staple\n', { mode: 0o600 });
  const { stdout } = await runClaviger(['init', '--data', data, '--passphrase-file', passphrase]);
  officer = { CLAVIGER_TOKEN: /CLAVIGER_TOKEN=(\S+)/.exec(stdout)![1]! };
  const server = spawn(process.execPath, [bin, 'server', '--data', data, '--listen', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise((resolve) => server.once('exit', resolve));
  stop = () => {
    server.kill();
    return exited;
  };
  await new Promise<void>((resolve, reject) => {
    server.stdout.on('data', (text: Buffer) => /^ready /m.test(text.toString()) && resolve());
    void exited.then((code) => reject(new Error(`the server stopped with ${code}`)));
  });
});
after(async () => {
  await stop?.();
  rmSync(home, { recursive: true });
});

const run = (args: readonly string[], env: Record<string, string> = officer) =>
  runClaviger([...args, '--data', data], env);

async function failure(
  args: readonly string[],
  env?: Record<string, string>,
): Promise<{ code: number; stderr: string }> {
  return run(args, env).then(
    () => assert.fail(`claviger ${args.join(' ')} should have failed`),
    (error: { code: number; stderr: string }) => error,
  );
}

test('the server starts sealed, and says so', async () => {
  assert.equal((await failure(['status'])).code, 1);
  assert.match((await failure(['identity', 'list'])).stderr, /claviger unseal/);
});

test('a wrong passphrase does not unseal it, the right one does', async () => {
  const wrong = join(home, 'wrong');
  writeFileSync(wrong, 'correct horse battery stable\n');
  assert.equal((await failure(['unseal', '--passphrase-file', wrong])).code, 1);
  assert.match((await run(['unseal', '--passphrase-file', passphrase])).stdout, /unsealed/);
  assert.match((await run(['status'])).stdout, /state\s+ready/);
});

test('nobody is anybody by default', async () => {
  const { code, stderr } = await failure(['key', 'list'], {});
  assert.equal(code, 1);
  assert.match(stderr, /say who asks/);
});

test('the officer makes identities, whose credentials are saved only on demand, and uses no key', async () => {
  const shown = await run(['identity', 'create', 'adam', '--role', 'key-administrator']);
  assert.match(shown.stderr, /not shown again/);
  assert.equal(existsSync(join(data, 'identities', 'adam.json')), false);
  await run(['identity', 'credentials', 'adam', '--save']);
  await run(['identity', 'create', 'ursula', '--role', 'key-user', '--save']);
  assert.equal(existsSync(join(data, 'identities', 'ursula.json')), true);
  assert.equal((await failure(['key', 'create', 'mine'])).code, 1);
});

test('administrators make keys and users use them, never the other way round', async () => {
  await run(['key', 'create', 'shared', '--identity', 'adam'], {});
  const file = join(home, 'file');
  writeFileSync(file, 'contents');
  assert.match((await failure(['encrypt', file, '--key', 'shared', '--identity', 'adam'], {})).stderr, /./);
  await run(['encrypt', file, '--key', 'shared', '--identity', 'ursula'], {});
  await run(['decrypt', `${file}.clv`, '-o', join(home, 'back'), '--identity', 'ursula'], {});
  assert.equal((await failure(['key', 'disable', 'shared', '--identity', 'ursula'], {})).code, 1);
});
