/** A ceremony as custodians live it: each in a process of his own, and the server in another. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { bin, run, type Started, start } from '../process.ts';

const dir = mkdtempSync(join(tmpdir(), 'claviger-ceremony-'));
const data = join(dir, 'data');
const out = join(dir, 'out');
const pem = {
  publicKeyEncoding: { format: 'pem', type: 'spki' },
  privateKeyEncoding: { format: 'pem', type: 'pkcs8' },
} as const;

let server: Started | undefined;
let officer: Record<string, string>;

const file = (name: string, content?: string) => {
  const path = join(dir, name);
  if (content !== undefined) writeFileSync(path, content, { mode: 0o600 });
  return path;
};
const sheetOf = (number: number, of = 5, folder = out) =>
  join(folder, readdirSync(folder).find((name) => name.startsWith(`share-${number}-of-${of}-`))!);
const custodian = (...args: string[]) => run([...args, '--data', data], { limit: 30_000 });
const asOfficer = (...args: string[]) => run([...args, '--data', data], { env: officer, limit: 30_000 });
/** Without the gaps that it is shown with. */
const lettersOn = (path: string) => /<pre id="share">([^<]+)</.exec(readFileSync(path, 'utf8'))![1]!.replace(/\s/g, '');

async function startServer(): Promise<void> {
  server = await start(['server', '--data', data, '--listen', '127.0.0.1:0']);
}

/** Each custodian in a process of his own, all at the same moment. */
const unsealBy = (numbers: readonly number[], of = 5, folder = out) =>
  Promise.all(numbers.map((number) => custodian('unseal', '--share-file', sheetOf(number, of, folder))));

const codes = (ends: ReadonlyArray<{ readonly code: number | null }>) => ends.map(({ code }) => code).sort();

before(async () => {
  const keys = [0, 1].map(() => generateKeyPairSync('ed25519', pem));
  for (const [i, { publicKey, privateKey }] of keys.entries()) {
    file(`sign-${i + 1}.pub.pem`, publicKey);
    file(`sign-${i + 1}.pem`, privateKey);
  }
  const custodians = ['Anna', 'Bo', 'Cem', 'Dora', 'Emil'].flatMap((name) => ['--custodian', name]);
  const signing = [1, 2].flatMap((i) => [
    '--custodian-key',
    `${['Anna', 'Bo'][i - 1]}=${join(dir, `sign-${i}.pub.pem`)}`,
  ]);
  const made = await run(
    ['init', '--data', data, '--shares', '5', '--threshold', '3', '--out', out, ...custodians, ...signing],
    { limit: 30_000 },
  );
  assert.equal(made.code, 0, made.output);
  assert.doesNotMatch(made.output, /CLAV ?1[A-Z0-9]/);
  officer = { CLAVIGER_TOKEN: /CLAVIGER_TOKEN=(\S+)/.exec(made.stdout)![1]! };
  await startServer();
});

after(async () => {
  const ended = await server?.stop();
  // Nothing that was brought is in what the server said.
  for (const name of existsSync(out) ? readdirSync(out) : []) {
    const letters = lettersOn(join(out, name));
    assert.equal(ended?.output.includes(letters.slice(20, 60)) ?? false, false);
  }
  rmSync(dir, { recursive: true, force: true });
});

