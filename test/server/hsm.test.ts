import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SoftHsm, softHsmAbsent, softHsmModule, userPin } from '../../src/hsm/testing/softhsm.ts';
import { type Ended, run, type Started, start } from '../process.ts';

const absent = softHsmAbsent ?? false;
const home = mkdtempSync(join(tmpdir(), 'claviger-hsm-server-'));
const data = join(home, 'data');
const pinFile = join(home, 'pin');
const wrongFile = join(home, 'wrong');
const passphraseFile = join(home, 'passphrase');
const serving = ['server', '--data', data, '--listen', '127.0.0.1:0'];
const token = ['--set', `module=${softHsmModule}`, '--set', 'tokenLabel=server'];
let soft: SoftHsm | undefined;
let made: Ended;
let officer = '';
let server: Started | undefined;

before(async () => {
  if (absent) return;
  soft = new SoftHsm();
  soft.addToken('server');
  writeFileSync(pinFile, `${userPin}\n`, { mode: 0o600 });
  writeFileSync(wrongFile, '00000\n', { mode: 0o600 });
  writeFileSync(passphraseFile, 'correct horse battery staple\n', { mode: 0o600 });
  made = await run(['init', '--data', data, '--seal', 'pkcs11', ...token, '--set', 'newKey=root', '--pin-fd', '3'], {
    fd3: `${userPin}\n`,
  });
  officer = /CLAVIGER_TOKEN=(\S+)/.exec(made.output)?.[1] ?? '';
});
after(async () => {
  await server?.stop();
  soft?.[Symbol.dispose]();
  rmSync(home, { recursive: true });
});

const as = (...args: string[]) => run([...args, '--data', data], { env: { CLAVIGER_TOKEN: officer } });
const it = (title: string, body: () => Promise<void>) => test(title, { skip: absent }, body);

function assertRefused({ code, output }: Ended, message: RegExp): void {
  assert.notEqual(code, 0, output);
  assert.match(output, message);
  assert.doesNotMatch(output, /^\s+at /m, 'a sentence, no stack');
  assert.ok(!output.includes(userPin));
}

async function unsealed(within: number): Promise<boolean> {
  for (const end = performance.now() + within; performance.now() < end; await sleep(100))
    if ((await as('status')).code === 0) return true;
  return false;
}

it('a server is made under a key of a token, and its files hold neither PIN nor key', async () => {
  assert.equal(made.code, 0, made.output);
  const file = readFileSync(join(data, 'seal.json'), 'utf8');
  assert.ok(!file.includes(userPin));
  const [seal] = (JSON.parse(file) as { seals: ReadonlyArray<{ kind: string; settings: Record<string, string> }> })
    .seals;
  assert.equal(seal!.kind, 'pkcs11');
  assert.match(seal!.settings.moduleSha256!, /^[0-9a-f]{64}$/);
  assert.match(seal!.settings.tokenSerial!, /^[0-9a-f]{16}$/);
  assert.equal(seal!.settings.tokenLabel, 'server');
});

for (const [how, args, options] of [
  ['a file', ['--pin-file', pinFile], {}],
  ['a file descriptor', ['--pin-fd', '3'], { fd3: userPin }],
  ['a credential of systemd', [], { env: { CREDENTIALS_DIRECTORY: join(home, 'credentials') } }],
] as const)
  it(`with the PIN by ${how} it starts unsealed`, async () => {
    mkdirSync(join(home, 'credentials'), { recursive: true });
    writeFileSync(join(home, 'credentials', 'claviger-pin'), userPin);
    const open = await start([...serving, ...args], options);
    assert.doesNotMatch(open.output(), /SEALED/);
    assert.equal((await as('identity', 'list')).code, 0);
    assert.equal((await open.stop()).code, 0);
  });

it('with a wrong PIN it starts nothing, and says why', async () => {
  assertRefused(await run([...serving, '--pin-file', wrongFile]), /refuses the PIN/);
});

