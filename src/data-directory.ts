import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { KmsError } from '#domain/domain.ts';
import type { SealFile } from '#seal/seal.ts';

/** The files of one server. Everything secret in them is wrapped by the seal, but for the TLS keys, which a sealed server needs. */
export class DataDirectory {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  create(): void {
    for (const dir of [this.path, this.file('tls'), this.file('identities')])
      mkdirSync(dir, { recursive: true, mode: 0o700 });
  }

  file(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  get database(): string {
    return this.file('claviger.db');
  }

  has(name: string): boolean {
    return existsSync(this.file(name));
  }

  read(name: string): string {
    return readFileSync(this.file(name), 'utf8');
  }

  /** A file that the operator named. */
  readOutside(path: string): string {
    return readFileSync(path, 'utf8');
  }

  /** Whole and on disk when it returns, or not there at all. Readable by the owner only unless said otherwise. */
  write(name: string, content: string, mode = 0o600): void {
    const target = this.file(name);
    const draft = `${target}.new`;
    const file = openSync(draft, 'w', mode);
    try {
      // The process's umask is strict, also where a file is meant for others.
      fchmodSync(file, mode);
      // Until all of it is there: a disk that is filling up takes a part, and says so in a number only.
      writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    this.#flushing(join(target, '..'), () => renameSync(draft, target));
  }

  /** What was done in a folder stays done. It is opened before: where that fails, nothing has changed. */
  #flushing(path: string, change: () => void): void {
    const folder = openSync(path, 'r');
    try {
      change();
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  }

  /** Every way to the root key. */
  get seals(): SealFile {
    return {
      read: () => {
        if (this.has(sealFile)) return this.read(sealFile);
        throw new KmsError('tampered', `${this.file(sealFile)} is gone; restore it from a backup.`);
      },
      write: (text) => this.#told(() => this.write(sealFile, text)),
      settle: () => this.#told(() => this.#flushing(this.path, () => {})),
    };
  }

  /** Whoever asked for it is told what the disk said. */
  #told(act: () => void): void {
    try {
      act();
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new KmsError(
        code === 'ENOSPC' ? 'storage-full' : 'unavailable',
        `The seal could not be written: ${message}`,
      );
    }
  }

  get hasSeal(): boolean {
    return this.has(sealFile);
  }
}

const sealFile = 'seal.json';
