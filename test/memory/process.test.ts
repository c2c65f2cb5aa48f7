import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { run, type Started, start } from '../process.ts';
import { missing } from './search.ts';

const bin = fileURLToPath(new URL('../../bin/claviger.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'claviger-process-'));
const passphrase = join(folder, 'passphrase');
const seal = ['--data', join(folder, 'data'), '--passphrase-file', passphrase];
const serving = ['server', ...seal, '--listen', '127.0.0.1:0'];
let server: Started;

before(async () => {
  writeFileSync(passphrase, 'a passphrase for a process');
  assert.equal((await run(['init', ...seal])).code, 0);
  server = await start(serving);
});
after(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

for (const option of [
  '--inspect=127.0.0.1:0',
  '--heapsnapshot-signal=SIGUSR2',
  '--report-on-signal',
  '--report-uncaught-exception',
  '--abort-on-uncaught-exception',
  `--import=data:text/javascript,0`,
]) {
  test(`does not start with ${option}, and says so`, async () => {
    const { code, output } = await run(serving, { env: { NODE_OPTIONS: option } });
    assert.equal(code, 1);
    assert.match(output, /A server doesn't start with these options of Node: .*\(in NODE_OPTIONS\)/);
    assert.ok(output.includes(option));
  });
}

const linux = process.platform !== 'linux' && 'skipped: what Linux shows of a process';

test('leaves no core dump of any size or content', { skip: linux }, () => {
  const of = (name: string) => readFileSync(`/proc/${server.process.pid}/${name}`, 'latin1');
  assert.match(of('limits'), /^Max core file size +0 +0 /m);
  assert.equal(Number.parseInt(of('coredump_filter'), 16), 0);
});

test('opens no debugger at the signal for it', async () => {
  server.process.kill('SIGUSR1');
  await sleep(500);
  assert.doesNotMatch(server.output(), /Debugger listening/);
  assert.equal((await fetchReady()).status, 200);
});

const fetchReady = async () => {
  const { stdout } = await promisify(execFile)('curl', [
    ...['-s', '-o', '/dev/null', '-w', '%{http_code}'],
    ...['--cacert', join(folder, 'data/tls/ca.pem'), `${server.url}/v1/sys/health`],
  ]);
  return { status: Number(stdout) };
};

const nobody = 65_534;
const gdb = '/usr/bin/gcore';

/** False, or why a user without rights can't run the program. */
const unreadable =
  spawnSync(process.execPath, [bin, '--version'], { uid: nobody, gid: nobody }).status !== 0 &&
  'skipped: a user without rights may not read the program here';

/** Whether another process of the same user makes a core of that one, or of one of its threads. */
async function dumpedBySameUser(pid: number): Promise<boolean> {
  const own = mkdtempSync(join(folder, 'core-'));
  chownSync(own, nobody, nobody);
  const child = spawn(gdb, ['-o', join(own, 'core'), String(pid)], { uid: nobody, gid: nobody, stdio: 'ignore' });
  await once(child, 'exit');
  try {
    return readFileSync(join(own, `core.${pid}`)).length > 0;
  } catch {
    return false;
  }
}

test('another process of the same user can neither attach to it nor read its memory', {
  skip: missing || unreadable,
}, async () => {
  const own = mkdtempSync(join(folder, 'nobody-'));
  const asNobody = { uid: nobody, gid: nobody, stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'] };
  chmodSync(folder, 0o711);
  chmodSync(passphrase, 0o644);
  chownSync(own, nobody, nobody);
  const data = ['--data', join(own, 'data'), '--passphrase-file', passphrase];
  const made = spawn(process.execPath, [bin, 'init', ...data], asNobody);
  assert.equal((await once(made, 'exit'))[0], 0);
  const guarded = spawn(process.execPath, [bin, 'server', ...data, '--listen', '127.0.0.1:0'], asNobody);
  const plain = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], asNobody);
  try {
    await saying(guarded, /^ready /m);
    const attempts = ['mem', 'environ', 'maps'].map((name) =>
      promisify(execFile)('head', ['-c', '1', `/proc/${guarded.pid}/${name}`], { uid: nobody, gid: nobody }),
    );
    for (const attempt of await Promise.allSettled(attempts)) assert.equal(attempt.status, 'rejected');
    // Otherwise it is the machine that refuses.
    assert.equal(await dumpedBySameUser(plain.pid!), true);
    assert.equal(await dumpedBySameUser(guarded.pid!), false);
    for (const thread of readdirSync(`/proc/${guarded.pid}/task`).slice(-2))
      assert.equal(await dumpedBySameUser(Number(thread)), false);
  } finally {
    for (const child of [guarded, plain]) {
      const gone = once(child, 'exit');
      child.kill();
      await gone;
    }
  }
});

async function saying(child: ChildProcess, what: RegExp): Promise<void> {
  let text = '';
  for await (const chunk of child.stdout!) {
    text += chunk;
    if (what.test(text)) return;
  }
  assert.fail(`it ended with: ${text}`);
}