it('without a PIN it starts sealed, and is unsealed by the command, not by a wrong one', async () => {
  server = await start(serving);
  assert.match(server.output(), /SEALED/);
  assertRefused(await as('unseal', '--pin-file', wrongFile), /./);
  assertRefused(await as('identity', 'list'), /sealed/);
  assert.equal((await as('unseal', '--pin-file', pinFile)).code, 0);
  assert.equal((await as('identity', 'list')).code, 0);
  await server.stop();
});

it('with its token out of reach it starts sealed, says so, and unseals itself once the token is back', async () => {
  soft!.leave();
  server = await start([...serving, '--pin-file', pinFile]);
  try {
    assert.match(server.output(), /pkcs11/);
    assertRefused(await as('identity', 'list'), /sealed/);
  } finally {
    soft!.comeBack();
  }
  assert.ok(await unsealed(20_000), server.output());
  assert.equal((await as('identity', 'list')).code, 0);
});

it('goes on serving while the token is away, and changes its seals once it is back', async () => {
  soft!.leave();
  try {
    assert.equal((await as('identity', 'list')).code, 0);
    const added = ['seal', 'add', 'second', '--kind', 'passphrase', '--new-passphrase-file', passphraseFile];
    assertRefused(await as(...added, '--pin-file', pinFile), /pkcs11|token/);
  } finally {
    soft!.comeBack();
  }
});

it('takes no key by a label that is not there, none that may leave, and none that wraps', async () => {
  const add = (...settings: string[]) =>
    as(
      'seal',
      'add',
      'more',
      '--kind',
      'pkcs11',
      ...token,
      ...settings.flatMap((one) => ['--set', one]),
      '--new-pin-file',
      pinFile,
      '--pin-file',
      pinFile,
    );
  assertRefused(await add('keyLabel=nothing of that name'), /no such key.*newKey/);
  assertRefused(await add('newKey=root'), /already/);
  soft!.pkcs11Tool(['--keygen', '--key-type', 'AES:32', '--label', 'open', '--id', '0a', '--extractable']);
  assertRefused(await add('keyLabel=open'), /sensitive|not extractable/);
  soft!.pkcs11Tool([
    '--keygen',
    '--key-type',
    'AES:32',
    '--label',
    'wraps',
    '--id',
    '0b',
    '--sensitive',
    '--usage-wrap',
    '--usage-decrypt',
  ]);
  assertRefused(await add('keyLabel=wraps'), /wrap/);
});

it('moves from the token to a passphrase and back, serving all the time', async () => {
  const added = await as(
    'seal',
    'add',
    'words',
    '--kind',
    'passphrase',
    '--new-passphrase-file',
    passphraseFile,
    '--pin-file',
    pinFile,
  );
  assert.equal(added.code, 0, added.output);
  assert.equal((await as('seal', 'remove', 'pkcs11')).code, 0);
  await server!.stop();
  server = await start([...serving, '--passphrase-file', passphraseFile]);
  const back = await as(
    'seal',
    'add',
    'hsm',
    '--kind',
    'pkcs11',
    ...token,
    '--set',
    'newKey=again',
    '--new-pin-file',
    pinFile,
    '--passphrase-file',
    passphraseFile,
  );
  assert.equal(back.code, 0, back.output);
  assert.equal((await as('seal', 'remove', 'words')).code, 0);
  await server.stop();
  server = await start([...serving, '--pin-file', pinFile]);
  assert.equal((await as('identity', 'list')).code, 0);
});

it('rotates to another key of the token, after which the first is not needed', async () => {
  const rotated = await as(
    'seal',
    'rotate',
    'hsm',
    ...token,
    '--set',
    'newKey=third',
    '--new-pin-file',
    pinFile,
    '--pin-file',
    pinFile,
  );
  assert.equal(rotated.code, 0, rotated.output);
  soft!.pkcs11Tool(['--delete-object', '--type', 'secrkey', '--label', 'again']);
  await server!.stop();
  server = await start([...serving, '--pin-file', pinFile]);
  assert.equal((await as('identity', 'list')).code, 0);
});
