import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { bin, type Ended, run, type Started, start } from '../process.ts';

const home = mkdtempSync(join(tmpdir(), 'claviger-life-'));
const data = join(home, 'data');
const passphraseFile = join(home, 'passphrase');
const passphrase = 'correct horse battery staple';
const serving = ['server', '--data', data, '--listen', '127.0.0.1:0'];
let initialized: Ended;
let officer: string;
let server: Started;

before(async () => {
  writeFileSync(passphraseFile, `${passphrase}\n`, { mode: 0o600 });
  initialized = await run(['init', '--data', data, '--passphrase-fd', '3'], { fd3: `${passphrase}\n` });
  officer = /CLAVIGER_TOKEN=(\S+)/.exec(initialized.output)![1]!;
});
after(async () => {
  await server?.stop();
  rmSync(home, { recursive: true });
});

const as = (token: string, ...args: string[]) => run([...args, '--data', data], { env: { CLAVIGER_TOKEN: token } });

async function hire(name: string, ...more: string[]): Promise<string> {
  const { output, stdout, code } = await as(officer, 'identity', 'create', name, '--json', ...more);
  assert.equal(code, 0, output);
  return (JSON.parse(stdout) as { token: string }).token;
}

function assertRefused({ code, output }: Ended, message: RegExp, exit = 1): void {
  assert.equal(code, exit, output);
  assert.match(output, message);
  assert.doesNotMatch(output, /^\s+at /m, 'a sentence, no stack');
}

test('init shows the credential of the first officer once, and keeps nothing of it in the clear', () => {
  assert.equal(initialized.code, 0, initialized.output);
  assert.equal(initialized.output.match(/CLAVIGER_TOKEN=clv\.\S+/g)!.length, 1);
  const secret = /AWS_SECRET_ACCESS_KEY=(\S+)/.exec(initialized.output)![1]!;
  const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  assert.ok(files.length >= 4);
  for (const { parentPath, name } of files) {
    const bytes = readFileSync(join(parentPath, name), 'latin1');
    for (const kept of [officer, secret, passphrase]) assert.ok(!bytes.includes(kept), name);
    if (name !== 'ledger.pub') assert.equal(statSync(join(parentPath, name)).mode & 0o077, 0, `${name} is private`);
  }
  assert.equal(existsSync(join(data, 'dev-passphrase')), false);
});

test('init refuses a folder that is taken, a short passphrase, and one that it can not read', async () => {
  const init = (dir: string, ...more: string[]) => run(['init', '--data', dir, ...more]);
  assertRefused(await init(data, '--passphrase-file', passphraseFile), /already holds a server/);
  const fresh = join(home, 'fresh');
  const short = join(home, 'short');
  writeFileSync(short, 'elevenbytes\n');
  assertRefused(await init(fresh, '--passphrase-file', short), /at least 12 bytes/, 2);
  assertRefused(await init(fresh, '--passphrase-fd', 'x'), /file descriptor/, 2);
  assertRefused(await init(fresh), /no terminal|--passphrase-f/);
  const passphraseBy = ['--passphrase-file', passphraseFile];
  assertRefused(await init(fresh, ...passphraseBy, '--passphrase-fd', '3'), /not both/, 2);
  assertRefused(await init(fresh, ...passphraseBy, '--out', home), /has no shares, so --out means nothing/, 2);
  assertRefused(await init(fresh, ...passphraseBy, '--set', 'a=1', '--set', 'a=2'), /"a" is there twice/, 2);
  assertRefused(await init(fresh, '--shares', '2', '--threshold', '2', '--custodian-key', 'x'), /KEY=VALUE/, 2);
  const absent = await init(fresh, '--passphrase-file', join(home, 'absent'));
  assert.match(absent.output, /absent/);
  assert.doesNotMatch(absent.output, /^\s+at /m);
  assert.notEqual(absent.code, 0);
  assert.equal(existsSync(join(fresh, 'seal.json')), false);
});

test('init whose output nobody reads puts nothing in force, and can be run again', async () => {
  const unread = join(home, 'unread');
  const init = ['init', '--data', unread, '--passphrase-file', passphraseFile];
  const making = spawn(process.execPath, [bin, ...init], { stdio: ['ignore', 'pipe', 'pipe'] });
  making.stdout.destroy();
  const said = text(making.stderr);
  const [code] = (await once(making, 'close')) as [number];
  assertRefused({ code, output: await said, stdout: '' }, /Nobody reads what is shown/);
  assert.match((await run(init)).output, /CLAVIGER_TOKEN/);
});

test('a folder without a server, and one of development mode, are refused', async () => {
  assertRefused(await run(['server', '--data', join(home, 'nothing'), '--listen', '127.0.0.1:0']), /claviger init/);
  const dev = join(home, 'dev');
  const developing = await start(['dev', '--data', dev, '--listen', '127.0.0.1:0']);
  await developing.stop();
  assertRefused(await run(['server', '--data', dev, '--listen', '127.0.0.1:0']), /development folder/);
  assertRefused(await run(['dev', '--data', data, '--listen', '127.0.0.1:0']), /claviger init|claviger server/);
});

