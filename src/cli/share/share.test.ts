import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import decodeQR from 'qr/decode.js';
import { shamirKind } from '#seal/seal.ts';
import { shareFacts } from '#seal/shamir/shares.ts';
import { readCustodians } from './custodians.ts';
import { assertCanHandOut, handOut } from './hand-out.ts';
import { qrCode, shareOnSheet, shareRows, sheetHtml } from './sheet.ts';

const dir = mkdtempSync('/tmp/claviger-shares-');
after(() => rmSync(dir, { recursive: true, force: true }));

const now = new Date('2026-11-25T09:00:00Z');
const handing = { seal: 'offline', server: 'kms.example.org', now };

async function made(custodians: readonly object[] = []) {
  const { handouts = [] } = await shamirKind.create(
    shamirKind.settings({ shares: 3, threshold: 2, custodians }),
    undefined,
  );
  return handouts.map(({ custodian, text }) => ({ custodian, text: Uint8Array.from(text.release()) }));
}

const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const sheet = async (more = {}) => {
  const { text } = (await made())[0]!;
  const facts = { custodian: 'Anna', seal: 'offline', server: 'kms.example.org', date: '2026-11-25' };
  return { ...shareFacts(text), share: textOf(text), ...facts, ...more };
};

/** What a camera sees of a code in text: two rows of modules a line, light where blocks are. */
function pixels(ascii: string) {
  const lines = ascii.trimEnd().split('\n');
  const rows = lines.flatMap((line) => [
    [...line].map((block) => block === '█' || block === '▀'),
    [...line].map((block) => block === '█' || block === '▄'),
  ]);
  const scale = 4;
  const [width, height] = [rows[0]!.length * scale, rows.length * scale];
  const data = new Uint8Array(width * height * 4).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const light = rows[Math.floor(y / scale)]![Math.floor(x / scale)] === true;
      data.fill(light ? 255 : 0, (y * width + x) * 4, (y * width + x) * 4 + 3);
    }
  }
  return { width, height, data };
}

test('the code of a share reads as the share', async () => {
  const { share } = await sheet();
  assert.equal(decodeQR(pixels(await qrCode(share, 'ascii'))), share);
});

test('a sheet says what it is, whose, and how it is used, and loads nothing', async () => {
  const page = await sheet();
  const html = await sheetHtml(page);
  for (const part of ['Anna', 'kms.example.org', 'offline', page.set, page.fingerprint, '2026-11-25', '1 of 3; any 2'])
    assert.ok(html.includes(part), part);
  for (const command of ['share check', 'share acknowledge', 'unseal']) assert.ok(html.includes(`claviger ${command}`));
  assert.match(html, /<svg[^>]*>/);
  assert.doesNotMatch(html, /<script|<link|<img|<iframe|@import|url\(|\ssrc=|\shref="http/);
  assert.match(html, /default-src 'none'/);
  assert.equal(shareOnSheet(html)!.replace(/\s/g, ''), page.share);
  assert.deepEqual(
    shareRows(page.share).map((row) => row.length),
    [19, 19, 19, 19, 19, 3],
  );
});

test('no name can write into a sheet', async () => {
  const html = await sheetHtml(await sheet({ custodian: '<script>alert("x")</script>', server: `a"b'c&d` }));
  assert.equal(html.includes('<script'), false);
  assert.ok(html.includes('&lt;script&gt;'));
  assert.ok(html.includes('a&quot;b&#39;c&amp;d'));
});

test('a sheet that is made away from the server names no other machine', async () => {
  assert.match(await sheetHtml(await sheet({ server: '' })), /<th>Seal<\/th><td>offline<\/td>/);
  assert.match(await sheetHtml(await sheet()), /<th>Seal<\/th><td>offline of kms.example.org<\/td>/);
});

test('each custodian gets a file of his own, which nobody else can read, with one share in it', async () => {
  const out = join(dir, 'sheets');
  const shares = await made([{ name: 'Anna Ü.' }, { name: '../../Bo' }]);
  const files = await handOut(shares, { ...handing, dir: out });
  assert.deepEqual(
    files.map((path) => path.slice(out.length + 1)),
    ['share-1-of-3-anna-u.html', 'share-2-of-3-bo.html', 'share-3-of-3-custodian-3.html'],
  );
  assert.equal(readdirSync(out).length, 3);
  assert.equal(statSync(out).mode & 0o777, 0o700);
  for (const [i, path] of files.entries()) {
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const html = readFileSync(path, 'utf8');
    assert.equal(shareOnSheet(html)!.replace(/\s/g, ''), textOf(shares[i]!.text));
    assert.equal(html.split('CLAV 1').length, 2);
  }
  await assert.rejects(handOut(shares, { ...handing, dir: out }), { code: 'EEXIST' });
});

test('what is encrypted goes to files as it is', async () => {
  const { generateX25519Identity, identityToRecipient, Decrypter, armor } = await import('age-encryption');
  const identity = await generateX25519Identity();
  const shares = await made([{ name: 'Anna', recipient: await identityToRecipient(identity) }]);
  const [file] = (await handOut(shares.slice(0, 1), { ...handing, dir: join(dir, 'encrypted') })) as [string];
  assert.ok(file.endsWith('share-1-of-1-anna.age'));
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  assert.match(await decrypter.decrypt(armor.decode(readFileSync(file, 'utf8')), 'text'), /^CLAV1/);
});

test('without a terminal no shares are made that could be shown only together', (t) => {
  if (process.stdin.isTTY && process.stdout.isTTY) return t.skip('there is a terminal');
  assert.throws(() => assertCanHandOut(undefined, false), /no terminal to show each share on alone/);
  assertCanHandOut(join(dir, 'new'), false);
  writeFileSync(join(dir, 'share-1-of-2-anna.html'), '');
  assert.throws(() => assertCanHandOut(dir, true), /holds shares already/);
  assertCanHandOut(undefined, true);
});

test('custodians are named in turn, with what is encrypted to and what they sign with', () => {
  const [recipients, signing] = [join(dir, 'recipients.txt'), join(dir, 'anna.pub.pem')];
  writeFileSync(recipients, '# Bo, of the safe\nage1bo\n');
  writeFileSync(signing, 'a public key\n');
  assert.equal(readCustodians([], []), undefined);
  assert.deepEqual(readCustodians(['Anna=age1anna', `Bo=${recipients}`, 'Cem'], [`Anna=${signing}`]), [
    { name: 'Anna', recipient: 'age1anna', key: 'a public key\n' },
    { name: 'Bo', recipient: 'age1bo' },
    { name: 'Cem' },
  ]);
  assert.throws(() => readCustodians(['Anna'], [`Ana=${signing}`]), /a key for Ana, but no --custodian/);
  assert.throws(() => readCustodians([`Anna=${join(dir, 'missing')}`], []), /can't be read/);
  writeFileSync(recipients, '-----BEGIN PRIVATE KEY-----\n');
  assert.throws(() => readCustodians([`Anna=${recipients}`], []), /private key/);
});
