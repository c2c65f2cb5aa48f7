/** A ceremony as custodians live it: each in a process of his own, and the server in another. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
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

/** Answers one question on a terminal of its own. Resolves to all that the terminal showed. */
function typed(args: readonly string[], question: RegExp, answer: string): Promise<string> {
  const command = [process.execPath, bin, ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qfec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let shown = '';
  let asked = false;
  child.stdout.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
    if (asked || !question.test(shown)) return;
    asked = true;
    child.stdin.write(`${answer}\r`);
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
  return new Promise((resolve) =>
    child.once('close', () => {
      clearTimeout(timer);
      resolve(shown);
    }),
  );
}

test('each types his share at a terminal, which shows nothing of it', async (t) => {
  if (spawnSync('script', ['--version']).error !== undefined) return t.skip('the script program is not installed');
  await server!.stop();
  await startServer();
  const screens: string[] = [];
  for (const number of [2, 4, 5]) {
    const letters = lettersOn(sheetOf(number));
    const groups = letters.toLowerCase().match(/.{1,4}/g)!;
    const screen = await typed(['unseal', '--data', data], /Share: $/, groups.join(' '));
    assert.equal(screen.toLowerCase().includes(groups[5]!), false);
    screens.push(screen);
  }
  assert.match(screens[0]!, /1 of 3 shares/);
  assert.match(screens[1]!, /2 of 3 shares/);
  assert.match(screens[2]!, /The server is unsealed/);
});

test('what age decrypts goes straight to the server', async (t) => {
  if (spawnSync('age', ['--version']).error !== undefined) return t.skip('the age program is not installed');
  const [place, folder] = [join(dir, 'by-age'), join(dir, 'by-age-out')];
  const names = ['Anna', 'Bo'];
  for (const name of names) execFileSync('age-keygen', ['-o', file(`${name}.txt`)], { stdio: 'ignore' });
  const recipients = names.map(
    (name) =>
      `${name}=${execFileSync('age-keygen', ['-y', file(`${name}.txt`)])
        .toString()
        .trim()}`,
  );
  const settings = ['--seal', 'shamir', '--shares', '2', '--threshold', '2', '--out', folder];
  const custodians = recipients.flatMap((recipient) => ['--custodian', recipient]);
  assert.equal((await run(['init', '--data', place, ...settings, ...custodians], { limit: 30_000 })).code, 0);
  const other = await start(['server', '--data', place, '--listen', '127.0.0.1:0']);
  t.after(() => other.stop());
  const ends = names.map((name, i) => {
    const share = execFileSync('age', ['-d', '-i', file(`${name}.txt`), sheetOf(i + 1, 2, folder)]).toString();
    return run(['unseal', '--data', place, '--share-fd', '3'], { fd3: share, limit: 30_000 });
  });
  assert.deepEqual(codes(await Promise.all(ends)), [0, 1]);
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
  const both = await asOfficer('share', 'acknowledge', '--statement', file('ack-3.json'), '--key', file('sign-1.pem'));
  assert.match(both.output, /--key can't be given with it/);
  const nobody = await custodian('share', 'acknowledge', '--statement', file('ack-3.json'));
  assert.equal(nobody.code, 1);
});

test('shares are replaced while the server serves, by old ones that are brought one at a time', async () => {
  const next = join(dir, 'next');
  const keys = generateKeyPairSync('ml-kem-1024' as 'ml-kem-768', pem);
  const recipient = file('dora.pub.pem', keys.publicKey);
  const change = ['seal', 'rotate', 'shares', '--shares', '4', '--threshold', '2', '--out', next];
  const custodians = ['Anna', 'Bo', 'Cem', `Dora=${recipient}`].flatMap((name) => ['--custodian', name]);
  const bring = (number: number) => asOfficer(...change, ...custodians, '--share-file', sheetOf(number));
  for (const [number, count] of [
    [4, 1],
    [2, 2],
  ] as const) {
    const told = await bring(number);
    assert.equal(told.code, 1, told.output);
    assert.match(told.output, new RegExp(`${count} of 3 shares`));
  }
  const elsewhere = await asOfficer(...change, '--share-file', sheetOf(5));
  assert.match(elsewhere.output, /1 of 3 shares/);
  const made = await bring(5);
  assert.equal(made.code, 0, made.output);
  assert.match(made.output, /opens by the former ones too/);
  assert.deepEqual(
    readdirSync(next).map((name) => name.split('.')[1]),
    ['html', 'html', 'html', 'encrypted'],
  );
  const { output, code } = await custodian('share', 'check', '--share-file', sheetOf(1));
  assert.equal(code, 0);
  assert.match(output, /superseded; opens the seal until/);

  const sheet = file('dora.html');
  const opened = ['--share-file', sheetOf(4, 4, next), '--key', file('dora.pem', keys.privateKey), '--out', sheet];
  const still = file('still.age', '-----BEGIN AGE ENCRYPTED FILE-----\n');
  assert.match((await custodian('share', 'sheet', '--share-file', still)).output, /decrypt it with age first/);
  assert.equal((await custodian('share', 'sheet', ...opened, '--server-name', 'kms1')).code, 0);
  assert.match(readFileSync(sheet, 'utf8'), /<td>shares of kms1<\/td>/);
  for (const path of [1, 2, 3].map((number) => sheetOf(number, 4, next)).concat(sheet)) {
    const told = await run(['share', 'acknowledge', '--accept', '--share-file', path, '--data', data], {
      env: officer,
      limit: 30_000,
    });
    assert.equal(told.code, 0, told.output);
    assert.equal(/former ones open nothing/.test(told.output), path === sheet, told.output);
  }
  const status = await asOfficer('seal', 'status');
  assert.match(status.output, /shares +shamir +2 of 4 shares +in force/);
  assert.match(status.output, /4 +Dora +\d{4}-\d{2}-\d{2}/);
  assert.equal((await custodian('share', 'check', '--share-file', sheetOf(1))).code, 3);
});

test('the new ones open it and the old ones nothing; a passphrase beside them opens it too, and goes again', async () => {
  const next = join(dir, 'next');
  await server!.stop();
  await startServer();
  const old = await custodian('unseal', '--share-file', sheetOf(1));
  assert.match(old.output, /was superseded/);
  assert.deepEqual(codes(await unsealBy([1, 3], 4, next)), [0, 1]);
  const added = await run(
    [
      'seal',
      'add',
      'daily',
      '--new-passphrase-file',
      file('new.txt', 'words of every day\n'),
      '--share-fd',
      '3',
      '--data',
      data,
    ],
    { env: officer, fd3: lettersOn(sheetOf(1, 4, next)), limit: 30_000 },
  );
  assert.match(added.output, /1 of 2 shares/);
  const second = ['seal', 'add', 'daily', '--new-passphrase-file', file('new.txt'), '--share-file', file('dora.html')];
  assert.equal((await asOfficer(...second)).code, 0);
  await server!.stop();
  await startServer();
  const opened = await custodian('unseal', '--passphrase-file', file('new.txt'));
  assert.equal(opened.code, 0, opened.output);
  assert.equal((await asOfficer('seal', 'prove', 'shares', '--share-file', sheetOf(2, 4, next))).code, 1);
  const proven = await asOfficer('seal', 'prove', 'shares', '--share-file', sheetOf(3, 4, next));
  assert.equal(proven.code, 0, proven.output);
  assert.equal((await asOfficer('seal', 'remove', 'daily')).code, 0);
  assert.match((await asOfficer('seal', 'remove', 'shares')).output, /last seal stays/);
});

test('every step of it is in the ledger, and nothing that was brought', async () => {
  const verified = await custodian('audit', 'verify');
  assert.equal(verified.code, 0, verified.output);
  assert.equal((await custodian('audit', 'export', '--output', file('ledger'))).code, 0);
  const output = readFileSync(file('ledger'), 'utf8');
  for (const words of [
    'a share, more are needed',
    'Anna acknowledged share 1 of 5 of the seal shares',
    'share 1 of 3 to rotate the seal shares',
    'rotated the seal shares',
    'Dora acknowledged share 4 of 4',
    'added the seal daily (passphrase)',
    'removed the seal daily',
  ]) {
    assert.ok(output.includes(words), words);
  }
  const brought = [sheetOf(1), sheetOf(4), sheetOf(1, 4, join(dir, 'next')), file('dora.html')];
  for (const path of brought) assert.equal(output.includes(lettersOn(path).slice(20, 40)), false);
});
