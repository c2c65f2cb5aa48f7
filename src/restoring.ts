import { readFileSync, rmSync } from 'node:fs';
import { type Checkpoint, openCheckpoint, readVerifierKeys, verifyDataDirectory } from '#audit/audit.ts';
import { type BackupHeader, flushFolder, folderSink, readBackup, readBackupHeader } from '#backup/backup.ts';
import { readEnvironment } from '#config/config.ts';
import { releaseToCaller } from '#crypto/crypto.ts';
import { KmsError, Plaintext, recordKinds } from '#domain/domain.ts';
import { type Keyring, openBackupKey } from '#keyring/keyring.ts';
import { Custody, sealKinds } from '#seal/seal.ts';
import { anchorAnew } from '#store/store.ts';
import { Server } from './assemble.ts';
import { openCanaries } from './canaries.ts';
import type { DataDirectory } from './data-directory.ts';

/** What opens a seal of the backup. */
export interface Credential {
  /** A passphrase, a PIN, or shares, one a line; absent: a seal that opens by itself. */
  readonly secret?: Uint8Array;
  /** By this seal alone. */
  readonly seal?: string;
}

export interface RestoreOptions {
  readonly region: string;
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** A checkpoint that somebody kept: what is older is refused. */
  readonly checkpoint?: string;
  /** Whoever restores says this, and brings the shares of the seal of shares where there is one: what is older is good enough. */
  readonly acceptLoss?: string;
  /** Puts the living shelf there: without it no key of the backup opens. */
  readonly bringShelf: (path: string) => Promise<void>;
  readonly log: (line: string) => void;
}

/** A server that came out of a backup: unsealed, everything in it verified, and not listening. */
export interface Restored {
  readonly server: Server;
  readonly header: BackupHeader;
  readonly rows: number;
  readonly canaries: number;
  /** Of the keys that were tried, those that were destroyed after the backup. */
  readonly gone: readonly string[];
  /** How many keys lack their secret, since the shelf that was brought is not the living one. */
  readonly lacking: number;
  readonly lines: number;
  readonly checkpoints: number;
  /** The words by which it was accepted that lines of the ledger are lost. */
  readonly loss?: string;
}

/**
 * Brings a backup into a folder that holds nothing else, and proves it: that a seal opens it, that no byte of it was changed, that every row
 * carries its MAC and all are those of its head, that the ledger is what its checkpoints say, and that keys open what they encrypted.
 */
export async function bringBack(
  file: string,
  folder: DataDirectory,
  credential: Credential,
  options: RestoreOptions,
): Promise<Restored> {
  if (options.acceptLoss !== undefined && options.checkpoint === undefined) {
    throw new KmsError('invalid-parameter', '--accept-loss is said of a --checkpoint.');
  }
  const header = await readBackupHeader(file);
  folder.create();
  folder.write('seal.json', header.seals);
  await options.bringShelf(folder.file('shelf'));
  const seals = await takeOut(file, folder, credential, options);
  anchorAnew({ path: folder.database, anchorPath: folder.file('anchor') });
  const { size, checkpoints, loss } = await verifiedLedger(folder, seals, credential, options);
  const server = await Server.build({ ...options, data: folder, mode: 'production' });
  try {
    if (credential.secret === undefined) await server.openAlone();
    else await server.unseal(new Plaintext(Uint8Array.from(credential.secret)));
    if (server.sealed) throw new KmsError('invalid-unseal', 'No seal of the backup opened.');
    const { keyring } = server.gate.core.rooms;
    const { rows, lacking } = await verifyRows(keyring);
    const { opened: canaries, gone } = await openCanaries(keyring, readFileSync(folder.file('canaries.json')));
    rmSync(folder.file('canaries.json'));
    return {
      server,
      header,
      rows,
      canaries,
      gone,
      lacking,
      lines: size,
      checkpoints,
      ...(loss !== undefined && { loss }),
    };
  } catch (error) {
    await server.close();
    throw error;
  }
}

type Seals = ReturnType<Custody['status']>;

