import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type RunningServer, startServer } from '../harness.ts';
import { runClaviger } from '../process.ts';

let server: RunningServer;

before(async () => {
  server = await startServer();
  await server.claviger('key', 'create', 'watched');
  await server.claviger('key', 'rotate', 'watched');
});
after(async () => {
  await server?.stop();
});

const entriesOf = async (...args: string[]) =>
  JSON.parse((await server.claviger('audit', 'tail', ...args, '--json')).stdout).entries as ReadonlyArray<
    Record<string, unknown>
  >;

test('every command leaves a line that says who, what and how it ended', async () => {
  await server.claviger('key', 'show', 'nothing-there').catch(() => {});
  const entries = await entriesOf('-n', '50');
  const rotated = entries.find(({ action }) => action === 'rotate-key');
  assert.equal(rotated?.principal, 'developer');
  assert.equal(rotated?.protocol, 'native');
  assert.equal(rotated?.outcome, 'ok');
  assert.ok(entries.some(({ action, outcome }) => action === 'describe-key' && outcome !== 'ok'));
  const shown = await server.claviger('audit', 'show', String(rotated?.index));
  assert.match(shown.stdout, /action\s+rotate-key/);
});

test('tail shows as many lines as were asked for, the newest', async () => {
  const three = await entriesOf('-n', '3');
  assert.equal(three.length, 3);
  const indexes = three.map(({ index }) => index as number);
  assert.deepEqual(indexes, [indexes[0]!, indexes[0]! + 1, indexes[0]! + 2]);
  const { stdout } = await server.claviger('audit', 'tail', '-n', '2');
  assert.equal(stdout.trim().split('\n').length, 3);
});

test('never shows a secret', async () => {
  const env = await server.env();
  const everything = JSON.stringify(await entriesOf('-n', '1000'));
  for (const name of ['AWS_SECRET_ACCESS_KEY', 'VAULT_TOKEN'])
    assert.equal(everything.includes(env[name]!), false, name);
});

test('a line is proven to somebody who has only the public key', async () => {
  await server.claviger('audit', 'tail');
  const proof = join(server.data, 'proof');
  await untilCovered(() => server.claviger('audit', 'prove', '1', '-o', proof));
  const key = join(server.data, 'ledger.pub');
  const { stdout } = await runClaviger(['audit', 'check-proof', proof, '--key', key]);
  assert.match(stdout, /Line 2 of \d+ is in the ledger/);
  const text = readFileSync(proof, 'utf8');
  writeFileSync(proof, text.replace('index 1', 'index 2'));
  const refused = await failure(['audit', 'check-proof', proof, '--key', key]);
  assert.equal(refused.code, 3);
});

/** A line can be proven once a checkpoint covers it. */
async function untilCovered(ask: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await ask();
      return;
    } catch (error) {
      if (tries === 10) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

async function failure(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return runClaviger(args).then(
    () => assert.fail('should have failed'),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

test('the ledger verifies while the server runs, and from a kept checkpoint', async () => {
  const kept = join(server.data, 'kept');
  writeFileSync(kept, (await server.claviger('audit', 'checkpoint')).stdout);
  await server.claviger('key', 'list');
  const { stdout } = await server.claviger('audit', 'verify', '--checkpoint', kept);
  assert.match(stdout, /The ledger verifies: \d+ lines/);
});

test('a changed line in the database is found, named, and exits 3', async () => {
  const own = await startServer();
  try {
    await own.claviger('key', 'create', 'evidence');
    await own.claviger('key', 'disable', 'evidence');
    await own.stop({ keepData: true });
    const sound = await runClaviger(['audit', 'verify', '--data', own.data, '--json']);
    assert.equal(JSON.parse(sound.stdout).ok, true);
    assert.equal(JSON.parse(sound.stdout).unsignedTail, 0);
    const database = join(own.data, 'claviger.db');
    const bytes = readFileSync(database);
    const at = bytes.indexOf('"action":"disable-key"');
    assert.ok(at > 0);
    bytes.write('"action":"enable-key" ', at);
    writeFileSync(database, bytes);
    const { code, stdout } = await failure(['audit', 'verify', '--data', own.data]);
    assert.equal(code, 3);
    assert.match(stdout, /does not verify: .*line \d+/);
  } finally {
    rmSync(own.data, { recursive: true, force: true });
  }
});

test('without its public key nothing is verified', async () => {
  const { code, stderr } = await failure(['audit', 'verify', '--data', join(server.data, 'tls')]);
  assert.equal(code, 1);
  assert.match(stderr, /verifier key/);
});
