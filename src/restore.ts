import {
  constants,
  createReadStream,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { copyFile, mkdtemp, open, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { backupsIn, flushFolder } from '#backup/backup.ts';
import { askSecret, shareIn, startOptions } from '#cli/cli.ts';
import { readEnvironment } from '#config/config.ts';
import { digestOfStream, randomUuid } from '#crypto/crypto.ts';
import { KmsError } from '#domain/domain.ts';
import { toUtf8, view } from '#encoding/encoding.ts';
import { restoredChange } from '#gate/gate.ts';
import { MonotoneClock } from './clock.ts';
import { DataDirectory } from './data-directory.ts';
import { bringBack, type Credential, type Restored, type RestoreOptions } from './restoring.ts';
import { readSecret } from './secret-file.ts';
import { packageVersion, reporting, say, warn } from './serving.ts';

interface CredentialValues {
  readonly seal?: string | undefined;
  readonly 'passphrase-fd'?: string | undefined;
  readonly 'passphrase-file'?: string | undefined;
  readonly 'pin-fd'?: string | undefined;
  readonly 'pin-file'?: string | undefined;
  readonly 'share-file'?: readonly string[] | undefined;
  readonly auto: boolean;
}

const marker = 'restoring';

/** `claviger restore FILE --data DIR`: a new data folder out of a backup, whole and verified, or none. */
export function restoreCommand(args: readonly string[]): Promise<number> {
  return reporting(async () => {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: startOptions.restore,
    });
    const [file, ...more] = positionals;
    if (file === undefined || more.length > 0 || values.data === undefined) {
      throw new KmsError('invalid-parameter', 'Say which file, and where to: claviger restore FILE --data DIR.');
    }
    const target = resolve(values.data);
    assertEmpty(target);
    const shelf = shelfOf(values.shelf, file);
    const credential = await credentialOf(values);
    const draft = emptyDraft(`${target}.restoring`);
    try {
      const restored = await bringBack(file, draft, credential, {
        ...optionsOf(values.region, (path) => copied(shelf, path)),
        ...(values.checkpoint !== undefined && { checkpoint: readFileSync(values.checkpoint, 'utf8') }),
        ...(values['accept-loss'] !== undefined && { acceptLoss: values['accept-loss'] }),
      });
      await settle(restored);
      rmSync(draft.file(marker));
      if (existsSync(target)) rmdirSync(target);
      renameSync(draft.path, target);
      await flushFolder(dirname(target));
      tell(restored, target);
    } catch (error) {
      rmSync(draft.path, { recursive: true, force: true });
      throw error;
    } finally {
      credential.secret?.fill(0);
    }
    return 0;
  });
}

function assertEmpty(folder: string): void {
  if (!existsSync(folder) || readdirSync(folder).length === 0) return;
  throw new KmsError('already-exists', `${folder} is not empty: a backup is restored into a new place only.`);
}

/** Where everything is made first. What an earlier run left there, which was cut short, goes. */
function emptyDraft(path: string): DataDirectory {
  const draft = new DataDirectory(path);
  if (existsSync(path)) {
    if (!draft.has(marker)) throw new KmsError('already-exists', `${path} is in the way.`);
    rmSync(path, { recursive: true });
  }
  draft.create();
  draft.write(marker, '');
  return draft;
}

/** The ledger says where the server came from, and nothing is done by the clock until somebody says that it is the one that lives on. */
async function settle({ server, header, lines, loss }: Restored): Promise<void> {
  const { core } = server.gate;
  try {
    await core.commits.submit(
      {
        ...{
          time: server.clock(),
          requestId: randomUuid(),
          protocol: 'start',
          operation: 'restore',
          peer: '',
          realm: '',
        },
        ...{ principal: 'system', credential: '', action: 'restore', outcome: 'ok' },
        summary: `restored from backup ${header.id} at line ${lines}${loss === undefined ? '' : `, "${loss}"`}`,
      },
      await restoredChange(core.rooms.keyring.records, { backup: header.id, at: server.clock() }),
    );
  } finally {
    await server.close();
  }
}

function tell({ header, rows, canaries, gone, lacking, lines, checkpoints }: Restored, target: string): void {
  say(`Restored the backup ${header.id} of ${new Date(header.takenAt).toISOString()} to ${target}:`);
  say(
    `${rows} rows under their MACs, ${lines} lines of the ledger under ${checkpoints} checkpoints, ${canaries} ciphertexts opened.`,
  );
  if (gone.length > 0) say(`Of the keys that were tried ${gone.length} were destroyed since.`);
  if (lacking > 0)
    say(`${lacking} keys do NOT open: their secrets are not on this shelf, which is not the living one.`);
  say('It does nothing by the clock until you say that the other one will never run again:');
  say(`  claviger backup confirm-restore --data ${target}`);
}