/** All files of the backup, by the key that its seals lead to. */
async function takeOut(
  file: string,
  folder: DataDirectory,
  { secret, seal }: Credential,
  { clock }: RestoreOptions,
): Promise<Seals> {
  const custody = new Custody(folder.seals, {
    clock,
    kinds: sealKinds({ vaultToken: () => readEnvironment().vaultToken }),
  });
  const given = secret && { secret: new Plaintext(Uint8Array.from(secret)), ...(seal !== undefined && { seal }) };
  const opening = await (given === undefined ? custody.openAlone() : custody.open(given));
  given?.secret.wipe();
  if (opening === undefined) throw new KmsError('invalid-unseal', 'These are too few shares to open the seal.');
  using root = opening.root;
  await readBackup(file, async ({ id, key }) => releaseToCaller(openBackupKey(root, id, key)), folderSink(folder.path));
  await flushFolder(folder.path);
  return custody.status();
}

type Verified = Pick<Restored, 'checkpoints' | 'loss'> & { readonly size: number };

/** Rejects with 'tampered' where the ledger does not hold, and 'denied' where it is older than the checkpoint that was shown. */
async function verifiedLedger(
  folder: DataDirectory,
  seals: Seals,
  by: Credential,
  options: RestoreOptions,
): Promise<Verified> {
  const keys = await readVerifierKeys(folder.path);
  const kept = options.checkpoint;
  const shown = kept === undefined ? undefined : openCheckpoint(kept, keys);
  if (kept !== undefined && shown === undefined) {
    throw new KmsError('invalid-parameter', 'The checkpoint is not one of the server that was backed up.');
  }
  const report = await verifyDataDirectory(folder.path);
  if (!report.ok)
    throw new KmsError('tampered', `The ledger in the backup does not hold: ${report.firstWrong?.reason}`);
  if (shown === undefined || kept === undefined) return report;
  if (shown.size > report.size) {
    return { ...report, loss: accepted(shown, report.size, seals, by, options) };
  }
  const grown = await verifyDataDirectory(folder.path, { kept });
  if (!grown.ok) {
    throw new KmsError('tampered', `The ledger has not grown from the checkpoint: ${grown.firstWrong?.reason}`);
  }
  return grown;
}

/**
 * By which words. An older server gives back rights that were taken away: where there is a seal of shares, those who hold them must say that
 * this is meant. Throws 'denied'.
 */
function accepted(shown: Checkpoint, size: number, seals: Seals, by: Credential, options: RestoreOptions): string {
  const phrase = `lose lines ${size + 1} to ${shown.size}`;
  if (options.acceptLoss !== phrase) {
    throw new KmsError(
      'denied',
      `The backup ends at line ${size} of the ledger and the checkpoint is of ${shown.size}. If that can't be helped, say --accept-loss "${phrase}".`,
    );
  }
  const quorums = seals.filter(({ kind }) => kind === 'shamir').map(({ name }) => name);
  // What is brought for a seal that is named opens that one or none.
  const brought = by.secret !== undefined && by.seal !== undefined && quorums.includes(by.seal);
  if (quorums.length > 0 && !brought) {
    throw new KmsError(
      'denied',
      `To go back behind a checkpoint takes the shares of the seal "${quorums[0]}": bring them with --seal ${quorums[0]}.`,
    );
  }
  return phrase;
}

const step = 1000;

/** Every row that there is: its MAC is looked at when it is read. Rejects with 'tampered'. */
async function verifyRows(keyring: Keyring): Promise<{ readonly rows: number; readonly lacking: number }> {
  const { records } = keyring;
  let [rows, lacking] = [0, 0];
  for (const kind of recordKinds) {
    for (let after = ''; ; ) {
      const page = await records.list(kind, '', after, step);
      rows += page.length;
      if (kind === 'key') lacking += page.filter((row) => keyring.shelved(placeOf(row)) === 'lacking').length;
      if (page.length < step) break;
      after = page.at(-1)!.id;
    }
  }
  return { rows, lacking };
}

function placeOf({ id: path, value }: { readonly id: string; readonly value: unknown }) {
  const { slot } = value as { readonly slot?: number };
  const end = path.lastIndexOf('/');
  const place = { realm: path.slice(0, end), id: path.slice(end + 1) };
  return slot === undefined ? place : { ...place, slot };
}
