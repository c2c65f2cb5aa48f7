import { readdirSync, rmSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { nameOfBackup, type Part, prune, writeBackup } from '#backup/backup.ts';
import { randomBytes, randomUuid } from '#crypto/crypto.ts';
import { type BackupFacts, KmsError, Plaintext, SecretBytes } from '#domain/domain.ts';
import type { Backups } from '#gate/gate.ts';
import { readHead } from '#keyring/keyring.ts';
import { type FileShelf, openSqliteStore, snapshotSqlite } from '#store/store.ts';
import { makeCanaries } from './canaries.ts';
import type { DataDirectory } from './data-directory.ts';
import { keepBeside } from './living-shelf.ts';

interface Options {
  readonly data: DataDirectory;
  readonly shelf: FileShelf;
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Of the seal file: changes with every change of it. */
  readonly sealRevision: () => number;
}

type BackedUp = Parameters<Backups['take']>[0];

const snapshotName = /^snapshot-[0-9a-f-]{36}\.db(?:-wal|-shm)?$/;

/** Backups of the server that runs on a data folder. */
export class ServerBackups implements Backups {
  readonly #options: Options;
  #busy = false;

  constructor(options: Options) {
    this.#options = options;
  }

  async take(rooms: BackedUp, to: string | undefined): Promise<BackupFacts> {
    if (this.#busy) throw new KmsError('conflict', 'A backup is being taken already.');
    this.#busy = true;
    try {
      this.#sweep();
      return await this.#take(rooms, to);
    } finally {
      this.#sweep();
      this.#busy = false;
    }
  }

  prune({ signer }: BackedUp, folder: string, keep: number, last: string): Promise<number> {
    return prune(folder, signer.verifierKey, keep, last);
  }

  async #take({ keyring, signer }: BackedUp, to: string | undefined): Promise<BackupFacts> {
    const { data, shelf, version, clock, sealRevision } = this.#options;
    const id = randomUuid();
    const takenAt = clock();
    const revision = sealRevision();
    const key = new Plaintext(randomBytes(32));
    try {
      const canaries = await makeCanaries(keyring);
      const snapshot = data.file(`snapshot-${id}.db`);
      await snapshotSqlite(data.database, snapshot);
      const { sequence, ledger } = await headOf(snapshot);
      // Read behind the snapshot: a seal file must not be older than its database.
      const seals = data.seals.read();
      using secret = SecretBytes.copyOf(key.release());
      const header = {
        ...{ id, takenAt, version, server: signer.verifierKey, sequence, ledger: ledger.size, seals },
        key: keyring.wrapBackupKey(id, secret),
      };
      // What was wrapped under one root would lie beside a seal file that opens another.
      if (sealRevision() !== revision) throw new KmsError('conflict', 'The seals changed meanwhile; ask again.');
      const file = await placeFor(to ?? data.file('backups'), nameOfBackup(header), to === undefined);
      keepBeside(data, shelf, dirname(file));
      const written = await writeBackup(file, header, key, [
        { name: 'claviger.db', content: { path: snapshot } },
        { name: 'canaries.json', content: { bytes: canaries } },
        ...besides(data),
      ]);
      return { id, file, takenAt, ledger: ledger.size, ...written };
    } finally {
      key.wipe();
    }
  }

  /** Of a backup that was cut short. */
  #sweep(): void {
    const { data } = this.#options;
    for (const name of readdirSync(data.path)) if (snapshotName.test(name)) rmSync(data.file(name), { force: true });
  }
}

async function headOf(path: string) {
  const store = await openSqliteStore({ path, anchorPath: `${path}.anchor`, readOnly: true });
  try {
    const bytes = await store.head();
    const head = bytes === undefined ? undefined : readHead(bytes);
    if (head === undefined) throw new KmsError('tampered', "The database's head can't be read.");
    return head.sealed;
  } finally {
    await store.close();
  }
}

/** A folder gets a file of the backup's own name. Our own folder is made; another one that is absent may be a disk that is away. */
async function placeFor(to: string, name: string, make: boolean): Promise<string> {
  if (make) await mkdir(to, { recursive: true, mode: 0o700 });
  const there = statSync(to, { throwIfNoEntry: false });
  if (there?.isDirectory() === true) return join(to, name);
  if (!to.endsWith('/')) return to;
  throw new KmsError('unavailable', `The folder ${to} is not there.`);
}

/** What a restored server needs beside its database. */
function besides(data: DataDirectory): readonly Part[] {
  const names = ['ledger.pub', 'rotators.json', ...namesIn(data, 'tls')];
  return names.filter((name) => data.has(name)).map((name) => ({ name, content: { path: data.file(name) } }));
}

function namesIn(data: DataDirectory, folder: string): readonly string[] {
  if (!data.has(folder)) return [];
  const files = readdirSync(data.file(folder), { withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map(({ name }) => `${folder}/${name}`).filter((name) => !name.endsWith('.new'));
}
