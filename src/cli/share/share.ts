import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Call, CliError, type Command, exitCodes, UsageError, wholeNumber } from '../command.ts';
import { askSecret } from '../prompt.ts';
import { sheetOf, showAlone, writePrivate } from './hand-out.ts';
import { readSecret, readShare, shareOptions } from './read-share.ts';
import { sheetHtml } from './sheet.ts';

const sealFile = {
  'seal-file': { type: 'string', value: 'FILE', help: 'a copy of the seal file (default DATA/seal.json)' },
} as const;

/** For custodians: one share, mostly away from the server. */
export const shareCommands: readonly Command[] = [
  {
    name: 'share check',
    summary: 'Say what one share is, and whether it is in force, without any other and without the server',
    options: { ...shareOptions, ...sealFile },
    more: [
      'Asks for the share on the terminal unless an option says where it is. Exits 0 for a share that is in force, 3 for one that',
      'was superseded, 1 for what is mistyped or of another seal. A seal file is public; have it from somebody you trust.',
    ],
    run: check,
  },
  {
    name: 'share acknowledge',
    summary: 'Sign that you have received your share and accept the duties of its custodian',
    options: {
      ...shareOptions,
      ...sealFile,
      key: { type: 'string', value: 'FILE', help: 'your private key in PEM (Ed25519 or ECDSA), the one named for you' },
      'key-passphrase-fd': { type: 'string', value: 'N', help: 'read the passphrase of an encrypted key from there' },
      accept: { type: 'boolean', help: 'accept the duties without being asked' },
      out: { type: 'string', value: 'FILE', help: 'write the acknowledgement there, and send it nowhere' },
      statement: { type: 'string', value: 'FILE', help: 'send one that was written so, as a security officer' },
    },
    more: [
      'The share itself is sent nowhere: the acknowledgement holds a digest that only the share gives. The server verifies it',
      'against the key that was named for the custodian, and records it. "claviger seal status" shows who has acknowledged.',
    ],
    run: acknowledge,
  },
  {
    name: 'share sheet',
    summary: 'Show one share alone on the screen, or write a sheet of it to be printed',
    options: {
      ...shareOptions,
      ...sealFile,
      key: { type: 'string', value: 'FILE', help: 'your ML-KEM private key in PEM, for a share encrypted to it' },
      'server-name': { type: 'string', value: 'NAME', help: 'what the server is called, to stand on the sheet' },
      out: { type: 'string', value: 'FILE', help: 'write the sheet there, as HTML' },
    },
    more: [
      'A share that was encrypted by age or PGP is decrypted by those: age -d share.age | claviger share sheet --share-fd 0',
    ],
    run: sheet,
  },
];

async function check(call: Call): Promise<number> {
  const { checkShare } = await import('#seal/shamir/shares.ts');
  const seals = await sealsIn(call);
  const share = await readShare(call);
  try {
    const found = checkShare(seals, share);
    const { seal, set, number, threshold, total, custodian, fingerprint, state } = found;
    call.out.result(found, () =>
      call.out.facts([
        ['share', `${number} of ${total}, any ${threshold} open the seal`],
        ['seal', seal],
        ['set', set],
        ['custodian', custodian],
        ['fingerprint', fingerprint],
        ['state', states[state]],
      ]),
    );
    return state === 'superseded' ? exitCodes.unverified : exitCodes.ok;
  } finally {
    share.fill(0);
  }
}

const states = {
  'in force': 'in force',
  former: 'superseded; opens the seal until the new shares are known to have arrived',
  superseded: 'superseded: opens nothing any more',
} as const;

async function acknowledge(call: Call): Promise<void> {
  const statement = call.text('statement');
  const beside = ['share-fd', 'share-file', 'key', 'key-passphrase-fd', 'out'].find(
    (name) => call.text(name) !== undefined,
  );
  if (statement !== undefined && (beside !== undefined || call.flag('accept')))
    throw new UsageError(`--statement sends what was said already, so --${beside ?? 'accept'} can't be given with it.`);
  const text =
    statement === undefined ? await newStatement(call) : readSecret('acknowledgement', statement).toString('utf8');
  const out = call.text('out');
  if (out !== undefined) {
    writeFileSync(out, text, { flag: 'wx', mode: 0o644 });
    call.out.note(`Give ${out} to a security officer: claviger share acknowledge --statement ${out}`);
    return;
  }
  const told = await call.connect().client.seals.acknowledge(text);
  const { seal, number, total, custodian, signed } = told.share;
  call.out.result(told, () => {
    const how = signed ? '' : ', unsigned: no key was named that he signs with';
    call.out.line(`${custodian} has acknowledged share ${number} of ${total} of the seal "${seal}"${how}.`);
    if (told.settled) call.out.line('All shares have arrived: former ones open nothing any more.');
  });
}

