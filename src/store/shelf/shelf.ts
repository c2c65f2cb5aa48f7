import { closeSync, fdatasync, fdatasyncSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { KmsError } from '#domain/domain.ts';
import { createPrivateFile } from '../sqlite/files.ts';

/**
 * Secrets of keys, each in a slot of its own that is overwritten in place: what is erased here is in no older version of anything. Of no
 * use by themselves, without the key of a realm.
 *
 *   slot 0: 'CLVSHELF' 8 | format 1 | id of the shelf 16 | zeros; the others: state 1 | CRC-32 of number and secret 4 | secret 32 | zeros
 */
const slotLength = 64;
const magic = Buffer.from('CLVSHELF\x01', 'latin1');
const idAt = magic.length;
const idLength = 16;
const full = 1;
const erased = 2;
const secretAt = 5;
const secretLength = 32;
const flushFile = promisify(fdatasync);

/** What a keyring asks of a shelf. */
export interface Shelf {
  /** The secret in that slot; undefined where none is, or no longer. */
  read(slot: number): Uint8Array | undefined;
  /** Its slot, on disk when it resolves. Of 32 bytes. Rejects with 'unavailable' or 'storage-full'. */
  put(secret: Uint8Array): Promise<number>;
  /** Overwritten and flushed here when it resolves, and in each mirror but those that it names. Rejects with 'unavailable'. */
  erase(slots: readonly number[]): Promise<readonly string[]>;
  /** Brings mirrors that were out of reach to what the shelf is, where they are in reach again. */
  catchUp(): void;
}

/** A copy elsewhere, so that the loss of a machine is not the end of its keys. */
interface Mirror {
  readonly path: string;
  fd: number | undefined;
  /** Why it is not what the shelf is. */
  behind: string | undefined;
}

export class FileShelf implements Shelf {
  readonly #fd: number;
  readonly #path: string;
  readonly #flushes: boolean;
  readonly #mirrors: Mirror[] = [];
  #next: number;
  #flushing: Promise<void> | undefined;
  #waiting: Promise<void> | undefined;

  /** Makes the file where it is absent, with `id`, 16 random bytes. Throws 'tampered' where it is another file. */
  constructor(path: string, id: Uint8Array, flushes = true) {
    this.#path = createPrivateFile(path);
    this.#fd = openSync(this.#path, 'r+');
    this.#flushes = flushes;
    const size = fstatSync(this.#fd).size;
    if (size === 0) {
      writeSync(this.#fd, headerOf(id), 0, slotLength, 0);
      if (flushes) fdatasyncSync(this.#fd);
    } else if (idOf(this.#fd) === undefined) {
      closeSync(this.#fd);
      throw new KmsError(
        'tampered',
        `${path} is no shelf, or its beginning is damaged: put the living copy in its place.`,
      );
    }
    // A slot that was cut short belongs to no key yet.
    this.#next = Math.max(1, Math.ceil(size / slotLength));
  }

  read(slot: number): Uint8Array | undefined {
    const bytes = readSlot(this.#fd, slot);
    return isFull(bytes, slot) ? bytes.subarray(secretAt, secretAt + secretLength) : undefined;
  }

  async put(secret: Uint8Array): Promise<number> {
    const slot = this.#next++;
    const bytes = slotOf(slot, secret);
    try {
      this.#write(slot, bytes);
      await this.#flush();
    } catch (error) {
      throw asKmsError(error, this.#path);
    } finally {
      bytes.fill(0);
    }
    return slot;
  }

  async erase(slots: readonly number[]): Promise<readonly string[]> {
    const bytes = Buffer.alloc(slotLength);
    bytes[0] = erased;
    try {
      for (const slot of slots) this.#write(slot, bytes);
      await this.#flush();
    } catch (error) {
      throw asKmsError(error, this.#path);
    }
    return this.behind();
  }

  /** The mirrors that may hold what the shelf does not, or lack what it does. */
  behind(): readonly string[] {
    return this.#mirrors.filter(({ behind }) => behind !== undefined).map(({ path }) => path);
  }

  /** From now on there is a copy in that folder: brought to what the shelf is, or tried again by `catchUp` where it is out of reach. */
  mirror(folder: string): void {
    const path = join(folder, 'shelf');
    if (this.#mirrors.some((mirror) => mirror.path === path)) return;
    this.#mirrors.push({ path, fd: undefined, behind: 'not looked at yet' });
    this.catchUp();
  }

  catchUp(): void {
    for (const mirror of this.#mirrors) {
      if (mirror.behind === undefined) continue;
      try {
        mirror.fd ??= openMirror(mirror.path, this.#fd);
        copyTo(this.#fd, mirror.fd);
        mirror.behind = undefined;
      } catch (error) {
        fallBehind(mirror, error);
      }
    }
  }

  close(): void {
    closeSync(this.#fd);
    for (const { fd } of this.#mirrors) if (fd !== undefined) closeSync(fd);
  }

  #write(slot: number, bytes: Buffer): void {
    if (writeSync(this.#fd, bytes, 0, slotLength, slot * slotLength) !== slotLength) {
      throw new KmsError('storage-full', 'There is no room on the shelf for the secret of a key.');
    }
    for (const mirror of this.#mirrors) {
      if (mirror.behind !== undefined) continue;
      try {
        writeSync(mirror.fd!, bytes, 0, slotLength, slot * slotLength);
      } catch (error) {
        fallBehind(mirror, error);
      }
    }
  }

  /** One flush for all that was written before it began. */
  #flush(): Promise<void> {
    if (!this.#flushes) return Promise.resolve();
    if (this.#flushing === undefined) {
      this.#flushing = this.#flushAll().finally(() => {
        this.#flushing = undefined;
      });
      return this.#flushing;
    }
    this.#waiting ??= this.#flushing
      .catch(() => {})
      .then(() => {
        this.#waiting = undefined;
        return this.#flush();
      });
    return this.#waiting;
  }

  async #flushAll(): Promise<void> {
    await flushFile(this.#fd);
    for (const mirror of this.#mirrors) {
      if (mirror.behind === undefined) await flushFile(mirror.fd!).catch((error) => fallBehind(mirror, error));
    }
  }
}

function fallBehind(mirror: Mirror, error: unknown): void {
  mirror.behind = (error as Error).message;
  if (mirror.fd !== undefined) closeSync(mirror.fd);
  mirror.fd = undefined;
}

/** Throws where the folder is away, or holds the shelf of another server. */
function openMirror(path: string, of: number): number {
  const fd = openSync(path, 0o102 /* O_RDWR | O_CREAT */, 0o600);
  const known = idOf(fd);
  if (fstatSync(fd).size === 0 || known?.equals(idOf(of)!) === true) return fd;
  closeSync(fd);
  throw new KmsError('unavailable', `${path} is the shelf of another server.`);
}

/** Slots that differ are written; then it is flushed. */
function copyTo(from: number, to: number): void {
  const [here, there] = [Buffer.alloc(step), Buffer.alloc(step)];
  for (let at = 0; ; at += step) {
    const length = readSync(from, here, 0, step, at);
    if (length === 0) {
      ftruncateSync(to, at === 0 ? 0 : fstatSync(from).size);
      break;
    }
    there.fill(0);
    readSync(to, there, 0, length, at);
    if (!here.subarray(0, length).equals(there.subarray(0, length))) writeSync(to, here, 0, length, at);
    if (length < step) {
      ftruncateSync(to, at + length);
      break;
    }
  }
  here.fill(0);
  there.fill(0);
  fdatasyncSync(to);
}

const step = 1024 * slotLength;

function headerOf(id: Uint8Array): Buffer {
  const bytes = Buffer.alloc(slotLength);
  magic.copy(bytes);
  bytes.set(id.subarray(0, idLength), idAt);
  return bytes;
}

function idOf(fd: number): Buffer | undefined {
  const bytes = readSlot(fd, 0);
  return bytes.subarray(0, idAt).equals(magic) ? bytes.subarray(idAt, idAt + idLength) : undefined;
}

function readSlot(fd: number, slot: number): Buffer {
  const bytes = Buffer.alloc(slotLength);
  readSync(fd, bytes, 0, slotLength, slot * slotLength);
  return bytes;
}

function slotOf(slot: number, secret: Uint8Array): Buffer {
  const bytes = Buffer.alloc(slotLength);
  bytes[0] = full;
  bytes.set(secret, secretAt);
  bytes.writeUInt32BE(checkOf(bytes, slot), 1);
  return bytes;
}

const isFull = (bytes: Buffer, slot: number): boolean =>
  slot > 0 && bytes[0] === full && bytes.readUInt32BE(1) === checkOf(bytes, slot);

const checkOf = (bytes: Buffer, slot: number): number =>
  crc32(bytes.subarray(secretAt, secretAt + secretLength), crc32(String(slot)));

function asKmsError(error: unknown, path: string): KmsError {
  if (error instanceof KmsError) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new KmsError('storage-full', `There is no room for ${path}.`);
  return new KmsError('unavailable', `The shelf ${path} can't be used (${code}).`);
}
