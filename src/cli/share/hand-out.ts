import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RecipientKind } from '#seal/shamir/shares.ts';
import { CliError } from '../command.ts';
import { printable } from '../output.ts';
import { waitForEnter } from '../prompt.ts';
import { syncFolder } from '../sync-folder.ts';
import { qrCode, type Sheet, shareRows, sheetHtml } from './sheet.ts';

/** What goes to one custodian: a share, or one that is encrypted to him. */
export interface HandedShare {
  readonly custodian: string;
  readonly text: Uint8Array;
}

export interface HandingOut {
  readonly seal: string;
  /** What the server is called by people; '' where that isn't known. */
  readonly server: string;
  /** Where each gets a file of its own; absent: on this screen, one after another. */
  readonly dir?: string | undefined;
  readonly now: Date;
}

const clear = '\u001b[2J\u001b[3J\u001b[H';
const otherScreen = '\u001b[?1049h';
const usualScreen = '\u001b[?1049l';

/** Throws CliError where shares could be shown only together, or would meet others: before any are made. */
export function assertCanHandOut(dir: string | undefined, allEncrypted: boolean): void {
  if (dir !== undefined && existsSync(dir) && readdirSync(dir).some((name) => name.startsWith('share-')))
    throw new CliError(`${dir} holds shares already: name another folder.`);
  if (dir !== undefined || allEncrypted || (process.stdin.isTTY && process.stdout.isTTY)) return;
  throw new CliError(
    'There is no terminal to show each share on alone: give --out DIR, or every custodian a key with --custodian NAME=RECIPIENT.',
  );
}

/**
 * Each share to a file or a screen of its own: no two are ever on one. Answers the files, in the order of the shares. Rejects where a file is
 * there already.
 */
export async function handOut(shares: readonly HandedShare[], handing: HandingOut): Promise<readonly string[]> {
  const { dir } = handing;
  const { encryptionOf } = await import('#seal/shamir/shares.ts');
  if (dir !== undefined) mkdirSync(dir, { recursive: true, mode: 0o700 });
  const files: string[] = [];
  for (const [i, share] of shares.entries()) {
    const encryption = encryptionOf(share.text);
    const place = `share-${i + 1}-of-${shares.length}-${slug(share.custodian)}`;
    if (dir !== undefined) {
      const path = join(dir, `${place}.${encryption === undefined ? 'html' : extensions[encryption]}`);
      writePrivate(path, encryption === undefined ? await sheetHtml(await sheetOf(share, handing)) : share.text);
      files.push(path);
    } else if (encryption !== undefined) {
      process.stdout.write(`Share ${i + 1} of ${shares.length}, for ${printable(share.custodian)} alone:\n\n`);
      process.stdout.write(share.text);
      process.stdout.write('\n');
    } else await showAlone(await sheetOf(share, handing));
  }
  return files;
}

/** Whole and on disk when it returns, readable by the owner only. Throws where the file is there already. */
export function writePrivate(path: string, content: string | Uint8Array): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  syncFolder(path);
}

/** On a screen that leaves nothing to scroll back to. */
export async function showAlone(sheet: Sheet): Promise<void> {
  const { stdout } = process;
  const { number, total, threshold, custodian, share, set, fingerprint } = sheet;
  stdout.write(otherScreen + clear);
  try {
    stdout.write(`Share ${number} of ${total} is for ${printable(custodian)}, and for nobody else.\n`);
    await waitForEnter('Press Enter once nobody else can see this screen. ');
    stdout.write(
      `${clear}Share ${number} of ${total}, any ${threshold} open the seal. Set ${set}, fingerprint ${fingerprint}.\n\n`,
    );
    stdout.write(
      `${shareRows(share)
        .map((row) => `    ${row}\n`)
        .join('')}\n${await qrCode(share, 'ascii')}\n`,
    );
    await waitForEnter('Write it down or scan it, compare it, and press Enter: it is not shown again. ');
  } finally {
    stdout.write(clear + usualScreen);
  }
}

export async function sheetOf({ custodian, text }: HandedShare, { seal, server, now }: HandingOut): Promise<Sheet> {
  const { plainShare, shareFacts } = await import('#seal/shamir/shares.ts');
  const letters = plainShare(text);
  const share = String.fromCharCode(...letters);
  letters.fill(0);
  return { ...shareFacts(text), share, custodian, seal, server, date: now.toISOString().slice(0, 10) };
}

/** Of files, as the programs that decrypt them call them. */
const extensions: Readonly<Record<RecipientKind, string>> = { age: 'age', pgp: 'asc', 'ml-kem': 'encrypted' };

function slug(name: string): string {
  const letters = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');
  return letters.replace(/^-+|-+$/g, '').slice(0, 40) || 'custodian';
}
