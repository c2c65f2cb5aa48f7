import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Ended, run, start } from '../process.ts';

const home = mkdtempSync(join(tmpdir(), 'claviger-backup-quorum-'));
const data = join(home, 'data');
const sheets = join(home, 'sheets');
const kept = join(home, 'checkpoint');
const passphraseFile = join(home, 'passphrase');
const opening = ['--passphrase-file', passphraseFile];
let backup: string;
let shares: string[];

async function ok(ended: Promise<Ended>): Promise<string> {
  const { code, output, stdout } = await ended;
  assert.equal(code, 0, output);
  return stdout;
}

const restore = (to: string, ...more: string[]) =>
  run(['restore', backup, '--data', join(home, to), '--checkpoint', kept, ...more]);

async function refused(ended: Promise<Ended>, why: RegExp): Promise<void> {
  const { code, output } = await ended;
  assert.notEqual(code, 0, output);
  assert.match(output, why);
}

before(async () => {
  writeFileSync(passphraseFile, 'correct horse battery staple\n', { mode: 0o600 });
  mkdirSync(sheets, { mode: 0o700 });
  const { output } = await run(['init', '--data', data, ...opening]);
  const env = { CLAVIGER_TOKEN: /CLAVIGER_TOKEN=(\S+)/.exec(output)![1]! };
  const as = (...args: string[]) => run([...args, '--data', data], { env });
  const server = await start(['server', '--data', data, '--listen', '127.0.0.1:0', ...opening]);
  try {
    const made = ['--shares', '3', '--threshold', '2', '--out', sheets];
    await ok(as('seal', 'add', 'custodians', '--kind', 'shamir', ...made, ...opening));
    backup = (JSON.parse(await ok(as('backup', '--json'))) as { file: string }).file;
    const auditor = JSON.parse(await ok(as('identity', 'create', 'auditor', '--role', 'auditor', '--json')));
    writeFileSync(
      kept,
      await ok(run(['audit', 'checkpoint', '--data', data], { env: { CLAVIGER_TOKEN: auditor.token } })),
    );
  } finally {
    await server.stop();
  }
  shares = readdirSync(sheets).flatMap((name) =>
    /^share-[12]-/.test(name) ? ['--share-file', join(sheets, name)] : [],
  );
  assert.equal(shares.length, 4);
});
after(() => rmSync(home, { recursive: true }));

test('where there is a seal of shares, only those who hold them go back behind a checkpoint', async () => {
  const { output } = await restore('a', ...opening);
  const phrase = /--accept-loss "(lose lines \d+ to \d+)"/.exec(output)![1]!;
  const loss = ['--accept-loss', phrase];
  await refused(restore('a', ...opening, ...loss), /takes the shares of the seal "custodians"/);
  await refused(restore('a', ...opening, '--seal', 'passphrase', ...loss), /takes the shares/);
  await refused(restore('a', ...opening, '--seal', 'custodians', ...loss), /opens no seal/);
  await refused(restore('a', ...shares.slice(0, 2), '--seal', 'custodians', ...loss), /too few shares/);
  await refused(restore('a', ...shares, ...loss), /takes the shares/);
  await refused(restore('a', '--auto', '--seal', 'custodians', ...loss), /without --auto/);
  await ok(restore('a', ...shares, '--seal', 'custodians', ...loss));
});

test('a loss is accepted of a checkpoint only', async () => {
  const asked = run(['restore', backup, '--data', join(home, 'b'), ...opening, '--accept-loss', 'lose lines 1 to 2']);
  await refused(asked, /said of a --checkpoint/);
});
