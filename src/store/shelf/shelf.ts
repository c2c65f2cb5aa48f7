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
 *   slot 0: 'CLVSHELF' 8 | format 1 | id of the shelf 16 | zeros
 *   others: state 1 | CRC-32 of number, owner and secret 4 | secret 32 | CRC-32 of the owner 4 | zeros
 *
 * A slot is empty, then full, then erased, and never goes back: of two copies the one that is further in any slot is the newer one.
 */
const slotLength = 64;
const magic = Buffer.from('CLVSHELF\x01', 'latin1');
const idAt = magic.length;
const idLength = 16;
const full = 1;
const erased = 2;
const secretAt = 5;
const secretLength = 32;
const ownerAt = secretAt + secretLength;
const ownerLength = 4;
const flushFile = promisify(fdatasync);

/** Where a secret is. On a shelf that was put back from an older copy, slots are given again: so a slot knows whose it is. */
export interface Slot {
  readonly slot: number;
  readonly owner: string;
}

/** A copy of the shelf that lacks what it has, or still has what it has not. */
export interface Behind {
  readonly path: string;
  readonly why: string;
}

/** What a keyring asks of a shelf. */
export interface Shelf {
  /** The secret in that slot; undefined where none of that owner is, or no longer. */
  read(place: Slot): Uint8Array | undefined;
  /** Whether a secret was there that was destroyed. */
  isErased(slot: number): boolean;
  /** Its slot, on disk when it resolves. Of 32 bytes. Rejects with 'unavailable' or 'storage-full'. */
  put(secret: Uint8Array, owner: string): Promise<number>;
  /**
   * Overwritten and flushed here when it resolves, but for what is another owner's, and in each mirror but those that are `behind`. Rejects
   * with 'unavailable'.
   */
  erase(places: readonly Slot[]): Promise<void>;
  behind(): readonly Behind[];
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
  /** Slots that are not in the mirrors yet. */
  readonly #written = new Set<number>();
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

  read({ slot, owner }: Slot): Uint8Array | undefined {
    const bytes = readSlot(this.#fd, slot);
    return isFull(bytes, slot) && isOf(bytes, owner) ? bytes.subarray(secretAt, ownerAt) : undefined;
  }

  isErased(slot: number): boolean {
    return readSlot(this.#fd, slot).equals(nothing);
  }

  async put(secret: Uint8Array, owner: string): Promise<number> {
    const slot = this.#next++;
    const bytes = slotOf(slot, secret, owner);
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

  async erase(places: readonly Slot[]): Promise<void> {
    try {
      for (const place of places) if (!this.#isAnothers(place)) this.#write(place.slot, nothing);
      await this.#flush();
    } catch (error) {
      throw asKmsError(error, this.#path);
    }
  }

  #isAnothers({ slot, owner }: Slot): boolean {
    const bytes = readSlot(this.#fd, slot);
    const anothers = isFull(bytes, slot) && !isOf(bytes, owner);
    bytes.fill(0);
    return anothers;
  }

  behind(): readonly Behind[] {
    return this.#mirrors.flatMap(({ path, behind }) => (behind === undefined ? [] : [{ path, why: behind }]));
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
        // A mirror is never ahead of what is on disk here.
        if (this.#flushes) fdatasyncSync(this.#fd);
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
    this.#next = Math.max(this.#next, slot + 1);
    this.#written.add(slot);
  }

  /** One flush for all that was written before it began. */
  #flush(): Promise<void> {
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

  /** Here first: then a mirror that is ahead of the shelf tells that the shelf is not the living one. */
  async #flushAll(): Promise<void> {
    const written = [...this.#written];
    if (this.#flushes) await flushFile(this.#fd);
    for (const slot of written) this.#written.delete(slot);
    for (const mirror of this.#mirrors) {
      if (mirror.behind !== undefined) continue;
      try {
        for (const slot of written) copySlot(this.#fd, mirror.fd!, slot);
        await flushFile(mirror.fd!);
      } catch (error) {
        fallBehind(mirror, error);
      }
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

function copySlot(from: number, to: number, slot: number): void {
  const bytes = readSlot(from, slot);
  try {
    if (writeSync(to, bytes, 0, slotLength, slot * slotLength) !== slotLength) throw new Error('it is full');
  } finally {
    bytes.fill(0);
  }
}

/** What differs is written, a piece at a time; then it is flushed. Throws where the copy is further in any slot, and leaves that piece. */
function copyTo(from: number, to: number): void {
  const [here, there] = [Buffer.alloc(step), Buffer.alloc(step)];
  try {
    for (let at = 0, length = step, other = step; length === step || other === step; at += step) {
      here.fill(0);
      there.fill(0);
      length = readSync(from, here, 0, step, at);
      other = readSync(to, there, 0, step, at);
      if (here.equals(there)) continue;
      assertNotAhead(here, there, at / slotLength);
      if (writeSync(to, here, 0, length, at) !== length) throw new Error('it is full');
    }
  } finally {
    here.fill(0);
    there.fill(0);
  }
  ftruncateSync(to, fstatSync(from).size);
  fdatasyncSync(to);
}

function assertNotAhead(here: Buffer, there: Buffer, first: number): void {
  for (let at = first === 0 ? slotLength : 0; at < there.length; at += slotLength) {
    const slot = first + at / slotLength;
    const [own, copy] = [here.subarray(at, at + slotLength), there.subarray(at, at + slotLength)];
    const [reached, further] = [stageOf(own, slot), stageOf(copy, slot)];
    if (further > reached || (further === full && reached === full && !own.equals(copy))) {
      throw new Error('it holds what the shelf here does not: one of the two is not the living one');
    }
  }
}

/** How far a slot has come; one that is damaged is taken for empty. */
function stageOf(bytes: Buffer, slot: number): number {
  if (isFull(bytes, slot)) return full;
  return bytes.equals(nothing) ? erased : 0;
}

/** What is left of a slot that was erased. */
const nothing = Buffer.alloc(slotLength);
nothing[0] = erased;

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

function slotOf(slot: number, secret: Uint8Array, owner: string): Buffer {
  const bytes = Buffer.alloc(slotLength);
  bytes[0] = full;
  bytes.set(secret, secretAt);
  bytes.writeUInt32BE(crc32(owner), ownerAt);
  bytes.writeUInt32BE(checkOf(bytes, slot), 1);
  return bytes;
}

const isFull = (bytes: Buffer, slot: number): boolean =>
  slot > 0 && bytes[0] === full && bytes.readUInt32BE(1) === checkOf(bytes, slot);

const isOf = (bytes: Buffer, owner: string): boolean => bytes.readUInt32BE(ownerAt) === crc32(owner);

const checkOf = (bytes: Buffer, slot: number): number =>
  crc32(bytes.subarray(secretAt, ownerAt + ownerLength), crc32(String(slot)));

function asKmsError(error: unknown, path: string): KmsError {
  if (error instanceof KmsError) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new KmsError('storage-full', `There is no room for ${path}.`);
  return new KmsError('unavailable', `The shelf ${path} can't be used (${code}).`);
}