/** Runs `claviger ARGS` on a terminal of its own, and presses Enter whenever it asks for that. Resolves to each screen in turn. */
function onTerminal(args: readonly string[]): Promise<readonly string[]> {
  const command = [process.execPath, bin, ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qfec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const screens: string[] = [];
  let screen = '';
  child.stdout.on('data', (chunk: Buffer) => {
    screen += chunk.toString();
    if (!/press enter[^\n]*$/i.test(screen)) return;
    screens.push(screen);
    screen = '';
    child.stdin.write('\r');
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
  return new Promise((resolve) =>
    child.once('close', () => {
      clearTimeout(timer);
      resolve([...screens, screen]);
    }),
  );
}

test('without a folder each share has a screen of its own, shown after a key press and cleared behind it', async (t) => {
  if (spawnSync('script', ['--version']).error !== undefined) return t.skip('the script program is not installed');
  const screens = await onTerminal(['init', '--data', join(dir, 'shown'), '--shares', '3', '--threshold', '2']);
  const shown = screens.filter((screen) => /CLAV 1/.test(screen));
  assert.equal(shown.length, 3, screens.join('\n'));
  for (const [i, screen] of shown.entries()) {
    assert.match(screen, new RegExp(`Share ${i + 1} of 3, any 2`));
    assert.equal(screen.split('CLAV 1').length, 2);
    // Cleared before, with what could be scrolled back to.
    assert.ok(screen.indexOf('\u001b[2J\u001b[3J') < screen.indexOf('CLAV 1'));
    assert.ok(screens[screens.indexOf(screen) + 1]!.includes('\u001b[2J\u001b[3J'));
  }
  assert.match(screens.at(-1)!, /CLAVIGER_TOKEN/);
});

test('without a folder and a terminal nothing is made', async () => {
  const refused = await run(['init', '--data', join(dir, 'none'), '--shares', '3', '--threshold', '2'], {
    limit: 30_000,
  });
  assert.equal(refused.code, 1);
  assert.match(refused.output, /no terminal to show each share on alone/);
  assert.equal(existsSync(join(dir, 'none')), false);
});

test('two shares leave the server sealed, and say how many are still to come', async () => {
  assert.deepEqual(codes(await unsealBy([1, 4])), [1, 1]);
  const { stdout, code } = await custodian('status', '--json');
  assert.equal(code, 1);
  const { sealed, seals } = JSON.parse(stdout);
  assert.equal(sealed, true);
  assert.deepEqual({ ...seals[0].shares, nonce: '' }, { threshold: 3, total: 5, progress: 2, nonce: '' });
  const again = await custodian('unseal', '--share-file', sheetOf(4));
  assert.equal(again.code, 1);
  assert.match(again.output, /Share 4 was brought already/);
});

test('what is mistyped is told as that, and a third share opens', async () => {
  const letters = lettersOn(sheetOf(2));
  const mistyped = file(
    'mistyped.txt',
    letters.replace(/.(?=.{10}$)/, (letter) => (letter === 'Q' ? 'P' : 'Q')),
  );
  const refused = await custodian('unseal', '--share-file', mistyped);
  assert.match(refused.output, /mistyped/);
  const third = await run(['unseal', '--data', data, '--share-fd', '3'], {
    fd3: `${letters.toLowerCase()}\n`,
    limit: 30_000,
  });
  assert.equal(third.code, 0, third.output);
  assert.match(third.output, /unsealed/);
});

test('three custodians at three terminals at the same moment open it after a restart', async () => {
  await server!.stop();
  await startServer();
  assert.deepEqual(codes(await unsealBy([5, 2, 3])), [0, 1, 1]);
});

test('each checks his share without the server, and one of elsewhere is told', async () => {
  const checked = await custodian('share', 'check', '--json', '--share-file', sheetOf(3));
  assert.equal(checked.code, 0, checked.output);
  const { number, custodian: name, state, fingerprint } = JSON.parse(checked.stdout);
  assert.deepEqual([number, name, state], [3, 'Cem', 'in force']);
  assert.ok(readFileSync(sheetOf(3), 'utf8').includes(fingerprint));
  const other = join(dir, 'other');
  await run(['init', '--data', join(dir, 'elsewhere'), '--shares', '2', '--threshold', '2', '--out', other], {
    limit: 30_000,
  });
  const foreign = await custodian('share', 'check', '--share-file', sheetOf(1, 2, other));
  assert.equal(foreign.code, 1);
  assert.match(foreign.output, /another seal or another server/);
});

test('custodians acknowledge, by a key of their own where one was named', async () => {
  const statement = (number: number, ...more: string[]) =>
    custodian(
      'share',
      'acknowledge',
      '--accept',
      '--share-file',
      sheetOf(number),
      '--out',
      file(`ack-${number}.json`),
      ...more,
    );
  assert.equal((await statement(1, '--key', file('sign-1.pem'))).code, 0);
  assert.match((await statement(2, '--key', file('sign-1.pem'))).output, /another one than was named for Bo/);
  assert.equal((await statement(3)).code, 0);
  const told = await asOfficer('share', 'acknowledge', '--statement', file('ack-1.json'));
  assert.equal(told.code, 0, told.output);
  assert.match(told.output, /^Anna has acknowledged share 1 of 5/m);
  assert.match((await asOfficer('share', 'acknowledge', '--statement', file('ack-3.json'))).output, /Cem .*unsigned/);
  const forged = file(
    'forged.json',
    readFileSync(file('ack-1.json'), 'utf8').replace(/"date": "\d{4}/, '"date": "2001'),
  );
  assert.match((await asOfficer('share', 'acknowledge', '--statement', forged)).output, /not signed by the key/);
  const nobody = await custodian('share', 'acknowledge', '--statement', file('ack-3.json'));
  assert.equal(nobody.code, 1);
});