test('a wrong passphrase starts nothing', async () => {
  const wrong = await run([...serving, '--passphrase-fd', '3'], { fd3: 'correct horse battery stable' });
  assertRefused(wrong, /passphrase does not open/);
});

for (const [how, args, options] of [
  ['a file', ['--passphrase-file', passphraseFile], {}],
  ['a file descriptor', ['--passphrase-fd', '3'], { fd3: passphrase }],
  ['a credential of systemd', [], { env: { CREDENTIALS_DIRECTORY: join(home, 'credentials') } }],
] as const) {
  test(`with its passphrase by ${how} it starts unsealed`, async () => {
    mkdirSync(join(home, 'credentials'), { recursive: true });
    writeFileSync(join(home, 'credentials', 'claviger-passphrase'), passphrase);
    const open = await start([...serving, ...args], options);
    assert.doesNotMatch(open.output(), /SEALED/);
    assert.equal((await as(officer, 'status')).code, 0);
    assert.equal((await open.stop()).code, 0);
  });
}

test('a server that was never unsealed stops in order, and what it refused is in the ledger', async () => {
  const sealed = await start(serving);
  assertRefused(await as(officer, 'identity', 'list'), /sealed/);
  assert.equal((await sealed.stop()).code, 0);
  assert.equal((await run(['audit', 'verify', '--data', data])).code, 0);
});

test('a port that is taken, a certificate that is not there, and a senseless address are told in a sentence', async () => {
  const other = await start(['dev', '--data', join(home, 'dev'), '--listen', '127.0.0.1:0']);
  const taken = new URL(other.url).host;
  assertRefused(await run(['server', '--data', data, '--listen', taken], { limit: 10_000 }), /in use/);
  await other.stop();
  const absent = join(home, 'absent.pem');
  const listening = ['server', '--data', data, '--listen', '127.0.0.1:0'];
  assertRefused(await run([...listening, '--tls-cert', absent, '--tls-key', absent], { limit: 10_000 }), /absent\.pem/);
  assertRefused(await run([...listening, '--tls-cert', absent]), /belong together/, 2);
  assertRefused(await run(['server', '--data', data, '--listen', 'nowhere']), /HOST:PORT/, 2);
  assertRefused(await run(['server', '--data', data, '--colour', 'red']), /colour/, 2);
});

test('without one it starts sealed, says so, refuses everything, and is unsealed by the command', async () => {
  server = await start(serving);
  assert.match(server.output(), /SEALED/);
  assert.doesNotMatch(server.output(), /DEVELOPMENT/);
  assert.equal((await as(officer, 'status')).code, 1);
  assertRefused(await as(officer, 'identity', 'list'), /sealed/);
  const wrong = join(home, 'wrong');
  writeFileSync(wrong, 'not the passphrase');
  assertRefused(await as('', 'unseal', '--passphrase-file', wrong), /./);
  assert.equal((await as('', 'unseal', '--passphrase-file', passphraseFile)).code, 0);
  assert.equal((await as(officer, 'status')).code, 0);
});

test('the officer makes an administrator and a user, and may be neither', async () => {
  const admin = await hire('admin', '--role', 'key-administrator');
  const user = await hire('user', '--role', 'key-user');
  const file = join(home, 'letter');
  writeFileSync(file, 'a letter');
  assert.equal((await as(admin, 'key', 'create', 'app')).code, 0);
  assert.equal((await as(user, 'encrypt', file, '--key', 'app')).code, 0);
  assert.equal((await as(admin, 'key', 'rotate', 'app')).code, 0);
  for (const [who, token] of [
    ['admin', admin],
    ['officer', officer],
  ] as const) {
    const out = join(home, `${who}.claviger`);
    assertRefused(await as(token, 'encrypt', file, '--key', 'app', '--output', out), /denied|No grant|may not/i);
    assert.equal(existsSync(out), false);
  }
  for (const token of [user, officer]) {
    assertRefused(await as(token, 'key', 'rotate', 'app'), /No grant|may not/);
    assertRefused(await as(token, 'key', 'create', 'mine'), /No grant|may not/);
  }
  for (const token of [user, admin]) {
    assertRefused(await as(token, 'identity', 'create', 'friend', '--role', 'auditor'), /No grant|may not/);
    assertRefused(await as(token, 'seal'), /No grant|may not/);
  }
  assertRefused(
    await as(officer, 'audit', 'tail', '--server'),
    /./,
    (await as(officer, 'audit', 'tail', '--server')).code!,
  );
});

test('nobody may hold both, and nobody grants to himself', async () => {
  const grant = (to: string, role: string) => as(officer, 'grant', 'create', to, '--role', role);
  const help = await run(['help', 'grant', 'create']);
  assert.match(help.output, /--role/);
  assertRefused(await grant('user', 'key-administrator'), /both administer and use/);
  assertRefused(await grant('admin', 'key-user'), /both administer and use/);
  assertRefused(await grant('officer', 'key-user'), /himself/);
  assertRefused(await as(officer, 'identity', 'create', 'dev', '--role', 'developer'), /development mode only/);
});

test('what was done is in a ledger that verifies without the server', async () => {
  assert.equal((await server.stop()).code, 0);
  const { code, output } = await run(['audit', 'verify', '--data', data]);
  assert.equal(code, 0, output);
});
