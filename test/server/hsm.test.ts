/** What is particular to a server under a key of an HSM; what every kind of seal lives through is in seal-table.test.ts. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { SoftHsm, softHsmAbsent, softHsmModule, userPin } from '../../src/hsm/testing/softhsm.ts';
import { type Ended, run, type Started, start } from '../process.ts';

const absent = softHsmAbsent ?? false;
const home = mkdtempSync(join(tmpdir(), 'claviger-hsm-server-'));
const data = join(home, 'data');
const pinFile = join(home, 'pin');
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

it('takes no key by a label that is not there, none that may leave, and none that wraps', async () => {
  server = await start([...serving, '--pin-file', pinFile]);
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