/** `claviger drill`: what a restoration of the last backup would come to. Nothing of it stays but the report. */
export function drillCommand(args: readonly string[]): Promise<number> {
  return reporting(async () => {
    const { values } = parseArgs({
      args: [...args],
      options: startOptions.drill,
    });
    const began = performance.now();
    const data = new DataDirectory(values.data ?? readEnvironment().dataDir);
    const file = await lastBackup(values.from ?? data.file('backups'));
    const shelf = shelfOf(values.shelf, file);
    const credential = await credentialOf(values);
    const scratch = new DataDirectory(await mkdtemp(join(tmpdir(), 'claviger-drill-')));
    try {
      // The living one, which is only read: a copy of it would be one more place where secrets stay.
      const options = optionsOf(values.region, (path) => symlink(shelf, path));
      const restored = await bringBack(file, scratch, credential, options);
      const report = await signedReport(restored, file, { began, now: options.clock() });
      if (values.report === undefined) say(report.trimEnd());
      else await writeFile(values.report, report, { flag: 'wx' });
      if (restored.lacking > 0) throw new KmsError('tampered', `${shelf} lacks secrets of ${restored.lacking} keys.`);
    } finally {
      credential.secret?.fill(0);
      await rm(scratch.path, { recursive: true, force: true });
    }
    return 0;
  });
}

async function lastBackup(from: string): Promise<string> {
  if (basename(from).endsWith('.backup')) return from;
  const [newest] = await backupsIn(from);
  if (newest === undefined) throw new KmsError('not-found', `There is no backup in ${from}.`);
  return newest.path;
}

/** JSON, and under it a signature by the key that signs the server's checkpoints: a note as c2sp.org/signed-note states it. */
async function signedReport(
  { server, header, rows, canaries, gone, lacking, lines, checkpoints }: Restored,
  file: string,
  { began, now }: { readonly began: number; readonly now: number },
): Promise<string> {
  const seconds = (ms: number) => Math.round(ms) / 1000;
  const report = server.gate.core.rooms.signer.signReport({
    kind: 'claviger restore drill',
    time: new Date(now).toISOString(),
    backup: header.id,
    file,
    digest: await digestOfStream(createReadStream(file)),
    server: header.server,
    takenAt: new Date(header.takenAt).toISOString(),
    recoveryPointSeconds: seconds(now - header.takenAt),
    recoveryTimeSeconds: seconds(performance.now() - began),
    ...{
      rows,
      canaries,
      destroyedSince: gone.length,
      keysLacking: lacking,
      ledgerLines: lines,
      checkpoints,
      sequence: header.sequence,
    },
  });
  await server.close();
  return report;
}

function optionsOf(region: string, bringShelf: RestoreOptions['bringShelf']): RestoreOptions {
  return { bringShelf, region, version: packageVersion(), clock: new MonotoneClock().now, log: warn };
}

/** The one that is named, or the living one beside the backup. */
function shelfOf(named: string | undefined, backup: string): string {
  const path = resolve(named ?? join(dirname(backup), 'shelf'));
  if (existsSync(path)) return path;
  throw new KmsError(
    'not-found',
    `${path} is not there, and no key opens without it: name the living shelf with --shelf.`,
  );
}

async function copied(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_EXCL);
  const file = await open(to, 'r+');
  try {
    await file.chmod(0o600);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function credentialOf(values: CredentialValues): Promise<Credential> {
  const by = values.seal === undefined ? {} : { seal: values.seal };
  if (values.auto) {
    // All of these are tried then, so none can be asked for.
    if (values.seal !== undefined) {
      throw new KmsError('invalid-parameter', '--seal says what is opened by what you bring: it goes without --auto.');
    }
    return {};
  }
  const files = values['share-file'] ?? [];
  if (files.length > 0) return { ...by, secret: sharesIn(files) };
  for (const what of ['passphrase', 'pin'] as const) {
    const [fd, path] = [values[`${what}-fd`], values[`${what}-file`]];
    if (fd !== undefined) return { ...by, secret: readSecret(numberOf(fd)) };
    if (path !== undefined) return { ...by, secret: readSecret(path) };
  }
  return { ...by, secret: toUtf8(await askSecret('What opens a seal of the backup: ')) };
}

/** Their letters alone or sheets: one a line. */
function sharesIn(files: readonly string[]): Uint8Array {
  const lines = files.map((file) => {
    const share = shareIn(view(readSecret(file)));
    const line = Buffer.concat([share.filter((byte) => byte > space), Buffer.of(newline)]);
    share.fill(0);
    return line;
  });
  const all = Buffer.concat(lines);
  const secret = Uint8Array.from(all.subarray(0, -1));
  for (const bytes of [all, ...lines]) bytes.fill(0);
  return secret;
}

const space = 0x20;
const newline = 0x0a;

function numberOf(fd: string): number {
  if (/^\d{1,4}$/.test(fd)) return Number(fd);
  throw new KmsError('invalid-parameter', 'A descriptor is told by its number.');
}
