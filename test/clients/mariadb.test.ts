import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { clientFrom } from '../conformance/vault/client.ts';
import { type RunningServer, startServer } from '../harness.ts';
import { program, run } from '../programs.ts';

/**
 * Debian's MariaDB with its plugin for Vault, unmodified: its data is encrypted with keys that it reads from `mariadb/data/1`. The
 * plugin first asks `sys/mounts/mariadb/tune` whether that is version 2 of the KV engine.
 */

const mariadbd = program('mariadbd', ['--version'], /Ver (\d+\.\d+\.\d+)-MariaDB/);
const plugin = '/usr/lib/mysql/plugin/hashicorp_key_management.so';
const skip = mariadbd.missing || (!existsSync(plugin) && `skipped: ${plugin} is not there; tools/setup installs it`);
const folder = mkdtempSync(join(tmpdir(), 'claviger-mariadb-'));
const data = join(folder, 'data');
const socket = join(folder, 's');

let server: RunningServer | undefined;
let env: Record<string, string>;
let database: ChildProcess | undefined;

const keyOf = (word: string) => createHash('sha256').update(word).digest('hex');

before(async () => {
  if (skip) return;
  server = await startServer();
  env = await server.env();
  // As its manual has it: an engine of its own.
  await clientFrom(env).mount({ mount_point: 'mariadb', type: 'kv', options: { version: 2 } });
  await clientFrom(env).write('mariadb/data/1', { data: { data: keyOf('first') } });
  const install = ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db'];
  await run('mariadb-install-db', [...install, ...asRoot], {});
});

after(async () => {
  await stopDatabase();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** mariadbd wants to be told when it is root that runs it. */
const asRoot = process.getuid?.() === 0 ? ['--user=root'] : [];

async function startDatabase(): Promise<void> {
  const vault = '--hashicorp-key-management';
  const child = spawn(
    mariadbd.path,
    [
      ...['--no-defaults', `--datadir=${data}`, `--socket=${socket}`, '--skip-networking', ...asRoot],
      ...['--plugin-maturity=unknown', '--plugin-load-add=hashicorp_key_management.so'],
      ...[`${vault}-vault-url=${env.VAULT_ADDR}/v1/mariadb`, `${vault}-token=${env.VAULT_TOKEN}`],
      ...(env.VAULT_CACERT === undefined ? [] : [`${vault}-vault-ca=${env.VAULT_CACERT}`]),
      ...['--innodb-encrypt-tables=FORCE', '--innodb-encrypt-log=ON', '--encrypt-tmp-files=ON'],
      ...['--innodb-encryption-threads=2', '--innodb-encryption-rotate-key-age=1', '--innodb-buffer-pool-size=16M'],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let output = '';
  child.stderr!.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  database = child;
  for (let tries = 0; !output.includes('ready for connections'); tries++) {
    assert.ok(child.exitCode === null && tries < 300, output);
    await wait(100);
  }
}

async function stopDatabase(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  const child = database;
  database = undefined;
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await exited;
}

const sql = async (statement: string) =>
  (await run('mariadb', ['--no-defaults', `--socket=${socket}`, '-uroot', '-N', '-B', '-e', statement], {})).trim();

/** The version of the key that the newer table is encrypted with. */
const version = () =>
  sql("SELECT current_key_version FROM information_schema.innodb_tablespaces_encryption WHERE name = 'd/u'");

/** Whether any file of the database holds the text. */
const onDisk = (text: string) =>
  readdirSync(data, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .some((entry) => readFileSync(join(entry.parentPath, entry.name)).includes(text));

test('MariaDB encrypts its tables with a key from Claviger', { skip }, async () => {
  await startDatabase();
  await sql('CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY, b TEXT) ENGINE=InnoDB ENCRYPTED=YES');
  await sql("INSERT INTO d.t VALUES (1, 'correct horse battery')");
  assert.equal(await sql('SELECT b FROM d.t'), 'correct horse battery');
  await stopDatabase();
  assert.ok(!onDisk('correct horse battery'));
});

test('MariaDB reads its data again after a restart, and after a crash', { skip }, async () => {
  await startDatabase();
  await sql("INSERT INTO d.t VALUES (2, 'staple')");
  await stopDatabase('SIGKILL');
  await startDatabase();
  assert.equal(await sql('SELECT COUNT(*) FROM d.t'), '2');
});

test('MariaDB turns to a new version of the key, and reads old and new data after a restart', { skip }, async () => {
  await clientFrom(env).write('mariadb/data/1', { data: { data: keyOf('second') } });
  await stopDatabase();
  await startDatabase();
  await sql('CREATE TABLE d.u (a INT PRIMARY KEY) ENGINE=InnoDB ENCRYPTED=YES; INSERT INTO d.u VALUES (1)');
  assert.equal(await version(), '2');
  assert.equal(await sql('SELECT b FROM d.t WHERE a = 1'), 'correct horse battery');
  assert.equal(await sql('SELECT COUNT(*) FROM d.t'), '2');
});
