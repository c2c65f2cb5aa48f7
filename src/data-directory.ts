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
import { fromBase64, toBase64 } from '#encoding/encoding.ts';

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
    renameSync(draft, target);
    const folder = openSync(join(target, '..'), 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  }

  /** The root key as the seal wrapped it; undefined before `init`. */
  readSeal(): { kind: string; wrapped: Uint8Array; former?: Uint8Array } | undefined {
    if (!this.has('seal.json')) return undefined;
    const damaged = () => new KmsError('tampered', `${this.file('seal.json')} is damaged; restore it from a backup.`);
    try {
      const { format, kind, wrapped, former } = JSON.parse(this.read('seal.json')) as Record<string, unknown>;
      const bytes = typeof wrapped === 'string' ? fromBase64(wrapped) : undefined;
      const older = typeof former === 'string' ? fromBase64(former) : undefined;
      const wrong = bytes === undefined || (former !== undefined && older === undefined);
      if (format !== 1 || typeof kind !== 'string' || wrong) throw damaged();
      return { kind, wrapped: bytes, ...(older !== undefined && { former: older }) };
    } catch {
      throw damaged();
    }
  }

  /** With `former` an older passphrase opens it too, until the newer one is known to have arrived. */
  writeSeal(kind: string, { wrapped, former }: { readonly wrapped: Uint8Array; readonly former?: Uint8Array }): void {
    const older = former === undefined ? {} : { former: toBase64(former) };
    const seal = { format: 1, kind, wrapped: toBase64(wrapped), ...older };
    this.write('seal.json', `${JSON.stringify(seal, undefined, 2)}\n`);
  }
}