async function newStatement(call: Call): Promise<string> {
  const { acknowledgeShare, duties } = await import('#seal/shamir/shares.ts');
  const seals = await sealsIn(call);
  await accepted(call, duties);
  const [keyFile, passphraseFd] = [call.text('key'), call.text('key-passphrase-fd')];
  const key = keyFile === undefined ? undefined : readSecret('key', keyFile);
  const passphrase = key?.includes('ENCRYPTED') ? await passphraseOf(passphraseFd) : undefined;
  const share = await readShare(call);
  try {
    const date = `${new Date().toISOString().slice(0, 19)}Z`;
    return acknowledgeShare(seals, share, key && { key, passphrase }, date);
  } finally {
    for (const secret of [share, key, passphrase]) secret?.fill(0);
  }
}

async function passphraseOf(fd: string | undefined): Promise<Uint8Array> {
  if (fd === undefined) return Buffer.from(await askSecret('Passphrase of the key: ', 'it: use --key-passphrase-fd'));
  const bytes = readSecret('passphrase of the key', wholeNumber('--key-passphrase-fd', fd));
  return bytes.subarray(0, bytes.at(-1) === 0x0a ? -1 : undefined);
}

async function accepted(call: Call, duties: readonly string[]): Promise<void> {
  for (const duty of duties) call.out.note(`- ${duty}`);
  if (call.flag('accept')) return;
  const answer = await askSecret('Type "accept" if you do: ', 'your consent: use --accept');
  if (answer.trim().toLowerCase() !== 'accept') throw new CliError('Nothing was acknowledged.');
}

async function sheet(call: Call): Promise<void> {
  const { checkShare } = await import('#seal/shamir/shares.ts');
  const given = await readShare(call);
  const share = await decrypted(call, given);
  try {
    const known = existsSync(sealPath(call)) ? checkShare(await sealsIn(call), share) : undefined;
    const page = await sheetOf(
      { custodian: known?.custodian ?? '', text: share },
      { seal: known?.seal ?? '', server: call.text('server-name') ?? '', now: new Date() },
    );
    const out = call.text('out');
    if (out !== undefined) writePrivate(out, await sheetHtml(page));
    else if (process.stdin.isTTY && process.stdout.isTTY) await showAlone(page);
    else throw new CliError('There is no terminal to show the share on: use --out FILE.');
  } finally {
    for (const secret of [given, share]) secret.fill(0);
  }
}

async function decrypted(call: Call, given: Uint8Array): Promise<Uint8Array> {
  const { encryptionOf, openEncrypted } = await import('#seal/shamir/shares.ts');
  const encryption = encryptionOf(given);
  if (encryption === undefined) return given;
  if (encryption !== 'ml-kem')
    throw new CliError(`The share is encrypted: decrypt it with ${decryptsWith[encryption]} first.`);
  const path = call.text('key');
  if (path === undefined)
    throw new UsageError('The share is encrypted to an ML-KEM key: say with --key where its private half is.');
  const key = readSecret('key', path);
  const opened = openEncrypted(given, key);
  key.fill(0);
  if (opened === undefined) throw new CliError('The share is not for this key.');
  return opened;
}

const decryptsWith = { age: 'age', pgp: 'gpg' } as const;

const sealPath = (call: Call) => call.text('seal-file') ?? join(call.dataDir, 'seal.json');

async function sealsIn(call: Call) {
  const { sealsOfShares } = await import('#seal/shamir/shares.ts');
  let text: string;
  try {
    text = readFileSync(sealPath(call), 'utf8');
  } catch (error) {
    throw new CliError(
      `The seal file can't be read: ${(error as Error).message}. Say with --seal-file where a copy is.`,
    );
  }
  return sealsOfShares(text);
}
